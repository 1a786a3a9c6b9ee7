"""The page of costs: sums, bars by day, groups, savings, estimates, invoices."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.web.axe import assert_accessible
from tests.web.browser import Visit
from tests.web.pictures import come_to_rest

pytestmark = pytest.mark.scene("rich")


def opened(visit: Visit, path: str) -> Page:
    page = visit.open(path)
    come_to_rest(page)
    return page


def test_a_range_shows_its_sums_and_how_they_are_known(visit: Visit) -> None:
    page = opened(visit, "/costs")
    expect(page).to_have_title("Costs · Tradewind")
    seen = visit.stage.get("/cost/overview", range="30d", by="provider")
    expect(page.get_by_text(seen["total"]["amount"]["text"], exact=True).first).to_be_visible()
    expect(page.get_by_text(seen["before"]["text"])).to_be_visible()
    for part in seen["known_by"]:
        expect(page.get_by_text(part["label"], exact=True).first).to_be_visible()
    table = page.get_by_role("table", name="Spend by Provider")
    for row in seen["rows"]:
        line = table.get_by_role("row").filter(has_text=row["label"]).first
        expect(line).to_contain_text(row["amount"]["text"])
    chart = page.get_by_role("img", name=re.compile("^Spend by day"))
    expect(chart).to_have_attribute("aria-label", re.compile(re.escape(seen["series"][0]["total"]["text"])))


def test_savings_and_waste_say_what_they_rest_on(visit: Visit) -> None:
    page = opened(visit, "/costs")
    for saving in visit.stage.get("/cost/overview", range="30d", by="provider")["savings"]:
        basis = saving["basis"]
        expect(page.get_by_text(basis[0].upper() + basis[1:])).to_be_visible()
    expect(page.get_by_role("heading", name="Idle machines")).to_be_visible()
    other = page.get_by_role("textbox", name="Compare with this accelerator")
    other.fill("RTX 4090")
    other.press("Enter")
    expect(page).to_have_url(re.compile(r"local=RTX"))
    expect(page.get_by_text(re.compile("The same work on 1 × RTX 4090"))).to_be_visible()


def test_range_group_and_narrowing_stand_in_the_address(visit: Visit) -> None:
    page = opened(visit, "/costs")
    page.get_by_role("radiogroup", name="Range").get_by_text("7 days").click()
    expect(page).to_have_url(re.compile("range=7d"))
    page.get_by_role("combobox", name="Group by").click()
    page.get_by_role("option", name="By Accelerator").click()
    expect(page).to_have_url(re.compile("by=accelerator"))
    table = page.get_by_role("table", name="Spend by Accelerator")
    seen = visit.stage.get("/cost/overview", range="7d", by="accelerator")
    expect(table).to_contain_text(seen["rows"][0]["label"])
    page.get_by_role("button", name=re.compile(f"Only {re.escape(seen['rows'][0]['label'])}")).click()
    expect(page).to_have_url(re.compile("only=accelerator"))
    page.reload()
    expect(page.get_by_role("table", name="Spend by Job")).to_be_visible()
    narrowed = visit.stage.get(
        "/cost/overview", range="7d", by="job", only=f"accelerator={seen['rows'][0]['group']['accelerator']}"
    )
    expect(page.get_by_text(f"{narrowed['total']['amount']['text']} in all")).to_be_visible()
    page.get_by_role("button", name=re.compile("^Show more than")).click()
    expect(page).not_to_have_url(re.compile("only="))


def test_a_group_leads_to_its_jobs(visit: Visit) -> None:
    page = opened(visit, "/costs")
    link = page.get_by_role("table", name="Spend by Provider").get_by_role("link", name="vast", exact=True)
    expect(link).to_have_attribute("href", "/jobs?provider=vast")


def test_days_of_ones_own_and_an_empty_range(visit: Visit) -> None:
    page = opened(visit, "/costs?since=2020-01-01&until=2020-01-10")
    expect(page.get_by_role("heading", name="Nothing was closed in this range")).to_be_visible()
    first = page.get_by_label("First day")
    expect(first).to_have_value("2020-01-01")
    first.fill("2020-01-05")
    expect(page).to_have_url(re.compile("since=2020-01-05"))


def test_the_chart_is_a_table_too(visit: Visit) -> None:
    page = opened(visit, "/costs")
    page.get_by_role("button", name="View as table").click()
    figures = page.get_by_role("region", name="Spend by day, figures")
    expect(figures.get_by_role("row")).to_have_count(31)
    assert_accessible(page)


def test_what_is_shown_is_exported(visit: Visit) -> None:
    page = opened(visit, "/costs?by=accelerator&range=7d")
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as download:
        page.get_by_role("menuitem", name="Groups of this range (CSV)").click()
    rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text(encoding="utf-8"))))
    seen = visit.stage.get("/cost/overview", range="7d", by="accelerator")
    assert [row["accelerator"] for row in rows] == [
        *(each["group"]["accelerator"] for each in seen["rows"]), "total"
    ]  # fmt: skip
    assert round(float(rows[-1]["amount"]) * 1e6) == seen["total"]["amount"]["micro"]


def test_estimates_stand_beside_what_came(visit: Visit) -> None:
    page = opened(visit, "/costs")
    page.get_by_role("tab", name="Estimated and actual").click()
    expect(page).to_have_url(re.compile("tab=estimates"))
    come_to_rest(page)
    known = visit.stage.get("/cost/overview", range="30d", by="provider")
    jobs = visit.stage.get("/cost/jobs", since=known["since"], until=known["until"])
    expect(page.get_by_text(jobs["text"][0].upper() + jobs["text"][1:])).to_be_visible()
    table = page.get_by_role("table", name="Estimated and actual cost of jobs")
    expect(table.get_by_role("link", name=jobs["items"][0]["name"], exact=True).first).to_be_visible()
    assert_accessible(page)


@pytest.mark.parametrize("scheme", [pytest.param("dark", marks=pytest.mark.dark), "light"])
def test_each_estimate_is_a_dot_against_what_came(visit: Visit, scheme: str) -> None:
    page = opened(visit, "/costs?tab=estimates")
    known = visit.stage.get("/cost/overview", range="30d", by="provider")
    rows = visit.stage.get("/cost/jobs", since=known["since"], until=known["until"])["items"]
    compared = [each for each in rows if each["estimated"] and each["actual"] and each["actual"]["micro"] > 0]
    assert compared
    chart = page.get_by_role("img", name=re.compile("^Cost of"))
    expect(chart).to_have_attribute("aria-label", re.compile(f"^Cost of {len(compared)} jobs"))
    dots = chart.locator("circle")
    expect(dots).to_have_count(len(compared))
    dots.last.hover(force=True)
    expect(page.get_by_role("tooltip")).to_contain_text(", estimated $")
    expect(page.get_by_role("img", name=re.compile("^Time of"))).to_be_visible()
    come_to_rest(page)
    assert_accessible(page)


INVOICE = """\
period,resource,description,quantity,unit,amount,currency
2026-10,i-unknown,H100,3,hours,3.20,USD
2026-10,,tax,,,1.00,USD
"""


def test_an_invoice_is_read_before_it_is_taken_in_and_held_against_the_ledger(visit: Visit) -> None:
    page = opened(visit, "/costs?tab=invoices")
    expect(page.get_by_role("heading", name="No invoice was imported")).to_be_visible()
    page.get_by_role("button", name="Import an invoice").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("combobox", name="Provider").click()
    page.get_by_role("option", name=re.compile("Lambda")).click()
    with page.expect_file_chooser() as chooser:
        dialog.get_by_role("button", name=re.compile("CSV file")).click()
    chooser.value.set_files({"name": "october.csv", "mimeType": "text/csv", "buffer": INVOICE.encode()})
    dialog.get_by_role("button", name="Read it").click()
    expect(dialog.get_by_role("status")).to_contain_text("2 lines, $4.20")
    assert visit.stage.get("/cost/invoices")["items"] == []
    dialog.get_by_role("button", name="Take in 2 lines").click()
    expect(dialog).to_be_hidden()
    table = page.get_by_role("table", name="Invoice against ledger")
    unknown = table.get_by_role("row").filter(has_text="i-unknown")
    expect(unknown).to_contain_text("Invoice only")
    unknown.get_by_role("checkbox").check()
    page.get_by_role("button", name="Take over what the invoice says").click()
    page.get_by_role("dialog").get_by_role("button", name="Take over").click()
    expect(unknown).to_contain_text("Agrees")
    assert_accessible(page)


def test_an_unreadable_invoice_names_its_lines(visit: Visit) -> None:
    visit.complaints.allow("422")
    page = opened(visit, "/costs?tab=invoices&import=true")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("combobox", name="Provider").click()
    page.get_by_role("option", name=re.compile("Lambda")).click()
    with page.expect_file_chooser() as chooser:
        dialog.get_by_role("button", name=re.compile("CSV file")).click()
    bad = b"period,resource,amount\n1,2,x\n"
    chooser.value.set_files({"name": "bad.csv", "mimeType": "text/csv", "buffer": bad})
    dialog.get_by_role("button", name="Read it").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Bad.csv, line 2")


def test_costs_are_accessible(visit: Visit) -> None:
    assert_accessible(opened(visit, "/costs"))


@pytest.mark.dark
@pytest.mark.phone
def test_costs_fit_a_phone_in_the_dark(visit: Visit) -> None:
    page = opened(visit, "/costs")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert_accessible(page)

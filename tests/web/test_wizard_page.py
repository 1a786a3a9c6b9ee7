"""The wizard: from a template, a folder, an earlier job or an offer to a running job, with every step checked."""

from __future__ import annotations

import io
import json
import re
import tarfile
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.web.axe import assert_accessible
from tests.web.browser import Visit

STEPS = ("Source", "Data and outputs", "Resources", "Configuration", "Provider", "Review")


def begin(visit: Visit, query: str = "") -> Page:
    page = visit.open(f"/new{query}")
    expect(page.get_by_role("heading", name="New job")).to_be_visible()
    expect(page.get_by_role("heading", name="Source", exact=True)).to_be_visible()
    return page


def go(page: Page, step: str) -> None:
    """To a step by the list of steps."""
    steps = page.get_by_role("navigation", name="Steps")
    steps.get_by_role("button", name=re.compile(f"^{step}")).click()
    expect(page.get_by_role("heading", name=step, exact=True)).to_be_visible()


def following(page: Page, step: str) -> None:
    """To the next step, which must be this one."""
    page.get_by_role("button", name=f"Next: {step}").click()
    expect(page.get_by_role("heading", name=step, exact=True)).to_be_visible()


def pick(page: Page, label: str) -> None:
    """One of several that exclude each other."""
    page.locator("label").filter(has_text=re.compile(f"^{re.escape(label)}$")).click()


def use_template(page: Page, title: str) -> None:
    pick(page, "Template")
    page.get_by_role("button", name=f"Use {title}").click()
    expect(page.get_by_role("button", name=f"Start over from {title}")).to_be_visible()


def write_command(page: Page, name: str = "mine", command: str = "python train.py") -> None:
    page.get_by_label("Name", exact=False).and_(page.locator("[name=name]")).fill(name)
    go(page, "Configuration")
    page.locator("[name=run]").fill(command)


def launch(page: Page) -> str:
    """Starts it; the id of the job."""
    expect(page.get_by_role("button", name="Launch")).to_be_enabled()
    page.get_by_role("button", name="Launch").click()
    page.wait_for_url(re.compile(r"/jobs/job_"))
    return page.url.rsplit("/", 1)[-1]


def editor(page: Page) -> Any:
    return page.get_by_label("Job file", exact=True)


def drafts_of(page: Page) -> list[dict[str, Any]]:
    found = page.evaluate(
        "Object.entries(localStorage).filter(([key]) => key.startsWith('tradewind-draft-')).map(([, text]) => text)"
    )
    return [json.loads(text) for text in found]


def test_from_a_template_through_every_step_to_a_running_job(visit: Visit) -> None:
    page = begin(visit)
    use_template(page, "Handwritten digits")
    expect(page.locator("[name=name]")).to_have_value("digits")
    expect(page.get_by_test_id("files")).to_contain_text("3 files")
    following(page, "Data and outputs")
    expect(page.locator("[name='checkpoints.path']")).to_have_value("ckpt")
    expect(page.get_by_text("is not supported by this version", exact=False).first).to_be_visible()
    following(page, "Resources")
    expect(page.locator("[name='estimate.hours']")).to_have_value("0.01")
    following(page, "Configuration")
    expect(page.locator("[name=run]")).to_have_value("python train.py --epochs 20")
    expect(page.get_by_label("On this machine")).to_contain_text("Carbon")
    expect(page.get_by_label("Cheapest elsewhere")).to_contain_text("Price")
    following(page, "Provider")
    following(page, "Review")
    expect(page.get_by_text("The only connected place that fits", exact=False)).to_be_visible()
    expect(page.get_by_text("Cost, P10 to P90")).to_be_visible()
    expect(editor(page)).to_have_value(re.compile("^version: 1\nname: digits\nworkdir: .\n"))
    expect(page.get_by_text("tradewind run digits.yaml", exact=True)).to_be_visible()
    job_id = launch(page)
    assert drafts_of(page) == []
    job = visit.stage.until(job_id, "running")
    assert job["name"] == "digits"
    assert job["spec"]["outputs"] == ["out/metrics.json"]
    assert visit.stage.get(f"/jobs/{job_id}/clone")["files"]["files"] == [
        "job.yaml",
        "requirements.txt",
        "train.py",
    ]


@pytest.mark.phone
@pytest.mark.dark
def test_the_whole_way_on_a_phone(visit: Visit) -> None:
    page = begin(visit)
    use_template(page, "Fail and resume")
    for step in STEPS[1:]:
        following(page, step)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), step
    expect(page.get_by_text("Step 6 of 6")).to_be_visible()
    assert visit.stage.job(launch(page))["name"] == "resume"


def test_faults_are_shown_at_their_fields_and_hold_the_step_back(visit: Visit) -> None:
    page = begin(visit)
    name = page.locator("[name=name]")
    # Nothing is wrong before somebody could have filled it in.
    expect(page.get_by_text("is missing", exact=False)).to_have_count(0)
    page.get_by_role("button", name="Next: Data and outputs").click()
    expect(page.get_by_text("One thing to mend first")).to_be_visible()
    expect(page.get_by_text("name is missing")).to_be_visible()
    expect(name).to_be_focused()
    name.fill("My Job")
    expect(page.get_by_text("write for example my-job", exact=False)).to_be_visible()
    expect(name).to_have_attribute("aria-invalid", "true")
    # What was said of the value before goes with it, however long the next answer takes.
    held: list[Route] = []
    page.route("**/job-files/check", lambda route: held.append(route))
    name.fill("mine-too")
    expect(name).not_to_have_attribute("aria-invalid", "true")
    page.unroute("**/job-files/check")
    for route in held:
        route.continue_()
    name.fill("my-job")
    expect(name).not_to_have_attribute("aria-invalid", "true")
    following(page, "Data and outputs")
    page.locator("[name='checkpoints.path']").fill("/tmp/x")
    expect(page.get_by_text("must be relative to the workdir", exact=False)).to_be_visible()


def test_what_one_might_regret_is_said_before_it_starts(visit: Visit) -> None:
    page = begin(visit)
    write_command(page)
    go(page, "Review")
    findings = page.get_by_role("list", name="To know of before it starts")
    expect(findings).to_contain_text("it writes no checkpoints")
    expect(findings).to_contain_text("nothing limits what it may cost", ignore_case=True)
    findings.get_by_role("button", name="Provider").click()
    expect(page.get_by_role("heading", name="Provider", exact=True)).to_be_visible()
    page.locator("[name='constraints.budget']").fill("$5")
    page.locator("[name='resources.spot']").select_option("never")
    go(page, "Review")
    expect(findings).not_to_contain_text("it writes no checkpoints")
    expect(findings).not_to_contain_text("limits what it may cost")


def test_a_draft_survives_a_reload_and_is_listed_until_it_is_discarded(visit: Visit) -> None:
    page = begin(visit)
    write_command(page, "kept-draft")
    page.wait_for_function("Object.values(localStorage).some(text => text.includes('python train.py'))")
    page.reload()
    expect(page.get_by_role("heading", name="Configuration", exact=True)).to_be_visible()
    expect(page.locator("[name=run]")).to_have_value("python train.py")
    page = begin(visit)
    expect(page.locator("[name=name]")).to_have_value("")
    page.get_by_role("link", name="kept-draft").click()
    expect(page.locator("[name=run]")).to_have_value("python train.py")
    page.get_by_role("button", name="Discard draft").click()
    expect(page.get_by_role("heading", name="Source", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="kept-draft")).to_have_count(0)
    assert drafts_of(page) == []


def test_going_back_in_the_browser_goes_back_a_step(visit: Visit) -> None:
    page = begin(visit)
    write_command(page)
    go(page, "Provider")
    page.go_back()
    expect(page.get_by_role("heading", name="Configuration", exact=True)).to_be_visible()
    expect(page.locator("[name=run]")).to_have_value("python train.py")


def test_edits_of_the_job_file_are_in_the_steps(visit: Visit) -> None:
    page = begin(visit)
    write_command(page)
    go(page, "Review")
    expect(editor(page)).to_have_value("version: 1\nname: mine\nrun: python train.py\n")
    editor(page).fill("# by hand\nrun: python other.py\nname: by-hand\nversion: 1\nresources: {cpus: 2}\n")
    expect(page.get_by_text("tradewind run by-hand.yaml", exact=True)).to_be_visible()
    editor(page).blur()
    expect(editor(page)).to_have_value(
        "version: 1\nname: by-hand\nrun: python other.py\nresources: {cpus: 2}\n"
    )
    go(page, "Resources")
    expect(page.locator("[name='resources.cpus']")).to_have_value("2")
    go(page, "Configuration")
    expect(page.locator("[name=run]")).to_have_value("python other.py")


def test_a_job_file_that_cannot_be_read_says_where_and_is_not_launched(visit: Visit) -> None:
    page = begin(visit)
    write_command(page)
    go(page, "Review")
    expect(page.get_by_role("button", name="Launch")).to_be_enabled()
    editor(page).fill("version: 1\nname: mine\nrun: [python\n")
    expect(page.get_by_text(re.compile(r"Line \d, column \d: Not valid YAML"))).to_be_visible()
    expect(page.get_by_role("button", name="Launch")).to_be_disabled()
    page.get_by_role("button", name="Go back to what the steps say").click()
    expect(editor(page)).to_have_value("version: 1\nname: mine\nrun: python train.py\n")
    expect(page.get_by_role("button", name="Launch")).to_be_enabled()
    editor(page).fill("version: 1\nname: mine\nrun: python train.py\nflavour: salty\n")
    expect(page.get_by_text("Line 4, column 1: Unknown key", exact=False)).to_be_visible()
    expect(page.get_by_role("button", name="Launch")).to_be_disabled()


def test_a_folder_is_packed_in_the_browser_without_what_is_ignored(visit: Visit, tmp_path: Path) -> None:
    folder = tmp_path / "My Project"
    for path, text in {
        "train.py": "print('hello')\n",
        "run.sh": "#!/bin/sh\npython train.py\n",
        "deep/er/ümlaut.txt": "ä",
        "deep/skip.log": "x",
        "data/big.bin": "x" * 1000,
        ".git/config": "x",
        ".gitignore": "*.log\n/data/\n",
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    page = begin(visit)
    pick(page, "Upload")
    page.get_by_test_id("folder").set_input_files(str(folder))
    expect(page.get_by_test_id("files")).to_contain_text("My Project · 4 files")
    expect(page.locator("[name=name]")).to_have_value("my-project")
    page.get_by_role("button", name="Show files").click()
    expect(page.get_by_role("region", name="Files")).to_have_text(
        ".gitignore\ndeep/er/ümlaut.txt\nrun.sh\ntrain.py"
    )
    go(page, "Configuration")
    page.locator("[name=run]").fill("./run.sh")
    go(page, "Review")
    cloned = visit.stage.get(f"/jobs/{launch(page)}/clone")
    assert cloned["spec"] == {"version": 1, "name": "my-project", "workdir": ".", "run": "./run.sh"}
    archive = visit.stage.server.context.workdirs.path_of(cloned["workdir"])
    with tarfile.open(archive, "r:gz") as tar:
        modes = {member.name: member.mode for member in tar}
        content = tar.extractfile("deep/er/ümlaut.txt")
        assert content is not None
        assert content.read().decode() == "ä"
    assert modes["run.sh"] == 0o755
    assert modes["train.py"] == 0o644


def test_an_archive_with_everything_in_one_folder_says_where_commands_start(
    visit: Visit, tmp_path: Path
) -> None:
    with tarfile.open(tmp_path / "proj.tar.gz", "w:gz") as tar:
        member = tarfile.TarInfo("proj/train.py")
        member.size = 5
        tar.addfile(member, io.BytesIO(b"pass\n"))
    (tmp_path / "broken.tar.gz").write_bytes(b"no archive")
    page = begin(visit)
    pick(page, "Upload")
    page.get_by_test_id("archive").set_input_files(str(tmp_path / "proj.tar.gz"))
    expect(page.get_by_text("write for example proj/train.py", exact=False)).to_be_visible()
    visit.complaints.allow("422")
    page.get_by_test_id("archive").set_input_files(str(tmp_path / "broken.tar.gz"))
    expect(page.get_by_role("alert")).to_contain_text("not a .tar.gz archive")
    page.get_by_role("button", name="Take no files along").click()
    expect(page.get_by_test_id("files")).to_have_count(0)


def test_an_earlier_job_is_taken_over(visit: Visit) -> None:
    stage = visit.stage
    job = stage.submit(name="earlier", run="python old.py", resources={"cpus": 2})
    page = visit.open(f"/new?clone={job['id']}")
    expect(page.locator("[name=name]")).to_have_value("earlier")
    assert "draft=" in page.url
    go(page, "Configuration")
    expect(page.locator("[name=run]")).to_have_value("python old.py")
    # The same from within.
    page = begin(visit)
    pick(page, "Earlier job")
    page.get_by_role("button", name=f"Take over earlier {job['id']}").click()
    expect(page.locator("[name=name]")).to_have_value("earlier")


def test_a_job_that_is_not_there_cannot_be_taken_over(visit: Visit) -> None:
    visit.complaints.allow("404")
    page = visit.open("/new?clone=nothing")
    expect(page.get_by_role("alert")).to_contain_text("There is no job 'nothing'")
    page.get_by_role("link", name="Begin with nothing").click()
    expect(page.get_by_role("heading", name="Source", exact=True)).to_be_visible()


def test_an_offer_pins_the_job_to_its_place_until_it_is_let_go(visit: Visit) -> None:
    page = visit.open("/new?offer=vast%7Ceu-nl%7C%7Cx%7CL4%7C2%7Cspot")
    expect(page.get_by_role("heading", name="Source", exact=True)).to_be_visible()
    go(page, "Provider")
    expect(page.get_by_text("Only vast eu-nl.")).to_be_visible()
    expect(page.locator("[name='resources.spot']")).to_have_value("only")
    pick(page, "Best that fits")
    expect(page.get_by_text("Only vast eu-nl.")).to_have_count(0)
    expect(page.locator("[name='resources.spot']")).to_have_value("only")
    go(page, "Resources")
    expect(page.get_by_role("textbox", name="Accelerator 1")).to_have_value("L4:2")


def test_a_place_of_the_plan_is_chosen_and_let_go_again(visit: Visit) -> None:
    page = begin(visit)
    write_command(page)
    go(page, "Provider")
    pick(page, "One offer")
    choices = page.get_by_role("table", name="Places to choose among")
    choices.get_by_role("button", name="Use local").click()
    expect(page.get_by_text("Only local", exact=False)).to_be_visible()
    go(page, "Review")
    expect(editor(page)).to_have_value(re.compile(r"providers: \[local\]"))


def test_any_of_several_offers_of_the_explorer_is_chosen(visit: Visit) -> None:
    page = begin(visit)
    write_command(page)
    go(page, "Resources")
    page.get_by_role("textbox", name="Accelerator 1").fill("H100:8")
    go(page, "Provider")
    pick(page, "Any of several")
    page.get_by_role("tab", name="All offers").click()
    take = page.get_by_role("button", name=re.compile("^Use this"))
    take.first.click()
    expect(page.get_by_text(re.compile(r"^Only \w+( \S+)*\.$")).first).to_be_visible()
    chosen = page.get_by_role("list", name="Chosen offers")
    expect(chosen.get_by_role("listitem")).to_have_count(1)
    take.first.click()
    expect(chosen.get_by_role("listitem")).to_have_count(2)
    expect(chosen.get_by_role("button", name=re.compile("^Move"))).to_have_count(0)
    chosen.get_by_role("button", name=re.compile("^Remove")).first.click()
    expect(chosen.get_by_role("listitem")).to_have_count(1)
    take.first.click()
    expect(chosen.get_by_role("listitem")).to_have_count(2)
    go(page, "Review")
    expect(editor(page)).to_have_value(re.compile(r"any_of:(.|\n)*ordered: false"))


def test_offers_are_put_in_order_by_keyboard_and_the_job_file_says_so(visit: Visit) -> None:
    page = begin(visit)
    write_command(page)
    go(page, "Resources")
    page.get_by_role("textbox", name="Accelerator 1").fill("H100:8")
    go(page, "Provider")
    pick(page, "In order")
    page.get_by_role("tab", name="All offers").click()
    take = page.get_by_role("button", name=re.compile("^Use this"))
    for count in (1, 2, 3):
        take.first.click()
        rows = page.get_by_role("list", name="Order of preference").get_by_role("listitem")
        expect(rows).to_have_count(count)
    before = [row.inner_text() for row in rows.all()]
    names = [text.splitlines()[-1] for text in before]
    # The last one to the top: twice up, with nothing but the keyboard.
    rows.nth(2).get_by_role("button", name=re.compile("^Move .* up$")).focus()
    page.keyboard.press("ArrowUp")
    expect(rows.nth(1)).to_contain_text(names[2])
    expect(rows.nth(1).get_by_role("button", name=re.compile("^Move .* up$"))).to_be_focused()
    page.keyboard.press("Enter")
    expect(rows.nth(0)).to_contain_text(names[2])
    expect(page.get_by_text(re.compile(r"^First .*, then .*: the next where the one before"))).to_be_visible()
    held = drafts_of(page)[0]["spec"]["resources"]["any_of"]
    assert [one["providers"][0] for one in held] == [re.split("[ ,]", names[place])[0] for place in (2, 0, 1)]
    go(page, "Review")
    expect(editor(page)).to_have_value(re.compile(r"any_of:"))
    expect(editor(page)).not_to_have_value(re.compile(r"ordered:"))
    expect(page.get_by_text("tradewind run mine.yaml")).to_be_visible()
    # And back: as a set, then anywhere.
    go(page, "Provider")
    pick(page, "Any of several")
    expect(page.get_by_role("list", name="Chosen offers").get_by_role("listitem")).to_have_count(3)
    pick(page, "Best that fits")
    expect(page.get_by_role("list", name="Chosen offers")).to_have_count(0)
    go(page, "Review")
    expect(editor(page)).not_to_have_value(re.compile(r"any_of"))


def test_the_memory_of_a_model_names_accelerators_to_take(visit: Visit) -> None:
    page = begin(visit)
    go(page, "Resources")
    pick(page, "A known model")
    page.locator("[name='estimate.model']").fill("llama-3.1-8b")
    expect(page.get_by_text("8.03 billion parameters", exact=False).first).to_be_visible()
    page.keyboard.press("Escape")
    page.locator("[name='estimate.method']").select_option("lora")
    page.locator("[name='estimate.batch']").fill("8")
    page.locator("[name='estimate.sequence_length']").fill("2048")
    fits = page.get_by_role("table", name="Accelerators that fit")
    expect(fits).to_contain_text("1 × L40S")
    fits.get_by_role("button", name="Take L40S:1").click()
    expect(page.get_by_role("textbox", name="Accelerator 1")).to_have_value("L40S:1")
    fits.get_by_role("button", name="Take H100 SXM:1").click()
    expect(page.get_by_role("textbox", name="Accelerator 2")).to_have_value("H100 SXM:1")
    expect(fits.get_by_role("button", name="Take L40S:1")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name=re.compile("Item by item")).click()
    expect(page.get_by_role("list", name="Memory by item")).to_contain_text("weights")
    expect(page.get_by_text("how much llama-3.1-8b is trained on is not said", exact=False)).to_have_count(0)
    page.locator("[name='estimate.tokens']").fill("50M")
    go(page, "Configuration")
    expect(page.get_by_label("Cheapest elsewhere")).to_contain_text(re.compile("L40S|H100 SXM"))


def test_pressing_launch_twice_starts_one_job(visit: Visit) -> None:
    page = begin(visit)
    write_command(page, "twice")
    go(page, "Review")
    expect(page.get_by_role("button", name="Launch")).to_be_enabled()
    page.get_by_role("button", name="Launch").dblclick()
    page.wait_for_url(re.compile(r"/jobs/job_"))
    assert len(visit.stage.get("/jobs", name="twice")["items"]) == 1


def test_an_answer_that_is_lost_on_its_way_starts_no_second_job(visit: Visit) -> None:
    page = begin(visit)
    write_command(page, "lost")
    go(page, "Review")
    visit.complaints.allow("ERR_CONNECTION_RESET", "net::ERR_FAILED")

    def lose(route: Route) -> None:
        if route.request.method == "POST":
            route.fetch()
            route.abort("connectionreset")
        else:
            route.fallback()

    page.route("**/api/v1/jobs", lose)
    page.get_by_role("button", name="Launch").click()
    expect(page.get_by_role("alert").filter(has_text="does not answer")).to_be_visible()
    page.unroute("**/api/v1/jobs")
    # Also after a reload it is the same request.
    page.reload()
    job_id = launch(page)
    assert [job["id"] for job in visit.stage.get("/jobs", name="lost")["items"]] == [job_id]


def test_a_server_that_fails_is_said_to(visit: Visit) -> None:
    visit.complaints.allow("500")
    page = visit.page
    problem = {
        "type": "about:blank",
        "title": "x",
        "status": 500,
        "detail": "the server hit a bug",
        "code": "TW-E100",
        "causes": [],
        "errors": [],
    }
    page.route("**/api/v1/templates", lambda route: route.fulfill(status=500, json=problem))
    page = begin(visit)
    pick(page, "Template")
    expect(page.get_by_role("alert")).to_contain_text("The server hit a bug", timeout=20_000)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_step_is_accessible(visit: Visit, scheme: str) -> None:
    page = visit.page
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page = begin(visit)
    use_template(page, "Handwritten digits")
    for step in STEPS:
        go(page, step)
        if step == "Provider":
            pick(page, "Any of several")
            expect(page.get_by_role("table", name="Places to choose among")).to_be_visible()
            page.locator("[name='constraints.budget']").fill("nothing")
            expect(page.locator("[name='constraints.budget']")).to_have_attribute("aria-invalid", "true")
        if step == "Review":
            expect(page.get_by_role("heading", name="To mend before it can start")).to_be_visible()
        assert_accessible(page)


def test_the_steps_are_used_by_keyboard_alone(visit: Visit) -> None:
    page = begin(visit)
    page.locator("[name=name]").focus()
    page.keyboard.type("by-keys")
    page.get_by_role("button", name="Next: Data and outputs").focus()
    page.keyboard.press("Enter")
    heading = page.get_by_role("heading", name="Data and outputs", exact=True)
    expect(heading).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("[name='checkpoints.path']")).to_be_focused()

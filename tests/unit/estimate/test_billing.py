"""Bills of every provider, to the cent, and how long a machine there takes to start."""

from __future__ import annotations

import csv
import os
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewind.domain.billing import Phase
from tradewind.domain.errors import NotFoundError
from tradewind.domain.money import Money
from tradewind.domain.offers import Availability
from tradewind.estimate.billing import billing_rule, billing_rule_of, setup_time, to_cents, wait_time

HERE = Path(__file__).parent
SHARED = Path(os.environ.get("TRADEWIND_SHARED", HERE.parents[3] / "shared"))
#: As in the columns of the golden file.
SECONDS = (0, 59, 60, 61, 3_599, 3_601)
#: The table of 24 providers, by our ids; two of ours share one row of it.
TABLE_IDS = {"vertex-ai": ("vertex",), "slurm/k8s local": ("slurm", "kubernetes")}


def _golden() -> list[dict[str, str]]:
    with (HERE / "golden_invoices.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("row", _golden(), ids=lambda row: "-".join(list(row.values())[:3]))
def test_golden_invoices(row: dict[str, str]) -> None:
    rule = billing_rule(row["provider"], product=row["product"])
    rate = rule.rate(Money.parse(row["usd_per_hour"]).micro)
    bill = [Decimal(to_cents(rate.charge(seconds))) / 100 for seconds in SECONDS]
    assert bill == [Decimal(row[f"s_{seconds}"]) for seconds in SECONDS]


def test_the_golden_file_covers_every_rule_that_is_published() -> None:
    assert len({(row["provider"], row["product"]) for row in _golden()}) >= 24
    assert {row["provider"] for row in _golden()} >= {
        "aws", "gcp", "azure", "oci", "lambda", "runpod", "vast", "together", "nebius", "verda", "coreweave", "crusoe",
        "paperspace", "scaleway", "vultr", "digitalocean", "hyperstack", "jarvislabs", "modal", "sagemaker", "vertex",
        "fptcloud", "slurm", "kubernetes", "local",
    }  # fmt: skip


@pytest.mark.skipif(not (SHARED / "data").is_dir(), reason="no shared data beside the repository")
def test_every_provider_of_the_shared_table_has_a_rule_and_a_set_up_time_of_its_own() -> None:
    with (SHARED / "data" / "billing_and_setup.csv").open(encoding="utf-8") as file:
        names = [row["provider"] for row in csv.DictReader(file)]
    assert len(names) == 24
    for name in names:
        for provider in TABLE_IDS.get(name, (name,)):
            assert billing_rule(provider) is not billing_rule("nobody-knows-it")
            assert (
                setup_time(provider).source != setup_time("nobody-knows-it").source or provider == "fptcloud"
            )


def test_what_nobody_has_published_is_marked() -> None:
    assert billing_rule("aws").assumed == frozenset()
    assert "minimum" in billing_rule("together").assumed
    assert "minimum" in billing_rule("vertex").assumed
    assert {"granularity", "minimum"} <= billing_rule("crusoe").assumed


def test_an_unknown_provider_is_billed_by_the_second_and_all_of_it_is_assumed() -> None:
    rule = billing_rule("nobody-knows-it")
    assert (rule.granularity_s, rule.minimum_s) == (1, 0)
    assert rule.assumed == {"granularity", "minimum", "billed"}
    assert setup_time("nobody-knows-it").is_assumed


def test_an_unknown_product_is_refused_with_those_there_are() -> None:
    with pytest.raises(NotFoundError) as refusal:
        billing_rule("fptcloud", product="training")
    assert "fine_tune" in (refusal.value.hint or "")


def test_the_type_of_machine_chooses_the_rule_where_it_matters() -> None:
    assert billing_rule_of("oci", "BM.GPU.H100.8").minimum_s == 3_600
    assert billing_rule_of("oci", "VM.GPU.A10.1").minimum_s == 60
    assert billing_rule_of("scaleway", "H100-1-80G").granularity_s == 60
    assert billing_rule_of("scaleway", "PRO2-M", has_accelerator=False).granularity_s == 3_600
    assert billing_rule_of("together", "8xH100").granularity_s == 3_600


def test_boot_is_billed_only_where_the_rule_says_so() -> None:
    assert Phase.BOOTING in billing_rule("scaleway").billed
    assert setup_time("scaleway").unbilled.p50 == 0
    amazon = setup_time("aws")
    assert 0 < amazon.unbilled.p50 < amazon.billed.p50
    assert amazon.billed.p50 + amazon.unbilled.p50 == pytest.approx(2.4, abs=0.2)
    assert not amazon.is_assumed


def test_set_up_of_the_reference_table_is_as_it_says_and_never_billed() -> None:
    lambda_ = setup_time("lambda", price_source="reference-2024")
    assert (lambda_.billed.p90, lambda_.unbilled.p90) == (0, 0)
    together = setup_time("together", price_source="reference-2024")
    assert (together.billed.p90, together.unbilled.p50) == (0, 1)
    assert setup_time("runpod", price_source="reference-2024").billed.p90 == 0
    assert setup_time("lambda").unbilled.p50 >= 3


def test_here_there_is_no_set_up_and_rarer_machines_are_waited_for_longer() -> None:
    here = setup_time("local")
    assert here.billed.p90 + here.unbilled.p90 == 0
    order = [Availability.HIGH, Availability.MEDIUM, Availability.LOW, Availability.UNAVAILABLE]
    waits = [wait_time(each).p50 for each in order]
    assert waits == sorted(waits)
    assert waits[0] < waits[1]


def test_cents_are_half_to_even() -> None:
    assert [to_cents(Money(micro)) for micro in (4_999, 5_000, 15_000, 25_001)] == [0, 0, 2, 3]


PROVIDERS = st.sampled_from(sorted({row["provider"] for row in _golden()} | {"nobody-knows-it"}))


@given(PROVIDERS, st.integers(0, 10**10), st.integers(0, 10**7), st.integers(0, 10**5))
def test_longer_is_never_cheaper_and_never_below_the_minimum(
    provider: str, price: int, seconds: int, more: int
) -> None:
    rule = billing_rule(provider)
    rate = rule.rate(price)
    assert rate.charge(0).micro == 0
    assert rate.charge(seconds).micro <= rate.charge(seconds + more).micro
    if seconds:
        assert rate.charge(seconds).micro >= rate.charge(rule.minimum_s).micro
        assert rate.charge(seconds).micro >= rule.minimum_micro
        # Nothing is billed for less than it was used, to half a micro-dollar.
        assert rate.charge(seconds).micro * 3_600 >= seconds * price - 1_800

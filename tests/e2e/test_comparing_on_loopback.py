"""The provider comparison on a real server: asked without a token, by the command line, and after `kill -9`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.installation import Installation

pytestmark = pytest.mark.e2e
_PRICES = """version: 1
as_of: 2026-01-01
offers:
  - {provider: our-cluster, region: cellar, instance_type: box, accelerator: H100, count: 1, price: $0.02/h}
"""
_EXAMPLE = {
    "training_hours": 10,
    "min_memory_gb": 80,
    "platforms": ["runpod", "lambda_labs", "together_ai"],
    "price_source": "reference-2024",
    "local_electricity_cost": 2.50,
}


@pytest.fixture
def shop(cold: Installation) -> Installation:
    """A running installation that asks nobody for prices."""
    cold.extra_environment = {"TRADEWIND_PRICE_SOURCES": "shipped"}
    cold.start()
    return cold


def test_a_client_without_a_token_compares_on_loopback(shop: Installation) -> None:
    answer = shop.request("POST", "/api/cloud/compare-costs", _EXAMPLE, token=None)
    assert answer.status == 200, answer
    summary = answer.json["summary"]
    assert summary["cheapest"] == {"platform": "lambda_labs", "cost": "$12.90", "gpu": "A100 80GB"}
    assert summary["savings_vs_local"] == "48.4%"
    for path in (
        "/platforms",
        "/platforms/lambda?gpu_type=H100",
        "/gpu-types",
        "/instances?gpu_type=A100&platforms=runpod,aws",
        "/setup-instructions/runpod",
    ):
        found = shop.request("GET", f"/api/cloud{path}", token=None)
        assert found.status == 200, (path, found)
        assert found.headers["content-type"].startswith("application/json")
    assert shop.request("GET", "/api/cloud/platforms/nobody", token=None).status == 404
    assert shop.request("POST", "/api/cloud/compare-costs", b"{", token=None).status == 422
    passed_on = shop.request(
        "GET", "/api/cloud/platforms", headers={"X-Forwarded-For": "10.0.0.9"}, token=None
    )
    assert passed_on.status == 401
    assert shop.request("GET", "/api/v1/offers", token=None).status == 401


def test_imported_prices_are_for_their_owner_and_outlive_the_server(
    shop: Installation, tmp_path: Path
) -> None:
    file = tmp_path / "prices.yaml"
    file.write_text(_PRICES, encoding="utf-8")
    imported = shop.cli("prices", "import", str(file))
    assert imported.returncode == 0, imported.stderr
    for is_restarted in (False, True):
        if is_restarted:
            shop.kill()
            shop.start()
        compared = shop.cli("compare", "--hours", "10", "-o", "json")
        assert compared.returncode == 0, compared.stderr
        cheapest = json.loads(compared.stdout)["summary"]["cheapest"]
        assert cheapest == {"platform": "our-cluster", "cost": "$0.20", "gpu": "H100"}
        hidden = shop.request("GET", "/api/cloud/platforms/our-cluster", token=None)
        assert hidden.status == 404
    table = shop.cli("compare", "--hours", "10", "--min-memory", "80", "--local-cost", "2.5")
    assert table.returncode == 0, table.stderr
    assert "Cheapest     our-cluster H100  $0.20 - 99.2% less than here" in table.stdout
    nothing = shop.cli("compare", "--hours", "10", "--min-memory", "5000")
    assert nothing.returncode == 6
    assert "5000 GB" in nothing.stderr

"""What every provider says of itself: complete, honest, and to be found by any of its names."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from tradewind.domain.errors import NotFoundError
from tradewind.domain.offers import SelfTermination
from tradewind.providers import about as about_module
from tradewind.providers import plugins, prices
from tradewind.providers.about import About, all_abouts, broken_abouts, find_about, plain_name
from tradewind.providers.registry import known_providers
from tradewind.providers.renting import rentable_providers

ABOUTS = all_abouts()
#: id -> its id under /api/cloud and its provider type, as agreed with clients that exist.
AGREED = {
    "local": ("local", "local"),
    "ssh": ("ssh", "ssh"),
    "aws": ("aws", "aws-ec2"),
    "gcp": ("gcp", "gcp-compute"),
    "azure": ("azure", "azure-vm"),
    "sagemaker": ("sagemaker", "aws-sagemaker"),
    "vertex": ("vertex", "gcp-vertex"),
    "azureml": ("azureml", "azure-ml"),
    "runpod": ("runpod", "runpod"),
    "vast": ("vast", "vast"),
    "lyceum": ("lyceum", "lyceum"),
    "digitalocean": ("digitalocean", "digitalocean"),
    "paperspace": ("paperspace", "paperspace"),
    "coreweave": ("coreweave", "coreweave"),
    "lambda": ("lambda_labs", "lambda-labs"),
    "together": ("together_ai", "together-ai"),
    "modal": ("modal", "modal"),
    "kubernetes": ("kubernetes", "kubernetes"),
    "slurm": ("slurm", "slurm"),
    "ray": ("ray", "ray"),
    "oci": ("oci", "oci"),
    "vultr": ("vultr", "vultr"),
}


def test_all_are_there_under_the_agreed_names() -> None:
    assert {each.id: (each.cloud_id, each.provider_type) for each in ABOUTS.values()} == AGREED
    assert broken_abouts() == ()


@pytest.mark.parametrize("about", ABOUTS.values(), ids=lambda each: each.id)
def test_each_is_complete(about: About) -> None:
    assert 4 <= len(about.setup_steps) <= 7
    assert 2 <= len(about.pros) <= 5
    assert 2 <= len(about.cons) <= 5
    assert about.kind in {"machines", "jobs", "owned"}
    assert about.runs
    assert set(about.runs) <= {"any_command", "fine_tune", "cluster"}
    assert about.title
    assert re.match(r"\d+ min|days", about.estimated_time)
    assert about.api_docs == "/docs" or re.fullmatch(r"https://[\w.-]+/\S*|https://[\w.-]+", about.api_docs)
    assert about.limits
    for sentence in (*about.setup_steps, *about.pros, *about.cons, *about.shortcomings):
        assert re.fullmatch(r"[A-Z`0-9].*[^.\s]\.", sentence), sentence
        assert "  " not in sentence
        assert len(sentence) <= 140
    assert len({*about.setup_steps, *about.pros, *about.cons}) == len(
        (*about.setup_steps, *about.pros, *about.cons)
    )


@pytest.mark.parametrize("about", ABOUTS.values(), ids=lambda each: each.id)
def test_credentials_are_named_as_in_the_steps(about: About) -> None:
    steps = " ".join(about.setup_steps)
    for each in about.credentials:
        assert re.fullmatch(r"[a-z_]+", each.name)
        assert re.fullmatch(r"[A-Z][A-Z0-9_]+", each.environment)
        assert each.title
        if each.is_required:
            assert f"`{each.environment}`" in steps, each.environment
    named = set(re.findall(r"`([A-Z][A-Z0-9_]{4,})`", steps))
    assert named <= {each.environment for each in about.credentials}
    assert len({each.name for each in about.credentials}) == len(about.credentials)
    secrets = {each.name for each in about.credentials if each.is_secret}
    assert {name for name in secrets if name.endswith(("_id", "file", "region", "project"))} == set()


def test_only_places_that_run_jobs_say_so() -> None:
    installed = {each.id for each in ABOUTS.values() if each.can_run}
    assert installed == {*known_providers(), *rentable_providers(), "ssh"}
    for about in ABOUTS.values():
        says_not = any("cannot run jobs" in each for each in about.shortcomings)
        assert says_not is not about.can_run
        assert not any("tradewind run" in step for step in about.setup_steps) or about.can_run


def test_no_two_are_alike() -> None:
    texts = [(each.setup_steps, each.pros, each.cons) for each in ABOUTS.values()]
    assert len(set(texts)) == len(texts)
    for field in range(3):
        assert len({each[field] for each in texts}) == len(texts)


def test_what_ends_the_cost_is_what_is_known() -> None:
    by_kind: dict[SelfTermination, set[str]] = {}
    for each in ABOUTS.values():
        by_kind.setdefault(each.self_termination, set()).add(each.id)
    assert by_kind[SelfTermination.PROVIDER_TTL] == {
        "sagemaker", "vertex", "azureml", "modal", "kubernetes", "slurm",
    }  # fmt: skip
    assert by_kind[SelfTermination.POWEROFF_ENDS_BILLING] == {"local", "aws", "gcp"}


def test_single_machines_are_not_promised_where_none_are_rented() -> None:
    together = ABOUTS["together"]
    assert together.runs == ("fine_tune", "cluster")
    assert all("any_command" in each.runs for each in ABOUTS.values() if each.id != "together")


def test_each_is_found_by_all_its_names() -> None:
    for about in ABOUTS.values():
        for name in (about.id, about.cloud_id, about.provider_type, *about.aliases):
            assert find_about(name) is about
            assert find_about(f" {name.upper()} ") is about
            assert find_about(name.replace("-", "_")) is about
    assert find_about("Lambda Labs").id == "lambda"
    assert find_about("togetherai").id == "together"
    assert find_about("k8s").id == "kubernetes"


@pytest.mark.parametrize("name", ["", "no such place", "run", "lambda labs 2"])
def test_an_unknown_name_is_answered_with_the_known_ones(name: str) -> None:
    with pytest.raises(NotFoundError) as caught:
        find_about(name)
    for known in AGREED:
        assert known in (caught.value.hint or "")


def test_names_belong_to_one_provider() -> None:
    names = [name for about in ABOUTS.values() for name in about.names]
    assert len(names) == len(set(names))
    assert plain_name("Lambda_Labs") == plain_name("lambda-labs") == "lambdalabs"


def test_abouts_import_nothing_heavy() -> None:
    """They are read when the server starts."""
    folder = Path(about_module.__file__).parent
    allowed = {"__future__", "tradewind.domain.offers", "tradewind.providers.about"}
    # Where vendors' own tools keep credentials; what parses their files is loaded when one is read.
    allowed |= {"typing", "tradewind.providers.vendor_files"}
    own = {
        f"tradewind.providers.{path.parent.name}.config_files" for path in folder.glob("*/config_files.py")
    }
    allowed |= own
    assert len(own) == 2
    for path in (*folder.glob("*/about.py"), *folder.glob("*/config_files.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert imported <= allowed, path
        assert not [node for node in ast.walk(tree) if isinstance(node, ast.Import)], path


def make_points(group: str, **values: str) -> list[EntryPoint]:
    return [EntryPoint(name=name, value=value, group=group) for name, value in values.items()]


@pytest.fixture
def fresh() -> Iterator[None]:
    about_module._load.cache_clear()
    yield
    about_module._load.cache_clear()


@pytest.mark.usefixtures("fresh")
def test_a_broken_provider_does_not_take_the_others_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    points = make_points(
        "tradewind.abouts",
        local="tradewind.providers.local.about:ABOUT",
        absent="no_such_package.about:ABOUT",
        misnamed="tradewind.providers.aws.about:ABOUT",
        strange="tradewind.providers.about:About",
        gone="tradewind.providers.aws.about:NOTHING",
    )
    points.append(points[0])
    monkeypatch.setattr(
        plugins, "entry_points", lambda group: [each for each in points if each.group == group]
    )
    assert set(all_abouts()) == {"local"}
    reasons = {each.name: each.reason for each in broken_abouts()}
    assert set(reasons) == {"absent", "misnamed", "strange", "gone", "local"}
    assert "no_such_package" in reasons["absent"]
    assert "'aws'" in reasons["misnamed"]
    assert "not an About" in reasons["strange"]
    assert "another one" in reasons["local"]
    assert find_about("this-machine").id == "local"


def test_a_broken_source_does_not_take_the_others_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    points = make_points(
        "tradewind.price_sources",
        works="builtins:object",
        absent="no_such_package.prices:Source",
        thing="tradewind.providers.local.about:ABOUT",
    )
    monkeypatch.setattr(
        plugins, "entry_points", lambda group: [each for each in points if each.group == group]
    )
    assert set(prices.known_sources()) == {"works"}
    broken = {each.name: each.reason for each in prices.broken_sources()}
    assert set(broken) == {"absent", "thing"}
    assert "cannot be called" in broken["thing"]


@pytest.mark.parametrize(
    "about", [each for each in ABOUTS.values() if each.kind == "machines"], ids=lambda each: each.id
)
def test_every_setting_that_is_read_can_be_set(about: About) -> None:
    """A setting that is not declared is refused: an adapter that needs it could never be used."""
    folder = Path(about_module.__file__).parent / _package_of(about.id)
    read = {
        name
        for path in folder.glob("*.py")
        for name in re.findall(r"settings(?:\.get\(|\[)\"([a-z_]+)\"", path.read_text(encoding="utf-8"))
    }
    declared = [each.name for each in about.all_settings]
    assert read <= set(declared)
    assert len(set(declared)) == len(declared)


def _package_of(provider: str) -> str:
    return {"lambda": "lambda_cloud"}.get(provider, provider)

"""Job files that are being written, over HTTP: checked, begun from something, held to places, with their files."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from tests.unit.catalog.offers_for_tests import offer
from tests.unit.jobs_for_tests import add_job
from tradewind.control.context import Context
from tradewind.control.draft_files import TEMPLATES
from tradewind.control.draft_places import read_key, write_key
from tradewind.control.draft_steps import step_of
from tradewind.db import tables
from tradewind.db.owners import Caller
from tradewind.db.rows import JobRow
from tradewind.db.store import SqlStore, Transaction
from tradewind.domain.schemas import JobSubmission
from tradewind.spec.json_schema import list_keys
from tradewind.spec.models import JobSpec
from tradewind.storage.archives import look_into, pack_files
from tradewind.storage.workdirs import unpack

# The web framework sets an alias on bodies that its own schema library then says has no effect.
pytestmark = pytest.mark.filterwarnings("ignore::pydantic.warnings.UnsupportedFieldAttributeWarning")

RIGHT: dict[str, Any] = {"version": 1, "name": "train", "run": "python train.py"}
Api = httpx2.AsyncClient


async def check(api: Api, **body: Any) -> dict[str, Any]:
    answer = await api.post("/job-files/check", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def send(api: Api, files: dict[str, bytes]) -> str:
    archive = pack_files(files)
    sha256 = hashlib.sha256(archive).hexdigest()
    answer = await api.put(f"/workdirs/{sha256}", content=archive)
    assert answer.status_code == 201
    return sha256


def codes(found: dict[str, Any]) -> set[str]:
    return {warning["code"] for warning in found["warnings"]}


async def test_a_right_job_file_is_written_anew_with_its_command_line(api: Api) -> None:
    found = await check(api, yaml="# mine\nrun: python train.py\nname: train\nversion: 1\n")
    assert found["is_valid"]
    assert found["faults"] == []
    assert found["spec"] == RIGHT
    assert found["yaml"] == "version: 1\nname: train\nrun: python train.py\n"
    assert found["command_line"] == "tradewind run train.yaml"
    assert found["command_note"] == "Save the job file as train.yaml in any folder first."


async def test_a_mapping_and_its_yaml_get_the_same_answer(api: Api) -> None:
    mapping = {**RIGHT, "resources": {"cpus": 0, "gpus": 1}, "data": [{"uri": "s3://x", "mount": "/data"}]}
    of_mapping = await check(api, spec=mapping)
    of_text = await check(api, yaml=of_mapping["yaml"])
    assert of_text == of_mapping
    assert not of_mapping["is_valid"]


async def test_each_fault_says_where_it_is_what_would_be_right_and_which_step_asks_for_it(api: Api) -> None:
    text = (
        "version: 1\nname: My Job\nrun: ''\nresources: {cpus: none, spot: maybe}\n"
        "data:\n- {uri: s3://x, mount: /data}\ncheckpoints: {path: /tmp}\nconstraints: {budget: 0}\nflavour: 1\n"
    )
    found = await check(api, yaml=text)
    seen = {
        fault["where"]: (fault["step"], fault["line"], fault["is_unsupported"]) for fault in found["faults"]
    }
    assert seen == {
        "name": ("source", 2, False),
        "run": ("configuration", 3, False),
        "resources.cpus": ("resources", 4, False),
        "resources.spot": ("provider", 4, False),
        "data": ("data", 6, True),
        "checkpoints.path": ("data", 7, False),
        "constraints.budget": ("provider", 8, False),
        "flavour": ("review", 9, False),
    }
    assert all(fault["hint"] and fault["column"] for fault in found["faults"])
    counted = {step["id"]: step["faults"] for step in found["steps"]}
    assert counted == {"source": 1, "data": 2, "resources": 1, "configuration": 1, "provider": 2, "review": 1}
    named = next(fault for fault in found["faults"] if fault["where"] == "name")
    assert named["path"] == ["name"]
    assert named["hint"] == "write for example my-job"


async def test_a_step_hears_of_itself_only(api: Api) -> None:
    found = await check(api, spec={**RIGHT, "name": "No", "run": ""}, step="source")
    assert [fault["where"] for fault in found["faults"]] == ["name"]
    assert not found["is_valid"]


async def test_an_empty_draft_misses_what_a_job_needs(api: Api) -> None:
    found = await check(api, spec={})
    assert {fault["where"] for fault in found["faults"]} == {"version", "name", "run"}
    assert found["spec"] == {}


async def test_text_that_cannot_be_read_is_an_answer(api: Api) -> None:
    found = await check(api, yaml="run: [a\n")
    assert found["spec"] is None
    assert found["yaml"] is None
    assert [fault["step"] for fault in found["faults"]] == ["configuration"]


@pytest.mark.parametrize("body", [{}, {"spec": {}, "yaml": ""}])
async def test_a_check_is_of_a_mapping_or_of_a_text(api: Api, body: dict[str, Any]) -> None:
    assert (await api.post("/job-files/check", json=body)).status_code == 422


def test_every_key_of_the_format_has_a_step() -> None:
    without = [path for path in list_keys() if step_of(path) == "review"]
    assert without == []


WARNED: list[tuple[str, dict[str, Any], str]] = [
    ("spot_without_checkpoints", {}, "data"),
    ("nothing_kept", {}, "data"),
    ("no_limit", {}, "provider"),
    ("no_estimate", {}, "resources"),
    ("spot_without_retry", {"retry": {"interruptions": 0}}, "configuration"),
    ("workdir_without_files", {"workdir": "."}, "source"),
    (
        "checkpoint_after_end",
        {"checkpoints": {"path": "c", "every": "1h"}, "constraints": {"max_duration": "1h"}},
        "data",
    ),
    ("unknown_model", {"estimate": {"model": "llama-9", "tokens": "1M"}}, "resources"),
    ("no_amount", {"estimate": {"model": "llama-3.1-8b"}}, "resources"),
    ("secret_in_env", {"env": {"HF_TOKEN": "x"}}, "configuration"),
    ("deadline_passed", {"constraints": {"deadline": "2025-12-31T00:00Z"}}, "provider"),
    ("not_connected", {"resources": {"providers": ["lambda"]}}, "provider"),
    ("unknown_accelerator", {"resources": {"accelerators": "ZZ9"}}, "resources"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "more", "step"), WARNED)
async def test_what_one_might_regret_is_said(api: Api, code: str, more: dict[str, Any], step: str) -> None:
    found = await check(api, spec={**RIGHT, **more})
    assert found["is_valid"]
    assert code in codes(found)
    assert next(warning["step"] for warning in found["warnings"] if warning["code"] == code) == step


async def test_what_one_might_regret_of_an_alternative_is_said_where_that_stands(api: Api) -> None:
    resources = {"accelerators": "ZZ9", "any_of": [{"providers": ["local"]}, {"providers": ["lambda"]}]}
    found = await check(api, spec={**RIGHT, "resources": resources})
    said = {warning["code"]: warning["where"] for warning in found["warnings"]}
    assert said["not_connected"] == "resources.any_of[1].providers"
    # What all alternatives have is said once, where it stands.
    assert said["unknown_accelerator"] == "resources.accelerators"
    assert [warning["code"] for warning in found["warnings"]].count("unknown_accelerator") == 1


async def test_a_careful_job_is_warned_of_nothing(api: Api) -> None:
    spec = {
        **RIGHT,
        "checkpoints": {"path": "ckpt", "every": "5m"},
        "outputs": ["out/**"],
        "constraints": {"max_duration": "1h", "budget": "$5"},
        "estimate": {"hours": 0.5},
        "env": {"SEED": "1"},
    }
    assert codes(await check(api, spec=spec)) == set()


async def test_machines_of_ones_own_are_not_taken_back(api: Api) -> None:
    found = await check(api, spec={**RIGHT, "resources": {"providers": ["local"]}})
    assert "spot_without_checkpoints" not in codes(found)


async def test_another_project_is_a_fault_of_its_step(api: Api) -> None:
    found = await check(api, spec={**RIGHT, "project": "elsewhere"})
    assert [(fault["where"], fault["step"]) for fault in found["faults"]] == [("project", "source")]
    assert not found["is_valid"]


async def test_files_that_go_along_are_looked_into(api: Api) -> None:
    sha256 = await send(api, {"train.py": b"print()", "lib/a.py": b""})
    found = await check(api, spec={**RIGHT, "workdir": "."}, workdir=sha256)
    assert found["files"]["files"] == ["lib/a.py", "train.py"]
    assert found["files"]["text"] == "2 files, 7 B"
    assert found["files"]["notes"] == []
    assert "workdir_without_files" not in codes(found)
    assert found["steps"][0]["summary"] == "train · 2 files, 7 B"


async def test_files_that_are_gone_are_a_fault(api: Api) -> None:
    found = await check(api, spec=RIGHT, workdir="0" * 64)
    assert [(fault["where"], fault["step"]) for fault in found["faults"]] == [("workdir", "source")]
    assert (await api.get(f"/workdirs/{'0' * 64}")).status_code == 404


async def test_an_archive_of_one_folder_says_where_the_command_starts(api: Api) -> None:
    sha256 = await send(api, {"proj/train.py": b"print()"})
    (note,) = (await api.get(f"/workdirs/{sha256}")).json()["notes"]
    assert note.endswith("for example proj/train.py")


async def test_what_is_no_archive_is_refused_when_it_is_looked_into(api: Api) -> None:
    content = b"not an archive"
    sha256 = hashlib.sha256(content).hexdigest()
    assert (await api.put(f"/workdirs/{sha256}", content=content)).status_code == 201
    answer = await api.get(f"/workdirs/{sha256}")
    assert answer.status_code == 422
    assert "not a .tar.gz archive" in answer.json()["detail"]
    # The same to whoever checks a job file with it: a fault at the files, not an error.
    found = await check(api, spec=RIGHT, workdir=sha256)
    assert [(fault["where"], fault["step"]) for fault in found["faults"]] == [("workdir", "source")]


def test_an_archive_that_leads_outside_is_refused(tmp_path: Any) -> None:
    buffer = io.BytesIO()
    with tarfile.open(mode="w:gz", fileobj=buffer) as tar:
        tar.addfile(tarfile.TarInfo("../evil"))
    (tmp_path / "x.tar.gz").write_bytes(buffer.getvalue())
    with pytest.raises(Exception, match="unsafe path"):
        look_into(tmp_path / "x.tar.gz")


async def test_every_template_can_be_started_as_it_is(api: Api, context: Context, tmp_path: Any) -> None:
    listed = (await api.get("/templates")).json()["items"]
    assert [each["id"] for each in listed] == list(TEMPLATES)
    for each in listed:
        assert not context.workdirs.has(each["workdir"])
        used = (await api.post(f"/templates/{each['id']}")).json()
        assert used == each
        found = await check(api, spec=each["spec"], workdir=each["workdir"])
        assert found["is_valid"]
        assert found["yaml"] == each["yaml"]
        unpack(context.workdirs.path_of(each["workdir"]), tmp_path / each["id"])
        script = next(word for word in each["spec"]["run"].split() if word.endswith(".py"))
        assert (tmp_path / each["id"] / script).is_file()
        # Again: nothing happens twice.
        assert (await api.post(f"/templates/{each['id']}")).json() == each


async def test_there_is_no_other_template(api: Api) -> None:
    assert (await api.post("/templates/none")).status_code == 404


async def clone_of(
    api: Api, store: SqlStore, caller: Caller, workdir: str | None
) -> tuple[JobRow, httpx2.Response]:
    def add(tx: Transaction) -> JobRow:
        job = add_job(tx, caller, name="train", tags={"b": "1", "a": "2"})
        changes = {"workdir_sha256": workdir, "search_path": "/venv/bin"}
        tx.execute(tables.jobs.update().where(tables.jobs.c.id == job.id).values(**changes))
        return job

    job = await store.run(add)
    return job, await api.get(f"/jobs/{job.id}/clone")


async def test_a_job_is_cloned_with_its_files(api: Api, store: SqlStore, caller: Caller) -> None:
    sha256 = await send(api, {"train.py": b"print()"})
    job, answer = await clone_of(api, store, caller, sha256)
    cloned = answer.json()
    assert cloned["workdir"] == sha256
    assert cloned["files"]["files"] == ["train.py"]
    assert cloned["search_path"] == "/venv/bin"
    assert cloned["note"] is None
    assert JobSpec.model_validate(cloned["spec"]) == JobSpec.model_validate(job.spec)
    # It can be sent as it is.
    JobSubmission(spec=cloned["spec"], workdir=cloned["workdir"], search_path=cloned["search_path"])


async def test_a_clone_whose_files_are_gone_says_so(api: Api, store: SqlStore, caller: Caller) -> None:
    _, answer = await clone_of(api, store, caller, "1" * 64)
    assert answer.json()["workdir"] is None
    assert "not on the server any more" in answer.json()["note"]


async def test_a_job_that_is_not_there_cannot_be_cloned(api: Api) -> None:
    assert (await api.get("/jobs/none/clone")).status_code == 404


KEY = "aws|us-east-1|us-east-1a|p5.48xlarge|H100-SXM|8|on_demand"


async def places(api: Api, spec: dict[str, Any], *offers: str) -> dict[str, Any]:
    answer = await api.post("/job-files/places", json={"spec": spec, "offers": list(offers)})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_job_is_held_to_one_offer(api: Api) -> None:
    found = await places(api, {**RIGHT, "resources": {"cpus": 8, "providers": ["vast"]}}, KEY)
    assert found["spec"]["resources"] == {
        "cpus": 8,
        "providers": ["aws"],
        "regions": ["us-east-1"],
        "accelerators": "H100 SXM:8",
        "spot": "never",
    }
    assert found["notes"] == []
    assert found["text"] == "Only aws us-east-1."
    assert (await check(api, spec=found["spec"]))["is_valid"]


async def test_several_offers_become_alternatives_in_their_order(api: Api) -> None:
    draft = {**RIGHT, "resources": {"cpus": 8, "accelerators": "H100:8", "providers": ["vast"]}}
    found = await places(api, draft, KEY, "vast|eu-nl||x|L4|1|spot", "local|here||vm||0|owned", KEY)
    assert found["spec"]["resources"] == {
        "cpus": 8,
        "accelerators": "H100:8",
        "any_of": [
            {"accelerators": "H100 SXM:8", "spot": "never", "providers": ["aws"], "regions": ["us-east-1"]},
            {"accelerators": "L4:1", "spot": "only", "providers": ["vast"], "regions": ["eu-nl"]},
            {"spot": "never", "providers": ["local"]},
        ],
    }
    assert found["notes"] == []
    assert found["text"] == (
        "First aws us-east-1, then vast eu-nl, then local here: the next where the one before cannot be had."
    )
    checked = await check(api, spec=found["spec"])
    assert checked["is_valid"]
    assert "any_of" in checked["yaml"]


async def test_several_offers_without_an_order_are_a_set(api: Api) -> None:
    body = {"spec": RIGHT, "offers": [KEY, "vast|eu-nl||x|L4|1|spot"], "ordered": False}
    answer = await api.post("/job-files/places", json=body)
    found = answer.json()
    assert found["spec"]["resources"]["ordered"] is False
    assert len(found["spec"]["resources"]["any_of"]) == 2
    assert found["text"] == "Only aws us-east-1 or vast eu-nl."
    # One alone is no list, and what was held to before is gone.
    alone = await places(api, found["spec"], KEY)
    assert alone["spec"]["resources"].keys() == {"accelerators", "spot", "providers", "regions"}


async def test_no_more_offers_are_kept_than_a_job_file_can_name(api: Api) -> None:
    found = await places(api, RIGHT, *(f"vast|r{number}||x|L4|1|spot" for number in range(20)))
    assert len(found["spec"]["resources"]["any_of"]) == 16
    assert found["notes"] == ["a job file has at most 16 alternatives: the first 16 are kept"]
    assert (await check(api, spec=found["spec"]))["is_valid"]


async def test_spot_offers_alone_ask_for_spot_alone(api: Api) -> None:
    found = await places(api, RIGHT, "vast|eu-nl||x|L4|1|spot")
    assert found["spec"]["resources"]["spot"] == "only"


async def test_a_machine_of_ones_own_is_in_no_region(api: Api) -> None:
    found = await places(api, RIGHT, "local|here||vm||0|owned")
    assert found["spec"]["resources"] == {"providers": ["local"], "spot": "never"}
    assert (await places(api, RIGHT, "local|local||vm||0|owned"))["text"] == "Only local."


async def test_without_offers_it_may_go_anywhere_again(api: Api) -> None:
    held = (await places(api, RIGHT, "local|here||vm||0|owned"))["spec"]
    found = await places(api, {**held, "resources": {"providers": ["local"]}})
    assert found["spec"] == RIGHT
    assert found["text"] == "Any connected place that fits."


def test_a_key_is_read_as_it_was_written() -> None:
    written = write_key(offer(1, provider="a|b", region="50%7C", instance_type="x"))
    assert (read_key(written).provider, read_key(written).region) == ("a|b", "50%7C")


@pytest.mark.parametrize("key", ["", "aws", "aws|us|z|t|H100|many|spot"])
async def test_what_names_no_offer_is_refused(api: Api, key: str) -> None:
    assert (await api.post("/job-files/places", json={"spec": {}, "offers": [key]})).status_code == 422


async def test_the_form_knows_every_key_and_what_this_version_does_not_do(api: Api) -> None:
    found = (await api.get("/job-files/form")).json()
    fields = {field["key"]: field for field in found["fields"]}
    assert set(fields) == {".".join(path) for path in list_keys()}
    assert fields["checkpoints.every"]["default"] == "10m"
    assert fields["constraints.budget"]["example"] == "$100"
    assert [choice["value"] for choice in fields["resources.spot"]["choices"]] == ["never", "auto", "only"]
    assert not fields["data.uri"]["is_supported"]
    assert not fields["workdir.url"]["is_supported"]
    assert fields["resources.accelerators.count"]["is_supported"]
    refused = {each["where"]: each["message"] for each in found["unsupported"]}
    assert refused["data"] == "`data` is not supported by this version"
    assert refused["workdir"] == "`workdir` from git is not supported by this version"
    assert refused["resources.nodes"] == "`resources.nodes` over 64 is not supported by this version"
    torchrun = next(each for each in fields["launcher"]["choices"] if each["value"] == "torchrun")
    assert not torchrun["is_supported"]
    assert "500 MB" in found["upload"]["text"]


async def test_another_user_of_the_project_needs_a_token(connect: Callable[[str], Api]) -> None:
    nobody = connect("nobody")
    for path in ("/job-files/form", "/templates", f"/workdirs/{'0' * 64}", "/estimates/models"):
        assert (await nobody.get(path)).status_code == 401


async def test_models_are_found_by_words_of_their_name(api: Api) -> None:
    found = (await api.get("/estimates/models", params={"q": "llama 8b"})).json()
    assert [each["name"] for each in found["items"]] == ["llama-3-8b", "llama-3.1-8b"]
    assert found["items"][1]["size"] == "8.03 billion parameters"
    assert found["known"] == 224
    near = (await api.get("/estimates/models", params={"q": "meta-llama/Llama-3.1-8B-Instruct"})).json()
    assert [each["name"] for each in near["items"]] == ["llama-3.1-8b"]
    assert len((await api.get("/estimates/models", params={"limit": 500})).json()["items"]) == 224


async def test_the_memory_of_a_model_names_the_accelerators_that_have_it(api: Api) -> None:
    body = {"model": "llama-3.1-8b", "method": "lora", "sequence_length": 2048, "batch": 8}
    found = (await api.post("/estimates/memory", json=body)).json()
    fits = {each["request"]: each for each in found["fits"]}
    assert fits["L40S:1"]["verdict"] == "fits"
    assert fits["L40S:1"]["badge"]["label"] == "Fits"
    assert "RTX 4090" in found["too_small"]
    prices = [each["price_per_hour"]["micro"] for each in found["fits"] if each["price_per_hour"]]
    assert prices == sorted(prices)
    assert found["memory"]["accelerator"] == found["fits"][0]["accelerator"]
    assert sum(item["gb"] for item in found["memory"]["items"]) == pytest.approx(
        found["memory"]["total_gb"]["p50"]
    )


async def test_the_memory_of_a_model_that_nobody_knows_is_refused_with_names_near_it(api: Api) -> None:
    answer = await api.post("/estimates/memory", json={"model": "lama-3.1-8b"})
    assert answer.status_code == 422
    assert "llama-3.1-8b" in answer.json()["hint"]


async def test_a_draft_without_a_command_can_be_estimated_and_planned(api: Api) -> None:
    draft = {"version": 1, "resources": {"accelerators": "H100"}, "estimate": {"hours": 3, "on": "H100"}}
    for path in ("/estimates", "/plans"):
        assert (await api.post(path, json={"spec": draft})).status_code == 422
        answer = await api.post(path, json={"spec": draft, "is_draft": True})
        assert answer.status_code == 200, answer.text
    plan = answer.json()
    assert plan["reason"]
    # What a plan names can be chosen: held to that place, the job goes nowhere else.
    place = (plan["runners_up"] or [plan["best_anywhere"]])[0]
    assert place["cost_p10"]["micro"] <= place["cost"]["micro"] <= place["cost_p90"]["micro"]
    held = await places(api, {**RIGHT, **draft}, place["key"])
    assert held["spec"]["resources"]["providers"] == [place["offer"]["provider"]]

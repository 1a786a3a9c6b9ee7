"""Credentials where vendors' own tools keep them, and the policies that ship."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from tests.unit.vendors_for_tests import VendorWorld
from tradewind.control.credentials import file_credentials
from tradewind.domain.errors import InvalidInputError
from tradewind.providers.about import About, all_abouts
from tradewind.providers.vendor_files import Surroundings

HIDDEN = "very-hidden-value"
ABOUTS = all_abouts()


@pytest.fixture
def world(tmp_path: Path) -> VendorWorld:
    return VendorWorld(home=tmp_path)


def read(world: VendorWorld, provider: str) -> dict[str, str]:
    where = Surroundings(environment=world.environment, home=world.home)
    return {name: value.reveal() for name, value in file_credentials(ABOUTS[provider], where).items()}


@pytest.mark.parametrize(
    ("provider", "path", "text", "found"),
    [
        ("runpod", ".runpod/config.toml", f'[default]\napi_key = "{HIDDEN}"\n', "RUNPOD_API_KEY"),
        ("runpod", ".runpod/config.toml", f'apikey = "{HIDDEN}"\napiurl = "https://x"\n', "RUNPOD_API_KEY"),
        ("runpod", ".runpod/credentials.toml", f'[default]\napi_key = "{HIDDEN}"\n', "RUNPOD_API_KEY"),
        ("vast", ".config/vastai/vast_api_key", f"{HIDDEN}\n", "VAST_API_KEY"),
        ("vast", ".vast_api_key", HIDDEN, "VAST_API_KEY"),
        ("lambda", ".lambda_cloud/lambda_keys", f"# mine\napi_key = {HIDDEN}\n", "LAMBDA_API_KEY"),
        ("lyceum", ".lyceum/config.json", json.dumps({"api_key": HIDDEN}), "LYCEUM_API_KEY"),
        ("digitalocean", ".config/doctl/config.yaml", f"access-token: {HIDDEN}\n", "DIGITALOCEAN_ACCESS_TOKEN"),
        ("vultr", ".vultr-cli.yaml", f"api-key: {HIDDEN}\n", "VULTR_API_KEY"),
    ],
)  # fmt: skip
def test_a_key_is_found(world: VendorWorld, provider: str, path: str, text: str, found: str) -> None:
    world.write(path, text)
    assert read(world, provider) == {found: HIDDEN}


@pytest.mark.parametrize(
    ("provider", "path", "found"),
    [
        ("kubernetes", ".kube/config", "KUBECONFIG"),
        ("coreweave", ".kube/config", "KUBECONFIG"),
        ("oci", ".oci/config", "OCI_CLI_CONFIG_FILE"),
    ],
)
def test_a_file_that_is_the_credential_is_named(
    world: VendorWorld, provider: str, path: str, found: str
) -> None:
    file = world.write(path, "anything")
    assert read(world, provider) == {found: str(file)}


@pytest.mark.parametrize("provider", ["aws", "sagemaker"])
def test_a_profile_of_the_aws_command_line(world: VendorWorld, provider: str) -> None:
    world.write(
        ".aws/credentials",
        f"[default]\naws_access_key_id = AKIA1\naws_secret_access_key = first\n"
        f"[work]\naws_access_key_id=AKIA2\naws_secret_access_key={HIDDEN}%x\n",
    )
    world.write(
        ".aws/config", "[default]\nregion = us-east-1\n[profile work]\nregion = eu-west-1\ns3 =\n  x = y\n"
    )
    assert read(world, provider) == {
        "AWS_ACCESS_KEY_ID": "AKIA1", "AWS_SECRET_ACCESS_KEY": "first", "AWS_DEFAULT_REGION": "us-east-1",
    }  # fmt: skip
    world.environment["AWS_PROFILE"] = "work"
    assert read(world, provider) == {
        "AWS_ACCESS_KEY_ID": "AKIA2", "AWS_SECRET_ACCESS_KEY": f"{HIDDEN}%x", "AWS_DEFAULT_REGION": "eu-west-1",
    }  # fmt: skip
    world.environment["AWS_PROFILE"] = "nobody"
    with pytest.raises(InvalidInputError, match="has no credentials"):
        read(world, provider)
    elsewhere = world.write("elsewhere", "[nobody]\naws_access_key_id=A\naws_secret_access_key=B\n")
    world.environment["AWS_SHARED_CREDENTIALS_FILE"] = str(elsewhere)
    assert read(world, provider) == {"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "B"}


@pytest.mark.parametrize("provider", ["gcp", "vertex"])
def test_what_gcloud_has_logged_in(world: VendorWorld, provider: str) -> None:
    folder = ".config/gcloud"
    key = world.write(f"{folder}/application_default_credentials.json", "{}")
    with pytest.raises(InvalidInputError, match="GOOGLE_CLOUD_PROJECT"):
        read(world, provider)
    # A setting that is no secret may as well come from the environment.
    world.environment["GOOGLE_CLOUD_PROJECT"] = "from-environment"
    assert read(world, provider)["GOOGLE_CLOUD_PROJECT"] == "from-environment"
    world.write(f"{folder}/configurations/config_default", "[core]\nproject = first\n")
    world.write(f"{folder}/configurations/config_work", "[core]\nproject = second\n")
    assert read(world, provider) == {
        "GOOGLE_APPLICATION_CREDENTIALS": str(key), "GOOGLE_CLOUD_PROJECT": "first",
    }  # fmt: skip
    world.write(f"{folder}/active_config", "work\n")
    assert read(world, provider)["GOOGLE_CLOUD_PROJECT"] == "second"


@pytest.mark.parametrize(
    ("provider", "path", "text"),
    [
        ("runpod", ".runpod/config.toml", f'api_key = "{HIDDEN}'),
        ("lyceum", ".lyceum/config.json", f'{{"api_key": "{HIDDEN}"'),
        ("lyceum", ".lyceum/config.json", f'["{HIDDEN}"]'),
        ("digitalocean", ".config/doctl/config.yaml", f"access-token: [{HIDDEN}"),
        ("aws", ".aws/credentials", f"{HIDDEN}\n"),
    ],
)
def test_a_damaged_file_is_named_and_not_repeated(
    world: VendorWorld, provider: str, path: str, text: str
) -> None:
    world.write(path, text)
    with pytest.raises(InvalidInputError) as caught:
        read(world, provider)
    said = f"{caught.value.message} {caught.value.hint}"
    assert path in said
    assert HIDDEN not in said
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None or caught.value.__suppress_context__


@pytest.mark.parametrize("about", [each for each in ABOUTS.values() if each.files], ids=lambda each: each.id)
def test_files_are_empty_where_there_are_none(world: VendorWorld, about: About) -> None:
    assert about.files is not None
    assert about.files.read(Surroundings(environment={}, home=world.home)) == {}
    assert about.files.tool
    assert all(path.startswith("~/") for path in about.files.paths)


def test_policies_are_what_their_vendors_take() -> None:
    policies = {(name, each.name): each.text() for name, about in ABOUTS.items() for each in about.policies}
    assert set(policies) == {("aws", "ec2"), ("gcp", "role"), ("azure", "role")}
    aws = json.loads(policies["aws", "ec2"])
    allowed = {
        action
        for statement in aws["Statement"]
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }
    assert {"ec2:RunInstances", "ec2:TerminateInstances", "ec2:DescribeInstances"} <= allowed
    assert not any("*" in action for action in allowed)
    ends = [each for each in aws["Statement"] if "ec2:TerminateInstances" in each["Action"]]
    assert all("ec2:ResourceTag/tradewind" in str(each["Condition"]) for each in ends)
    role = yaml.safe_load(policies["gcp", "role"])
    assert {"compute.instances.create", "compute.instances.delete"} <= set(role["includedPermissions"])
    assert len(role["includedPermissions"]) == len(set(role["includedPermissions"]))
    azure = json.loads(policies["azure", "role"])
    assert not any("*" in action for action in azure["Actions"])
    assert "Microsoft.Compute/virtualMachines/delete" in azure["Actions"]
    assert azure["AssignableScopes"] == ["/subscriptions/SUBSCRIPTION_ID/resourceGroups/RESOURCE_GROUP"]

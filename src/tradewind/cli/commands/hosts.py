"""`tradewind hosts …`: the user's own machines over SSH."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

import click

from tradewind.cli.application import Application
from tradewind.cli.host_files import FoundHost, read_hosts, split_jump
from tradewind.cli.lazy import Lazy, LazyGroup
from tradewind.cli.options import command, output_options, yes_option
from tradewind.cli.questions import confirm
from tradewind.cli.render import Column, Row, is_for_people, render_document, render_rows
from tradewind.domain.errors import InvalidInputError, TradewindError
from tradewind.domain.schemas_hosts import HostProbe, HostSpec, JumpSpec
from tradewind.domain.units import format_bytes, parse_price_micro_per_hour

_AT: Final = "tradewind.cli.commands.hosts:"


@click.group(
    "hosts",
    cls=LazyGroup,
    sections={
        "Look": {"ls": Lazy(_AT + "list_hosts", "List your machines, and the key that lets Tradewind in.")},
        "Act": {
            "add": Lazy(_AT + "add", "Add a machine, after a look at its host key."),
            "import": Lazy(_AT + "import_hosts", "Add machines from ~/.ssh/config, or a file with `hosts:`."),
            "rm": Lazy(_AT + "remove", "Let machines go; nothing on them is touched."),
        },
    },
)
def hosts() -> None:
    """Add, import, list and remove your own machines over SSH."""


@command("ls")
@output_options
def list_hosts(app: Application) -> None:
    """List your machines, and the key that lets Tradewind in."""
    found = app.client.hosts()
    rows = [each.model_dump(mode="json") for each in found.items]
    columns = [
        Column("NAME", lambda row: row["name"]),
        Column("LOGIN", lambda row: f"{row['user']}@{row['address']}:{row['port']}"),
        Column("STATUS", lambda row: row["status"]),
        Column("ACCELERATORS", _accelerators, is_text=True),
        Column("CPUS", lambda row: f"{row['cpus']:g}", is_number=True),
        Column("MEMORY", lambda row: format_bytes(row["memory_bytes"]), is_number=True),
        Column("PRICE/H", lambda row: _price(row["price_per_hour"]), is_number=True),
        Column("HOST KEY", lambda row: row["fingerprint"]),
    ]
    render_rows(app, rows, columns, name="name", empty="no hosts; `tradewind hosts add -h` shows how")
    if is_for_people(app):
        app.hint(f"machines that have this line in authorized_keys need no other key:\n  {found.public_key}")


@command("add")
@click.argument("name")
@click.argument("login", metavar="[USER@]ADDRESS[:PORT]")
@click.option(
    "--key", "key_file", metavar="FILE", help="Private key without a passphrase, on the server's machine."
)
@click.option("--agent", "uses_agent", is_flag=True, help="Ask the server's SSH agent.")
@click.option("--jump", metavar="[USER@]ADDRESS[:PORT]", help="Go through this machine.")
@click.option("--price", metavar="PRICE", help="What an hour of it costs you, for example $0.40/h.")
@click.option(
    "--region", default="own", show_default=True, help="Where it stands, for `regions` in job files."
)
@click.option(
    "--ignore-others", is_flag=True, help="Hand out accelerators that somebody uses without Tradewind."
)
@click.option(
    "--network",
    default="own",
    show_default=True,
    help="Machines on one network run a job of several nodes together.",
)
@click.option("--private-address", metavar="ADDRESS", help="Under which they reach it, if not under ADDRESS.")
@click.option("--fingerprint", metavar="SHA256:…", help="The host key it must have; then nothing is asked.")
@yes_option
@output_options
def add(
    app: Application, name: str, login: str, key_file: str | None, uses_agent: bool, jump: str | None,
    price: str | None, region: str, network: str, private_address: str | None, ignore_others: bool,
    fingerprint: str | None, yes: bool,
) -> None:  # fmt: skip
    """Add a machine, after a look at its host key.

    The machine shows its host key, you say whether it is the right one, and from then on no other is accepted.
    """
    user, address, port = split_jump(login)
    host = FoundHost(
        name=name, address=address, user=user, port=port, jump=jump, region=region, uses_agent=uses_agent,
        ignores_others=ignore_others,
        key_file=None if key_file is None else str(Path(key_file).expanduser().absolute()),
        micro_per_hour=None if price is None else _micro(price), network=network, private_address=private_address,
    )  # fmt: skip
    view = _add(app, host, fingerprint, yes=yes).model_dump(mode="json")
    devices = _devices(view["accelerators"])
    memory = format_bytes(view["memory_bytes"])
    text = f"{name} is added: {view['cpus']:g} processors, {memory} of memory, {devices}"
    if view["others"] is not None:
        text += f"; {view['others']}"
    render_document(app, view, lambda: text, name="name")


@command("import")
@click.argument("file", type=click.Path(path_type=Path), default=Path("~/.ssh/config"), required=False)
@click.argument("pattern", nargs=-1)
@yes_option
@output_options
def import_hosts(app: Application, file: Path, pattern: tuple[str, ...], yes: bool) -> None:
    """Add machines from ~/.ssh/config, or a file with `hosts:`.

    PATTERN picks some of its names, for example `gpu-*`. Each host key is shown and asked for.
    """
    rows = []
    for host in read_hosts(file, pattern):
        try:
            _add(app, host, None, yes=yes)
        except (TradewindError, click.Abort) as error:
            rows.append({"name": host.name, "result": getattr(error, "message", None) or "left out"})
        else:
            rows.append({"name": host.name, "result": "added"})
    columns = [
        Column("NAME", lambda row: row["name"]),
        Column("RESULT", lambda row: row["result"], is_text=True),
    ]
    render_rows(app, rows, columns, name="name", empty="no hosts")


@command("rm")
@click.argument("name", nargs=-1, required=True)
@click.option(
    "--lost", is_flag=True, help="They are gone for good, with what ran there: jobs go on elsewhere."
)
@yes_option
@output_options
def remove(app: Application, name: tuple[str, ...], lost: bool, yes: bool) -> None:
    """Let machines go; nothing on them is touched.

    Refused while jobs run there, unless --lost says that nothing does any more. If something does all the same, it
    would run twice.
    """
    what = ", ".join(name)
    question = f"Is {what} really gone, with everything that ran there?" if lost else f"Let {what} go?"
    confirm(app, question, yes=yes)
    for each in name:
        app.client.remove_host(each, is_lost=lost)
    render_rows(
        app,
        [{"name": each} for each in name],
        [Column("LET GO", lambda row: row["name"])],
        name="name",
        empty="",
    )


def _add(app: Application, host: FoundHost, fingerprint: str | None, *, yes: bool) -> Any:
    jump = _jump(app, host, yes=yes)
    key = app.client.probe_host(
        HostProbe(
            address=host.address, port=host.port, jump=jump, key_file=host.key_file, uses_agent=host.uses_agent
        )
    )  # fmt: skip
    if fingerprint is not None and key.fingerprint != fingerprint:
        raise InvalidInputError(
            f"{host.address} shows the host key {key.fingerprint}, not {fingerprint}: it was not added",
            hint="it may be another machine; find out before you go on",
        )
    if fingerprint is None:
        _ask_for_key(app, host.name, host.address, key.fingerprint, yes=yes)
    return app.client.add_host(
        HostSpec(
            name=host.name, address=host.address, port=host.port, user=host.user, host_key=key.host_key,
            key_file=host.key_file, uses_agent=host.uses_agent, jump=jump, micro_per_hour=host.micro_per_hour,
            region=host.region, ignores_others=host.ignores_others, network=host.network,
            private_address=host.private_address,
        )
    )  # fmt: skip


def _jump(app: Application, host: FoundHost, *, yes: bool) -> JumpSpec | None:
    if host.jump is None:
        return None
    user, address, port = split_jump(host.jump)
    jump = JumpSpec(address=address, port=port, user=user)
    key = app.client.probe_host(HostProbe(address=host.address, port=host.port, jump=jump))
    _ask_for_key(app, f"the machine in between ({address})", address, key.jump_fingerprint or "", yes=yes)
    return jump.model_copy(update={"host_key": key.jump_host_key or ""})


def _ask_for_key(app: Application, name: str, address: str, fingerprint: str, *, yes: bool) -> None:
    trusts_first = bool(os.environ.get("TRADEWIND_TRUST_FIRST_HOST_KEY"))
    if not trusts_first and (yes or not app.can_ask):
        raise InvalidInputError(
            f"{address} shows the host key {fingerprint}, and nobody is there to say whether that is right",
            hint="give it with --fingerprint, or set TRADEWIND_TRUST_FIRST_HOST_KEY=1 on a network that you trust",
        )
    confirm(app, f"{name} shows the host key {fingerprint}. Is that the right one?", yes=yes)


def _micro(price: str) -> int:
    try:
        return parse_price_micro_per_hour(price)
    except ValueError as error:
        raise InvalidInputError(f"--price: {error}", hint="for example $0.40/h") from None


def _devices(names: list[str]) -> str:
    if not names:
        return "no accelerators"
    return ", ".join(f"{names.count(each)} x {each}" for each in dict.fromkeys(names))


def _accelerators(row: Row) -> str:
    devices = _devices(row["accelerators"])
    return devices if row["others"] is None else f"{devices}; {row['others']}"


def _price(view: Any) -> str:
    return "electricity" if view is None else str(view["text"])

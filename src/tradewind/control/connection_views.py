"""Providers and connections as the API shows them: everything but the credentials."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import func, select

from tradewind.control.connection_desk import own_connections
from tradewind.control.connection_words import (
    GROUPS,
    connection_actions,
    connection_badge,
    expires_at,
    group_of,
    provider_badge,
)
from tradewind.control.connections import Connections
from tradewind.db import tables
from tradewind.db.connection_rows import ConnectionRow
from tradewind.db.owners import Caller, visible_to
from tradewind.db.store import Transaction
from tradewind.domain.offers import Capabilities
from tradewind.domain.schemas_connections import (
    AccountView,
    CapabilitiesView,
    ConnectionPage,
    ConnectionState,
    ConnectionView,
    CredentialFieldView,
    CredentialSource,
    PolicyView,
    ProviderGroup,
    ProviderPage,
    ProviderView,
    SettingFieldView,
    SourceView,
)
from tradewind.domain.status import NodeStatus
from tradewind.providers.about import About, all_abouts, find_about

_FROM = {
    CredentialSource.ENVIRONMENT: "its credentials are in the environment of the server, and not stored",
    CredentialSource.CONFIG_FILE: "its credentials are in the vendor's files on the server's machine, and not stored",
}
_SOURCES = {
    CredentialSource.STORED: "kept here, sealed",
    CredentialSource.ENVIRONMENT: "the environment of the server",
    CredentialSource.CONFIG_FILE: "files of the vendor's own tool, on the server's machine",
}
_ONLY_PRICES = (
    "this version rents nothing there: the credentials are used for its prices, and have not been examined"
)


def connection_page(tx: Transaction, caller: Caller, connections: Connections) -> ConnectionPage:
    """The project's connections by provider."""
    now = connections.context.clock.now()
    return ConnectionPage(
        items=[connection_view(row, connections, now) for row in own_connections(tx, caller)]
    )


def connection_view(row: ConnectionRow, connections: Connections, now: datetime) -> ConnectionView:
    """A connection, and what to know of it now."""
    about = all_abouts().get(row.provider)
    notes = [_FROM[row.source]] if row.source in _FROM else []
    if row.state == ConnectionState.PRICES_ONLY:
        notes.append(_ONLY_PRICES)
    problem = connections.problem_of(row)
    if problem:
        notes.append(f"this server cannot use it: {problem}")
    return ConnectionView(
        id=row.id,
        provider=row.provider,
        title=row.provider if about is None else about.title,
        name=row.name,
        state=ConnectionState(row.state),
        source=CredentialSource(row.source),
        settings=row.settings,
        account=_account(row),
        error=row.error,
        examined_at=row.examined_at,
        created_at=row.created_at,
        updated_at=row.updated_at or row.created_at,
        notes=notes,
        badge=connection_badge(row, problem, now),
        permitted=[] if about is None else connection_actions(about, has_connection=True),
        source_text=_SOURCES[CredentialSource(row.source)],
        expires_at=expires_at(row),
    )


def provider_page(
    tx: Transaction, caller: Caller, connections: Connections, host_provider: str
) -> ProviderPage:
    """Every provider that describes itself, by id. Machines over SSH are added one by one at `host_provider`."""
    rows = {row.provider: row for row in own_connections(tx, caller)}
    hosts = {host_provider: _count_hosts(tx, caller, host_provider)}
    items = [
        _provider_view(about, rows.get(name), connections, hosts.get(name))
        for name, about in sorted(all_abouts().items())
    ]
    return ProviderPage(items=items, groups=_groups(items, rows.keys()))


def provider_view(
    tx: Transaction, caller: Caller, connections: Connections, host_provider: str, name: str
) -> ProviderView:
    """One provider, by any of its names. Raises NotFoundError."""
    about = find_about(name)
    rows = {row.provider: row for row in own_connections(tx, caller)}
    hosts = _count_hosts(tx, caller, host_provider) if about.id == host_provider else None
    row = rows.get(about.id)
    view = _provider_view(about, row, connections, hosts)
    if row is not None:
        view.detail = connection_view(row, connections, connections.context.clock.now())
    return view


def _groups(items: list[ProviderView], connected: Iterable[str]) -> list[ProviderGroup]:
    by_name: dict[str, list[ProviderView]] = {}
    for item in items:
        about = all_abouts()[item.id]
        name = group_of(about, item.badge, has_connection=item.id in connected)
        by_name.setdefault(name, []).append(item)
    return [
        ProviderGroup(
            name=name,
            title=title,
            providers=[each.id for each in sorted(by_name[name], key=lambda each: each.title.casefold())],
        )
        for name, title in GROUPS.items()
        if name in by_name
    ]


def _count_hosts(tx: Transaction, caller: Caller, provider: str) -> int:
    nodes = tables.nodes
    statement = select(func.count()).where(
        visible_to(caller, nodes), nodes.c.provider == provider, nodes.c.is_rented.is_(False),
        nodes.c.status == NodeStatus.READY,
    )  # fmt: skip
    return int(tx.execute(statement).scalar_one())


def _account(row: ConnectionRow) -> AccountView | None:
    if row.account is None:
        return None
    account = AccountView.model_validate(row.account)
    for quota in account.quotas:
        used = "" if quota.used is None else f"{quota.used:g} of "
        quota.text = f"{used}{quota.limit:g}{' used' if used else ''}"
    return account


def _summary(row: ConnectionRow | None) -> list[str]:
    account = None if row is None else _account(row)
    if account is None:
        return []
    regions = len(account.regions)
    parts = [account.identity]
    if regions:
        parts.append(f"{regions} region{'' if regions == 1 else 's'}")
    if account.quotas:
        parts.append(f"{len(account.quotas)} quota{'' if len(account.quotas) == 1 else 's'}")
    if account.missing:
        parts.append(f"{len(account.missing)} missing permission{'' if len(account.missing) == 1 else 's'}")
    return parts


def _sources(about: About, connections: Connections) -> list[SourceView]:
    if about.kind == "owned":
        return []
    is_own = connections.outside.is_own_machine
    shared = "this server has other users: whoever runs it can allow it (trusts_users in config.toml)"
    names = ", ".join(field.environment for field in about.credentials if field.is_required)
    files = None if about.files is None else f"read from {', '.join(about.files.paths)}"
    return [
        SourceView(
            name=CredentialSource.STORED,
            title="Type them here",
            text="sealed in the database, and never shown again",
            is_possible=True,
        ),
        SourceView(
            name=CredentialSource.ENVIRONMENT,
            title="From the server's environment",
            text=f"read from {names or 'its variables'} of the server's process; nothing is kept"
            if is_own
            else shared,
            is_possible=is_own and bool(about.credentials),
        ),
        SourceView(
            name=CredentialSource.CONFIG_FILE,
            title="From the vendor's files"
            if about.files is None
            else f"From the files of {about.files.tool}",
            text="no files of the vendor's own tool are known"
            if files is None
            else f"{files} in the server's home folder; nothing is kept"
            if is_own
            else shared,
            is_possible=is_own and files is not None,
        ),
    ]


def _provider_view(
    about: About, row: ConnectionRow | None, connections: Connections, hosts: int | None
) -> ProviderView:
    context = connections.context
    now = context.clock.now()
    here = context.backends.get(about.id)
    machines = context.machines.get(about.id) if row is not None else None
    place = here or machines
    is_good = row is not None and row.state != ConnectionState.REFUSED and connections.problem_of(row) is None
    return ProviderView(
        id=about.id,
        title=about.title,
        kind=about.kind,
        runs=list(about.runs),
        aliases=list(about.aliases),
        capabilities=_said(about) if place is None else _known(place.capabilities),
        has_spot=about.has_spot,
        self_termination=about.self_termination.value,
        can_run=about.can_run,
        connected=here is not None or is_good,
        connection=None if row is None else ConnectionState(row.state),
        setup_steps=list(about.setup_steps),
        estimated_time=about.estimated_time,
        api_docs=about.api_docs,
        credentials=[
            CredentialFieldView(
                name=field.name,
                title=field.title,
                environment=field.environment,
                is_secret=field.is_secret,
                is_required=field.is_required,
                hint=field.hint,
            )
            for field in about.credentials
        ],
        settings=[
            SettingFieldView(name=field.name, title=field.title, is_list=field.is_list, pattern=field.pattern)
            for field in about.all_settings
        ],
        config_tool=None if about.files is None else about.files.tool,
        config_files=[] if about.files is None else list(about.files.paths),
        policies=[
            PolicyView(name=each.name, title=each.title, usage=each.usage, text=each.text())
            for each in about.policies
        ],
        limits=list(about.shortcomings),
        pros=list(about.pros),
        cons=list(about.cons),
        badge=provider_badge(about, is_here=here is not None, hosts=hosts)
        if row is None
        else connection_badge(row, connections.problem_of(row), now),
        permitted=connection_actions(about, has_connection=row is not None),
        sources=_sources(about, connections),
        summary=_summary(row),
        examined_at=None if row is None else row.examined_at,
        takes_hosts=hosts is not None,
    )


def _said(about: About) -> CapabilitiesView:
    """What a provider says of itself, where it cannot be asked for more."""
    return CapabilitiesView(
        has_spot=about.has_spot,
        has_multi_node=about.has_multi_node,
        self_termination=about.self_termination.value,
    )


def _known(capabilities: Capabilities) -> CapabilitiesView:
    return CapabilitiesView(
        has_spot=capabilities.has_spot,
        has_multi_node=capabilities.has_multi_node,
        self_termination=capabilities.self_termination.value,
        create_idempotency=capabilities.create_idempotency.value,
        has_images=capabilities.has_images,
        has_mig=capabilities.has_mig,
        can_stop_and_start=capabilities.can_stop_and_start,
        gaps=dict(capabilities.gaps),
    )

"""Providers and connections as the API shows them: everything but the credentials."""

from __future__ import annotations

from tradewind.control.connection_desk import own_connections
from tradewind.control.connections import Connections
from tradewind.db.connection_rows import ConnectionRow
from tradewind.db.owners import Caller
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
    ProviderPage,
    ProviderView,
    SettingFieldView,
)
from tradewind.providers.about import About, all_abouts, find_about

_FROM = {
    CredentialSource.ENVIRONMENT: "its credentials are in the environment of the server, and not stored",
    CredentialSource.CONFIG_FILE: "its credentials are in the vendor's files on the server's machine, and not stored",
}
_ONLY_PRICES = (
    "this version rents nothing there: the credentials are used for its prices, and have not been examined"
)


def connection_page(tx: Transaction, caller: Caller, connections: Connections) -> ConnectionPage:
    """The project's connections by provider."""
    return ConnectionPage(items=[connection_view(row, connections) for row in own_connections(tx, caller)])


def connection_view(row: ConnectionRow, connections: Connections) -> ConnectionView:
    """A connection, and what to know of it now."""
    about = all_abouts().get(row.provider)
    notes = [_FROM[row.source]] if row.source in _FROM else []
    if row.state == ConnectionState.PRICES_ONLY:
        notes.append(_ONLY_PRICES)
    if problem := connections.problem_of(row):
        notes.append(f"this server cannot use it: {problem}")
    return ConnectionView(
        id=row.id,
        provider=row.provider,
        title=row.provider if about is None else about.title,
        name=row.name,
        state=ConnectionState(row.state),
        source=CredentialSource(row.source),
        settings=row.settings,
        account=None if row.account is None else AccountView.model_validate(row.account),
        error=row.error,
        examined_at=row.examined_at,
        created_at=row.created_at,
        updated_at=row.updated_at or row.created_at,
        notes=notes,
    )


def provider_page(tx: Transaction, caller: Caller, connections: Connections) -> ProviderPage:
    """Every provider that describes itself, by id."""
    rows = {row.provider: row for row in own_connections(tx, caller)}
    return ProviderPage(
        items=[
            _provider_view(about, rows.get(name), connections) for name, about in sorted(all_abouts().items())
        ]
    )


def provider_view(tx: Transaction, caller: Caller, connections: Connections, name: str) -> ProviderView:
    """One provider, by any of its names. Raises NotFoundError."""
    about = find_about(name)
    rows = {row.provider: row for row in own_connections(tx, caller)}
    return _provider_view(about, rows.get(about.id), connections)


def _provider_view(about: About, row: ConnectionRow | None, connections: Connections) -> ProviderView:
    context = connections.context
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
            SettingFieldView(name=field.name, title=field.title, is_list=field.is_list)
            for field in about.all_settings
        ],
        config_tool=None if about.files is None else about.files.tool,
        config_files=[] if about.files is None else list(about.files.paths),
        policies=[
            PolicyView(name=each.name, title=each.title, usage=each.usage, text=each.text())
            for each in about.policies
        ],
        limits=list(about.shortcomings),
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

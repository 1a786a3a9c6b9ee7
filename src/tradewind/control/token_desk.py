"""API tokens and browser sessions of a user: made, listed, revoked. Only hashes are kept."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, func, or_, select

from tradewind.db import tables
from tradewind.db.owners import Caller, store_token
from tradewind.db.store import Transaction
from tradewind.domain.errors import ConflictError, NotFoundError
from tradewind.domain.schemas_settings import NewToken, TokenPage, TokenRequest, TokenView
from tradewind.domain.schemas_shown import ActionView, BadgeView

MOST_TOKENS: Final = 100
#: What a token of the server's own machine is called: the command line there finds it in a file.
LOCAL: Final = "local"
_SOON: Final = timedelta(days=14)
_T: Final = tables.tokens
_SHOWN: Final = ("api", "session")


def make_token(tx: Transaction, caller: Caller, request: TokenRequest, secret: str) -> NewToken:
    """Makes a secret valid as an API token of the caller.

    Raises:
        ConflictError: the name is taken, or there are too many.
    """
    mine = (_T.c.user_id == caller.user_id, _T.c.kind == "api")
    if request.name == LOCAL or _is_taken(tx, caller, request.name):
        raise ConflictError(f"there is a token {request.name!r} already", hint="choose another name")
    if tx.execute(select(func.count()).where(*mine)).scalar_one() >= MOST_TOKENS:
        raise ConflictError(
            f"there are {MOST_TOKENS} tokens already", hint="revoke some that are not used any more"
        )
    days = request.expires_in_days
    store_token(
        tx, caller.user_id, "api", secret, request.name, None if days is None else timedelta(days=days)
    )
    row = tx.execute(select(_T).where(*mine, _T.c.label == request.name)).one()
    return NewToken(**dict(_view(row, tx.now, None)), secret=secret)


def token_page(tx: Transaction, caller: Caller, current: str | None) -> TokenPage:
    """The caller's tokens, those that ran out too, and sessions that are good; what is in use and the newest first."""
    rows = tx.execute(
        select(_T)
        .where(
            _T.c.user_id == caller.user_id,
            _T.c.kind.in_(_SHOWN),
            or_(_T.c.kind == "api", _T.c.expires_at > tx.now),
        )
        .order_by(_T.c.kind, _T.c.id.desc())
        .limit(2 * MOST_TOKENS)
    )
    items = [_view(row, tx.now, current) for row in rows]
    return TokenPage(items=sorted(items, key=lambda each: (each.kind, not each.is_current)))


def revoke_token(tx: Transaction, caller: Caller, token_id: str) -> None:
    """Makes a token or a session worthless.

    Raises:
        NotFoundError: the caller has none with this id.
        ConflictError: the command line of the server's machine uses it.
    """
    mine = (_T.c.id == token_id, _T.c.user_id == caller.user_id, _T.c.kind.in_(_SHOWN))
    row = tx.execute(select(_T).where(*mine)).first()
    if row is None:
        raise NotFoundError("there is no such token", hint="`GET /api/v1/tokens` lists yours")
    if _is_local(row):
        raise ConflictError(
            "the command line of the server's own machine uses this token",
            hint="remove the file `token` in the server's state folder and start the server again: it makes a new one",
        )
    tx.execute(delete(_T).where(*mine))


def _is_taken(tx: Transaction, caller: Caller, name: str) -> bool:
    statement = select(_T.c.id).where(_T.c.user_id == caller.user_id, _T.c.kind == "api", _T.c.label == name)
    return tx.execute(statement.limit(1)).first() is not None


def _is_local(row: Any) -> bool:
    return bool(row.kind == "api" and row.label == LOCAL)


def _view(row: Any, now: datetime, current: str | None) -> TokenView:
    is_session = row.kind == "session"
    what = "browser session" if is_session else "API token"
    if _is_local(row):
        what = "API token of the command line on the server's machine"
    lost = "You are signed out here." if row.id == current else "Whatever uses it is refused from then on."
    revoke = ActionView(
        id="revoke",
        label="Sign out" if is_session else "Revoke",
        confirm=f"Revoke {row.label}? {lost}",
        is_destructive=True,
    )
    return TokenView(
        id=row.id,
        name=row.label,
        kind=row.kind,
        title=what,
        created_at=row.created_at,
        expires_at=row.expires_at,
        used_at=row.used_at,
        badge=_badge(row, now, current),
        is_current=row.id == current,
        actions=[] if _is_local(row) else [revoke],
    )


def _badge(row: Any, now: datetime, current: str | None) -> BadgeView:
    if row.expires_at is not None and row.expires_at <= now:
        return BadgeView(label="Expired", tone="bad", icon="clock")
    if row.id == current:
        return BadgeView(label="In use here", tone="good", icon="check")
    if row.kind == "api" and row.expires_at is not None and row.expires_at - now <= _SOON:
        return BadgeView(label="Expiring", tone="warning", icon="clock")
    if row.used_at is None:
        return BadgeView(label="Never used", tone="quiet", icon="moon")
    return BadgeView(label="Active", tone="good", icon="check")

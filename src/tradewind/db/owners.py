"""Who asks, and the statement every read starts from (invariant 7)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, insert, select, update

from tradewind.db import tables
from tradewind.db.store import Transaction
from tradewind.domain import ids

DEFAULT_NAME: Final = "default"
#: The role that may set what counts for others.
OWNER: Final = "owner"

#: That a token was used is written down this often at most.
NOTED_EVERY: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A user acting in a project."""

    user_id: str
    user_name: str
    team_id: str
    team_name: str
    project_id: str
    project_name: str


def visible_to(caller: Caller, table: Any) -> ColumnElement[bool]:
    """The condition that keeps a read inside the caller's project."""
    condition: ColumnElement[bool] = table.c.project_id == caller.project_id
    return condition


def made_by(caller: Caller, table: Any) -> ColumnElement[bool]:
    """The condition that keeps a read to what the caller has made in their project: what is a user's own."""
    condition: ColumnElement[bool] = visible_to(caller, table) & (table.c.creator_id == caller.user_id)
    return condition


def is_owner(tx: Transaction, caller: Caller) -> bool:
    """True if the caller is an owner of their team."""
    members = tables.team_members
    role = tx.execute(
        select(members.c.role).where(members.c.team_id == caller.team_id, members.c.user_id == caller.user_id)
    ).scalar()
    return bool(role == OWNER)


def ensure_defaults(tx: Transaction, user_name: str) -> tuple[str, Caller]:
    """Creates the installation, the default team, project and user on a new database.

    Returns the installation's id and the default caller.
    """
    installation_id = tx.execute(select(tables.installation.c.id)).scalar()
    if installation_id is None:
        installation_id = tx.new_id(ids.INSTALLATION)
        user_id, team_id, project_id = tx.new_id(ids.USER), tx.new_id(ids.TEAM), tx.new_id(ids.PROJECT)
        now = tx.now
        tx.execute(insert(tables.installation).values(id=installation_id, created_at=now))
        tx.execute(insert(tables.users).values(id=user_id, name=user_name, created_at=now))
        tx.execute(insert(tables.teams).values(id=team_id, name=DEFAULT_NAME, created_at=now))
        tx.execute(insert(tables.team_members).values(team_id=team_id, user_id=user_id, role=OWNER))
        tx.execute(
            insert(tables.projects).values(id=project_id, team_id=team_id, name=DEFAULT_NAME, created_at=now)
        )
    user_id = tx.execute(select(tables.users.c.id).order_by(tables.users.c.id).limit(1)).scalar_one()
    return installation_id, caller_for(tx, user_id)


def caller_for(tx: Transaction, user_id: str) -> Caller:
    """The user in the first project of their first team."""
    users, teams, members, projects = tables.users, tables.teams, tables.team_members, tables.projects
    row = tx.execute(
        select(users.c.name, teams.c.id, teams.c.name, projects.c.id, projects.c.name)
        .join_from(users, members, members.c.user_id == users.c.id)
        .join(teams, teams.c.id == members.c.team_id)
        .join(projects, projects.c.team_id == teams.c.id)
        .where(users.c.id == user_id)
        .order_by(projects.c.id)
        .limit(1)
    ).one()
    return Caller(
        user_id=user_id,
        user_name=row[0],
        team_id=row[1],
        team_name=row[2],
        project_id=row[3],
        project_name=row[4],
    )


def hash_secret(secret: str) -> str:
    """Only hashes of tokens are stored."""
    return hashlib.sha256(secret.encode()).hexdigest()


def store_token(
    tx: Transaction, user_id: str, kind: str, secret: str, label: str, lifetime: timedelta | None
) -> None:
    """Makes a secret valid as an API token, a one-time link or a browser session."""
    tokens = tables.tokens
    digest = hash_secret(secret)
    if tx.execute(select(tokens.c.id).where(tokens.c.sha256 == digest)).first() is None:
        tx.execute(
            insert(tokens).values(
                id=tx.new_id(ids.TOKEN),
                user_id=user_id,
                kind=kind,
                sha256=digest,
                label=label,
                created_at=tx.now,
                expires_at=None if lifetime is None else tx.now + lifetime,
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownToken:
    """A token or a session that is good now. `is_noted`: that it was used lately is written down already."""

    id: str
    user_id: str
    is_noted: bool


def find_token(tx: Transaction, secret: str, kinds: tuple[str, ...]) -> KnownToken | None:
    """What a secret stands for, if it is known, of one of these kinds and not expired."""
    tokens = tables.tokens
    row = tx.execute(
        select(tokens.c.id, tokens.c.user_id, tokens.c.expires_at, tokens.c.used_at).where(
            tokens.c.sha256 == hash_secret(secret), tokens.c.kind.in_(kinds)
        )
    ).first()
    if row is None or (row.expires_at is not None and row.expires_at <= tx.now):
        return None
    is_noted = row.used_at is not None and tx.now - row.used_at < NOTED_EVERY
    return KnownToken(id=str(row.id), user_id=str(row.user_id), is_noted=is_noted)


def note_use(tx: Transaction, token_id: str) -> None:
    """Writes down that a token was used."""
    tokens = tables.tokens
    tx.execute(update(tokens).where(tokens.c.id == token_id).values(used_at=tx.now))


def redeem_link(tx: Transaction, secret: str) -> str | None:
    """Uses up a one-time link; the user it was made for, or None when it is unknown, used or expired."""
    tokens = tables.tokens
    row = tx.execute(
        update(tokens)
        .where(
            tokens.c.sha256 == hash_secret(secret),
            tokens.c.kind == "link",
            tokens.c.used_at.is_(None),
            tokens.c.expires_at > tx.now,
        )
        .values(used_at=tx.now)
        .returning(tokens.c.user_id)
    ).first()
    return None if row is None else str(row.user_id)

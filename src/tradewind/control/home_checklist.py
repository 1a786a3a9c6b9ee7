"""What to do first, and whether it is done: seen from what is there, never from a click."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, func, or_, select

from tradewind.control.context import Context
from tradewind.control.preferences import preferences_of
from tradewind.db import budget_tables, price_tables, tables
from tradewind.db.owners import Caller, made_by, visible_to
from tradewind.db.store import Transaction
from tradewind.domain.schemas_home import Checklist, ChecklistStep
from tradewind.domain.status import NodeStatus
from tradewind.estimate.own_figures import Origin


def checklist(tx: Transaction, caller: Caller, context: Context) -> Checklist:
    """The steps, in the order in which they are best taken."""
    own = context.own
    steps = [
        ChecklistStep(
            id="place",
            title="Connect a provider or a machine",
            text="Jobs run on this machine at once. With a provider, or a machine over SSH, they can run elsewhere.",
            is_done=_has_place(tx, caller),
            link="/connections",
            command="tradewind connect lambda",
        ),
        ChecklistStep(
            id="electricity",
            title="Say what electricity costs you",
            text="The country will do: then the cost and carbon of your own machine are right beside the clouds'.",
            is_done=own is not None and own.settled.price_origin is not Origin.WORLD,
            link="/settings",
            command="tradewind doctor",
        ),
        ChecklistStep(
            id="job",
            title="Run a first job",
            text="The form asks step by step, and shows what it would cost and where before anything starts.",
            is_done=_is_there(tx, select(tables.jobs.c.id).where(visible_to(caller, tables.jobs))),
            link="/new",
            command="tradewind init && tradewind run tradewind.yaml",
        ),
        ChecklistStep(
            id="budget",
            title="Set a budget",
            text="An amount for the month, and what happens when it is reached: tell, hold back, or stop.",
            is_done=_is_there(
                tx,
                select(budget_tables.budgets.c.id).where(budget_tables.budgets.c.team_id == caller.team_id),
            ),
            link="/budgets",
            command="tradewind budgets set month 200 --action block_new",
        ),
        ChecklistStep(
            id="alert",
            title="Be told",
            text="A channel (Slack, mail, webhook) and an alert for a price that you would pay.",
            is_done=_has_alert(tx, caller),
            link="/alerts",
            command="tradewind alerts add cheap --gpu H100 --below 2",
        ),
    ]
    done = sum(step.is_done for step in steps)
    return Checklist(
        steps=steps,
        done=done,
        text=f"{done} of {len(steps)} done",
        is_complete=done == len(steps),
        is_hidden=bool(preferences_of(tx, caller).hides_checklist),
    )


def _is_there(tx: Transaction, statement: Select[Any]) -> bool:
    return tx.execute(statement.limit(1)).first() is not None


def _has_place(tx: Transaction, caller: Caller) -> bool:
    connections, nodes = tables.connections, tables.nodes
    if _is_there(tx, select(connections.c.id).where(visible_to(caller, connections))):
        return True
    rows = tx.execute(
        select(nodes.c.handle).where(
            visible_to(caller, nodes), nodes.c.is_rented.is_(False), nodes.c.handle.is_not(None),
            nodes.c.status == NodeStatus.READY,
        )
    )  # fmt: skip
    # A JSON column may hold JSON's null.
    return any(row.handle is not None for row in rows)


def _has_alert(tx: Transaction, caller: Caller) -> bool:
    alerts, channels = price_tables.price_alerts, price_tables.notification_channels
    either = select(func.count()).where(
        or_(
            select(alerts.c.id).where(made_by(caller, alerts)).exists(),
            select(channels.c.id).where(made_by(caller, channels)).exists(),
        )
    )
    return bool(tx.execute(either).scalar_one())

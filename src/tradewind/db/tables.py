"""Every table.

Status columns are written only by `db/moves.py`, through the transition tables of `domain/status.py`.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from tradewind.db.columns import UtcTime, id_column, lease_columns, owner_columns

metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)
BIG_KEY: Final = BigInteger().with_variant(Integer, "sqlite")

installation: Final = Table(
    "installation",
    metadata,
    id_column(primary_key=True),
    Column("created_at", UtcTime, nullable=False),
)
users: Final = Table(
    "users",
    metadata,
    id_column(primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("created_at", UtcTime, nullable=False),
)
teams: Final = Table(
    "teams",
    metadata,
    id_column(primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("created_at", UtcTime, nullable=False),
)
team_members: Final = Table(
    "team_members",
    metadata,
    Column("team_id", String(40), ForeignKey("teams.id"), primary_key=True),
    Column("user_id", String(40), ForeignKey("users.id"), primary_key=True),
    Column("role", String(16), nullable=False),
)
projects: Final = Table(
    "projects",
    metadata,
    id_column(primary_key=True),
    Column("team_id", String(40), ForeignKey("teams.id"), nullable=False),
    Column("name", String(64), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    UniqueConstraint("team_id", "name"),
)
tokens: Final = Table(
    "tokens",
    metadata,
    id_column(primary_key=True),
    Column("user_id", String(40), ForeignKey("users.id"), nullable=False),
    Column("kind", String(16), nullable=False),  # api | link | session
    Column("sha256", String(64), nullable=False, unique=True),
    Column("label", String(64), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=True),
    Column("used_at", UtcTime, nullable=True),
)
jobs: Final = Table(
    "jobs",
    metadata,
    id_column(primary_key=True),
    *owner_columns(),
    Column("name", String(64), nullable=False),
    Column("status", String(16), nullable=False),
    Column("desired", String(8), nullable=False),
    Column("reason", String(32), nullable=True),
    Column("explanation", Text, nullable=True),
    Column("next_try_at", UtcTime, nullable=True),
    Column("spec", JSON, nullable=False),
    Column("workdir_sha256", String(64), nullable=True),
    Column("search_path", Text, nullable=True),
    Column("tags", JSON, nullable=False),
    Column("exit_code", Integer, nullable=True),
    Column("attempt_id", String(40), nullable=True),
    Column("stop_grace_s", Float, nullable=True),
    Column("created_at", UtcTime, nullable=False),
    Column("started_at", UtcTime, nullable=True),
    Column("ended_at", UtcTime, nullable=True),
    Column("event_seq", Integer, nullable=False, default=0, server_default="0"),
    Column("version", Integer, nullable=False, default=1, server_default="1"),
    *lease_columns(),
    Index("ix_jobs_project_created", "project_id", "id"),
    Index("ix_jobs_name", "project_id", "name"),
    Index("ix_jobs_status", "status"),
)
tasks: Final = Table(
    "tasks",
    metadata,
    id_column(primary_key=True),
    *owner_columns(),
    Column("job_id", String(40), ForeignKey("jobs.id"), nullable=False, index=True),
    Column("index", Integer, nullable=False),
    Column("status", String(16), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("queued_at", UtcTime, nullable=False),
    Column("not_before", UtcTime, nullable=True),
    #: Where it was decided to run: `owned`, on this machine, or the id of a node; None: not decided yet.
    Column("place", String(8).with_variant(String(40), "postgresql"), nullable=True),
    #: Where it is to go on after a move, and until when that is insisted on.
    Column("wish", JSON(none_as_null=True), nullable=True),
    #: Fencing token of the newest attempt: it only grows.
    Column("fence", Integer, nullable=False, default=0, server_default="0"),
    Column("interruptions", Integer, nullable=False, default=0, server_default="0"),
    Column("failures", Integer, nullable=False, default=0, server_default="0"),
    Column("version", Integer, nullable=False, default=1, server_default="1"),
    Index("ix_tasks_queue", "status", "priority", "queued_at", "id"),
    Index("ix_tasks_retry", "status", "not_before"),
)
nodes: Final = Table(
    "nodes",
    metadata,
    id_column(primary_key=True),
    *owner_columns(),
    Column("provider", String(32), nullable=False),
    Column("name", String(128), nullable=False),
    #: The machine whose servers drive it; None: any server does.
    Column("host", String(64), nullable=True),
    Column("inventory", JSON, nullable=False),
    Column("is_rented", Boolean, nullable=False, default=False, server_default=false()),
    Column("status", String(16), nullable=False, default="ready", server_default="ready"),
    Column("desired", String(8), nullable=False, default="keep", server_default="keep"),
    Column("reason", String(32), nullable=True),
    Column("explanation", Text, nullable=True),
    #: Under which the provider knows a rented machine.
    Column("key", String(128), nullable=True),
    Column("offer", JSON, nullable=True),
    Column("handle", JSON, nullable=True),
    #: For which it was rented; None: a machine of the user's own, or one that belongs to nothing.
    Column("attempt_id", String(40), nullable=True, index=True),
    Column("job_id", String(40), nullable=True, index=True),
    #: When a call that makes it may last have been sent.
    Column("called_at", UtcTime, nullable=True),
    Column("accepted_at", UtcTime, nullable=True),
    Column("ready_at", UtcTime, nullable=True),
    Column("billed_from", UtcTime, nullable=True),
    #: Until when it lives without another word from us, where the provider ends it by itself.
    Column("keep_until", UtcTime, nullable=True),
    Column("lost_since", UtcTime, nullable=True),
    Column("observed", JSON, nullable=True, default=dict),
    Column("created_at", UtcTime, nullable=False),
    Column("last_seen_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime, nullable=True),
    Column("version", Integer, nullable=False, default=1, server_default="1"),
    *lease_columns(),
    UniqueConstraint("provider", "name"),
    Index("uq_nodes_key", "key", unique=True),
    Index("ix_nodes_rented", "is_rented", "status"),
)
#: Loops of which there is one for all servers: its row is its lease and its memory.
loops: Final = Table(
    "loops",
    metadata,
    id_column(primary_key=True),
    Column("state", JSON, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    *lease_columns(),
)
#: Places that said no a short while ago: they are not asked again before `until`.
refusals: Final = Table(
    "refusals",
    metadata,
    Column("provider", String(32), primary_key=True),
    Column("region", String(64), primary_key=True),
    Column("zone", String(64), primary_key=True),
    Column("instance_type", String(128), primary_key=True),
    Column("market", String(16), primary_key=True),
    Column("fault", String(32), nullable=False),
    Column("message", Text, nullable=False),
    Column("count", Integer, nullable=False),
    Column("refused_at", UtcTime, nullable=False),
    Column("until", UtcTime, nullable=False),
)
#: What was decided about where a job runs, with its arithmetic. Only ever added to.
decisions: Final = Table(
    "decisions",
    metadata,
    id_column(primary_key=True),
    *owner_columns(),
    Column("job_id", String(40), ForeignKey("jobs.id"), nullable=False, index=True),
    Column("attempt_id", String(40), nullable=True),
    Column("kind", String(16), nullable=False),  # place | wait | migrate | stay
    Column("explanation", Text, nullable=False),
    Column("arithmetic", JSON, nullable=False),
    Column("created_at", UtcTime, nullable=False),
)
attempts: Final = Table(
    "attempts",
    metadata,
    id_column(primary_key=True),
    *owner_columns(),
    Column("job_id", String(40), ForeignKey("jobs.id"), nullable=False, index=True),
    Column("task_id", String(40), ForeignKey("tasks.id"), nullable=False, index=True),
    #: Its first node; the others of an attempt on several are in `ranks`.
    Column("node_id", String(40), ForeignKey("nodes.id"), nullable=False),
    Column("nodes", Integer, nullable=False, default=1, server_default="1"),
    Column("number", Integer, nullable=False),
    Column("fence", Integer, nullable=False),
    Column("status", String(16), nullable=False),
    Column("reason", String(32), nullable=True),
    Column("explanation", Text, nullable=True),
    Column("exit_code", Integer, nullable=True),
    Column("signal", Integer, nullable=True),
    Column("provider", String(32), nullable=False),
    #: The accelerators that it holds, by the name that estimates know them by; empty without any.
    Column("accelerator", String(64), nullable=False, default="", server_default=""),
    Column("offer", JSON, nullable=False),
    Column("handle", JSON, nullable=True),
    Column("stop_reason", String(32), nullable=True),
    Column("resumed_from", String(40), nullable=True),
    #: Byte offset up to which the agent's records have been applied.
    Column("cursor", BigInteger, nullable=False, default=0, server_default="0"),
    Column("observed", JSON, nullable=False),
    Column("energy_j", BigInteger, nullable=False, default=0, server_default="0"),
    Column("created_at", UtcTime, nullable=False),
    Column("accepted_at", UtcTime, nullable=True),
    Column("started_at", UtcTime, nullable=True),
    Column("ended_at", UtcTime, nullable=True),
    Column("version", Integer, nullable=False, default=1, server_default="1"),
    *lease_columns(),
    UniqueConstraint("task_id", "number"),
)
allocations: Final = Table(
    "allocations",
    metadata,
    id_column(primary_key=True),
    *owner_columns(),
    Column("attempt_id", String(40), ForeignKey("attempts.id"), nullable=False),
    Column("rank", Integer, nullable=False, default=0, server_default="0"),
    Column("node_id", String(40), ForeignKey("nodes.id"), nullable=False),
    Column("milli_cpus", Integer, nullable=False),
    Column("memory_bytes", BigInteger, nullable=False),
    Column("accelerators", JSON, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("released_at", UtcTime, nullable=True),
    UniqueConstraint("attempt_id", "rank"),
    Index("ix_allocations_live", "node_id", "released_at"),
)
#: The parts of an attempt on several nodes, one for each. An attempt on one node has none: its own row says it all.
ranks: Final = Table(
    "ranks",
    metadata,
    id_column(primary_key=True),
    *owner_columns(),
    Column("attempt_id", String(40), ForeignKey("attempts.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("node_id", String(40), ForeignKey("nodes.id"), nullable=False, index=True),
    #: What it holds of its node and on which terms, as `attempts.offer`.
    Column("offer", JSON, nullable=False),
    #: Under which the other ranks reach it, as they were told.
    Column("address", String(255), nullable=True),
    Column("handle", JSON, nullable=True),
    Column("cursor", BigInteger, nullable=False, default=0, server_default="0"),
    Column("observed", JSON, nullable=False),
    Column("energy_j", BigInteger, nullable=False, default=0, server_default="0"),
    #: How it ended, by itself or with its machine.
    Column("outcome", String(16), nullable=True),
    Column("reason", String(32), nullable=True),
    Column("explanation", Text, nullable=True),
    Column("exit_code", Integer, nullable=True),
    Column("signal", Integer, nullable=True),
    Column("accepted_at", UtcTime, nullable=True),
    Column("started_at", UtcTime, nullable=True),
    Column("ended_at", UtcTime, nullable=True),
    Column("created_at", UtcTime, nullable=False),
    Column("version", Integer, nullable=False, default=1, server_default="1"),
    UniqueConstraint("attempt_id", "number"),
)
intents: Final = Table(
    "intents",
    metadata,
    id_column(primary_key=True),
    *owner_columns(),
    Column("key", String(128), nullable=False, unique=True),
    Column("attempt_id", String(40), ForeignKey("attempts.id"), nullable=True, index=True),
    Column("node_id", String(40), ForeignKey("nodes.id"), nullable=True, index=True),
    Column("provider", String(32), nullable=False),
    Column("request", JSON, nullable=False),
    Column("state", String(16), nullable=False),  # open | fulfilled | failed | ended
    Column("created_at", UtcTime, nullable=False),
    Column("closed_at", UtcTime, nullable=True),
)
reservations: Final = Table(
    "reservations",
    metadata,
    id_column(primary_key=True),
    *owner_columns(),
    Column("job_id", String(40), ForeignKey("jobs.id"), nullable=False, index=True),
    Column("attempt_id", String(40), ForeignKey("attempts.id"), nullable=False, unique=True),
    Column("provider", String(32), nullable=False, default="", server_default=""),
    Column("market", String(16), nullable=False, default="owned", server_default="owned"),
    #: The most that is added until `covers_until`, on top of what had accrued when the hold was made.
    Column("amount_micro", BigInteger, nullable=False),
    Column("accrued_micro", BigInteger, nullable=False, default=0, server_default="0"),
    Column("hourly_micro", BigInteger, nullable=False, default=0, server_default="0"),
    Column("currency", String(3), nullable=False),
    Column("covers_until", UtcTime, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("released_at", UtcTime, nullable=True),
    Index("ix_reservations_live", "released_at", "project_id"),
)
events: Final = Table(
    "events",
    metadata,
    Column("position", BIG_KEY, primary_key=True, autoincrement=True),
    Column("project_id", String(40), ForeignKey("projects.id"), nullable=False, index=True),
    Column("job_id", String(40), ForeignKey("jobs.id"), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("type", String(48), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("actor", String(64), nullable=False),
    Column("message", Text, nullable=False),
    Column("data", JSON, nullable=False),
    UniqueConstraint("job_id", "seq"),
)
checkpoints: Final = Table(
    "checkpoints",
    metadata,
    id_column(primary_key=True),
    *owner_columns(),
    Column("job_id", String(40), ForeignKey("jobs.id"), nullable=False, index=True),
    Column("task_id", String(40), ForeignKey("tasks.id"), nullable=False),
    Column("attempt_id", String(40), ForeignKey("attempts.id"), nullable=False),
    Column("attempt_number", Integer, nullable=False),
    Column("fence", Integer, nullable=False),
    Column("path", Text, nullable=False),
    Column("step", Float, nullable=True),
    Column("size_bytes", BigInteger, nullable=False),
    Column("file_count", Integer, nullable=False),
    Column("manifest", JSON, nullable=False),
    Column("location", Text, nullable=False),
    Column("state", String(16), nullable=False),  # kept | pruned | damaged
    Column("created_at", UtcTime, nullable=False),
)
artifacts: Final = Table(
    "artifacts",
    metadata,
    id_column(primary_key=True),
    *owner_columns(),
    Column("job_id", String(40), ForeignKey("jobs.id"), nullable=False, index=True),
    Column("attempt_id", String(40), ForeignKey("attempts.id"), nullable=False),
    Column("attempt_number", Integer, nullable=False),
    Column("path", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("location", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
)
ledger: Final = Table(
    "ledger",
    metadata,
    id_column(primary_key=True),
    *owner_columns(),
    Column("job_id", String(40), ForeignKey("jobs.id"), nullable=True, index=True),
    Column("attempt_id", String(40), ForeignKey("attempts.id"), nullable=True, index=True),
    Column("node_id", String(40), ForeignKey("nodes.id"), nullable=True),
    Column("provider", String(32), nullable=False),
    Column("kind", String(16), nullable=False),  # compute | idle | orphan | correction
    Column("started_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime, nullable=False, index=True),
    Column("duration_ms", BigInteger, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("rate_micro_per_unit", BigInteger, nullable=False),
    Column("rate_per", String(16), nullable=False),
    Column("amount_micro", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("energy_j", BigInteger, nullable=False),
    Column("carbon_mg", BigInteger, nullable=False),
    Column("basis", String(16), nullable=False),  # metered | modelled
    Column("note", Text, nullable=False),
    Column("corrects", String(40), nullable=True),
    #: The accelerators that were paid for: what attribution by model goes by.
    Column("accelerator", String(64), nullable=False, default="", server_default=""),
    Column("accelerator_count", Float, nullable=False, default=0.0, server_default="0"),
    #: What an invoice calls the thing, on rows that an invoice has led to.
    Column("resource", String(255), nullable=True),
    Index("ix_ledger_project_ended", "project_id", "ended_at"),
)
#: A project's credentials for one provider, and what the provider said of them.
connections: Final = Table(
    "connections",
    metadata,
    id_column(primary_key=True),
    *owner_columns(),
    Column("provider", String(32), nullable=False),
    #: The provider's id, until one provider may be connected several times.
    Column("name", String(64), nullable=False),
    Column("state", String(16), nullable=False, server_default="prices_only"),
    #: Where the credentials are: kept here, or in the server's environment, or in a file of the vendor's tool.
    Column("source", String(16), nullable=False, server_default="stored"),
    Column("settings", JSON, nullable=False),
    #: One JSON object, bound to the row's id; None where the credentials are not kept here.
    Column("secret_ciphertext", LargeBinary, nullable=True),
    #: Whose the credentials are and what they allow, as it was said when they were last examined.
    Column("account", JSON(none_as_null=True), nullable=True),
    Column("error", Text, nullable=True),
    Column("examined_at", UtcTime, nullable=True),
    #: Grows with the credentials and settings, so that a server knows when what it has built is old.
    Column("version", Integer, nullable=False, default=1, server_default="1"),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=True),
    UniqueConstraint("project_id", "name"),
)
#: What all servers of the database share and nobody may read, by what it is for; sealed, made once.
installation_secrets: Final = Table(
    "installation_secrets",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("ciphertext", LargeBinary, nullable=False),
    Column("created_at", UtcTime, nullable=False),
)
#: What is set on the settings page, for all servers of the database; what is of one machine has it behind an @.
installation_settings: Final = Table(
    "installation_settings",
    metadata,
    Column("name", String(128), primary_key=True),
    Column("value", JSON, nullable=False),
    Column("user_id", String(40), ForeignKey("users.id"), nullable=False),
    Column("updated_at", UtcTime, nullable=False),
)
profiles: Final = Table(
    "profiles",
    metadata,
    id_column(primary_key=True),
    *owner_columns(),
    Column("connection_id", String(40), ForeignKey("connections.id"), nullable=False),
    Column("name", String(64), nullable=False),
    Column("policy", JSON, nullable=False),
    Column("is_default", Boolean, nullable=False, default=False),
    Column("created_at", UtcTime, nullable=False),
    UniqueConstraint("project_id", "name"),
)
idempotency_keys: Final = Table(
    "idempotency_keys",
    metadata,
    Column("project_id", String(40), ForeignKey("projects.id"), primary_key=True),
    Column("user_id", String(40), ForeignKey("users.id"), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("request_sha256", String(64), nullable=False),
    Column("answer", JSON, nullable=False),
    Column("created_at", UtcTime, nullable=False, index=True),
)
audit: Final = Table(
    "audit",
    metadata,
    Column("position", BIG_KEY, primary_key=True, autoincrement=True),
    Column("project_id", String(40), ForeignKey("projects.id"), nullable=False, index=True),
    Column("user_id", String(40), ForeignKey("users.id"), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("action", String(48), nullable=False),
    Column("target", String(64), nullable=False),
    Column("data", JSON, nullable=False),
)

"""People, decisions, leases, drafts."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

Key = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "turnstiles",
        sa.Column("name", Key, primary_key=True),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("at", Key, nullable=False),
    )
    op.create_table(
        "people",
        sa.Column("name", Key, primary_key=True),
        sa.Column("role", Key, nullable=False),
        sa.Column("by", Key, nullable=False),
        sa.Column("at", Key, nullable=False),
    )
    op.create_table(
        "events",
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("request", Key, nullable=False, unique=True),
        sa.Column("example_id", Key, nullable=False),
        sa.Column("content", Key, nullable=False),
        sa.Column("action", Key, nullable=False),
        sa.Column("decides", Key, nullable=False),
        sa.Column("curator", Key, nullable=False),
        sa.Column("at", Key, nullable=False),
        sa.Column("turns", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("served", Key, nullable=False),
        sa.Column("blind", sa.Boolean, nullable=False),
        sa.Column("undoes", sa.BigInteger),
        sa.Column("batch", Key, nullable=False),
    )
    op.create_index("events_of_curator", "events", ["curator", "seq"])
    op.create_index("events_of_example", "events", ["example_id", "seq"])
    op.create_table(
        "live",
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("example_id", Key, nullable=False),
        sa.Column("curator", Key, nullable=False),
        sa.Column("action", Key, nullable=False),
        sa.Column("batch", Key, nullable=False),
    )
    op.create_index("live_of_curator", "live", ["curator", "seq"])
    op.create_index("live_of_example", "live", ["example_id", "seq"])
    op.create_index("live_of_batch", "live", ["batch", "seq"])
    op.create_table(
        "standings",
        sa.Column("example_id", Key, primary_key=True),
        sa.Column("curator", Key, primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("action", Key),
        sa.Column("seq", sa.BigInteger),
    )
    op.create_table(
        "counts",
        sa.Column("curator", Key, primary_key=True),
        sa.Column("action", Key, primary_key=True),
        sa.Column("standing", sa.Integer, nullable=False),
        sa.Column("events", sa.Integer, nullable=False),
    )
    op.create_table(
        "leases",
        sa.Column("example_id", Key, primary_key=True),
        sa.Column("curator", Key, nullable=False),
        sa.Column("until", Key, nullable=False),
    )
    op.create_index("leases_of_curator", "leases", ["curator"])
    op.create_index("leases_by_end", "leases", ["until"])
    op.create_table(
        "drafts",
        sa.Column("curator", Key, primary_key=True),
        sa.Column("example_id", Key, primary_key=True),
        sa.Column("content", Key, nullable=False),
        sa.Column("turns", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("at", Key, nullable=False),
    )
    op.create_table(
        "places",
        sa.Column("curator", Key, primary_key=True),
        sa.Column("example_id", Key, nullable=False),
        sa.Column("at", Key, nullable=False),
    )
    op.create_table(
        "changes",
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", Key, nullable=False),
        sa.Column("who", Key, nullable=False),
        sa.Column("what", Key, nullable=False),
        sa.Column("about", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
    )
    op.execute("INSERT INTO turnstiles (name, seq, at) VALUES ('events', 0, ''), ('leases', 0, '')")

"""Guidelines, settings, assignments and authored examples; the history can only grow."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

Key = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "guidelines",
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("by", Key, nullable=False),
        sa.Column("at", Key, nullable=False),
    )
    op.create_table(
        "acknowledgements",
        sa.Column("curator", Key, primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", Key, nullable=False),
    )
    op.create_table(
        "settings",
        sa.Column("name", Key, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.create_table(
        "assignments",
        sa.Column("curator", Key, primary_key=True),
        sa.Column("cells", sa.Text, nullable=False),
    )
    op.create_table(
        "authored",
        sa.Column("id", Key, primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("group", Key, nullable=False),
        sa.Column("form", Key, nullable=False),
        sa.Column("state", Key, nullable=False),
        sa.Column("turns", sa.Text, nullable=False),
        sa.Column("tags", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("by", Key, nullable=False),
        sa.Column("at", Key, nullable=False),
    )
    op.create_index("authored_by", "authored", ["by", "group"])
    for table in ("events", "changes", "guidelines", "acknowledgements", "authored"):
        _only_grows(table)


def _only_grows(table: str) -> None:
    told = f"{table} is only ever added to"
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"CREATE FUNCTION {table}_stays() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '{told}'; END $$"
        )
        op.execute(
            f"CREATE TRIGGER {table}_stays BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_stays()"
        )
        return
    for act in ("UPDATE", "DELETE"):
        op.execute(f"CREATE TRIGGER {table}_no_{act.lower()} BEFORE {act} ON {table} BEGIN SELECT RAISE(ABORT, '{told}'); END")

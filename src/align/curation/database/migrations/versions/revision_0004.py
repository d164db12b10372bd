"""The examples that were taken down, so that a running app hears of it and nothing more is said of them."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

Key = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "taken_down",
        sa.Column("example_id", Key, primary_key=True),
        sa.Column("seq", sa.BigInteger, nullable=False),
    )
    op.create_index("taken_down_since", "taken_down", ["seq"])

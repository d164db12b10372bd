"""Split and licence of authored examples, and the group of each author: who has written is in the group they wrote for."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

Key = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("authored", sa.Column("split", Key, nullable=False, server_default=""))
    op.add_column("authored", sa.Column("license", sa.Text, nullable=False, server_default="CC BY-SA 4.0"))
    op.create_table(
        "writers",
        sa.Column("person", Key, primary_key=True),
        sa.Column("group", Key, nullable=False),
    )
    op.execute('INSERT INTO writers (person, "group") SELECT "by", MIN("group") FROM authored GROUP BY "by"')

"""What alembic runs to migrate: on the connection, and in the transaction, that align hands over."""

from alembic import context

from align.curation.database.tables import VERSION_TABLE, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    transactional_ddl=True,
)
context.run_migrations()

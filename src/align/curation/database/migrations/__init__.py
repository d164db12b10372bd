"""The history of the tables, one file a revision; alembic runs them."""

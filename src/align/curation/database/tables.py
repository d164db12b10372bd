"""The tables of the curation database, the same in SQLite and PostgreSQL.

`events` and `changes` only ever grow. `live`, `standings` and `counts` follow from the events and are kept with them,
so that no page ever has to count or fold. Times are ISO 8601 in UTC with microseconds: they sort as text.
"""

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, MetaData, Table, Text

HEAD = "0004"
"""The revision this version of align writes; `migrations/versions` leads there."""

VERSION_TABLE = "align_schema"
"""Where the revision stands; not alembic's usual name, so that another program's tables may share the database."""

metadata = MetaData()

# Ids and times sort by code point in both databases, whatever language PostgreSQL was set up for.
Key = Text().with_variant(Text(collation="C"), "postgresql")

turnstiles = Table(
    "turnstiles",
    metadata,
    Column("name", Key, primary_key=True),  # events: whoever writes history holds this row; leases: whoever hands out examples
    Column("seq", BigInteger, nullable=False),
    Column("at", Key, nullable=False),
)

people = Table(
    "people",
    metadata,
    Column("name", Key, primary_key=True),
    Column("role", Key, nullable=False),
    Column("by", Key, nullable=False),
    Column("at", Key, nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("request", Key, nullable=False, unique=True),
    Column("example_id", Key, nullable=False),
    Column("content", Key, nullable=False),
    Column("action", Key, nullable=False),
    Column("decides", Key, nullable=False),
    Column("curator", Key, nullable=False),
    Column("at", Key, nullable=False),
    Column("turns", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("served", Key, nullable=False),
    Column("blind", Boolean, nullable=False),
    Column("undoes", BigInteger),
    Column("batch", Key, nullable=False),
    Index("events_of_curator", "curator", "seq"),
    Index("events_of_example", "example_id", "seq"),
)

live = Table(  # one row an event that is neither undone nor an undo
    "live",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("example_id", Key, nullable=False),
    Column("curator", Key, nullable=False),
    Column("action", Key, nullable=False),
    Column("batch", Key, nullable=False),
    Index("live_of_curator", "curator", "seq"),
    Index("live_of_example", "example_id", "seq"),
    Index("live_of_batch", "batch", "seq"),
)

standings = Table(
    "standings",
    metadata,
    Column("example_id", Key, primary_key=True),
    Column("curator", Key, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("action", Key),
    Column("seq", BigInteger),
)

counts = Table(
    "counts",
    metadata,
    Column("curator", Key, primary_key=True),
    Column("action", Key, primary_key=True),
    Column("standing", Integer, nullable=False),
    Column("events", Integer, nullable=False),
)

leases = Table(
    "leases",
    metadata,
    Column("example_id", Key, primary_key=True),
    Column("curator", Key, nullable=False),
    Column("until", Key, nullable=False),
    Index("leases_of_curator", "curator"),
    Index("leases_by_end", "until"),
)

drafts = Table(
    "drafts",
    metadata,
    Column("curator", Key, primary_key=True),
    Column("example_id", Key, primary_key=True),
    Column("content", Key, nullable=False),
    Column("turns", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("at", Key, nullable=False),
)

places = Table(
    "places",
    metadata,
    Column("curator", Key, primary_key=True),
    Column("example_id", Key, nullable=False),
    Column("at", Key, nullable=False),
)

changes = Table(  # whatever else changed: roles, settings, guidelines, assignments, authored examples
    "changes",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Key, nullable=False),
    Column("who", Key, nullable=False),
    Column("what", Key, nullable=False),
    Column("about", Text, nullable=False),
    Column("detail", Text, nullable=False),
)

guidelines = Table(
    "guidelines",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("text", Text, nullable=False),
    Column("by", Key, nullable=False),
    Column("at", Key, nullable=False),
)

acknowledgements = Table(
    "acknowledgements",
    metadata,
    Column("curator", Key, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("at", Key, nullable=False),
)

settings = Table(
    "settings",
    metadata,
    Column("name", Key, primary_key=True),
    Column("value", Text, nullable=False),  # JSON
)

assignments = Table(
    "assignments",
    metadata,
    Column("curator", Key, primary_key=True),
    Column("cells", Text, nullable=False),  # JSON
)

authored = Table(  # every version of every example that people wrote themselves
    "authored",
    metadata,
    Column("id", Key, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("group", Key, nullable=False),
    Column("form", Key, nullable=False),
    Column("state", Key, nullable=False),
    Column("turns", Text, nullable=False),
    Column("tags", Text, nullable=False),  # JSON
    Column("note", Text, nullable=False),
    Column("by", Key, nullable=False),
    Column("at", Key, nullable=False),
    Column("split", Key, nullable=False, server_default=""),
    Column("license", Text, nullable=False, server_default="CC BY-SA 4.0"),
    Index("authored_by", "by", "group"),
)

writers = Table(  # the group of authors each belongs to
    "writers",
    metadata,
    Column("person", Key, primary_key=True),
    Column("group", Key, nullable=False),
)

taken_down = Table(  # examples about which nothing may be said any more
    "taken_down",
    metadata,
    Column("example_id", Key, primary_key=True),
    Column("seq", BigInteger, nullable=False),  # of the line in `changes`; several have one
    Index("taken_down_since", "seq"),
)

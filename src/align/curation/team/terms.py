"""What a lead has laid down for everybody: read whole only where something of it has changed."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from align.curation.database import tables
from align.curation.state.settings import Settings, read_settings
from align.curation.team.assignments import assignments
from align.curation.team.guidelines import Guidelines, acknowledged, guidelines_at

_LAST = select(func.max(tables.changes.c.seq))


@dataclass(frozen=True, slots=True)
class Terms:
    """Settings, guidelines, who has read them, and who works on which cells."""

    change: int
    """Number of the last change that was no decision: all of these are changed with a line in `changes`."""
    settings: Settings = Settings()
    guidelines: Guidelines = Guidelines()
    cells: dict[str, tuple[str, ...]] | None = None
    """By curator; who is missing works on all."""
    read: dict[str, int] | None = None
    """The latest version of the guidelines each person has read."""

    def cells_of(self, curator: str) -> tuple[str, ...]:
        return (self.cells or {}).get(curator, ())

    def read_by(self, person: str) -> int:
        return (self.read or {}).get(person, 0)


def read_terms(connection: Connection, known: Terms | None) -> Terms:
    """What holds now; `known` itself where nothing has changed since."""
    change = connection.execute(_LAST).scalar() or 0  # first: what changes while the rest is read is read again next time
    if known is not None and known.change == change:
        return known
    return Terms(
        change, read_settings(connection), guidelines_at(connection, None), assignments(connection), acknowledged(connection)
    )

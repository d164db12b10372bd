"""What a lead has laid down for everybody: read whole only where something of it has changed."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from align.curation.database import tables
from align.curation.state.settings import Settings, read_settings
from align.curation.team.assignments import assignments
from align.curation.team.guidelines import Guidelines, acknowledged, guidelines_at
from align.curation.writing.authored import groups_of
from align.curation.writing.authoring import Group
from align.curation.writing.writers import groups

_LAST = select(func.max(tables.changes.c.seq))


@dataclass(frozen=True, slots=True)
class Terms:
    """Settings, guidelines, who has read them, who works on which cells, and who writes in which group."""

    change: int
    """Number of the last change that was no decision: all of these are changed with a line in `changes`."""
    settings: Settings = Settings()
    guidelines: Guidelines = Guidelines()
    cells: dict[str, tuple[str, ...]] | None = None
    """By curator; who is missing works on all."""
    read: dict[str, int] | None = None
    """The latest version of the guidelines each person has read."""

    groups: dict[str, Group] | None = None
    """Of authors, by person; None where the groups are not kept apart."""
    written: dict[str, Group] | None = None
    """By id of what people wrote; None where the groups are not kept apart."""

    def group_of(self, person: str) -> Group | None:
        return (self.groups or {}).get(person)

    def cells_of(self, curator: str) -> tuple[str, ...]:
        return (self.cells or {}).get(curator, ())

    def read_by(self, person: str) -> int:
        return (self.read or {}).get(person, 0)


def read_terms(connection: Connection, known: Terms | None) -> Terms:
    """What holds now; `known` itself where nothing has changed since."""
    change = connection.execute(_LAST).scalar() or 0  # first: what changes while the rest is read is read again next time
    if known is not None and known.change == change:
        return known
    settings, said = read_settings(connection), guidelines_at(connection, None)
    parts = (groups(connection), groups_of(connection)) if settings.groups_apart else (None, None)
    return Terms(change, settings, said, assignments(connection), acknowledged(connection), *parts)

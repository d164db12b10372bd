"""The examples that were taken down: nothing is written about them any more, and nobody is given one."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, bindparam, select

from align.curation.database import tables
from align.errors import AlignError

# Built once: building a statement takes longer than running it.
_TAKEN = tables.taken_down.c
_SINCE = select(_TAKEN.seq, _TAKEN.example_id).where(_TAKEN.seq > bindparam("seen")).order_by(_TAKEN.seq, _TAKEN.example_id)
_AMONG = select(_TAKEN.example_id).where(_TAKEN.example_id.in_(bindparam("those", expanding=True)))


class TakenDown(AlignError):
    """The example was taken down while somebody had it open; nothing was written."""


@dataclass(slots=True)
class Listed:
    """What a process has heard of the list, which only grows: it asks for what came since. One thread at a time may use it."""

    seq: int = 0
    """The last takedown heard of."""
    ids: set[str] = field(default_factory=set)

    def hear(self, seq: int, example_id: str) -> None:
        self.seq = max(self.seq, seq)
        self.ids.add(example_id)


def taken_down_since(connection: Connection, seq: int) -> list[tuple[int, str]]:
    """Number and id of those listed after number `seq`."""
    return [(row.seq, row.example_id) for row in connection.execute(_SINCE, {"seen": seq})]


def taken_among(connection: Connection, ids: Sequence[str]) -> set[str]:
    """Those of `ids` that were taken down."""
    return set(connection.execute(_AMONG, {"those": list(ids)}).scalars())


def refuse_taken(connection: Connection, example_id: str) -> None:
    """Refuse to write about an example that was taken down."""
    if taken_among(connection, [example_id]):
        raise taken_error(example_id)


def taken_error(example_id: str) -> TakenDown:
    return TakenDown(f"{example_id}: was taken down, so nothing can be saved about it any more; go on with another one")

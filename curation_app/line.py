"""Hands out the pool's examples in the order in which they lie there."""

from collections.abc import Sequence
from typing import NamedTuple

from align.curation.pool import Pool
from align.curation.store import CurationStore


class Served(NamedTuple):
    """An example for somebody, and why they get it."""

    example_id: str
    why: str


class Line:
    """One for a server process; several processes agree through the store's leases."""

    def __init__(self, pool: Pool, store: CurationStore) -> None:
        self.pool, self.store = pool, store

    def next(self, curator: str, count: int = 3, cells: Sequence[str] = ()) -> list[Served]:
        """What the curator holds already and has not decided, filled up to `count`."""
        decided = {decision.example_id for decision in self.store.decisions() if decision.action != "skip"}
        held = [lease.example_id for lease in self.store.leases_of(curator)]
        waiting = [name for name in dict.fromkeys([*held, *self.pool.ids]) if name not in decided and name in self.pool]
        return [Served(name, "harvest") for name in self.store.lease(curator, waiting, count)]

    def accepted(self) -> list[str]:
        """Ids of what people have accepted so far."""
        return [item.example_id for item in self.store.decisions() if item.action in ("accept", "edit")]

"""Deciding about many examples by one press: what it would do, before it does."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, uuid5

from align.curation.decisions import Action
from align.curation.pools.browse import STATES
from align.curation.pools.pool import Pool
from align.curation.state.bulk import SERVED
from align.curation.state.events import Ask

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST = 5_000
"""So many at once: what was decided by hand should not drown in what nobody read."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a press would do."""

    rows: tuple[int, ...]
    """The examples it would decide about, in the order in which they were found."""
    by_state: dict[str, int]
    """All that were found, by what stands of them now."""
    by_cell: dict[str, int]
    """Those it would decide about, by cell."""
    left_out: int
    """How many more there are than may be decided at once."""


def preview(pool: Pool, rows: Sequence[int], states: "NDArray[np.int8]", decided_too: bool) -> Preview:
    """Only what nobody has decided about, unless `decided_too`; the first `MOST` of them."""
    by_state = Counter(STATES[int(states[row])] for row in rows)
    chosen = [int(row) for row in rows if decided_too or states[row] == STATES.index("undecided")]
    taken = chosen[:MOST]
    return Preview(
        tuple(taken), dict(by_state.most_common()), dict(Counter(pool.cells[row] for row in taken).most_common()),
        len(chosen) - len(taken),
    )  # fmt: skip


def asks_for(
    pool: Pool,
    rows: Sequence[int],
    action: Action,
    curator: str,
    versions: Mapping[str, int],
    batch: str,
    *,
    reason: str = "",
    note: str = "",
) -> list[Ask]:
    """One decision an example, all of one batch. Sent again, as after a lost answer, they are the same decisions."""  # fmt: skip
    asks = []
    for row in rows:
        example_id = pool.ids[row]
        request = str(uuid5(NAMESPACE_URL, f"{batch} {example_id}"))
        version = versions.get(example_id, 0)
        asks.append(
            Ask(
                request, example_id, pool.contents[row], version, action, curator,
                reason=reason, note=note, served=SERVED, batch=batch,
            )
        )  # fmt: skip
    return asks

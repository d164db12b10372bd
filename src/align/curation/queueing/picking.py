"""One example out of those that may be shown: by priority, by doubt, by lot, or for a second look."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from align.curation.pools.pool import Pool
from align.curation.pools.topics import Topics
from align.curation.queueing.ranking import Known, Ranking, gap_weights, novelty
from align.curation.queueing.sequence import LONGEST, NEAR, choose, line_after
from align.curation.queueing.tally import LEFT, TAKEN, UNDECIDED, Tally

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Why = Literal["calibration", "harvest", "uncertain", "audit", "overlap"]
"""Why somebody gets an example."""


@dataclass(slots=True)
class Room:
    """What is held, and how many more examples of each cell may be, so that no cell overflows if all of them are accepted."""

    pool: Pool
    tally: Tally
    left: "NDArray[np.float64]"
    """For each cell what it lacks, less what is held."""
    taken: set[int]

    def take(self, row: int) -> None:
        """Somebody holds it."""
        self.taken.add(row)
        if self.tally.states[row] == UNDECIDED:
            self.left[self.pool.cells.codes[row]] -= 1

    def has(self, row: int) -> bool:
        """Whether its cell can do with one more."""
        return bool(self.left[self.pool.cells.codes[row]] >= 1)


class Picker:
    """Picks from one ranking after the other; follows what was accepted since the ranking was made."""

    def __init__(
        self,
        pool: Pool,
        tally: Tally,
        topics: Topics,
        dice: "NDArray[np.int64]",
        calibration: frozenset[int],
        seed: int,
        with_novelty: bool = True,
    ) -> None:
        self._pool, self._tally, self._dice, self._calibration, self._seed = pool, tally, dice, calibration, seed
        self._with_novelty = with_novelty
        self._groups = pool.sites.codes if len(pool.sites.names) > 1 else topics.codes
        self._ranking: Ranking | None = None

    def turn_to(self, ranking: Ranking, known: Known) -> None:
        """Pick from this ranking from now on."""
        import numpy as np

        if self._ranking is not ranking:
            self._ranking = ranking
            self._likeness = ranking.likeness.copy()
            self._seen = set(known.accepted.tolist())
        for row in self._tally.accepted.keys() - self._seen:
            cosines = ranking.vectors @ np.asarray(self._pool.vectors[row])
            np.maximum(self._likeness, cosines, out=self._likeness)
            self._seen.add(row)

    def reason(self, row: int, curator: str) -> Why:
        """Why a person who holds it after a restart got it, as far as one can tell."""
        if row in self._calibration and row not in self._tally.doings(curator).said:
            return "calibration"
        return "overlap" if self._tally.states[row] != UNDECIDED else "harvest"

    def allowed(self, curator: str, room: Room, cells: Sequence[str], cool_down: int) -> "NDArray[np.bool_]":
        """Which rows may be shown as new: undecided, held by nobody, in a cell with room, not skipped a moment ago."""
        import numpy as np

        has_room = room.left >= 1
        if cells:
            has_room &= np.array([name in cells for name in self._pool.cells.names])
        found = (self._tally.states == UNDECIDED) & has_room[self._pool.cells.codes]
        done = self._tally.doings(curator)
        cooling = [row for row, look in done.skipped.items() if done.looks - look < cool_down]
        found[[*room.taken, *cooling]] = False
        return np.asarray(found)

    def harvest(self, allowed: "NDArray[np.bool_]", curator: str, line: dict[int, Why], gaps: "NDArray[np.float64]") -> int:
        """The row with the highest priority that fits into the run; -1 where none is left."""
        import numpy as np

        ranking = self._ranking
        assert ranking is not None
        rows = ranking.leaders
        scores = np.where(allowed[rows], ranking.chances, 0)
        if ranking.is_learnt and self._with_novelty:
            # what lies beside an accepted example is still worth more than nothing
            scores = scores * np.maximum(novelty(self._likeness), 1e-6)
        scores = scores * gap_weights(gaps, ranking.is_learnt)[self._pool.cells.codes[rows]]
        before, last = self._harvested(curator, line), self._last(curator, line)
        after = line_after(before, last, self._groups, self._seed, curator)
        chosen = choose(scores, self._groups[rows], ranking.vectors, after)
        return int(rows[chosen]) if chosen >= 0 else self.audit(allowed)

    def uncertain(self, allowed: "NDArray[np.bool_]", curator: str, line: dict[int, Why]) -> int:
        """The row the model is least sure of; -1 where it knows nothing yet."""
        import numpy as np

        assert self._ranking is not None
        rows = self._ranking.uncertain[allowed[self._ranking.uncertain]]
        last = self._last(curator, line)
        if not len(rows):
            return -1
        if last is not None:
            apart = rows[np.asarray(self._pool.vectors[rows]) @ last <= NEAR]
            rows = apart if len(apart) else rows
        return int(rows[0])

    def audit(self, allowed: "NDArray[np.bool_]") -> int:
        """A row by lot; -1 where none is left."""
        found = self._dice[allowed[self._dice]]
        return int(found[0]) if len(found) else -1

    def overlap(self, curator: str, room: Room) -> int:
        """A row by lot that exactly one other curator has decided about; -1 where there is none."""
        words = self._tally.words[self._dice]
        barred = room.taken | self._calibration
        done = self._tally.doings(curator)
        for row in self._dice[(words == LEFT) | (words == TAKEN)].tolist():
            is_own = curator in self._tally.labels[row] or row in done.said or row in done.skipped
            if not is_own and row not in barred:
                return int(row)
        return -1

    def _last(self, curator: str, line: Iterable[int]) -> "NDArray[np.float32] | None":
        """Vector of the example before the next one."""
        import numpy as np

        rows = [*self._tally.doings(curator).line(1), *line]
        return np.asarray(self._pool.vectors[rows[-1]]) if rows else None

    def _harvested(self, curator: str, line: dict[int, Why]) -> list[int]:
        """The last rows that came by priority, for the run they make."""
        from itertools import islice

        reviews = reversed(self._tally.doings(curator).reviews.values())
        before = [review.row for review in islice(reviews, 2 * LONGEST) if review.served == "harvest"][::-1]
        return before + [row for row, why in line.items() if why == "harvest"]

"""What all events say so far, kept up event by event, so that neither the queue nor the board ever reads the history again."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from align.curation.decisions import verdict_on
from align.curation.pools.pool import Pool
from align.curation.state.bulk import SERVED as BULK
from align.curation.state.events import Event
from align.curation.state.folding import ACCEPTING, fold_example
from align.records import Turn

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

UNDECIDED, ACCEPTED, REJECTED, FLAGGED, GONE = range(5)
"""What stands of an example. A skip leaves it undecided; curators who disagree leave it flagged. Gone: it was taken down."""
LEFT, TAKEN, SEVERAL, UNSAID = 0, 1, 2, -1
"""What curators would do with an example: all of one word, more than one curator's, nobody's."""
STATE_OF = {"accept": ACCEPTED, "edit": ACCEPTED, "reject": REJECTED, "flag": FLAGGED}


@dataclass(frozen=True, slots=True)
class Review:
    """One look of one curator at one example."""

    seq: int
    row: int
    curator: str
    action: str
    at: str
    seconds: float
    served: str
    blind: bool = False

    @property
    def is_one_of_many(self) -> bool:
        """Whether it was decided with others at once, unread: it tells of no pace and of no share."""
        return self.served == BULK


@dataclass(slots=True)
class Doings:
    """What one curator has done; what was undone is taken out."""

    reviews: dict[int, Review] = field(default_factory=dict)
    """By number of the event, in order."""
    said: dict[int, str] = field(default_factory=dict)
    """Row -> the last word on it other than a skip."""
    skipped: dict[int, int] = field(default_factory=dict)
    """Row -> how many looks the curator had had, that one included, when they skipped it."""
    served: Counter[str] = field(default_factory=Counter)
    """How many looks by why they were served."""
    looks: int = 0
    """How many in all."""

    def line(self, count: int) -> list[int]:
        """The rows looked at last, the last one at the end."""
        from itertools import islice

        return [review.row for review in islice(reversed(self.reviews.values()), count)][::-1]


class Tally:
    """The events of one pool, folded. Not thread-safe: the queue keeps it under its lock."""

    def __init__(self, pool: Pool) -> None:
        import numpy as np

        self.pool = pool
        self.seq = 0
        """The last event heard of."""
        self.heard = 0
        """How many events about this pool's examples."""
        self.elsewhere = 0
        """How many events about other examples."""
        self.states: NDArray[np.int8] = np.zeros(len(pool), dtype=np.int8)
        self.by_cell = np.zeros((len(pool.cells.names), 5), dtype=np.int64)
        """Cells by state; the first column counts only what left that state, and is not to be read."""
        self.accepted: dict[int, None] = {}
        """Rows, in the order in which they came to be accepted."""
        self.labels: dict[int, dict[str, bool]] = {}
        """Row -> curator -> whether they would take it: what the queue learns from."""
        self.words: NDArray[np.int8] = np.full(len(pool), UNSAID, dtype=np.int8)
        """For each row the label of the only curator who gave one, `SEVERAL` or `UNSAID`: quick to look through."""
        self.edited: dict[int, tuple[Turn, ...]] = {}
        """Row -> its text as people left it, where that is accepted and not the pool's."""
        self.curators: dict[str, Doings] = {}
        self._live: dict[int, dict[int, Event]] = {}

    def hear(self, events: Iterable[Event]) -> set[int]:
        """Take in further events, in order; return the rows they are about."""
        touched = set()
        for event in events:
            self.seq = event.seq
            row = self.pool.row_or_none(event.example_id)
            if row is None:
                self.elsewhere += 1
                continue
            self.heard += 1
            touched.add(row)
            self._hear(row, event)
        for row in touched:
            self._settle(row)
        return touched

    def drop(self, rows: Iterable[int]) -> None:
        """Count and learn from these no more: they were taken down. That somebody looked at them stays."""
        for row in rows:
            self._turn(row, GONE)
            self.words[row] = UNSAID
            for known in (self.labels, self.edited, self._live):
                known.pop(row, None)

    def doings(self, curator: str) -> Doings:
        """What a curator has done; empty for one who has done nothing."""
        return self.curators.get(curator) or Doings()

    def counts(self, state: int) -> "NDArray[np.int64]":
        """How many examples of each cell are in a state."""
        if state != UNDECIDED:
            return self.by_cell[:, state]
        import numpy as np

        sizes = np.bincount(self.pool.cells.codes, minlength=len(self.by_cell))
        return np.asarray(sizes - self.by_cell[:, ACCEPTED:].sum(axis=1), dtype=np.int64)

    def all_labels(self) -> "tuple[NDArray[np.int64], NDArray[np.bool_]]":
        """Each curator's label of each row, by row and curator: a row that two of them labelled comes twice."""
        import numpy as np

        once = np.flatnonzero((self.words == LEFT) | (self.words == TAKEN))
        several = [
            (row, self.labels[row][curator])
            for row in np.flatnonzero(self.words == SEVERAL).tolist()
            for curator in sorted(self.labels[row])
        ]
        rows = np.concatenate([once, np.array([row for row, _ in several], dtype=np.int64)])
        labels = np.concatenate([self.words[once] == TAKEN, np.array([label for _, label in several], dtype=np.bool_)])
        order = np.argsort(rows, kind="stable")
        return rows[order], labels[order]

    def decided_by(self, row: int) -> list[str]:
        """Who has said something about it other than a skip."""
        return [name for name, done in self.curators.items() if row in done.said]

    def live(self, row: int) -> list[Event]:
        """The events about an example that are not undone, in order."""
        return list(self._live.get(row, {}).values())

    def _hear(self, row: int, event: Event) -> None:
        live = self._live.setdefault(row, {})
        if event.action == "undo":
            gone = live.pop(event.undoes or 0, None)
            if gone is not None and gone.action != "adjudicate":
                self._forget(row, gone)
            return
        live[event.seq] = event
        if event.action == "adjudicate":
            return
        done = self.curators.setdefault(event.curator, Doings())
        done.looks += 1
        done.served[event.served] += 1
        done.reviews[event.seq] = Review(
            event.seq, row, event.curator, event.action, event.at, event.seconds, event.served, event.blind
        )
        if event.action == "skip":
            done.skipped[row] = done.looks
        else:
            done.said[row] = event.action

    def _forget(self, row: int, gone: Event) -> None:
        done = self.curators[gone.curator]
        done.reviews.pop(gone.seq, None)
        done.looks -= 1
        done.served[gone.served] -= 1
        own = [event.action for event in self.live(row) if event.curator == gone.curator and event.action != "adjudicate"]
        said = [action for action in own if action != "skip"]
        done.said.pop(row, None)
        if said:
            done.said[row] = said[-1]
        if "skip" not in own:
            done.skipped.pop(row, None)

    def _settle(self, row: int) -> None:
        """Fold one example anew, as the curate stage would, and count what changed."""
        events = self.live(row)
        example = self.pool.example(self.pool.ids[row])
        verdict = verdict_on(example, fold_example(events))
        now = STATE_OF.get(verdict.action or "", UNDECIDED)
        self._turn(row, now)
        self.edited.pop(row, None)
        if now == ACCEPTED and verdict.turns(example) != example.turns:
            self.edited[row] = verdict.turns(example)
        self.labels.pop(row, None)
        found = _labels(events)
        if found:
            self.labels[row] = found
        self.words[row] = SEVERAL if len(found) > 1 else next(iter(found.values()), UNSAID)

    def _turn(self, row: int, now: int) -> None:
        before = int(self.states[row])
        if before != now:
            cell = int(self.pool.cells.codes[row])
            self.by_cell[cell, before] -= 1
            self.by_cell[cell, now] += 1
            self.states[row] = now
            self.accepted.pop(row, None)
            if now == ACCEPTED:
                self.accepted[row] = None


def _labels(events: list[Event]) -> dict[str, bool]:
    """Whether each curator would take it, by their last word; a lead who decided speaks for all."""
    decided = [event for event in events if event.action == "adjudicate" and event.decides in (*ACCEPTING, "reject")]
    if decided:
        return {decided[-1].curator: decided[-1].decides in ACCEPTING}
    last = {event.curator: event.action for event in events if event.action not in ("skip", "adjudicate")}
    return {curator: action in ACCEPTING for curator, action in last.items() if action != "flag"}

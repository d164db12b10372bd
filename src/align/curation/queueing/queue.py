"""Who gets which example next.

Everybody begins with the same calibration set, drawn by lot from every cell. Then most looks harvest: the example with the
highest priority (`ranking`). A share of them goes to the examples the model is least sure of, to a random audit, which alone
tells the true rate of acceptance, and to a blind second look at what another curator decided. What is shown follows from the
pool, the seed and the events: a new ranking is made after every few of them in a thread of its own and holds from a few later on
(`moments`), whenever the thread was done.
"""

from collections.abc import Collection, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from threading import RLock
from typing import TYPE_CHECKING, Protocol

from align.curation.pools.pool import Pool
from align.curation.pools.topics import topics_of
from align.curation.queueing.calibration import draw_calibration
from align.curation.queueing.looks import QueueSettings, why_of
from align.curation.queueing.moments import last_moment, moment_in_force
from align.curation.queueing.picking import Picker, Room, Why
from align.curation.queueing.ranking import Known, Ranker, Ranking
from align.curation.queueing.tally import ACCEPTED, GONE, UNDECIDED, Tally
from align.curation.state.events import Event
from align.curation.state.leases import Fitting, Lease

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

BATCH = 10_000
ATTEMPTS = 5
"""How often to look for others where another process was faster."""


@dataclass(frozen=True, slots=True)
class Served:
    """An example for one person, and why they get it; a second look must not be shown as one."""

    example_id: str
    why: Why


class Ledger(Protocol):
    """What a queue asks of a CurationStore."""

    def news(
        self, seq: int, taken_seq: int = ..., limit: int = ...
    ) -> tuple[list[Event], list[Lease], list[tuple[int, str]]]: ...

    def lease(
        self, curator: str, candidates: "Sequence[str]", count: int = ..., minutes: float = ..., seen: int | None = ...,
        fitting: Fitting | None = ...,
    ) -> list[str]: ...  # fmt: skip

    def release(self, curator: str, examples: "Sequence[str] | None" = ...) -> int: ...


class Queue:
    """Hands out the examples of one pool. One for a server process; several processes agree through the store's leases."""

    def __init__(
        self, pool: Pool, store: Ledger, targets: dict[str, int] | None = None, seed: int = 1,
        settings: QueueSettings | None = None, *, with_model: bool = True, with_novelty: bool = True,
    ) -> None:  # fmt: skip
        """`targets`: how many accepted examples each cell needs; by default what the pool's recipe says, {} for no limit."""
        import numpy as np

        self.pool, self.seed = pool, seed
        self.settings = settings or QueueSettings()
        self.targets = pool.wanted.targets if targets is None else targets
        self.tally = Tally(pool)
        self.topics = topics_of(pool)
        self._store = store
        self._lock = RLock()
        self._ranker = Ranker(pool, self.topics, with_model, with_novelty)
        names = pool.cells.names
        self._wanted = np.array([self.targets.get(name, 0) if self.targets else np.inf for name in names], dtype=np.float64)
        self.order: NDArray[np.int64] = np.random.default_rng(seed).permutation(len(pool))
        """The rows by lot: the audit goes along it."""
        self._with_novelty = with_novelty
        self._calibrate()
        self._taken_seq = 0
        """The last takedown heard of."""
        self._lines: dict[str, dict[int, Why]] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ranking")
        self._known: list[Known] = [self._look()]
        self._rankings: dict[int, Future[Ranking]] = {}

    def next(
        self, curator: str, count: int = 3, cells: "Sequence[str]" = (), hidden: Collection[str] = ()
    ) -> list[Served]:  # fmt: skip
        """The examples for `curator` now, the first to be shown first: what they hold already, filled up to `count`.

        `cells` are those assigned to them; none: all. What is `hidden` they never get. Fewer come where nothing
        is left, or others hold the last ones.
        """
        with self._lock:
            refused = {row for name in hidden if (row := self.pool.row_or_none(name)) is not None}
            for _ in range(ATTEMPTS):
                leases = self._catch_up()
                self._picker.turn_to(self._ranking(), self._known_at(moment_in_force(self.tally.heard)))
                held, gone, room = self._held(curator, leases, refused)
                if gone:
                    self._store.release(curator, [self.pool.ids[row] for row in gone])
                line = dict(held)
                while len(line) < count and (pick := self._pick(curator, line, room, cells)) is not None:
                    row, why = pick
                    line[row] = why
                    room.take(row)
                got = self._lease(curator, line, count)
                self._lines[curator] = {row: why for row, why in line.items() if row in got}
                if len(got) == len(line):
                    break
                refused |= line.keys() - got
            return [Served(self.pool.ids[row], why) for row, why in list(self._lines[curator].items())[:count]]

    def overfull(self, example_id: str) -> str:
        """That the cell of an example has more accepted ones than are wanted; empty where it has not."""
        with self._lock:
            row = self.pool.row_or_none(example_id)
            cell = -1 if row is None else int(self.pool.cells.codes[row])
            accepted = 0 if row is None else int(self.tally.counts(ACCEPTED)[cell])
            if row is None or self.tally.states[row] != ACCEPTED or accepted <= self._wanted[cell]:
                return ""
            name = self.pool.cells.names[cell] or "no group"
            return f"Accepted, though {name} is full: it has {accepted:,} of {int(self._wanted[cell]):,} wanted."

    def use(self, settings: QueueSettings) -> None:
        """Share out looks so from now on: a lead may change it while people work."""
        with self._lock:
            if settings != self.settings:
                self.settings = settings
                self._calibrate()

    def catch_up(self) -> Tally:
        """Hear of everything decided so far; the tally that follows."""
        with self.reading() as tally:
            return tally

    @contextmanager
    def reading(self) -> Iterator[Tally]:
        """The tally of everything decided so far, which does not change as long as the context lasts."""
        with self._lock:
            self._catch_up()
            yield self.tally

    @contextmanager
    def remembering(self) -> Iterator[Tally]:
        """The tally as it was heard of last: nothing is asked of the store."""
        with self._lock:
            yield self.tally

    def close(self) -> None:
        """End the thread that ranks."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    # what is known

    def _catch_up(self) -> list[Lease]:
        """Hear of what was decided and taken down since; what is held after that."""
        while True:
            events, leases, gone = self._store.news(self.tally.seq, self._taken_seq, BATCH)
            self._hear(events)
            for number, example_id in gone:
                self.tally.drop(self.pool.drop([example_id]))
                self._taken_seq = number
            if len(events) < BATCH:
                break
        for known in self._known:
            if known.moment not in self._rankings:
                self._rankings[known.moment] = self._thread.submit(self._ranker.rank, known)
        self._rankings = {moment: self._rankings[moment] for moment in (known.moment for known in self._known)}
        return leases

    def _hear(self, events: list[Event]) -> None:
        """Take in events; look around at the last two moments, one of which holds now."""
        last = self.tally.heard + sum(event.example_id in self.pool for event in events)
        first = moment_in_force(last)
        for event in events:
            before = self.tally.heard
            self.tally.hear([event])
            heard = self.tally.heard
            if heard > before and heard >= first and last_moment(heard) == heard:
                self._known = [*self._known[-1:], self._look()]

    def _known_at(self, moment: int) -> Known:
        return next(known for known in self._known if known.moment == moment)

    def _ranking(self) -> Ranking:
        return self._rankings[moment_in_force(self.tally.heard)].result()

    def _look(self) -> Known:
        """What is known now, as something that does not move."""
        import numpy as np

        labelled, labels = self.tally.all_labels()
        gaps = self._gaps()
        return Known(
            self.tally.heard,
            labelled,
            labels,
            np.sort(np.fromiter(self.tally.accepted, dtype=np.int64)),
            (self.tally.states == UNDECIDED) & (gaps > 0)[self.pool.cells.codes],
            gaps,
        )

    def _gaps(self) -> "NDArray[np.float64]":
        """What each cell lacks as a share of its target; 1 without a target, 0 for a cell that is not wanted."""
        import numpy as np

        left = self._wanted - self.tally.counts(ACCEPTED)
        shares = np.divide(left, self._wanted, out=np.ones(len(left)), where=np.isfinite(self._wanted) & (self._wanted > 0))
        return np.where(self._wanted > 0, np.clip(shares, 0, 1), 0.0)

    def _calibrate(self) -> None:
        self.calibration = draw_calibration(self.pool, self.order, self._wanted, self.settings.calibration)
        calibration = frozenset(self.calibration)
        self._picker = Picker(self.pool, self.tally, self.topics, self.order, calibration, self.seed, self._with_novelty)

    # who gets what

    def _held(self, curator: str, leases: list[Lease], refused: set[int]) -> tuple[dict[int, Why], list[int], Room]:
        """What the curator goes on with, what they no longer need, and how much room the leases of all leave in each cell."""
        own = self._lines.get(curator, {})
        room = self._room([lease.example_id for lease in leases if lease.curator != curator])
        room.taken |= refused
        found = (self.pool.row_or_none(lease.example_id) for lease in leases if lease.curator == curator)
        mine = [row for row in found if row is not None]
        order = {row: place for place, row in enumerate(own)}
        held: dict[int, Why] = {}
        gone: list[int] = []
        for row in sorted(mine, key=lambda row: (order.get(row, len(order)), row)):
            why = own.get(row) or self._picker.reason(row, curator)
            if row not in refused and self._is_needed(row, why, curator, room):
                held[row] = why
                room.take(row)
            else:
                gone.append(row)
        return held, gone, room

    def _is_needed(self, row: int, why: Why, curator: str, room: Room) -> bool:
        done = self.tally.doings(curator)
        if why in ("calibration", "overlap"):
            return row not in done.said and row not in done.skipped
        is_cooling = row in done.skipped and done.looks - done.skipped[row] < self.settings.cool_down
        return not is_cooling and self.tally.states[row] == UNDECIDED and room.has(row)

    def _pick(self, curator: str, line: dict[int, Why], room: Room, cells: "Sequence[str]") -> tuple[int, Why] | None:
        """The next example after what is in `line`, None where there is none."""
        picker, done = self._picker, self.tally.doings(curator)
        for row in self.calibration:
            is_done = row in done.said or row in done.skipped
            if not is_done and row not in room.taken and self.tally.states[row] != GONE:
                return row, "calibration"
        allowed = picker.allowed(curator, room, cells, self.settings.cool_down)
        why = why_of(self.settings, self.seed, curator, done.looks + len(line))
        row = -1
        if why == "overlap":
            row = picker.overlap(curator, room)
        elif why != "harvest":
            row = picker.audit(allowed) if why == "audit" else picker.uncertain(allowed, curator, line)
        if row < 0:
            row, why = picker.harvest(allowed, curator, line, self._gaps()), "harvest"
        if row < 0:  # only what this curator skipped a moment ago is left
            row = picker.harvest(picker.allowed(curator, room, cells, 0), curator, line, self._gaps())
        return (row, why) if row >= 0 else None

    def _lease(self, curator: str, line: dict[int, Why], count: int) -> set[int]:
        if not line:
            return set()

        def fitting(others: set[str], free: "Sequence[str]") -> list[str]:
            """Those for which their cells have room beside what others got since: another process hands out, too."""
            room, kept = self._room(others), []
            for name in free:
                row = self.pool.row(name)
                if line[row] in ("calibration", "overlap") or room.has(row):
                    room.take(row)
                    kept.append(name)
            return kept

        names = [self.pool.ids[row] for row in line]
        most, minutes = max(count, len(names)), self.settings.lease_minutes
        return {self.pool.row(name) for name in self._store.lease(curator, names, most, minutes, self.tally.seq, fitting)}

    def _room(self, taken: Collection[str]) -> Room:
        """What each cell lacks beside what is accepted, if all of these are, too."""
        room = Room(self.pool, self.tally, self._wanted - self.tally.counts(ACCEPTED), set())
        for name in taken:
            row = self.pool.row_or_none(name)
            if row is not None:
                room.take(row)
        return room

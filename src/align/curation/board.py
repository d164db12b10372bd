"""How far a project is: its cells against their targets, how varied the accepted set is, and who takes more room than is due.

Everything follows from the tally, which is in memory; nothing here asks the database.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from align.curation.pools.pool import Labels, Pool
from align.curation.queueing.queue import Queue
from align.curation.queueing.tally import ACCEPTED, FLAGGED, GONE, REJECTED, UNDECIDED, Review, Tally
from align.curation.team.pace import Forecast, forecast_of, pace_of, rates_by_cell
from align.records import Measurement, Turn
from align.selection.spread import coverage, vendi_score
from align.statistics import Estimate, wilson
from align.style.features import Measured, measure
from align.style.spread import measure_spread

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SAMPLE = 3000
"""A larger pool is judged by so many of its examples, drawn by lot."""
FEWEST = 20
"""Accepted examples of a cell before anybody is told to take over."""
TOO_MUCH = 1.5
"""Somebody takes over whose share is, at the lower end of its 95 % interval, more than so many times what is due to them."""


@dataclass(frozen=True, slots=True)
class CellState:
    """One row of table 1."""

    name: str
    target: int | None
    """None where nobody set one."""
    accepted: int
    rejected: int
    flagged: int
    """Flagged by somebody, or judged differently by two."""
    left: int
    """Undecided."""
    rate: Estimate
    """Share of accepted among accepted and rejected, those decided many at once left out; Wilson 95 %."""
    forecast: Forecast
    at_once: int = 0
    """Of the accepted and rejected, how many were decided with others at once, and are left out of the rate."""

    @property
    def lacking(self) -> int:
        return max(0, (self.target or 0) - self.accepted)

    @property
    def is_short(self) -> bool:
        """Whether fewer examples are left than the cell lacks: no review can fill it, the shortlist must grow."""
        return self.left < self.lacking


@dataclass(frozen=True, slots=True)
class Spread:
    """How varied the accepted examples are."""

    accepted: int
    vendi: float
    """As varied as so many wholly different examples."""
    vendi_by_chance: float
    """The same of equally many examples of the pool by lot."""
    coverage: float
    """Mean likeness of an example of the pool to the accepted one most like it, 0 to 1."""
    coverage_by_chance: float


@dataclass(frozen=True, slots=True)
class Dominance:
    """A site or a topic that takes more of a cell than is due to it."""

    what: str
    """`site` or `topic`."""
    name: str
    cell: str
    accepted: int
    of: int
    share: Estimate
    due: float
    """Its share of the cell's examples to the power 1 / temperature, as the quota would draw."""

    @property
    def warning(self) -> str:
        return (
            f"{self.what} {self.name} has {self.accepted} of the {self.of} accepted examples of cell {self.cell} "
            f"({100 * self.share.value:.0f} %); {100 * self.due:.0f} % are due to it, and a warning comes above "
            f"{100 * TOO_MUCH * self.due:.0f} %"
        )


def cells_of(queue: Queue) -> list[CellState]:
    """The board; cells in the order of the targets or, without any, of the pool."""
    names = queue.pool.cells.names
    with queue.reading() as tally:
        everybody = [list(done.reviews.values()) for done in tally.curators.values()]
        counts = {state: tally.counts(state).copy() for state in (ACCEPTED, REJECTED, FLAGGED, UNDECIDED)}
        at_once = _at_once(tally, everybody)
    by_cell: dict[str, list[Review]] = {name: [] for name in names}
    for review in sorted((review for own in everybody for review in own), key=lambda review: review.seq):
        by_cell[queue.pool.cells[review.row]].append(review)
    rates, seconds = rates_by_cell(by_cell), pace_of(everybody).mean_seconds
    shown = [*queue.targets, *(name for name in names if name not in queue.targets and not queue.targets)]
    return [_cell(name, queue, counts, at_once, rates.get(name, Estimate(0.0, 0.0, 1.0)), seconds) for name in shown]


def total_of(cells: Sequence[CellState]) -> Forecast:
    """All hours together; None where those of some cell cannot be said."""

    def added(values: list[float | None]) -> float | None:
        known = [value for value in values if value is not None]
        return sum(known) if len(known) == len(values) else None

    forecasts = [cell.forecast for cell in cells]
    columns = ("looks", "hours", "low", "high")
    return Forecast(*(added([getattr(forecast, column) for forecast in forecasts]) for column in columns))


def audited_rate(queue: Queue) -> tuple[Estimate, int]:
    """The true rate of acceptance among wanted cells, and on how many examples it rests.

    The examples stand in an order by lot. Those of a cell at its beginning that are all decided, whyever they were shown, are a
    random sample of the cell: the audit keeps filling its gaps until the cell is full.
    """
    import numpy as np

    with queue.reading() as tally:
        states = tally.states[queue.order]
    codes = queue.pool.cells.codes[queue.order]
    accepted = told = looked_at = 0
    for number, name in enumerate(queue.pool.cells.names):
        if queue.targets and name not in queue.targets:
            continue
        own = states[(codes == number) & (states != GONE)]
        open_places = np.flatnonzero(own == UNDECIDED)
        prefix = own[: int(open_places[0]) if len(open_places) else len(own)]
        accepted += int((prefix == ACCEPTED).sum())
        told += int(np.isin(prefix, (ACCEPTED, REJECTED)).sum())
        looked_at += len(prefix)
    return Estimate(accepted / told if told else 0.0, *wilson(accepted, told)), looked_at


def spread_of(pool: Pool, tally: Tally, order: "NDArray[np.int64]") -> Spread:
    """Vendi score and coverage of the accepted set beside a random draw of its size; `order` is an order of rows by lot."""
    import numpy as np

    sample = np.asarray(pool.vectors[np.sort(order[:SAMPLE])])
    accepted = np.asarray(pool.vectors[np.sort(np.array(list(tally.accepted)[-SAMPLE:], dtype=np.int64))])
    drawn = np.asarray(pool.vectors[np.sort(order[::-1][: len(accepted)])])
    return Spread(
        len(tally.accepted), vendi_score(accepted), vendi_score(drawn), coverage(sample, accepted), coverage(sample, drawn)
    )


def dominant(queue: Queue) -> list[Dominance]:
    """Sites and topics that take over, the worst first."""
    import numpy as np

    topics = Labels(tuple(str(number) for number in range(queue.topics.count)), queue.topics.codes)
    with queue.reading() as tally:
        accepted = np.array(list(tally.accepted), dtype=np.int64)
    found: list[Dominance] = []
    for what, labels in (("site", queue.pool.sites), ("topic", topics)):
        if len(labels.names) > 1:
            for cell in range(len(queue.pool.cells.names)):
                found += _dominant_in(queue.pool, accepted, cell, what, labels)
    return sorted(found, key=lambda item: (-item.share.value / item.due, item.what, item.name, item.cell))


@dataclass(slots=True)
class Voices:
    """The style of the accepted responses, by source; remembers what it measured, for a response takes about 1.4 ms."""

    pool: Pool
    _known: dict[tuple[int, tuple[Turn, ...] | None], Measured] = field(default_factory=dict)

    def spread(self, tally: Tally) -> list[Measurement]:
        """What `align.style.spread` says of the accepted set, by source or, where there is one source alone, by site."""
        labels = self.pool.sources if len(self.pool.sources.names) > 1 else self.pool.sites
        # Others go on deciding, and draw the board meanwhile: what is gone through here is nobody else's.
        keys, before = [(row, tally.edited.get(row)) for row in list(tally.accepted)], self._known
        self._known = now = {key: before[key] if key in before else self._measure(*key) for key in keys}
        by_kind: dict[str, list[Measured]] = {}
        for (row, _), measured in now.items():
            by_kind.setdefault(labels[row], []).append(measured)
        return measure_spread(by_kind) if by_kind else []

    def _measure(self, row: int, edited: tuple[Turn, ...] | None) -> Measured:
        from dataclasses import replace

        example = self.pool.example(self.pool.ids[row])
        example = example if edited is None else replace(example, turns=edited)
        return measure(example.response, example.prompt)


def _at_once(tally: Tally, everybody: Sequence[Sequence[Review]]) -> "dict[int, NDArray[np.int64]]":
    """By state and cell: what stands of the examples that were decided with others at once, and by nobody on their own."""
    import numpy as np

    told = [review for own in everybody for review in own if review.action != "skip"]
    read = {review.row for review in told if not review.is_one_of_many}
    rows = np.array(sorted({review.row for review in told} - read), dtype=np.int64)
    codes, states = tally.pool.cells.codes[rows], tally.states[rows]
    size = len(tally.pool.cells.names)
    return {state: np.bincount(codes[states == state], minlength=size).astype(np.int64) for state in (ACCEPTED, REJECTED)}


def _cell(
    name: str,
    queue: Queue,
    counts: "dict[int, NDArray[np.int64]]",
    at_once: "dict[int, NDArray[np.int64]]",
    rolling: Estimate,
    seconds: float | None,
) -> CellState:
    names = queue.pool.cells.names
    number = names.index(name) if name in names else None
    accepted, rejected, flagged, left = (
        0 if number is None else int(counts[state][number]) for state in (ACCEPTED, REJECTED, FLAGGED, UNDECIDED)
    )
    taken, unread = (
        (0, 0) if number is None else (int(at_once[ACCEPTED][number]), int(sum(own[number] for own in at_once.values())))
    )
    told = accepted + rejected - unread
    rate = Estimate((accepted - taken) / told if told else 0.0, *wilson(accepted - taken, told))
    target = queue.targets.get(name) if queue.targets else None
    lacking = max(0, target - accepted) if target is not None else 0
    return CellState(name, target, accepted, rejected, flagged, left, rate, forecast_of(lacking, rolling, seconds), unread)


def _dominant_in(pool: Pool, accepted: "NDArray[np.int64]", cell: int, what: str, labels: Labels) -> list[Dominance]:
    import numpy as np

    own = accepted[pool.cells.codes[accepted] == cell]
    if len(own) < FEWEST:
        return []
    sizes = np.bincount(labels.codes[pool.cells.codes == cell], minlength=len(labels.names))
    weights = np.where(sizes > 0, sizes ** (1 / pool.wanted.temperature), 0.0)
    due = weights / weights.sum()
    counts = np.bincount(labels.codes[own], minlength=len(labels.names))
    found = []
    for number in np.flatnonzero(counts).tolist():
        count = int(counts[number])
        low, high = wilson(count, len(own))
        if due[number] < 1 and low > TOO_MUCH * due[number]:
            share = Estimate(count / len(own), low, high)
            name = labels.names[number]
            found.append(Dominance(what, name, pool.cells.names[cell], count, len(own), share, float(due[number])))
    return found

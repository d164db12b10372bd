"""How fast people are, how long it will take, and whether anybody judges otherwise than before. Pure functions of the reviews.

A look takes the seconds between showing and deciding; one longer than `IDLE_SECONDS` counts as that, for nobody reads so long.
What was decided with many others at once was not read, and counts for none of it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import fmean, median

from align.curation.queueing.tally import Review
from align.curation.state.folding import ACCEPTING
from align.statistics import Estimate, wilson

IDLE_SECONDS = 300.0
RECENT = 200
"""So many looks say what the pace is now."""
WINDOW = 50
BY_LOT = frozenset({"calibration", "audit", "overlap"})
"""Looks at examples that no ranking chose: only these show how somebody judges, and not how good the queue became."""
BREAK_SECONDS = 15 * 60
LONG_STRETCH_MINUTES = 90
"""After which a break is advised: judgement drifts before one notices."""
FEWEST = 10
"""Looks below which a rate of a cell of its own says less than the rate of all."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast one person is, or all together, over their last looks."""

    looks: int
    accepted: int
    hours: float
    """Of active work, in the looks that are counted."""
    accepted_an_hour: float | None
    """None before anybody has worked."""
    median_seconds: float | None
    mean_seconds: float | None
    rate: Estimate
    """Share of accepted among accepted and rejected looks; Wilson 95 %."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """Active work still to do, in hours of one person, and its range by the interval of the rate; None: cannot be said."""

    looks: float | None
    hours: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Window:
    """Some looks in a row of one curator."""

    since: str
    until: str
    looks: int
    rate: Estimate
    median_seconds: float


@dataclass(frozen=True, slots=True)
class Drift:
    """How one curator's rate of acceptance went."""

    curator: str
    windows: tuple[Window, ...]
    """All looks, `WINDOW` at a time; the rate rises by itself as the queue learns."""
    before: Estimate | None
    """Rate of the looks by lot but for the last `WINDOW`; None where there are too few."""
    lately: Estimate | None
    """Rate of the last looks by lot."""
    has_drifted: bool
    """Whether the intervals of the two do not meet."""


def one_by_one(reviews: Iterable[Review]) -> list[Review]:
    """Those that somebody read, each by itself."""
    return [review for review in reviews if not review.is_one_of_many]


def seconds_of(reviews: Sequence[Review]) -> list[float]:
    """Active seconds of each look of one curator, in order; where the page did not say, the time since the look before."""
    found = []
    for number, review in enumerate(reviews):
        seconds = review.seconds
        if seconds <= 0 and number:
            seconds = (datetime.fromisoformat(review.at) - datetime.fromisoformat(reviews[number - 1].at)).total_seconds()
        found.append(min(max(seconds, 0.0), IDLE_SECONDS))
    return found


def pace_of(desks: Iterable[Iterable[Review]], recent: int = RECENT) -> Pace:
    """The pace of one curator's looks, or of several curators', over the last `recent` of all."""
    # of each desk as many as could be among the last of all, and the one before them, from which time may be counted
    lately = [one_by_one(reviews)[-recent - 1 :] for reviews in desks]
    timed = [pair for reviews in lately for pair in zip(reviews, seconds_of(reviews), strict=True)]
    timed = sorted(timed, key=lambda pair: pair[0].seq)[-recent:]
    accepted = sum(review.action in ACCEPTING for review, _ in timed)
    hours = sum(seconds for _, seconds in timed) / 3600
    known = [seconds for _, seconds in timed if seconds > 0]
    return Pace(
        len(timed), accepted, hours, accepted / hours if hours else None, median(known) if known else None,
        fmean(known) if known else None, _rate(review for review, _ in timed),
    )  # fmt: skip


def forecast_of(lacking: int, rate: Estimate, seconds: float | None) -> Forecast:
    """Looks and hours until `lacking` more are accepted: lacking / rate * mean seconds a look (the mean, for hours add up)."""
    if lacking <= 0:
        return Forecast(0.0, 0.0, 0.0, 0.0)
    if rate.value <= 0 or seconds is None:
        return Forecast(lacking / rate.value if rate.value > 0 else None, None, None, None)
    hours = lacking * seconds / 3600
    low, high = rate.low or None, rate.high or None
    return Forecast(lacking / rate.value, hours / rate.value, hours / high if high else None, hours / low if low else None)


def rates_by_cell(reviews: Mapping[str, Sequence[Review]], recent: int = RECENT) -> dict[str, Estimate]:
    """The rolling rate of each cell; of one with few looks that of all."""
    read = {cell: one_by_one(own) for cell, own in reviews.items()}
    everything = sorted((review for own in read.values() for review in own), key=lambda review: review.seq)
    overall = _rate(everything[-recent:])
    return {cell: _rate(own[-recent:]) if len(own) >= FEWEST else overall for cell, own in read.items()}


def drift_of(curator: str, reviews: Iterable[Review], window: int = WINDOW) -> Drift:
    """How one curator's rate went over time."""
    looks = [review for review in one_by_one(reviews) if review.action != "skip"]
    seconds = seconds_of(looks)
    windows = tuple(
        _window(looks[start : start + window], seconds[start : start + window]) for start in range(0, len(looks), window)
    )
    by_lot = [review for review in looks if review.served in BY_LOT]
    if len(by_lot) < 2 * window:
        return Drift(curator, windows, None, None, False)
    before, lately = _rate(by_lot[:-window]), _rate(by_lot[-window:])
    apart = (lately.low or 0.0) > (before.high or 1.0) or (lately.high or 1.0) < (before.low or 0.0)
    return Drift(curator, windows, before, lately, apart)


def stretch_minutes(reviews: Iterable[Review]) -> float:
    """How long somebody's last stretch of work without a break was."""
    moments = [datetime.fromisoformat(review.at) for review in reviews]
    start = len(moments) - 1
    while start > 0 and (moments[start] - moments[start - 1]).total_seconds() <= BREAK_SECONDS:
        start -= 1
    return (moments[-1] - moments[start]).total_seconds() / 60 if moments else 0.0


def _window(looks: Sequence[Review], seconds: Sequence[float]) -> Window:
    return Window(looks[0].at, looks[-1].at, len(looks), _rate(looks), median(seconds))


def _rate(reviews: Iterable[Review]) -> Estimate:
    told = [review.action in ACCEPTING for review in reviews if review.action in (*ACCEPTING, "reject")]
    share = sum(told) / len(told) if told else 0.0
    return Estimate(share, *wilson(sum(told), len(told)))

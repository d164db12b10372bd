"""How fast each curator works, what share they accept, and whether their judgement moves; for themselves and for leads.

What the queue serves gets better as it learns, so a rising share of accepted examples says nothing about the curator. Drift is
looked for in what was drawn without looking at scores: calibration, overlap and the random audit.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from align.curation.events import Event
from align.statistics import Estimate, wilson

WINDOW = 25
"""Decisions in a window."""
FAIR = ("calibration", "overlap", "audit")
"""Why an example was served that no score chose."""
FEWEST = 20
"""Fewer fairly drawn decisions on either side say nothing about drift."""
LONGEST_SECONDS = 600.0
"""Who takes longer was away."""
BREAK_SECONDS = 15 * 60
LONG_STRETCH_MINUTES = 90
"""After which a break is advised: judgement drifts before one notices."""
_JUDGED = ("accept", "edit", "reject", "flag")
_ACCEPTING = ("accept", "edit")


@dataclass(frozen=True, slots=True)
class Window:
    """Some decisions in a row."""

    last: str
    """When the last one was made."""
    count: int
    median_seconds: float | None
    """None where no page measured it."""
    accepted: Estimate
    """Share with its Wilson interval."""
    edited: float
    """Share of the accepted ones that were edited."""


@dataclass(frozen=True, slots=True)
class Pace:
    """One curator's work, the latest `limit` decisions at most."""

    curator: str
    whole: Window
    windows: tuple[Window, ...]
    """In order; the last one may be smaller."""
    drift: Estimate | None
    """Share accepted of the later half of the fairly drawn ones less that of the earlier half; None where there are too few."""
    stretch_minutes: float
    """How long the last stretch of work without a break was."""

    @property
    def drifts(self) -> bool:
        """Whether chance alone would rarely give such a change."""
        low, high = (None, None) if self.drift is None else (self.drift.low, self.drift.high)
        return low is not None and high is not None and not low <= 0 <= high


def pace_of(curator: str, events: Iterable[Event]) -> Pace | None:
    """From a curator's events in any order; None where nothing of them stands. Undone decisions and skips count for nothing."""
    ordered = sorted(events, key=lambda event: event.seq)
    undone = {event.undoes for event in ordered if event.action == "undo"}
    judged = [event for event in ordered if event.action in _JUDGED and event.seq not in undone]
    if not judged:
        return None
    windows = tuple(_window(judged[start : start + WINDOW]) for start in range(0, len(judged), WINDOW))
    return Pace(curator, _window(judged), windows, _drift(judged), _stretch(ordered))


def share_difference(later: tuple[int, int], earlier: tuple[int, int]) -> Estimate:
    """Difference of two shares, each (hits, count), with Newcombe's interval (1998, Statistics in Medicine 17, p. 873)."""
    (hits, count), (old_hits, old_count) = later, earlier
    new, old = hits / count, old_hits / old_count
    (low, high), (old_low, old_high) = wilson(hits, count), wilson(old_hits, old_count)
    difference = new - old
    below = ((new - low) ** 2 + (old_high - old) ** 2) ** 0.5
    above = ((high - new) ** 2 + (old - old_low) ** 2) ** 0.5
    return Estimate(difference, difference - below, difference + above)


def _window(judged: Sequence[Event]) -> Window:
    seconds = [event.seconds for event in judged if 0 < event.seconds <= LONGEST_SECONDS]
    accepted = [event for event in judged if event.action in _ACCEPTING]
    edited = sum(event.action == "edit" for event in accepted)
    share = Estimate(len(accepted) / len(judged), *wilson(len(accepted), len(judged)))
    return Window(judged[-1].at, len(judged), median(seconds) if seconds else None, share, edited / max(1, len(accepted)))


def _drift(judged: Sequence[Event]) -> Estimate | None:
    fair = [event.action in _ACCEPTING for event in judged if event.served in FAIR]
    middle = len(fair) // 2
    if middle < FEWEST:
        return None
    return share_difference((sum(fair[middle:]), len(fair) - middle), (sum(fair[:middle]), middle))


def _stretch(ordered: Sequence[Event]) -> float:
    moments = [datetime.fromisoformat(event.at) for event in ordered]
    start = end = moments[-1]
    for moment in reversed(moments[:-1]):
        if (start - moment).total_seconds() > BREAK_SECONDS:
            break
        start = moment
    return (end - start).total_seconds() / 60

"""Pace and drift of curators, counted by hand."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from align.curation.drift import pace_of, share_difference
from align.curation.events import Event

START = datetime(2026, 3, 1, 9, tzinfo=UTC)


def event(seq: int, action: Any, minutes: float | None = None, **fields: Any) -> Event:
    at = (START + timedelta(minutes=seq if minutes is None else minutes)).isoformat(timespec="microseconds")
    return Event(seq, f"r{seq}", f"x/{seq}", "c", action, "ben", at, **fields)


def test_undone_decisions_and_skips_count_for_nothing() -> None:
    events = [event(1, "accept", seconds=10), event(2, "reject", seconds=90), event(3, "skip"), event(4, "edit", seconds=30)]
    events += [event(5, "accept", seconds=1), event(6, "undo", undoes=5)]
    found = pace_of("ben", reversed(events))
    assert found is not None
    # accept, reject and edit stand: 2 of 3 accepted, one of them edited; seconds 10, 30, 90
    assert (found.whole.count, found.whole.accepted.value, found.whole.edited) == (3, pytest.approx(2 / 3), 0.5)
    assert found.whole.median_seconds == 30
    assert pace_of("ben", [event(1, "accept"), event(2, "undo", undoes=1)]) is None
    assert pace_of("ben", []) is None


def test_who_was_away_does_not_slow_the_pace() -> None:
    found = pace_of("ben", [event(1, "accept", seconds=20), event(2, "accept", seconds=7200), event(3, "accept", seconds=0)])
    assert found is not None
    assert found.whole.median_seconds == 20


def test_windows_hold_25_decisions_and_the_last_one_the_rest() -> None:
    found = pace_of("ben", [event(seq, "accept" if seq <= 25 else "reject") for seq in range(1, 61)])
    assert found is not None
    assert [(window.count, window.accepted.value) for window in found.windows] == [(25, 1.0), (25, 0.0), (10, 0.0)]


def test_drift_is_looked_for_where_no_score_chose() -> None:
    """The queue serves better examples later: that alone makes nobody drift."""
    better = [event(seq, "accept" if seq > 50 else "reject", served="harvest") for seq in range(1, 101)]
    found = pace_of("ben", better)
    assert found is not None
    assert found.drift is None
    milder = [event(seq, "accept" if seq % 2 or seq > 50 else "reject", served="audit") for seq in range(1, 101)]
    found = pace_of("ben", milder)
    assert found is not None
    assert found.drift is not None
    assert found.drift.value == 0.5  # 25 of 50, then 50 of 50
    assert found.drifts
    steady = pace_of("ben", [event(seq, "accept" if seq % 2 else "reject", served="overlap") for seq in range(1, 101)])
    assert steady is not None
    assert not steady.drifts


def test_a_difference_of_shares_has_newcombes_interval() -> None:
    # Newcombe 1998, table II, (a) 56/70 - 48/80: 0.2000, by method 10: 0.0524 to 0.3339
    found = share_difference((56, 70), (48, 80))
    assert found.value == pytest.approx(0.2)
    assert (found.low, found.high) == (pytest.approx(0.0524, abs=5e-5), pytest.approx(0.3339, abs=5e-5))


def test_a_stretch_ends_with_a_break_of_a_quarter_of_an_hour() -> None:
    found = pace_of("ben", [event(seq, "accept", minutes) for seq, minutes in enumerate((0, 5, 30, 40, 54, 69), 1)])
    assert found is not None
    assert found.stretch_minutes == 39  # 30 to 69: the gap of 25 minutes before it was a break

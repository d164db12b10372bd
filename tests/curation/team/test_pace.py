"""Pace, forecast and drift, worked out by hand."""

import pytest

from align.curation.queueing.tally import Review
from align.curation.team.pace import IDLE_SECONDS, drift_of, forecast_of, pace_of, rates_by_cell, seconds_of, stretch_minutes
from align.statistics import Estimate, wilson


def look(seq: int, action: str = "accept", seconds: float = 30.0, served: str = "harvest", minute: int = 0) -> Review:
    return Review(seq, seq, "ada", action, f"2026-01-02T03:{minute:02d}:00+00:00", seconds, served)


def test_a_look_that_took_a_lunch_counts_as_five_minutes() -> None:
    assert seconds_of([look(1, seconds=20), look(2, seconds=3600)]) == [20, IDLE_SECONDS]


def test_without_a_pages_word_the_time_since_the_look_before_is_taken() -> None:
    assert seconds_of([look(1, seconds=0, minute=0), look(2, seconds=0, minute=2), look(3, seconds=0, minute=50)]) == [
        0,
        120,
        300,
    ]


def test_pace_is_accepted_an_hour_of_active_work() -> None:
    # ada: 30 + 30 s, one accepted; ben: 60 s, one accepted, and a skip of 60 s: two in 180 s are 40 an hour
    pace = pace_of([[look(1), look(3, "reject")], [look(2, seconds=60), look(4, "skip", seconds=60)]])
    assert (pace.looks, pace.accepted, pace.hours) == (4, 2, pytest.approx(0.05))
    assert pace.accepted_an_hour == pytest.approx(40)
    assert (pace.median_seconds, pace.mean_seconds) == (45, 45)
    assert pace.rate == Estimate(2 / 3, *wilson(2, 3))  # the skip is neither


def test_only_the_last_looks_of_all_count() -> None:
    early = [look(number, "reject", seconds=100) for number in range(1, 5)]
    assert pace_of([early, [look(5), look(6)]], recent=2).rate.value == 1


def test_nobody_has_a_pace_before_the_first_look() -> None:
    pace = pace_of([])
    assert (pace.looks, pace.accepted_an_hour, pace.median_seconds) == (0, None, None)


def test_400_accepts_at_30_percent_and_45_seconds_are_17_hours() -> None:
    forecast = forecast_of(400, Estimate(0.3, 0.2, 0.4), 45)
    assert forecast.looks == pytest.approx(1333.3, abs=0.1)
    assert forecast.hours == pytest.approx(16.67, abs=0.01)
    assert (forecast.low, forecast.high) == (pytest.approx(12.5), pytest.approx(25))


def test_a_forecast_that_cannot_be_made_is_none_and_a_full_cell_needs_nothing() -> None:
    assert forecast_of(10, Estimate(0.0, 0.0, 0.3), 45).hours is None
    assert forecast_of(10, Estimate(0.5, 0.2, 0.8), None).hours is None
    assert forecast_of(0, Estimate(0.0, 0.0, 1.0), None).hours == 0


def test_a_cell_with_few_looks_takes_the_rate_of_all() -> None:
    known = [look(number, "accept" if number % 2 else "reject") for number in range(20)]
    rates = rates_by_cell({"known": known, "new": [look(20, "reject")]})
    assert rates["known"].value == 0.5
    assert rates["new"].value == pytest.approx(10 / 21)


def test_a_curator_who_grows_strict_is_seen_by_looks_at_random_examples_only() -> None:
    lenient = [look(number, "accept", served="audit") for number in range(50)]
    strict = [look(number, "reject", served="audit") for number in range(50, 100)]
    found = drift_of("ada", lenient + strict)
    assert found.has_drifted
    assert [(window.looks, window.rate.value) for window in found.windows] == [(50, 1.0), (50, 0.0)]
    # the same rates of harvested looks say only that the queue found fewer good examples
    harvested = [look(review.seq, review.action) for review in lenient + strict]
    assert not drift_of("ada", harvested).has_drifted
    assert not drift_of("ada", lenient + lenient).has_drifted


def test_a_stretch_ends_with_a_break_of_a_quarter_of_an_hour() -> None:
    times = ["09:00", "09:05", "09:30", "09:40", "09:54", "10:09"]
    reviews = [
        Review(number, number, "ben", "accept", f"2026-03-01T{time}:00+00:00", 9, "audit") for number, time in enumerate(times)
    ]
    assert stretch_minutes(reviews) == 39  # 9:30 to 10:09: the 25 minutes before were a break
    assert stretch_minutes([]) == 0


def test_what_was_rejected_many_at_once_tells_of_no_pace_share_or_drift() -> None:
    # without a page's seconds: the time since the look before must not be taken over a batch, either
    read = [look(number, "accept" if number % 3 else "reject", minute=1) for number in range(1, 13)]
    bulk = [look(number, "reject", seconds=0, served="bulk", minute=2) for number in range(100, 142)]
    assert pace_of([read + bulk]) == pace_of([read])
    assert pace_of([bulk]).looks == 0
    assert rates_by_cell({"here": [*read, *bulk]}) == rates_by_cell({"here": read})
    assert rates_by_cell({"here": read, "swept": bulk})["swept"].value == pytest.approx(8 / 12)
    assert drift_of("ada", read + bulk) == drift_of("ada", read)

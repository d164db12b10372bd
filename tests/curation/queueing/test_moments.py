"""The moments of rankings, counted out."""

from align.curation.queueing.moments import LAG, last_moment, moment_in_force


def test_moments_are_ten_apart_at_first_and_a_hundredth_later() -> None:
    moments = [count for count in range(1, 12_200) if last_moment(count) == count]
    assert moments[:3] == [10, 20, 30]
    assert [moment for moment in moments if 3970 < moment < 4100] == [3980, 3990, 4000, 4040, 4080]
    assert [moment for moment in moments if 7950 < moment < 8200] == [7960, 8000, 8080, 8160]
    assert [moment for moment in moments if moment > 11_900] == [11_920, 12_000, 12_120]


def test_a_ranking_holds_five_events_after_it_was_begun_and_until_the_next_one_does() -> None:
    assert [moment_in_force(count) for count in (0, 4, 14, 15, 24, 25)] == [0, 0, 0, 10, 10, 20]
    assert [moment_in_force(count) for count in (4004, 4005, 4044, 4045)] == [3990, 4000, 4000, 4040]


def test_of_two_moments_kept_one_is_in_force() -> None:
    """The queue keeps the last two: more than LAG events lie between them."""
    for heard in range(1, 13_000):
        assert moment_in_force(heard) in (last_moment(heard), last_moment(max(0, last_moment(heard) - 1)))
    assert LAG < 10

"""In which order one person sees what is worth showing, worked out by hand."""

import numpy as np

from align.curation.queueing.sequence import LONGEST, SHORTEST, Line, choose, line_after

NOWHERE = Line(None, -1, False)
ALONG_X = np.array([1, 0], dtype=np.float32)


def chosen(scores: list[float], groups: list[int], vectors: list[tuple[float, float]], line: Line) -> int:
    return choose(np.array(scores, np.float32), np.array(groups, np.int32), np.array(vectors, np.float32), line)


def test_a_run_begins_where_several_good_examples_wait_and_not_at_the_single_best() -> None:
    # exchange 1 has 0.9 alone; exchange 2 has 0.8 and 0.7, which are 1.5 together
    assert chosen([0.9, 0.8, 0.7], [1, 2, 2], [(0, 1)] * 3, NOWHERE) == 1


def test_a_run_goes_on_with_its_best_as_long_as_that_is_worth_half_of_the_best_of_all() -> None:
    in_run = Line(None, 1, False)
    assert chosen([0.9, 0.5, 0.6], [2, 1, 1], [(0, 1)] * 3, in_run) == 2
    assert chosen([0.9, 0.3, 0.4], [2, 1, 1], [(0, 1)] * 3, in_run) == 0


def test_a_run_that_has_its_length_ends_unless_nothing_else_is_there() -> None:
    over = Line(None, 1, True)
    assert chosen([0.9, 0.2], [1, 2], [(0, 1)] * 2, over) == 1
    assert chosen([0.9, 0.2], [1, 1], [(0, 1)] * 2, over) == 0


def test_a_near_neighbour_waits_unless_nothing_else_is_there() -> None:
    after = Line(ALONG_X, -1, False)
    assert chosen([0.9, 0.1], [1, 1], [(1, 0), (0, 1)], after) == 1
    assert chosen([0.9, 0.0], [1, 1], [(1, 0), (0, 1)], after) == 0


def test_where_nothing_may_be_shown_nothing_is_chosen() -> None:
    assert chosen([0.0, 0.0], [1, 2], [(0, 1)] * 2, NOWHERE) == -1
    assert chosen([], [], [], NOWHERE) == -1


def test_a_run_is_over_after_five_to_ten_of_one_exchange_and_always_after_as_many() -> None:
    groups = np.array([7] * 20 + [8], dtype=np.int32)
    lengths = set()
    for curator in map(str, range(60)):
        over = [line_after(list(range(count)), None, groups, 1, curator).is_over for count in range(1, 13)]
        lengths.add(over.index(True) + 1)
        assert over == sorted(over)
        assert over == [line_after(list(range(count)), None, groups, 1, curator).is_over for count in range(1, 13)]
    assert lengths == set(range(SHORTEST, LONGEST + 1))
    assert line_after([1, 2, 20], None, groups, 1, "ada").run == 8

"""Facilities that go by nearest neighbours, beside plain loops over all."""

from pathlib import Path

import numpy as np
import pytest

from align.selection import near_facilities
from align.selection.equal_rows import distinct_rows
from align.selection.facility_location import FacilityLocation, take_facilities
from align.selection.near_facilities import NearFacilities
from align.selection.neighbour_lists import STEPS, in_steps


def unit_rows(count: int, width: int = 5, seed: int = 0) -> np.ndarray:
    draw = np.random.default_rng(seed)
    rows = draw.standard_normal((4, width))[np.sort(draw.integers(0, 4, count))] + 0.4 * draw.standard_normal((count, width))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_with_all_rows_as_neighbours_the_picks_are_those_of_all_with_all() -> None:
    vectors = unit_rows(150, seed=3)
    cells = np.arange(150) % 2
    turns = [0, 1, 1] * 10
    exact = FacilityLocation(in_steps(vectors) / np.float32(STEPS), cells)
    assert take_facilities(NearFacilities(vectors, 150, cells), turns) == take_facilities(exact, turns)


def picks_of_a_plain_loop(vectors: np.ndarray, neighbours: int, count: int) -> tuple[list[int], float]:
    """Whole numbers throughout: every gain of every row is computed anew for every pick."""
    steps = in_steps(vectors).astype(np.int64)
    likeness = np.maximum(steps @ steps.T, 0)
    listed = np.zeros_like(likeness)
    for row, line in enumerate(likeness):
        near = np.lexsort((np.arange(len(line)), -line))[:neighbours]
        listed[row, near] = line[near]
    covered, taken = np.zeros(len(steps), dtype=np.int64), []
    for _ in range(count):
        gains = np.maximum(listed - covered[:, None], 0).sum(axis=0)
        gains[taken] = -1
        taken.append(int(np.argmax(gains)))
        covered = np.maximum(covered, likeness[taken[-1]])
    return taken, covered.sum() / STEPS**2


@pytest.mark.parametrize("pending", [1, 3, 64])
@pytest.mark.parametrize("patience", [1, 16])
def test_gains_are_what_the_lists_say_and_the_cover_is_what_is_true(
    monkeypatch: pytest.MonkeyPatch, pending: int, patience: int
) -> None:
    monkeypatch.setattr(near_facilities, "PENDING", pending)
    monkeypatch.setattr(near_facilities, "PATIENCE", patience)
    monkeypatch.setattr(near_facilities, "BLOCK", 16)
    vectors = unit_rows(160, seed=4)
    expected, objective = picks_of_a_plain_loop(vectors, 9, 60)
    facilities = NearFacilities(vectors, 9)
    assert take_facilities(facilities, [0] * 60) == expected
    assert facilities.objective == pytest.approx(objective, rel=1e-12)


def test_a_thousand_copies_of_one_vector_are_stood_for_by_the_first_of_them() -> None:
    vectors = np.concatenate([unit_rows(100, 30, seed=5), np.tile(np.eye(30, dtype=np.float32)[:1], (1000, 1))])
    # no list of 4 could tell how many they are; what covers 1,000 comes first, and the next pick is another
    taken = take_facilities(NearFacilities(vectors, 4), [0] * 20)
    assert taken[0] == 100
    assert max(taken[1:]) < 100


def test_copies_are_taken_when_nothing_else_is_left_and_each_only_once() -> None:
    vectors = np.tile(np.eye(2, dtype=np.float32), (3, 1))
    facilities = NearFacilities(vectors, 2)
    assert take_facilities(facilities, [0] * 6) == [0, 1, 2, 3, 4, 5]
    assert facilities.next_row() == -1


def test_a_copy_in_another_cell_is_offered_there() -> None:
    vectors = np.tile(np.eye(2, dtype=np.float32), (2, 1))
    facilities = NearFacilities(vectors, 2, np.array([0, 0, 1, 1]))
    assert [facilities.next_row(cell) for cell in (0, 1)] == [0, 2]
    facilities.take(0)
    # row 2 is covered by its copy, so row 3 adds more
    assert facilities.next_row(1) == 3


def test_rows_of_zeros_add_nothing_and_come_last() -> None:
    vectors = np.zeros((5, 3), dtype=np.float32)
    vectors[3], vectors[4] = [1, 0, 0], [-1, 0, 0]
    assert take_facilities(NearFacilities(vectors, 2), [0] * 4) == [3, 4, 0, 1]


def test_a_cell_that_is_used_up_gives_nothing() -> None:
    facilities = NearFacilities(unit_rows(5), 3, np.array([0, 0, 0, 0, 1]))
    facilities.take(facilities.next_row(1))
    assert facilities.next_row(1) == -1
    assert facilities.next_row(0) in range(4)


def test_equal_rows_are_told_from_others_of_the_same_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    class AllAlike:
        def integers(self, most: int, size: int, dtype: type) -> np.ndarray:
            return np.zeros(size, dtype=dtype)

    rows = np.array([[1, 0], [0, 2], [1, -0.0], [0, 2], [3, 3]], dtype=np.float32)
    kinds = distinct_rows(rows)
    assert (kinds.rows.tolist(), kinds.of.tolist()) == ([0, 1, 4], [0, 1, 0, 1, 2])
    # numbers whose bits sum to the same: 1 + 2 and 2 + 1, weighed alike
    monkeypatch.setattr(np.random, "default_rng", lambda seed: AllAlike())
    swapped = distinct_rows(np.array([[1, 2], [2, 1], [1, 2]], dtype=np.float32))
    assert (swapped.rows.tolist(), swapped.of.tolist()) == ([0, 1], [0, 1, 0])


def test_the_vectors_may_lie_in_a_file_that_is_only_read(tmp_path: Path) -> None:
    vectors = unit_rows(50)
    vectors.tofile(tmp_path / "vectors")
    mapped = np.memmap(tmp_path / "vectors", dtype=np.float32, mode="r", shape=vectors.shape)
    assert take_facilities(NearFacilities(mapped, 5), [0] * 9) == take_facilities(NearFacilities(vectors, 5), [0] * 9)

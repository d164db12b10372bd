"""Greedy selection against the plain loop."""

from pathlib import Path
from random import Random

import numpy as np
import pytest

from align.selection import farthest
from align.selection.facility_location import FacilityLocation, take_facilities
from align.selection.farthest import FarthestFirst, take_greedily
from align.selection.turns import turns


def clustered(count: int, width: int = 6, seed: int = 0) -> np.ndarray:
    """Unit vectors around a few centres, with some exact copies."""
    draw = np.random.default_rng(seed)
    rows = draw.standard_normal((5, width))[draw.integers(0, 5, count)] + 0.4 * draw.standard_normal((count, width))
    rows[count // 2] = rows[0]
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def plain_loop(
    vectors: np.ndarray, first: int, cells: np.ndarray, queue: list[int], quality: np.ndarray, weight: float
) -> list[int]:
    """argmax of weight * quality - (1 - weight) * greatest likeness to a taken one, every time over all, in double precision."""
    wide = vectors.astype(np.float64)
    taken: list[int] = []
    for number, cell in enumerate(queue):
        nearest = (wide @ wide[taken].T).max(axis=1) if taken else np.zeros(len(wide))
        scores = weight * quality - (1 - weight) * nearest
        scores[taken] = -np.inf
        scores[cells != cell] = -np.inf
        taken.append(first if number == 0 and first >= 0 else int(np.argmax(scores)))
    return taken


@pytest.mark.parametrize("leaders", [3, 40, 4096])
@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
def test_bounds_change_the_work_and_never_the_picks(monkeypatch: pytest.MonkeyPatch, leaders: int, weight: float) -> None:
    monkeypatch.setattr(farthest, "LEADERS", leaders)
    monkeypatch.setattr(farthest, "BLOCK", 64)
    monkeypatch.setattr(farthest, "CENTRES", 7)
    vectors = clustered(300)
    quality = np.random.default_rng(1).permutation(300).astype(np.float32) / 299
    cells = np.zeros(300, dtype=np.int64)
    first = -1 if weight else 17
    greedy = FarthestFirst(vectors, quality if weight else None, weight)
    assert take_greedily(greedy, first, [0] * 120) == plain_loop(vectors, first, cells, [0] * 120, quality, weight)
    assert greedy.passes == 1 if leaders > 300 else greedy.passes < 60


def test_cells_are_filled_in_turn_and_what_has_none_is_never_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(farthest, "LEADERS", 9)
    vectors = clustered(200, seed=3)
    cells = np.array([number % 4 - 1 for number in range(200)])  # -1, 0, 1, 2, -1, ...
    queue = [0, 1, 1, 2] * 12
    found = take_greedily(FarthestFirst(vectors, cells=cells), 1, queue)
    assert found == plain_loop(vectors, 1, cells, queue, np.zeros(200), 0)
    assert [int(cells[row]) for row in found] == queue


def test_the_farthest_by_hand() -> None:
    # angles 0, 10, 90, 170 degrees; from 0 the farthest is 170, then 90 (nearest 80 away) before 10
    angles = np.radians([0, 10, 90, 170])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    assert take_greedily(FarthestFirst(vectors), 0, [0] * 4) == [0, 3, 2, 1]


def test_copies_come_last_and_in_order() -> None:
    vectors = np.array([[1, 0], [1, 0], [0, 1], [1, 0]], dtype=np.float32)
    assert take_greedily(FarthestFirst(vectors), 0, [0] * 4) == [0, 2, 1, 3]


def test_vectors_on_the_disk_give_the_same_picks(tmp_path: Path) -> None:
    vectors = clustered(500, seed=4)
    (tmp_path / "v.f32").write_bytes(vectors.tobytes())
    mapped = np.memmap(tmp_path / "v.f32", dtype=np.float32, mode="r", shape=vectors.shape)
    assert take_greedily(FarthestFirst(mapped), 5, [0] * 90) == take_greedily(FarthestFirst(vectors), 5, [0] * 90)


def test_facilities_are_those_of_the_greedy_that_computes_every_gain() -> None:
    vectors = clustered(150, seed=5)
    likeness = np.maximum(vectors @ vectors.T, 0).astype(np.float64)
    covered, expected = np.zeros(150), []
    for _ in range(40):
        gains = np.maximum(likeness - covered, 0).sum(axis=1)
        gains[expected] = -1
        expected.append(int(np.argmax(gains)))
        covered = np.maximum(covered, likeness[expected[-1]])
    facilities = FacilityLocation(vectors)
    found = take_facilities(facilities, [0] * 40)
    assert facilities.objective == pytest.approx(covered.sum(), rel=1e-5)
    assert found == expected


def test_the_first_facility_stands_for_most() -> None:
    # three alike and one apart: one of the three comes first, the one apart second
    vectors = np.array([[1, 0], [0.98, 0.199], [0.95, 0.3122], [0, 1]], dtype=np.float32)
    assert take_facilities(FacilityLocation(vectors), [0] * 2) == [1, 3] or take_facilities(
        FacilityLocation(vectors), [0, 0]
    ) == [2, 3]


def test_seats_by_hand() -> None:
    # quotients a: 6, 3, 2, 1.5; b: 3, 1.5, 1; ties go to the first name
    assert turns({"a": 9, "b": 9}, {"a": 6, "b": 3}, 5) == ["a", "a", "b", "a", "a"]
    assert turns({"a": 1, "b": 9}, {"a": 6, "b": 3}, 4) == ["a", "b", "b", "b"]  # a runs out
    assert turns({"a": 1, "b": 1}, {"a": 1, "b": 1}, 5) == ["a", "b"]
    assert turns({"a": 5, "b": 5}, {"b": 1}, 2) == ["b", "b"]


def test_a_smaller_set_of_seats_begins_the_larger() -> None:
    random = Random(2)
    sizes = {name: random.randint(1, 30) for name in "abcdefg"}
    shares = {name: random.random() for name in sizes}
    assert turns(sizes, shares, 60)[:25] == turns(sizes, shares, 25)

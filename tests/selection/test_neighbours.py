"""Nearest neighbours and the facilities that go by them, beside plain loops over all."""

import numpy as np
import pytest

from align.selection import neighbours as module
from align.selection.facility_location import FacilityLocation, take_facilities
from align.selection.near_facilities import NearFacilities
from align.selection.neighbours import nearest_neighbours


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK", 16)
    monkeypatch.setattr(module, "SAMPLE", 40)


def unit_rows(count: int, width: int = 5, seed: int = 0) -> np.ndarray:
    """Around a few centres, those of one after those of another."""
    draw = np.random.default_rng(seed)
    rows = draw.standard_normal((4, width))[np.sort(draw.integers(0, 4, count))] + 0.4 * draw.standard_normal((count, width))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("total", [1, 15, 16, 40, 41, 203])
def test_no_nearer_row_is_overlooked_at_the_edge_of_a_block(total: int) -> None:
    vectors = unit_rows(total)
    found = nearest_neighbours(vectors, 7)
    likeness = vectors.astype(np.float64) @ vectors.T.astype(np.float64)
    expected = -np.sort(-likeness, axis=1)[:, :7]
    assert -np.sort(-found.likeness, axis=1) == pytest.approx(expected, abs=1e-6)
    assert np.take_along_axis(likeness, found.rows.astype(np.int64), 1) == pytest.approx(found.likeness, abs=1e-6)
    assert all(len(set(rows)) == len(rows) for rows in found.rows.tolist())


def test_a_row_whose_sample_promised_too_much_still_gets_all_its_neighbours() -> None:
    # the sample of 40, evenly spaced, holds all that is near the row 198
    vectors = np.tile(np.array([[0.0, 1.0]], dtype=np.float32), (200, 1))
    vectors[np.linspace(0, 199, 40).astype(np.int64)] = [1, 0]
    vectors[198] = [0.8, 0.6]
    # like row 198 by 0.8: the 40 of the sample; by 0.6: the 159 others. A floor of 0.8 leaves nothing but itself
    found = nearest_neighbours(vectors, 60)
    assert sorted(found.likeness[198].tolist()) == pytest.approx([0.6] * 19 + [0.8] * 40 + [1.0])


def test_with_all_rows_as_neighbours_the_picks_are_those_of_all_with_all() -> None:
    vectors = unit_rows(150, seed=3)
    cells = np.arange(150) % 2
    turns = [0, 1, 1] * 10
    assert take_facilities(NearFacilities(vectors, 150, cells), turns) == take_facilities(FacilityLocation(vectors, cells), turns)


def test_gains_are_what_the_lists_say_and_the_cover_is_what_is_true() -> None:
    vectors = unit_rows(120, seed=4)
    likeness = np.maximum(vectors.astype(np.float64) @ vectors.T.astype(np.float64), 0)
    listed = np.where(likeness >= -np.sort(-likeness, axis=1)[:, [8]], likeness, 0)
    covered, expected = np.zeros(120), []
    for _ in range(20):
        gains = np.maximum(listed - covered[:, None], 0).sum(axis=0)
        gains[expected] = -1
        expected.append(int(np.argmax(gains)))
        covered = np.maximum(covered, likeness[expected[-1]])
    facilities = NearFacilities(vectors, 9)
    assert take_facilities(facilities, [0] * 20) == expected
    assert facilities.objective == pytest.approx(covered.sum(), rel=1e-5)


def test_a_cell_that_is_used_up_gives_nothing() -> None:
    facilities = NearFacilities(unit_rows(5), 3, np.array([0, 0, 0, 0, 1]))
    facilities.take(facilities.next_row(1))
    assert facilities.next_row(1) == -1
    assert facilities.next_row(0) in range(4)

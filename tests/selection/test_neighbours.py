"""Nearest neighbours, among all and in regions, beside plain loops over all."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from align.selection import neighbour_lists, neighbours, regions
from align.selection.neighbour_lists import STEPS, in_steps
from align.selection.neighbours import all_with_all, nearest_neighbours
from align.selection.regions import regions_of


@contextmanager
def blocks_of(rows: int) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for module in (neighbour_lists, neighbours, regions):
            patch.setattr(module, "BLOCK", rows)
        yield


@pytest.fixture(autouse=True)
def small_blocks() -> Iterator[None]:
    with blocks_of(16):
        yield


def unit_rows(count: int, width: int = 5, seed: int = 0, noise: float = 0.4) -> np.ndarray:
    """Around a few centres, those of one after those of another."""
    draw = np.random.default_rng(seed)
    rows = draw.standard_normal((4, width))[np.sort(draw.integers(0, 4, count))] + noise * draw.standard_normal((count, width))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def nearest_by_loop(steps: np.ndarray, count: int) -> list[list[int]]:
    """Of each row the nearest others, the first of equal ones, in rising order."""
    whole = steps.astype(np.int64)
    likeness = whole @ whole.T
    return [sorted(sorted(range(len(line)), key=lambda row: (-line[row], row))[:count]) for line in likeness.tolist()]


def as_sets(found: neighbour_lists.Neighbours) -> list[list[int]]:
    return np.sort(found.rows, axis=1).tolist()


@pytest.mark.parametrize("total", [1, 15, 16, 40, 41, 203])
def test_no_nearer_row_is_overlooked_at_the_edge_of_a_block(total: int) -> None:
    steps = in_steps(unit_rows(total))
    found = nearest_neighbours(steps, 7)
    assert as_sets(found) == nearest_by_loop(steps, 7)
    whole = steps.astype(np.int64) @ steps.astype(np.int64).T
    assert np.array_equal(np.take_along_axis(whole, found.rows.astype(np.int64), 1), found.likeness)


def test_of_equally_near_rows_the_first_are_listed_however_many_there_are() -> None:
    # two kinds of rows in turn, at right angles: each lists the first 9 of its own kind
    steps = in_steps(np.tile(np.eye(2, dtype=np.float32), (150, 1)))
    kinds = [list(range(0, 18, 2)), list(range(1, 19, 2))]
    assert as_sets(nearest_neighbours(steps, 9)) == kinds * 150


def test_a_row_that_hardly_anything_of_the_spaced_sample_is_like_gets_all_its_neighbours() -> None:
    vectors = np.tile(np.array([[0.0, 1.0]], dtype=np.float32), (200, 1))
    vectors[np.linspace(0, 199, 16).round().astype(np.int64)] = [1, 0]
    vectors[198] = [0.8, 0.6]
    # like row 198: itself by 1, the 16 of the sample by 0.8, the 183 others by 0.6
    found = nearest_neighbours(in_steps(vectors), 30)
    assert sorted(found.likeness[198] / STEPS**2) == pytest.approx([0.6] * 13 + [0.8] * 16 + [1.0])


def test_likeness_in_steps_is_exact_where_single_precision_rounds() -> None:
    draw = np.random.default_rng(5)
    vectors = draw.standard_normal((60, 1500))
    vectors[30:] = vectors[:30] + 1e-3 * draw.standard_normal((30, 1500))
    steps = in_steps((vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32))
    assert np.array_equal(steps @ steps.T, steps.astype(np.int64) @ steps.astype(np.int64).T)


def test_regions_find_what_a_plain_loop_over_them_finds() -> None:
    steps = in_steps(unit_rows(900, width=8, seed=2))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(regions, "NEAREST", 30)
        patch.setattr(regions, "SIZE", 20)
        found = regions_of(steps, searched=60, count=7)
    looks = np.array([found.looks(np.full(len(found.members), row), np.arange(len(found.members))) for row in range(900)])
    pairs = looks[:, found.of]
    pairs |= pairs.T
    assert 0.05 < pairs.mean() < 0.5
    likeness = np.where(pairs, steps.astype(np.int64) @ steps.astype(np.int64).T, -(10**9))
    expected = [sorted(np.lexsort((np.arange(900), -line))[:7].tolist()) for line in likeness]
    assert as_sets(found.search(steps, 7)) == expected
    true = nearest_by_loop(steps, 7)
    asked = np.unique(np.linspace(0, 899, regions.ASKED).astype(int))
    share = np.mean([len(set(expected[row]) & set(true[row])) / 7 for row in asked])
    assert found.share_found(steps, 7) == pytest.approx(share, abs=0.002)
    assert share > 0.9


def test_each_row_looks_through_its_nearest_regions_and_no_more_than_it_must() -> None:
    likeness = np.array([[5, 9, 9, 1], [-3, -2, -1, -4]], dtype=np.float32)
    # 10 rows are wanted: the regions 1 and 2 hold 8 + 1, so 0 is looked through, too; then 2 and 1 hold 1 + 8, and 0 as well
    assert regions._most_like(likeness, np.array([4, 8, 1, 7]), 10).tolist() == [[True, True, True, False]] * 2
    # of two equally near ones the first: it holds 8 of the wanted 8
    assert regions._most_like(likeness[:1], np.array([4, 8, 1, 7]), 8).tolist() == [[False, True, False, False]]


@pytest.fixture
def small_regions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "SEARCHED", 100)
    monkeypatch.setattr(neighbours, "SEARCHED_A_NEIGHBOUR", 2)
    monkeypatch.setattr(regions, "SIZE", 20)
    monkeypatch.setattr(regions, "NEAREST", 30)


@pytest.mark.usefixtures("small_regions")
def test_the_lists_are_the_same_with_other_blocks_and_more_threads() -> None:
    steps = in_steps(unit_rows(1000, width=64, seed=6, noise=0.2))
    found = []
    for rows, threads in ((16, 1), (1000, 1), (328, 2)):
        with blocks_of(rows), threadpool_limits(threads):
            found.append(as_sets(nearest_neighbours(steps, 9)))
    assert found[0] == found[1] == found[2]


@pytest.mark.usefixtures("small_regions")
def test_where_the_regions_would_lose_neighbours_all_are_compared(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    clustered, spread = in_steps(unit_rows(600, 8, 1, 0.1)), in_steps(unit_rows(600, 40, 1, 100))
    few = nearest_neighbours(clustered, 9)
    assert "of those of a sample lie in the regions searched" in caplog.text
    hits = [len(set(mine) & set(true)) for mine, true in zip(as_sets(few), nearest_by_loop(clustered, 9), strict=True)]
    assert sum(hits) > 0.95 * 9 * 600
    caplog.clear()
    assert as_sets(nearest_neighbours(spread, 9)) == nearest_by_loop(spread, 9)
    assert "all are compared with all" in caplog.text


@pytest.mark.usefixtures("small_regions")
@pytest.mark.parametrize("total", [300, 301])
def test_just_below_and_above_the_limit_the_lists_are_nearly_the_same(total: int) -> None:
    steps = in_steps(unit_rows(total, 8, 3, 0.3))
    found, true = as_sets(nearest_neighbours(steps, 9)), nearest_by_loop(steps, 9)
    assert sum(len(set(mine) & set(other)) for mine, other in zip(found, true, strict=True)) > 0.95 * 9 * total


@pytest.mark.usefixtures("small_regions")
def test_more_neighbours_than_a_region_holds_are_found() -> None:
    steps = in_steps(unit_rows(1000, 8, 4, 0.3))
    found = nearest_neighbours(steps, 90)
    assert all(len(set(rows)) == 90 for rows in found.rows.tolist())
    assert found.likeness.sum(dtype=float) > 0.99 * all_with_all(steps, 90).likeness.sum(dtype=float)


@pytest.mark.usefixtures("small_regions")
def test_rows_that_are_nearly_all_alike_lie_in_one_region_and_are_searched() -> None:
    vectors = np.tile(np.eye(3, dtype=np.float32)[:1], (700, 1))
    vectors[::7] = unit_rows(100, 3)
    steps = in_steps(vectors)
    steps[13] = 0
    found = nearest_neighbours(steps, 9)
    assert np.array_equal(np.sort(found.likeness[1]), np.full(9, STEPS**2))
    assert as_sets(found)[1] == [1, 2, 3, 4, 5, 6, 8, 9, 10]
    assert found.likeness[13].tolist() == [0] * 9

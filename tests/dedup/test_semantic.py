"""Texts that mean the same."""

from pathlib import Path

import numpy as np
import pytest

from align.dedup import semantic
from align.dedup.alike_vectors import alike_in_buckets, draws_for
from align.dedup.semantic import Semantic, alike
from toy_records import example, inputs, run


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("block", [1, 7, 500])
def test_blocks_find_what_comparing_one_by_one_finds(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(semantic, "BLOCK", block)
    draw = np.random.default_rng(0)
    vectors = unit(draw.standard_normal((8, 4))[draw.integers(0, 8, 120)] + 0.3 * draw.standard_normal((120, 4)))
    order = [int(row) for row in draw.permutation(120)]
    kept: list[int] = []
    expected = []
    for row in order:  # the naive rule: it goes if a kept one before it is alike
        likeness = vectors[kept].astype(float) @ vectors[row].astype(float) if kept else np.zeros(0)
        if len(likeness) and likeness.max() >= 0.9:
            expected.append((row, kept[int(likeness.argmax())], pytest.approx(likeness.max(), abs=1e-5)))
        else:
            kept.append(row)
    assert expected
    assert list(alike(vectors, order, 0.9)) == expected


def test_one_that_is_only_like_a_dropped_one_stays(tmp_path: Path) -> None:
    # a chain: each neighbour is 20 degrees apart (cosine 0.94), the ends 40 degrees (0.77)
    angles = np.radians([0, 20, 40])
    chain = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    assert [(row, kept) for row, kept, _ in alike(chain, [0, 1, 2], 0.9)] == [(1, 0)]
    assert [(row, kept) for row, kept, _ in alike(chain, [1, 0, 2], 0.9)] == [(0, 1), (2, 1)]


POOL = [
    example("a/1", "How long does dough rest?", "Let the dough rest for an hour.", answer_score=2),
    example("a/2", "Dough: how long does it rest?", "Rest, for an hour! Let the dough.", answer_score=8),
    example("a/3", "Why is the sea salt?", "Rivers carry salt from the rocks."),
    example("a/4", "?!", "..."),
]


def test_words_in_another_order_mean_the_same_and_the_preferred_one_stays(tmp_path: Path) -> None:
    made = run(Semantic(on="response", keep="answer_score"), inputs(tmp_path, POOL), tmp_path / "out")
    assert made.ids == ["a/2", "a/3", "a/4"]
    assert made.rejections == {"a/1": ("semantic", "duplicate", "a/2 (similarity 1.00)")}
    assert made.counts.noted == {"nothing to compare": 1}


def test_nothing_alike_nothing_dropped(tmp_path: Path) -> None:
    made = run(Semantic(on="prompt", threshold=1), inputs(tmp_path, POOL), tmp_path / "out")
    assert made.ids == ["a/1", "a/2", "a/3", "a/4"]


@pytest.mark.parametrize("threshold", [0.8, 0.95, 1.0])
def test_a_large_pool_loses_hardly_a_pair_to_its_buckets_and_drops_none_that_is_less_alike(
    threshold: float, tmp_path: Path
) -> None:
    draw = np.random.default_rng(3)
    vectors = unit(draw.standard_normal((3000, 32)))
    # a partner for each of 600, at just the threshold: the vector and one at a right angle to it
    asides = draw.standard_normal((600, 32))
    asides -= (asides * vectors[:600]).sum(axis=1, keepdims=True) * vectors[:600]
    partners = threshold * vectors[:600] + np.sqrt(1 - threshold**2) * unit(asides)
    pool = np.concatenate([vectors, unit(partners)])
    order = list(range(len(pool)))
    exact = {row for row, _, _ in alike(pool, order, threshold - 1e-4)}
    found = list(alike_in_buckets(pool, order, threshold - 1e-4, tmp_path / "planes"))
    assert len(exact) >= 600
    assert len({row for row, _, _ in found} & exact) >= 0.98 * len(exact)
    for row, kept, likeness in found:
        assert likeness == pytest.approx(float(pool[row] @ pool[kept]), abs=1e-5)
        assert likeness >= threshold - 2e-4


def test_a_pool_above_the_bound_goes_through_buckets_to_the_same_end(tmp_path: Path) -> None:
    made = run(Semantic(on="response", keep="answer_score", exact_up_to=0), inputs(tmp_path, POOL), tmp_path / "out")
    assert made.ids == ["a/2", "a/3", "a/4"]
    assert made.rejections == {"a/1": ("semantic", "duplicate", "a/2 (similarity 1.00)")}


def test_a_likelier_pair_needs_fewer_draws_and_a_larger_pool_more_planes() -> None:
    # cosine 0.95 is an angle of 18.2 degrees: on the same side of a plane with 0.899; of 15 planes with 0.202;
    # 21 draws miss a pair with (1 - 0.202)^21 = 0.009
    assert draws_for(100_000, 0.95) == (21, 15)
    assert draws_for(1_000_000, 0.95).planes == 18
    assert draws_for(100_000, 1.0).draws == 1
    assert draws_for(100_000, 0.3).draws <= 64

from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from align.dedup.bands import band_hashes, band_shape
from align.dedup.buckets import Buckets
from align.dedup.minhash import jaccard, near_duplicates, shingles
from align.dedup.sketches import sketches
from align.dedup.words_apart import words_apart
from align.text import words


@given(st.text(alphabet=st.sampled_from("aZ09'’_- .,\n\té²ßΩ"), max_size=40))
def test_words_told_apart_by_a_table_are_the_words_that_the_pattern_finds(text: str) -> None:
    assert words_apart(text).decode().split() == words(text)


def made(draw: Random, count: int) -> list[str]:
    return [f"w{draw.randrange(10**9)}" for _ in range(count)]


@pytest.mark.parametrize("size", [8, 30, 200, 3000])
def test_two_sketches_share_as_much_as_the_shingles(size: int) -> None:
    draw = Random(size)
    shared, truth = [], []
    for _ in range(60):
        first = made(draw, size)
        second = [*first[: size * 3 // 4], *made(draw, size // 4)]
        one, other = sketches([" ".join(text).encode() for text in (first, second)], 2)
        shared.append(np.mean(one == other))
        truth.append(jaccard(shingles(first, 2), shingles(second, 2)))
    # the mean of 60 shares of at least some 15 independent bins each has an error of about 0.5 / sqrt(60 * 15) = 0.017
    assert np.mean(shared) == pytest.approx(np.mean(truth), abs=0.05)


def test_a_sketch_is_of_its_text_alone_whatever_stands_beside_it_in_the_batch() -> None:
    texts = [b"one two  three", b"four", b"one two three", b" ".join(b"w%d" % number for number in range(300_000))]
    together = sketches(texts, 3)
    alone = np.concatenate([sketches([text], 3) for text in texts])
    assert (together == alone).all()
    assert (together[0] == together[2]).all()
    assert (together[0] != together[1]).all()


@pytest.mark.parametrize(("threshold", "size"), [(0.7, 12), (0.7, 30), (0.7, 300), (0.5, 30), (0.9, 60), (0.3, 30)])
def test_of_pairs_at_the_threshold_98_percent_and_more_are_found(threshold: float, size: int, tmp_path: Path) -> None:
    draw = Random(1)
    texts: list[bytes] = []
    for _ in range(400):  # words alone: of `size` together both have just the share
        both = -(-int(threshold * size * 1000) // 1000)
        common, rest = made(draw, both), made(draw, size - both)
        half = len(rest) // 2
        texts += [" ".join([*common, *rest[:half]]).encode(), " ".join([*common, *rest[half:]]).encode()]
    alike = [
        n for n in range(0, 800, 2) if jaccard(*(shingles(text.decode().split(), 1) for text in texts[n : n + 2])) >= threshold
    ]
    found = {item for item, _, _ in near_duplicates(list(range(800)), texts.__getitem__, 1, threshold, tmp_path / "buckets")}
    assert len(found & {n + 1 for n in alike}) >= 0.98 * len(alike)


def test_a_text_that_is_alone_in_its_buckets_is_not_looked_at(tmp_path: Path) -> None:
    shape = band_shape(0.7)
    buckets = Buckets(tmp_path / "buckets", 4, shape.bands)
    buckets.add(band_hashes(sketches([b"moss fern oak", b"heron vole otter"], 2), shape))
    buckets.add(band_hashes(sketches([b"moss fern oak", b"brook stone"], 2), shape))  # in another batch
    shared = list(buckets.shared())
    assert [item.place for item in shared] == [0, 2]
    assert shared[0].buckets == shared[1].buckets
    assert len(set(shared[0].buckets)) == shape.bands


def test_fewer_than_two_texts_share_nothing(tmp_path: Path) -> None:
    for count in (0, 1):
        buckets = Buckets(tmp_path / "buckets", count, 3)
        if count:
            buckets.add(np.ones((1, 3), dtype=np.uint32))
        assert list(buckets.shared()) == []

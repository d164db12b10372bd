"""How varied a selection is."""

from pathlib import Path

import numpy as np
import pytest

from align.embed.embedder import Of, embedded_text
from align.embed.tfidf import TfIdf
from align.files import read_records
from align.lots import lot
from align.records import Measurement
from align.selection import spread
from align.selection.baselines import Take
from align.selection.spread import coverage, vendi_score
from align.stage import Inputs
from toy_records import example, inputs, run


def test_vendi_counts_the_different_ones() -> None:
    apart = np.eye(4, dtype=np.float32)
    assert vendi_score(apart) == pytest.approx(4)
    assert vendi_score(np.repeat(apart[:1], 7, axis=0)) == pytest.approx(1)
    assert vendi_score(np.repeat(apart[:2], 5, axis=0)) == pytest.approx(2)  # two kinds, five of each
    # cosine 0.6: eigenvalues of [[1, .6], [.6, 1]] / 2 are 0.8 and 0.2; entropy 0.8 ln 1.25 + 0.2 ln 5 = 0.5004
    assert vendi_score(np.array([[1, 0], [0.6, 0.8]], dtype=np.float32)) == pytest.approx(np.exp(0.500402), abs=1e-5)
    assert vendi_score(apart[:0]) == 0


def test_vendi_of_many_rows_is_that_of_their_full_matrix() -> None:
    draw = np.random.default_rng(0).standard_normal((60, 5))
    rows = (draw / np.linalg.norm(draw, axis=1, keepdims=True)).astype(np.float32)
    values = np.linalg.eigvalsh((rows @ rows.T).astype(np.float64) / 60)
    values = values[values > 1e-9]
    assert vendi_score(rows) == pytest.approx(np.exp(-(values * np.log(values)).sum()), rel=1e-4)


def test_coverage_is_the_mean_of_the_nearest() -> None:
    pool = np.array([[1, 0], [0.6, 0.8], [0, 1], [-1, 0]], dtype=np.float32)
    # nearest to (1, 0): 1, 0.6, 0, and -1 which counts as none
    assert coverage(pool, pool[:1]) == pytest.approx(1.6 / 4)
    assert coverage(pool, pool) == pytest.approx(1)
    assert coverage(pool, pool[:0]) == 0


TOPICS = ("moss fern spore shade", "anvil forge hammer iron", "yeast dough loaf crust", "sail mast rudder keel")


def test_every_selection_says_how_varied_it_is_beside_random_ones(tmp_path: Path) -> None:
    # 30 about moss, 2 of each other topic; the longest responses are all about moss
    pool = [example(f"a/{number:02d}", "About?", TOPICS[0] + " leaf" * (number + 3)) for number in range(30)]
    pool += [example(f"b/{number}", "About?", TOPICS[1 + number % 3]) for number in range(6)]
    read = inputs(tmp_path, pool)
    longest = run(Take(count=4, order="longest"), read, tmp_path / "longest").measurements
    assert longest["vendi", "selection"] < longest["vendi_random", "selection"]
    assert longest["coverage", "selection"] < longest["coverage_random", "selection"]
    whole = {item.metric: item for item in read_records(tmp_path / "longest", Measurement)}
    chance = whole["vendi_random"]
    assert chance.low is not None
    assert chance.high is not None
    assert chance.low <= chance.value <= chance.high
    assert whole["vendi"].count == 4


def test_all_of_the_pool_is_as_varied_as_all_of_the_pool(tmp_path: Path) -> None:
    pool = [example(f"a/{number}", TOPICS[number % 4], f"word{number} is said here") for number in range(12)]
    found = run(Take(count=12), inputs(tmp_path, pool), tmp_path / "out").measurements
    assert found["vendi", "selection"] == found["vendi_random", "selection"]
    assert found["coverage", "selection"] == pytest.approx(1)


def test_the_arms_of_one_pool_share_what_was_learnt_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # of 24 examples 9 stand for the pool and at most 6 for a selection: some of those are not among the 9
    monkeypatch.setattr(spread, "POOL", 9)
    monkeypatch.setattr(spread, "CHOSEN", 6)
    pool = [example(f"a/{number:02d}", TOPICS[number % 4], f"word{number % 5} is said by {number}") for number in range(24)]
    read = inputs(tmp_path, pool)
    learnt: list[int] = []
    prepare = TfIdf.prepare
    monkeypatch.setattr(TfIdf, "prepare", lambda self, sample: learnt.append(len(sample)) or prepare(self, sample))
    spread._ground.cache_clear()
    together = [take_spread(read, tmp_path / f"together{count}", count) for count in (8, 12, 20)]
    assert learnt == [9]
    alone = []
    for count in (8, 12, 20):
        spread._ground.cache_clear()
        alone.append(take_spread(read, tmp_path / f"alone{count}", count))
    assert together == alone
    assert learnt == [9] * 4


def test_arms_by_different_parts_share_what_was_learnt_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pool = [example(f"a/{number:02d}", TOPICS[number % 4], f"word{number % 5} is said by {number}") for number in range(9)]
    read = inputs(tmp_path, pool)
    learnt: list[int] = []
    prepare = TfIdf.prepare
    monkeypatch.setattr(TfIdf, "prepare", lambda self, sample: learnt.append(len(sample)) or prepare(self, sample))
    spread._ground.cache_clear()
    parts: list[Of] = ["prompt", "both", "response", "prompt", "response"]
    for on in parts:
        spread.write_spread(read, {"a/01", "a/02"}, tmp_path / "out", on)
    assert learnt == [9] * 3  # both, prompt, response


def test_what_is_taken_is_measured_by_what_the_pools_sample_taught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spread, "POOL", 9)
    pool = [example(f"a/{number:02d}", TOPICS[number % 4], f"word{number % 5} is said by {number}") for number in range(24)]
    found = {item.metric: item.value for item in take_spread(inputs(tmp_path, pool), tmp_path / "out", 24)}
    sample = sorted(pool, key=lambda item: lot("spread", item.id))[:9]
    encoder = TfIdf().prepare([embedded_text(item, "both") for item in sorted(sample, key=lambda item: item.id)])
    everything = encoder.encode([embedded_text(item, "both") for item in pool])
    of_sample = encoder.encode([embedded_text(item, "both") for item in sample])
    assert found["vendi"] == pytest.approx(vendi_score(everything), rel=1e-4)
    assert found["coverage"] == pytest.approx(coverage(of_sample, everything), rel=1e-4)


def take_spread(read: Inputs, work: Path, count: int) -> list[Measurement]:
    run(Take(count=count), read, work)
    return list(read_records(work, Measurement))

"""Learning what people accept, and following what is new to the accepted set."""

from pathlib import Path

import numpy as np
import pytest
from queue_setting import pool_of

from align.curation.pools.pool import Pool
from align.curation.pools.topics import topics_of
from align.curation.queueing.learning import PENALTY, Features, fit_logistic
from align.curation.queueing.ranking import NOVELTY_POWER, Known, Ranker, novelty


@pytest.fixture
def pool(tmp_path: Path) -> Pool:
    return pool_of(tmp_path, {}, each=20)


def known(pool: Pool, accepted: list[int], labelled: list[int] = [], labels: list[bool] = []) -> Known:  # noqa: B006 - not changed
    return Known(
        0, np.array(labelled, np.int64), np.array(labels, np.bool_), np.array(accepted, np.int64), np.ones(len(pool), np.bool_),
        np.ones(len(pool.cells.names)),
    )  # fmt: skip


def test_the_weights_are_those_of_a_balanced_logistic_regression() -> None:
    from sklearn.linear_model import LogisticRegression

    random = np.random.default_rng(1)
    rows = np.hstack([random.standard_normal((200, 6)), np.ones((200, 1))])
    labels = rows[:, 0] + 0.5 * random.standard_normal(200) > 0.8
    peer = LogisticRegression(C=1 / PENALTY, class_weight="balanced", tol=1e-8, max_iter=500).fit(rows[:, :-1], labels)
    found = fit_logistic(rows, labels)
    np.testing.assert_allclose(found[:-1], peer.coef_[0], atol=2e-3)
    assert found[-1] == pytest.approx(float(peer.intercept_[0]), abs=5e-3)


def test_scores_of_all_rows_at_once_are_those_of_the_fitted_rows(pool: Pool) -> None:
    features = Features(pool)
    rows = features.rows(np.arange(len(pool)))
    weights = np.random.default_rng(2).standard_normal(rows.shape[1])
    np.testing.assert_allclose(features.scores(weights), rows @ weights, atol=1e-3)


def test_a_signal_that_some_lack_or_all_share_does_no_harm(pool: Pool) -> None:
    columns = Features(pool).columns
    assert np.isfinite(columns).all()
    assert np.abs(columns).max() <= 3


def test_likeness_to_the_accepted_is_the_same_step_by_step_as_all_at_once(pool: Pool) -> None:
    steps = [[3], [3, 40], [40, 61, 5], [5], [], [7, 8, 9]]
    ranker = Ranker(pool, topics_of(pool))
    vectors = np.asarray(pool.vectors)
    for accepted in steps:  # some acceptances are undone on the way
        ranking = ranker.rank(known(pool, accepted))
        expected = (vectors @ vectors[accepted].T).max(axis=1) if accepted else np.zeros(len(pool))
        np.testing.assert_allclose(ranking.likeness, np.maximum(expected, 0)[ranking.leaders], atol=1e-6)


def test_novelty_is_the_power_of_what_likeness_leaves() -> None:
    found = novelty(np.array([0.0, 0.5, 1.0, 1.000001], dtype=np.float32))
    np.testing.assert_allclose(found, [1, 0.5**NOVELTY_POWER, 0, 0], atol=1e-6)


def test_nothing_is_learnt_before_both_classes_have_members(pool: Pool) -> None:
    ranker = Ranker(pool, topics_of(pool))
    rows = list(range(60))
    assert not ranker.rank(known(pool, [], rows, [False] * 60)).is_learnt
    assert not ranker.rank(known(pool, [], rows[:49], [True] * 20 + [False] * 29)).is_learnt
    learnt = ranker.rank(known(pool, [], rows, [True] * 20 + [False] * 40))
    assert learnt.is_learnt
    assert len(learnt.uncertain) > 0


def test_only_open_rows_lead(pool: Pool) -> None:
    closed = known(pool, [])
    closed.open[:70] = False
    assert Ranker(pool, topics_of(pool)).rank(closed).leaders.tolist() == list(range(70, 80))


def test_leaders_of_a_large_pool_hold_the_best_and_some_of_every_cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("align.curation.queueing.ranking.LEADERS", 8)
    pool = pool_of(tmp_path, {"cooking": 5, "ocean": 5, "music": 5, "garden": 5}, each=20)
    ranking = Ranker(pool, topics_of(pool)).rank(known(pool, []))
    assert len(ranking.leaders) <= 8
    assert {pool.cells[int(row)] for row in ranking.leaders} == {"cooking", "ocean", "music", "garden"}


def test_topics_are_numbered_by_size_and_typical_examples_of_each_come_early(pool: Pool) -> None:
    topics = topics_of(pool)
    sizes = np.bincount(topics.codes)
    assert sizes.tolist() == sorted(sizes.tolist(), reverse=True)
    assert sizes.min() >= 1
    first = np.argsort(-topics.earliness, kind="stable")[: topics.count]
    assert len(set(topics.codes[first].tolist())) > topics.count / 2
    largest = np.flatnonzero(topics.codes == 0)
    earliest = largest[np.argmax(topics.earliness[largest])]
    assert topics.typicality[earliest] == topics.typicality[largest].max()

"""Intervals, checked against values worked out by hand or printed in the sources."""

import pytest

from align.statistics import (
    bootstrap_mean,
    bootstrap_ratio,
    clustered_mean,
    clustered_share,
    paired_difference,
    share,
    share_change,
    sign_test,
    wilson,
)


def test_wilson_gives_the_interval_of_limas_thirty_safety_prompts() -> None:
    # 24 of 30, z = 1.959964: (0.8 + 0.064024) / 1.128049 = 0.765945; reach = 1.959964 * sqrt(0.005333 + 0.001067) / 1.128049 = 0.138999
    low, high = wilson(24, 30)
    assert low == pytest.approx(0.6269, abs=2e-4)
    assert high == pytest.approx(0.9050, abs=2e-4)


def test_wilson_of_no_success_does_not_collapse_to_zero() -> None:
    # 0 of 10: high = z^2 / (10 + z^2) = 3.841459 / 13.841459
    assert wilson(0, 10) == (0.0, pytest.approx(0.277533, abs=1e-5))
    assert wilson(10, 10)[1] == 1.0


def test_wilson_of_nothing_knows_nothing() -> None:
    assert wilson(0, 0) == (0.0, 1.0)


def test_wilson_refuses_more_successes_than_items() -> None:
    with pytest.raises(ValueError, match="3 successes of 2"):
        wilson(3, 2)


def test_bootstrap_mean_is_near_the_normal_interval_for_many_items() -> None:
    # 150 ones and 150 zeros: 0.5 +- 1.96 * 0.5 / sqrt(300) = 0.5 +- 0.0566
    mean, low, high = bootstrap_mean([1.0, 0.0] * 150, seed=1)
    assert mean == 0.5
    assert low == pytest.approx(0.5 - 0.0566, abs=0.004)
    assert high == pytest.approx(0.5 + 0.0566, abs=0.004)


def test_bootstrap_gives_the_same_interval_for_the_same_seed() -> None:
    values = [0.0, 0.5, 1.0, 1.0, 0.3]
    assert bootstrap_mean(values, seed=3) == bootstrap_mean(values, seed=3)


def test_bootstrap_does_not_depend_on_how_many_draws_fit_into_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    values = [float(number % 7) for number in range(50)]
    whole = bootstrap_mean(values, seed=1, draws=500)
    monkeypatch.setattr("align.statistics.CELLS_AT_ONCE", 170)
    assert bootstrap_mean(values, seed=1, draws=500) == whole


def test_bootstrap_ratio_weighs_an_item_by_its_denominator() -> None:
    # (1 + 9) / (1 + 3) = 2.5, where the mean of the ratios would be (1 + 3) / 2 = 2; resamples give 1, 2.5 or 3
    value, low, high = bootstrap_ratio([1.0, 9.0], [1.0, 3.0], seed=1)
    assert (value, low, high) == (2.5, 1.0, 3.0)


def test_one_item_has_a_mean_and_no_interval() -> None:
    assert bootstrap_mean([2.0], seed=1) == (2.0, None, None)
    assert clustered_mean([1.0, 3.0], ["p1", "p1"]) == (2.0, None, None)


def test_no_items_are_the_callers_mistake() -> None:
    with pytest.raises(ValueError, match="one at least"):
        bootstrap_mean([], seed=1)


def test_clustered_mean_counts_prompts_and_not_responses() -> None:
    # prompt means 1, 2, 3: sd 1, three clusters: error 1 / sqrt(3) = 0.577350, t(2) = 4.302653: reach 2.484138
    values = [1.0] * 5 + [2.0] * 5 + [3.0] * 5
    mean, low, high = clustered_mean(values, ["a"] * 5 + ["b"] * 5 + ["c"] * 5)
    assert mean == 2.0
    assert low == pytest.approx(2 - 2.484138, abs=1e-5)
    assert high == pytest.approx(2 + 2.484138, abs=1e-5)


def test_paired_difference_sees_what_the_items_share() -> None:
    # every item gains exactly 0.25, however much the items differ among themselves
    before = [float(number) for number in range(20)]
    assert paired_difference([value + 0.25 for value in before], before, seed=1) == (0.25, 0.25, 0.25)


def test_sign_test_of_nine_wins_and_one_loss() -> None:
    # 2 * (C(10,0) + C(10,1)) / 2^10 = 22 / 1024
    assert sign_test(9, 1) == pytest.approx(22 / 1024)


def test_sign_test_without_a_decided_pair_finds_nothing() -> None:
    assert sign_test(0, 0) == 1.0


def test_sign_test_agrees_with_the_published_counts_of_lima_against_bard() -> None:
    # 33 / 25 / 42 % of 300 are 99 wins and 126 losses: not significant at 5 %
    assert sign_test(99, 126) == pytest.approx(0.083, abs=0.002)


def test_a_share_over_independent_items_is_wilsons_and_else_clustered() -> None:
    hits = [True] * 24 + [False] * 6
    assert share(hits, range(30)) == ((0.8, *wilson(24, 30)), "Wilson 95 %")
    found, how = share([True, True, True, True, False, False], ["a", "a", "b", "b", "c", "c"])
    assert how == "95 %, clustered by prompt"
    # cluster means 1, 1, 0: sd 0.57735, error 0.33333, t(2) = 4.302653: 0.667 +- 1.434, cut to what a share can be
    assert found == (pytest.approx(2 / 3), 0.0, 1.0)


def test_a_change_of_shares_has_a_width_where_nothing_changed() -> None:
    # gained = lost = 1 / 12: reach 1.959964 * sqrt((2 / 12) / 12) = 0.230985
    found, how = share_change([True] * 10, [True] * 10, range(10))
    assert (found, how) == ((0.0, pytest.approx(-0.230985, abs=1e-5), pytest.approx(0.230985, abs=1e-5)), "Bonett-Price 95 %")


def test_a_change_of_shares_counts_gains_against_losses() -> None:
    # 6 gained, 1 lost of 10: value 0.5; gained 7 / 12, lost 2 / 12, difference 0.416667;
    # reach 1.959964 * sqrt((0.75 - 0.173611) / 12) = 0.429550
    after, before = [True] * 6 + [False] + [True] * 3, [False] * 6 + [True] + [True] * 3
    found, _ = share_change(after, before, range(10))
    assert found == (0.5, pytest.approx(0.416667 - 0.429550, abs=1e-5), pytest.approx(0.416667 + 0.429550, abs=1e-5))
    assert share_change(after, before, [0, 0, *range(8)])[1] == "95 %, clustered by prompt"


def test_a_clustered_share_of_independent_items_is_wilsons() -> None:
    assert clustered_share([True, False, False, True, True], list("abcde"))[1:] == pytest.approx(wilson(3, 5))


def test_a_clustered_share_has_a_width_where_all_or_none_are_hits() -> None:
    # four clusters of two, all hits: four items are what is known
    found = clustered_share([True] * 8, list("aabbccdd"))
    assert (found.value, found.low, found.high) == (1, *wilson(4, 4))
    assert clustered_share([False] * 8, list("aabbccdd"))[1:] == wilson(0, 4)


def test_a_clustered_share_of_equal_pairs_is_the_share_of_the_clusters() -> None:
    # each cluster says one thing twice: 6 of 10 clusters. The variance of cluster means has 9 below, and t of 9 degrees above:
    # 10 clusters are worth 0.24 / (0.24 / 9 * 2.2622² / 1.96²) = 6.756 independent items
    hits, clusters = [number < 12 for number in range(20)], [number // 2 for number in range(20)]
    found = clustered_share(hits, clusters)
    effective = 9 * 1.959964**2 / 2.262157**2
    assert (found.low, found.high) == pytest.approx(wilson(0.6 * effective, effective), abs=1e-5)
    assert wilson(0.6 * effective, effective)[0] < wilson(6, 10)[0]


def test_a_cluster_that_says_both_counts_for_more_than_one_item() -> None:
    # first and second in every cluster but one: the share hardly moves from cluster to cluster
    hits, clusters = [True, False] * 19 + [True, True], [number // 2 for number in range(40)]
    found = clustered_share(hits, clusters)
    assert found.value == 21 / 40
    low, high = wilson(21, 40)
    assert found.low is not None
    assert found.high is not None
    assert found.high - found.low < (high - low) / 2

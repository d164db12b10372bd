"""The quota."""

from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest

from align.errors import EmptyResult, InputError, RecipeError, Shortfall
from align.records import Example
from align.selection.quota import Quota, draw
from align.stage import Forecast
from toy_records import Made, example, inputs, run

GROUPS = "stem: [physics, unix]\nother: [cooking]\nniche: [esperanto]\n"


def site(name: str, count: int) -> list[Example]:
    """Questions 1 to `count` of a site; question n has the score n."""
    return [example(f"stack_exchange/{name}/{number}", question_score=number) for number in range(1, count + 1)]


def drawn(tmp_path: Path, pool: list[Example], **fields: Any) -> Made:
    groups = tmp_path / "groups.yaml"
    groups.write_text(GROUPS, encoding="utf-8")
    out = tmp_path / f"out{len(list(tmp_path.glob('out*')))}"
    return run(Quota(groups=groups, **fields), inputs(tmp_path, pool), out)


def test_each_site_gives_its_best_questions_and_ties_go_by_id(tmp_path: Path) -> None:
    # cooking is drawn three times: scores 5, 5, 4; of the two fives "a" comes before "b"
    pool = [
        example(f"stack_exchange/cooking/{name}", question_score=score)
        for name, score in [("d", 1), ("b", 5), ("c", 4), ("a", 5)]
    ]
    assert drawn(tmp_path, pool, take={"other": 1}).ids == ["stack_exchange/cooking/a"]
    assert set(drawn(tmp_path, pool, take={"other": 3}).rejections) == {"stack_exchange/cooking/d"}


def test_every_example_that_is_not_taken_says_why(tmp_path: Path) -> None:
    pool = [*site("physics", 2), *site("cooking", 1), *site("esperanto", 1), *site("gardening.meta", 1), example("authored")]
    made = drawn(tmp_path, pool, take={"stem": 1})
    assert made.ids == ["stack_exchange/physics/2"]
    assert made.rejections == {
        "stack_exchange/physics/1": ("quota", "not drawn", "stem"),
        "stack_exchange/cooking/1": ("quota", "group not taken", "other"),
        "stack_exchange/esperanto/1": ("quota", "group not taken", "niche"),
        "stack_exchange/gardening.meta/1": ("quota", "site in no group", "gardening.meta"),
        "authored": ("quota", "site in no group", ""),
    }


def test_what_was_wanted_eligible_and_taken_is_measured(tmp_path: Path) -> None:
    pool = [*site("physics", 3), *site("unix", 2), *site("cooking", 1)]
    measured = drawn(tmp_path, pool, take={"stem": 5, "other": 1}).measurements
    assert {key: value for key, value in measured.items() if key[0].startswith("quota")} == {
        ("quota_wanted", "stem"): 5, ("quota_eligible", "stem"): 5, ("quota_taken", "stem"): 5,
        ("quota_wanted", "other"): 1, ("quota_eligible", "other"): 1, ("quota_taken", "other"): 1,
    }  # fmt: skip
    assert (measured["site_eligible", "unix"], measured["site_taken", "unix"]) == (2, 2)


def test_a_short_group_stops_the_run_and_is_named_with_wanted_and_found(tmp_path: Path) -> None:
    with pytest.raises(Shortfall, match="group 'other' wants 8 examples, found 3 eligible ones in 1 strata"):
        drawn(tmp_path, [*site("physics", 9), *site("cooking", 3)], take={"stem": 2, "other": 2}, oversample=4)


def test_with_report_a_short_group_gives_what_it_has_and_says_what_is_missing(tmp_path: Path) -> None:
    made = drawn(tmp_path, site("cooking", 3), take={"stem": 1, "other": 4}, shortfall="report")
    assert len(made.ids) == 3
    assert made.counts.noted == {"missing in stem": 1, "missing in other": 1}


def test_a_draw_that_finds_nothing_is_an_error_even_with_report(tmp_path: Path) -> None:
    with pytest.raises(EmptyResult, match=r"0 of 2 examples were drawn: none is in a group that `take` names \(stem\)"):
        drawn(tmp_path, site("cooking", 2), take={"stem": 1}, shortfall="report")


@pytest.mark.parametrize(("take", "oversample", "count"), [(20, 1.5, 30), (3, 1.1, 4), (10, 1.1, 11), (7, 1, 7)])
def test_oversample_rounds_up_and_not_beyond(tmp_path: Path, take: int, oversample: float, count: int) -> None:
    # 10 * 1.1 is 11.000000000000002 in floating point, and 11 is meant
    assert len(drawn(tmp_path, site("cooking", 40), take={"other": take}, oversample=oversample).ids) == count


def test_the_first_place_follows_the_cube_root_of_the_sizes() -> None:
    # 8, 27 and 64 questions: cube roots 2, 3 and 4, so shares 2/9, 3/9 and 4/9
    pools = {"a": ["a"] * 8, "b": ["b"] * 27, "c": ["c"] * 64}
    counts = Counter(draw(pools, 1, 3, Random(seed))[0] for seed in range(9000))
    # three standard deviations of 9,000 draws are below 145
    assert counts["a"] == pytest.approx(2000, abs=145)
    assert counts["b"] == pytest.approx(3000, abs=145)


def test_n_is_what_is_left_and_not_what_there_was() -> None:
    # temperature 1, sizes 1 and 1: each order of the two has 1/2. With the sizes as they were, "a" could be drawn twice.
    orders = Counter("".join(draw({"a": ["a"], "b": ["b"]}, 2, 1, Random(seed))) for seed in range(400))
    assert set(orders) == {"ab", "ba"}
    # sizes 2 and 1: after a first "a" one of each is left, so "aab" and "aba" are equally likely: 2/3 * 1/2 each, as is "baa"
    orders = Counter("".join(draw({"a": ["a", "a"], "b": ["b"]}, 3, 1, Random(seed))) for seed in range(3000))
    assert [orders[order] for order in ("aab", "aba", "baa")] == pytest.approx([1000, 1000, 1000], abs=80)


def test_a_larger_draw_contains_the_smaller_one_and_other_groups_do_not_move_it(tmp_path: Path) -> None:
    pool = [*site("physics", 30), *site("unix", 50), *site("cooking", 20)]
    few = set(drawn(tmp_path, pool, take={"stem": 10}).ids)
    many = set(drawn(tmp_path, pool, take={"stem": 10, "other": 7}, oversample=2).ids)
    assert few < many
    assert few != set(drawn(tmp_path, pool, take={"stem": 10}, seed=2).ids)


def test_the_order_in_which_examples_come_does_not_decide_the_draw(tmp_path: Path) -> None:
    pool = [*site("physics", 9), *site("unix", 9)]
    assert set(drawn(tmp_path, pool, take={"stem": 6}).ids) == set(drawn(tmp_path, pool[::-1], take={"stem": 6}).ids)


def test_strata_may_be_sources_or_tags_and_all_is_every_other_one(tmp_path: Path) -> None:
    pool = [example("wikihow/1", tags=("x", "Food")), example("reddit/1", tags=("Pets",)), example("authored/1")]
    read = inputs(tmp_path, pool)
    assert run(Quota(take={"wikihow": 1}, by="source"), read, tmp_path / "source").ids == ["wikihow/1"]
    tags = run(Quota(take={"Food": 1, "all": 2}, by="tag"), read, tmp_path / "tag")
    assert tags.ids == ["wikihow/1", "reddit/1", "authored/1"]
    assert tags.measurements["quota_taken", "Food"] == 1


def test_rank_by_random_takes_others_than_the_best(tmp_path: Path) -> None:
    taken = [drawn(tmp_path, site("cooking", 50), take={"other": 1}, rank_by="random", seed=seed).ids[0] for seed in (1, 2, 3)]
    assert len(set(taken)) == 3


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("stem: [unix]\nother: [unix]\n", "'unix' in stem and other"),
        ("stem: [unix, unix]\n", "'unix' in stem and stem"),
        ("stem: [unix]\nstem: [physics]\n", "not readable as YAML: .*duplicate key"),
        ("stem: unix\n", "a groups file is a mapping"),
    ],
)
def test_a_groups_file_that_says_two_things_is_refused(tmp_path: Path, text: str, says: str) -> None:
    groups = tmp_path / "g.yaml"
    groups.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=says):
        run(Quota(groups=groups, take={"stem": 1}), inputs(tmp_path, site("unix", 1)), tmp_path / "out")


def test_a_group_that_the_file_does_not_define_is_named_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no group 'stme' .did you mean 'stem'"):
        drawn(tmp_path, site("unix", 1), take={"stme": 1})


def test_an_example_that_comes_twice_is_refused(tmp_path: Path) -> None:
    twice = inputs(tmp_path, site("unix", 2), site("unix", 1))
    with pytest.raises(RecipeError, match="example stack_exchange/unix/1 comes in twice"):
        Quota(take={"unix": 1}).run(twice, tmp_path / "out")


def test_the_plan_knows_how_many_come_out() -> None:
    quota = Quota(take={"stem": 200, "other": 200}, oversample=8)
    assert quota.forecast([Forecast(10_000, 1, "expected")], {}).examples == 3200
    assert quota.forecast([Forecast(900, 1, "expected")], {}).examples == 900
    assert quota.forecast([Forecast()], {}).basis == "unknown"

"""The mix."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

import align.selection.mix as module
from align.errors import RecipeError, Shortfall
from align.records import Example
from align.selection.mix import Mix
from align.stage import Forecast
from toy_records import Made, artifact, example, inputs, run


def many(name: str, count: int) -> list[Example]:
    return [example(f"{name}/{number}") for number in range(count)]


def mixed(tmp_path: Path, *sets: list[Example], **fields: Any) -> Made:
    return run(
        Mix(inputs=tuple(f"s{number}" for number in range(len(sets))), **fields), inputs(tmp_path, *sets), tmp_path / "out"
    )


def test_everything_comes_through_once_and_well_mixed(tmp_path: Path) -> None:
    made = mixed(tmp_path, many("final", 30), many("authored", 30))
    assert sorted(made.ids) == sorted(item.id for item in many("final", 30) + many("authored", 30))
    first_half = [item.split("/")[0] for item in made.ids[:30]].count("final")
    assert 8 <= first_half <= 22  # 15 expected; eight standard deviations of 1.9 would be 0


def test_the_order_is_the_seeds_and_not_that_of_the_inputs(tmp_path: Path) -> None:
    one, two = many("final", 9), many("authored", 9)
    order = mixed(tmp_path / "a", one, two).ids
    assert mixed(tmp_path / "b", two, one).ids == order
    assert mixed(tmp_path / "c", one, two, seed=2).ids != order


def test_a_set_too_large_for_memory_is_shuffled_on_the_disk_into_the_same_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = mixed(tmp_path / "memory", many("final", 40)).ids
    monkeypatch.setattr(module, "BUCKET", 7)
    assert mixed(tmp_path / "disk", many("final", 40)).ids == expected


def test_an_id_in_two_inputs_is_told_with_both_stages(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"3 ids would stand twice in the mix: final/0 \(in above and above1\), final/1"):
        mixed(tmp_path, many("final", 3), many("final", 4))


def test_take_draws_from_each_input_and_says_what_was_left(tmp_path: Path) -> None:
    made = mixed(tmp_path, many("final", 20), many("authored", 5), take=(10, 5))
    assert [item.split("/")[0] for item in made.ids].count("final") == 10
    assert set(made.rejections.values()) == {("mix", "not drawn", "")}
    halves = [sum(item.startswith("final") for item in made.ids[start : start + 8]) for start in (0, 8)]
    assert min(halves) >= 3, "what is drawn first must not also come first"


def test_shares_take_as_many_as_the_scarcest_allows(tmp_path: Path) -> None:
    # 3 safety examples are to be a tenth: 30 in all, 27 of the others
    made = mixed(tmp_path, many("help", 60), many("safety", 3), shares=(0.9, 0.1))
    assert [sum(item.startswith(name) for item in made.ids) for name in ("help", "safety")] == [27, 3]


def test_too_few_names_the_stage(tmp_path: Path) -> None:
    with pytest.raises(Shortfall, match="stage 'above1': wanted 9, found 5"):
        mixed(tmp_path, many("final", 20), many("authored", 5), take=(10, 9))


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"take": (1, 2), "shares": (0.5, 0.5)}, "write `take` or `shares`, not both"),
        ({"take": (1,)}, "`take` needs one number for each of `inputs`: 1 for 2"),
        ({"shares": (0.5, 0.6)}, "`shares` must add up to 1, not 1.1"),
        ({"take": (1, -1)}, "negative"),
    ],
)
def test_settings_that_do_not_fit_are_refused(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Mix(inputs=("a", "b"), **fields)


def test_the_plan_adds_up_what_comes_in() -> None:
    data = [Forecast(400, 1000, "expected"), Forecast(600, 500, "exact")]
    assert Mix(inputs=("a", "b")).forecast(data, {}) == Forecast(1000, 1500, "expected")
    assert Mix(inputs=("a", "b"), take=(1, 2)).forecast(data, {}).examples == 3
    assert Mix(inputs=("a", "b")).forecast([Forecast(), data[0]], {}).basis == "unknown"


def with_safety(tmp_path: Path, per_thousand: float, safe: int = 20, **fields: Any) -> Made:
    read = inputs(tmp_path, many("final", 30), many("authored", 20))
    read.named["add.0.stage"] = artifact(tmp_path, "safety", many("safety", safe))
    add = ({"stage": "safety", "per_thousand": per_thousand},)
    return run(Mix(inputs=("s0", "s1"), add=add, **fields), read, tmp_path / f"out{per_thousand}")


def test_examples_are_added_in_proportion_and_smaller_arms_lie_within_larger_ones(tmp_path: Path) -> None:
    arms = [set(with_safety(tmp_path, share).ids) for share in (0, 13, 30, 60, 100)]
    added = [{name for name in arm if name.startswith("safety/")} for arm in arms]
    # of 50: 0, 0.65, 1.5, 3 and 5, half up
    assert [len(names) for names in added] == [0, 1, 2, 3, 5]
    assert all(small < large for small, large in pairwise(added))
    assert {frozenset(arm - names) for arm, names in zip(arms, added, strict=True)} == {
        frozenset(arms[0])
    }  # the rest is the same
    assert added[4] != {name for name in with_safety(tmp_path / "other", 100, seed=2).ids if name.startswith("safety/")}


def test_the_share_is_of_what_is_drawn(tmp_path: Path) -> None:
    # 10 of 30 and 10 of 20: 100 per thousand of 20 are 2
    made = with_safety(tmp_path, 100, take=(10, 10))
    assert [sum(name.startswith(source) for name in made.ids) for source in ("final", "authored", "safety")] == [10, 10, 2]


def test_what_is_added_is_planned_with_its_share_of_the_tokens() -> None:
    mix = Mix(inputs=("a",), add=({"stage": "b", "per_thousand": 30},))
    safe = {"add.0.stage": Forecast(200, 20_000, "expected")}
    # 30 of 200 examples with 100 tokens each
    assert mix.forecast([Forecast(1000, 700_000, "exact")], safe) == Forecast(1030, 703_000, "expected")
    assert mix.forecast([Forecast(1000, 700_000, "exact")], {}) == Forecast(1030, None, "expected")


def test_too_few_to_add_are_told_with_the_numbers(tmp_path: Path) -> None:
    with pytest.raises(Shortfall, match="stage 'safety': 100 per thousand of 50 are 5, found 4"):
        with_safety(tmp_path, 100, safe=4)

"""The stage that takes what is unlike."""

from pathlib import Path
from typing import Any

import pytest

from align.errors import EmptyResult, Shortfall
from align.files import read_records
from align.records import Measurement
from align.selection.baselines import Take
from align.selection.diverse import Diverse
from align.selection.scorers.plain import Length, Votes
from toy_records import Made, artifact, example, inputs, run

TOPICS = {
    "moss": "fern spore shade damp stone green",
    "forge": "anvil hammer iron spark tongs steel",
    "bread": "yeast dough loaf crust oven flour",
    "sea": "sail mast rudder keel tide anchor",
}
# of moss 8, of the others 2 each, no two the same
POOL = [
    example(f"se/{site}/{number}", f"What is {name} {number}?", f"{TOPICS[name]} {name}{number}", answer_score=float(number))
    for name, site, count in [("moss", "garden", 8), ("forge", "craft", 2), ("bread", "cook", 2), ("sea", "travel", 2)]
    for number in range(count)
]


def taken(tmp_path: Path, **fields: Any) -> Made:
    return run(Diverse(**fields), inputs(tmp_path, POOL), tmp_path / f"out{len(list(tmp_path.glob('out*')))}")


def sites(made: Made) -> list[str]:
    return [item.split("/")[1] for item in made.ids]


@pytest.mark.parametrize("method", ["k_center", "facility_location"])
def test_the_first_four_are_of_four_topics_though_one_fills_most_of_the_pool(tmp_path: Path, method: str) -> None:
    made = taken(tmp_path, count=4, method=method, on="response")
    assert sorted(sites(made)) == ["cook", "craft", "garden", "travel"]
    found = made.measurements
    assert found["vendi", "selection"] > found["vendi_random", "selection"]
    assert made.counts.dropped == {"diverse: not taken": 10}


def test_what_went_by_the_prompts_is_measured_on_the_prompts_too(tmp_path: Path) -> None:
    # six prompts that share no word, each asked twice; all responses say the same: only the prompts can be varied
    asked = ("fern spore", "anvil forge", "yeast dough", "mast keel", "loom thread", "reed flute")
    pool = [example(f"a/{number:02d}", asked[number % 6], "go and look it up " * 40) for number in range(12)]
    made = run(Diverse(count=6, on="prompt"), inputs(tmp_path, pool), tmp_path / "prompt")
    found = made.measurements
    assert found["vendi", "prompts of the selection"] == pytest.approx(6)
    assert found["vendi", "selection"] < 6
    assert found["coverage", "prompts of the selection"] == pytest.approx(1)
    chance = next(
        item for item in read_records(made.path, Measurement) if item.metric == "vendi_random" and item.subject != "selection"
    )
    assert chance.value < 6  # some draw takes one prompt twice
    assert chance.method.endswith("; prompts alone")


def test_the_common_figure_is_the_same_whatever_part_a_selection_went_by(tmp_path: Path) -> None:
    whole = {on: taken(tmp_path, count=14, on=on).measurements for on in ("both", "prompt", "response")}  # all of the pool
    common = [{key: value for key, value in found.items() if key[1] == "selection"} for found in whole.values()]
    assert common[0] == common[1] == common[2] == whole["both"]
    assert {subject for _, subject in whole["response"]} == {"selection", "responses of the selection"}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"method": "mmr", "scorer": Length()},
        {"method": "facility_location"},
        {"method": "facility_location", "exact_up_to": 0, "neighbours": 3},
        {"per": "site", "shares": "equal"},
    ],
)
def test_a_smaller_selection_is_the_beginning_of_a_larger_one(tmp_path: Path, fields: dict[str, Any]) -> None:
    ten, six, three = (taken(tmp_path, count=count, **fields).ids for count in (10, 6, 3))
    assert ten[:6] == six
    assert six[:3] == three
    assert len(set(ten)) == 10


def test_take_first_cuts_a_selection_to_a_smaller_one(tmp_path: Path) -> None:
    ten = taken(tmp_path, count=10)
    above = artifact(tmp_path / "cut", "ten", ten.examples)
    cut = run(Take(count=4, order="first"), type(inputs(tmp_path))((above,)), tmp_path / "four")
    assert cut.ids == taken(tmp_path, count=4).ids


def test_the_seed_decides_the_first_and_nothing_else_changes_between_runs(tmp_path: Path) -> None:
    assert len({taken(tmp_path, count=3, seed=seed).ids[0] for seed in range(8)}) > 1
    assert taken(tmp_path, count=7).ids == taken(tmp_path, count=7).ids


def test_with_all_weight_on_the_score_the_best_come_first(tmp_path: Path) -> None:
    made = taken(tmp_path, count=3, method="mmr", scorer=Votes(), quality_weight=1)
    assert made.ids == [f"se/garden/{number}" for number in (7, 6, 5)]
    mixed = taken(tmp_path, count=4, method="mmr", scorer=Votes(), quality_weight=0.4)
    assert mixed.ids[0] == "se/garden/7"
    assert len(set(sites(mixed))) == 4


def test_shares_hold_for_the_parts_of_the_pool(tmp_path: Path) -> None:
    equal = taken(tmp_path, count=8, per="site", shares="equal")
    assert {site: sites(equal).count(site) for site in ("garden", "craft", "cook", "travel")} == dict.fromkeys(
        ("garden", "craft", "cook", "travel"), 2
    )
    # 8 of 14 are of garden: D'Hondt gives it 4 of 7, and one to each other
    assert sites(taken(tmp_path, count=7, per="site")).count("garden") == 4
    two = taken(tmp_path, count=3, per="site", shares={"cook": 2, "sea": 1, "craft": 1})
    assert sorted(sites(two)) == ["cook", "cook", "craft"]
    assert two.rejections["se/garden/0"] == ("diverse", "cell without a share", "garden")


def test_shares_of_groups_leave_out_what_is_in_none(tmp_path: Path) -> None:
    (tmp_path / "groups.yaml").write_text("hands: [craft, cook]\nopen: [garden]\n")
    made = taken(tmp_path, count=4, per="site", groups=tmp_path / "groups.yaml", shares="equal")
    assert sites(made).count("garden") == 2
    assert made.rejections["se/travel/0"] == ("diverse", "in no group", "travel")


def test_an_example_without_the_text_that_is_compared_is_no_outlier(tmp_path: Path) -> None:
    pool = [*POOL, example("se/cook/9", "Only a question?"), example("se/cook/10", "Marks", "?!")]
    made = run(Diverse(count=14, on="response"), inputs(tmp_path, pool), tmp_path / "out")
    assert made.rejections["se/cook/9"][1] == made.rejections["se/cook/10"][1] == "nothing to compare"


def test_an_example_without_a_score_is_not_taken_by_relevance(tmp_path: Path) -> None:
    pool = [*POOL, example("se/cook/9", "Late?", "a whole other thing")]
    made = run(Diverse(count=5, method="mmr", scorer=Votes()), inputs(tmp_path, pool), tmp_path / "out")
    assert made.rejections["se/cook/9"] == ("diverse", "no score", "no signal answer_score")


def test_a_shortlist_is_drawn_by_lot_and_the_rest_says_so(tmp_path: Path) -> None:
    made = taken(tmp_path, count=2, method="facility_location", shortlist=5)
    assert made.counts.dropped == {"diverse: not on the shortlist": 9, "diverse: not taken": 3}


def test_a_pool_above_the_limit_goes_by_neighbours_and_the_log_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "align.selection.diverse")
    asked = {"count": 4, "method": "facility_location", "on": "response"}
    within = taken(tmp_path, exact_up_to=14, neighbours=2, **asked)
    assert caplog.messages == []
    # among all its 14 neighbours nothing is left out, among two each topic of two is whole; which one of a topic is taken is
    # decided by rounding, as its texts differ in a number alone
    assert sorted(sites(taken(tmp_path, exact_up_to=13, neighbours=14, **asked))) == sorted(sites(within))
    assert sorted(sites(taken(tmp_path, exact_up_to=13, neighbours=2, **asked))) == ["cook", "craft", "garden", "travel"]
    said = "diverse: 14 examples are more than exact_up_to (13): each can be stood for by its {} nearest neighbours, not by all"
    assert list(dict.fromkeys(caplog.messages)) == [said.format(14), said.format(2)]


def test_too_few_is_an_error_unless_the_recipe_says_otherwise(tmp_path: Path) -> None:
    with pytest.raises(Shortfall, match="wanted 20 examples, found 14 of 14 that are eligible"):
        taken(tmp_path, count=20)
    assert taken(tmp_path, count=20, shortfall="report").counts.noted == {"missing": 6}
    with pytest.raises(EmptyResult, match=r"0 of 1 examples are eligible \(nothing to compare 1\)"):
        run(
            Diverse(count=1, on="response", shortfall="report"),
            inputs(tmp_path / "n", [example("a/1", "Why?")]),
            tmp_path / "out",
        )


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"method": "mmr"}, "`mmr` needs a `scorer`"),
        ({"scorer": {"kind": "length"}}, "only `mmr` has a `scorer`"),
        ({"shares": "equal"}, "need `per`"),
        ({"per": "site", "shares": {"a": 0}}, "must be above 0"),
        ({"method": "facility_location", "count": 9, "shortlist": 8}, "more than the `shortlist`"),
    ],
)
def test_fields_that_do_not_go_together_are_refused(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Diverse.model_validate({"kind": "diverse", "count": 3, **fields})

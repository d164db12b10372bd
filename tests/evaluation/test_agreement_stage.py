"""The `agreement` stage: people and judges over the same pairs, against values worked out by hand."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
from evaluation_setting import run_stage
from pydantic import ValidationError

from align.artifact import Artifact
from align.errors import EmptyResult, InputError
from align.evaluation.agreement import Agreement
from align.files import read_records, write_records
from align.records import Comparison, Measurement, Rejection

Said = Literal["a", "b", "=", "?"]
VERDICTS: dict[Said, Literal["first", "second", "tie", "unparsed"]] = {"a": "first", "b": "second", "=": "tie", "?": "unparsed"}


def row(prompt: str, judge: str, said: Said, swapped: bool = False, sample: int = 0) -> Comparison:
    """`a` prefers the model alpha, whichever is shown first."""
    verdict = VERDICTS[said]
    if swapped and verdict in ("first", "second"):
        verdict = "second" if verdict == "first" else "first"
    first, second = ("beta", "alpha") if swapped else ("alpha", "beta")
    return Comparison(prompt, first, second, verdict, judge, f"{judge} of {prompt}", sample)


def compared(folder: Path, name: str, rows: list[Comparison], judge: str = "", answers: tuple[str, ...] = ("x", "y")) -> Artifact:
    write_records(folder / name, Comparison, rows)
    parameters = {"judge": {"kind": judge}} if judge else {}
    inputs = [{"stage": f"stage_{content}", "key": "k", "content": content} for content in answers]
    return Artifact(name, "k", "c", folder / name, {"kind": "compare", "parameters": parameters, "inputs": inputs})


def by_people(folder: Path, *people: str, name: str = "people", answers: tuple[str, ...] = ("x", "y")) -> Artifact:
    """Each string holds one person's verdicts on p0, p1, ...; a dot is none. Sides go this way and that."""
    rows = [
        row(f"p{n}", f"person {number}", said, swapped=(n + number) % 2 == 1)  # type: ignore[arg-type]
        for number, verdicts in enumerate(people, 1)
        for n, said in enumerate(verdicts)
        if said != "."
    ]
    return compared(folder, name, rows, answers=answers)


def by_judge(folder: Path, one: str, two: str, name: str = "judged", answers: tuple[str, ...] = ("x", "y")) -> Artifact:
    """The verdicts in one order and in the other."""
    rows = [
        row(f"p{n}", "mini", said, swapped)  # type: ignore[arg-type]
        for n, both in enumerate(zip(one, two, strict=True))
        for swapped, said in zip((False, True), both, strict=True)
    ]
    return compared(folder, name, rows, judge="openai_chat", answers=answers)


def stage(*inputs: str) -> Agreement:
    return Agreement(inputs=inputs or ("people", "judged"))


def measured(work: Path) -> dict[tuple[str, str], Measurement]:
    return {(item.metric, item.subject): item for item in read_records(work, Measurement)}


def test_accuracy_alpha_and_the_opposite_items_are_those_worked_out_by_hand(tmp_path: Path) -> None:
    people = by_people(tmp_path, "aab=", "a=a=")
    judge = by_judge(tmp_path, "aaab", "aabb")  # p2: once this, once that, so neither
    counts = run_stage(stage(), tmp_path / "work", [people, judge])
    found = measured(tmp_path / "work")
    accuracy = {subject: item.value for (metric, subject), item in found.items() if metric == "tie_discounted_accuracy"}
    assert accuracy == {
        "people among themselves": 0.625,  # 1, 0.5, 0, 1
        "people and judges": 0.6875,  # the mean of the two below
        "person 1 and person 2": 0.625,
        "person 1 and mini": 0.75,  # 1, 1, 0.5, 0.5
        "person 2 and mini": 0.625,  # 1, 0.5, 0.5, 0.5
    }
    assert {item.count for item in found.values()} == {4}
    # units aa, a=, ba, ==: 4 of 8 values disagree; a 4 times, = 3, b 1: 1 - (8 - 1) * 4 / (64 - 16 - 9 - 1)
    assert found["krippendorff_alpha", "person 1 and person 2"].value == pytest.approx(1 - 28 / 38)
    assert found["agreement_difference", "mini with people less people among themselves"].value == pytest.approx(0.0625)
    assert found["opposite_items", "all raters"].value == 1
    assert (counts.read, counts.kept, counts.noted) == (4, 4, {"people": 2, "judges": 1, "opposite": 1})
    shown = list(read_records(tmp_path / "work", Comparison))
    assert [(item.prompt_id, item.first, item.verdict, item.judge) for item in shown] == [
        ("p2", "alpha", "second", "person 1"), ("p2", "alpha", "first", "person 2"), ("p2", "alpha", "tie", "mini"),
    ]  # fmt: skip
    assert [item.explanation for item in shown] == ["person 1 of p2", "person 2 of p2", "mini of p2 / mini of p2"]


def test_a_stage_that_names_the_models_the_other_way_round_says_the_same(tmp_path: Path) -> None:
    run_stage(stage(), tmp_path / "a", [by_people(tmp_path, "aab=", "a=a="), by_judge(tmp_path, "aaab", "aabb")])
    turned = by_judge(tmp_path / "t", "aaab", "aabb", answers=("y", "x"))
    rows = [
        replace(item, first=item.second, second=item.first, verdict={"first": "second", "second": "first"}.get(item.verdict, item.verdict))
        for item in read_records(turned.path, Comparison)
    ]  # fmt: skip
    other = compared(tmp_path / "u", "judged", rows, "openai_chat", ("y", "x"))
    run_stage(stage(), tmp_path / "b", [by_people(tmp_path, "aab=", "a=a="), other])
    assert measured(tmp_path / "a") == measured(tmp_path / "b")


def test_only_what_two_judged_counts_and_what_could_not_be_read_is_no_verdict(tmp_path: Path) -> None:
    people = by_people(tmp_path, "ab.a", "a.b.")
    judge = by_judge(tmp_path, "a?aa", "aaab")  # p1 unreadable in one order, p3 neither
    counts = run_stage(stage(), tmp_path / "work", [people, judge])
    found = measured(tmp_path / "work")
    assert found["tie_discounted_accuracy", "person 1 and person 2"].count == 1
    assert found["tie_discounted_accuracy", "person 1 and mini"].value == pytest.approx((1 + 0.5) / 2)
    assert found["tie_discounted_accuracy", "person 2 and mini"].value == pytest.approx((1 + 0) / 2)
    assert (counts.read, counts.kept, counts.dropped) == (4, 3, {"agreement: judged by one alone": 1})
    assert [(item.example_id, item.detail) for item in read_records(tmp_path / "work", Rejection)] == [
        ("p1", "sample 0: person 1 alone")
    ]


def test_several_responses_to_a_prompt_are_one_item_of_the_interval(tmp_path: Path) -> None:
    rows = [
        row(f"p{n}", who, "a" if (n % 3 or who == "person 1") else "b", sample=sample)
        for n in range(30)
        for sample in range(5)
        for who in ("person 1", "person 2")
    ]
    once = [item for item in rows if item.sample == 0]
    run_stage(stage("people"), tmp_path / "five", [compared(tmp_path, "people", rows)])
    run_stage(stage("people"), tmp_path / "one", [compared(tmp_path / "once", "people", once)])
    five, one = (measured(tmp_path / name)["tie_discounted_accuracy", "people among themselves"] for name in ("five", "one"))
    assert (five.value, five.low, five.high, five.count) == (one.value, one.low, one.high, 30)


def test_full_agreement_on_few_items_is_not_told_as_certain(tmp_path: Path) -> None:
    run_stage(stage("people"), tmp_path / "work", [by_people(tmp_path, "abababab", "abababab")])
    found = measured(tmp_path / "work")
    accuracy = found["tie_discounted_accuracy", "person 1 and person 2"]
    assert accuracy.value == 1
    assert accuracy.low == pytest.approx(0.676, abs=0.001)  # Wilson of 8 of 8
    assert "Wilson" in accuracy.method
    assert found["krippendorff_alpha", "person 1 and person 2"].low is None


def test_a_difference_without_width_has_no_interval(tmp_path: Path) -> None:
    people, judge = by_people(tmp_path, "abab", "abab"), by_judge(tmp_path, "abab", "abab")
    run_stage(stage(), tmp_path / "work", [people, judge])
    lead = measured(tmp_path / "work")["agreement_difference", "mini with people less people among themselves"]
    assert (lead.value, lead.low, lead.high) == (0, None, None)


def test_a_judge_that_always_ties_gets_half_and_no_alpha_above_chance(tmp_path: Path) -> None:
    people, judge = by_people(tmp_path, "ab" * 20, "ab" * 20), by_judge(tmp_path, "=" * 40, "=" * 40)
    run_stage(stage(), tmp_path / "work", [people, judge])
    found = measured(tmp_path / "work")
    assert found["tie_discounted_accuracy", "person 1 and mini"].value == 0.5
    assert found["krippendorff_alpha", "person 1 and mini"].value < 0
    assert found["opposite_items", "all raters"].value == 0


def test_persons_of_two_stages_are_two_people(tmp_path: Path) -> None:
    crowd, authors = by_people(tmp_path, "aab", name="crowd"), by_people(tmp_path, "abb", name="authors")
    run_stage(stage("crowd", "authors"), tmp_path / "work", [crowd, authors])
    found = measured(tmp_path / "work")
    assert found["tie_discounted_accuracy", "person 1 (crowd) and person 1 (authors)"].value == pytest.approx(2 / 3)


def test_the_items_with_the_most_opposite_twos_stand_first(tmp_path: Path) -> None:
    run_stage(stage("people"), tmp_path / "work", [by_people(tmp_path, "aaa", "baa", "=bb", "=ab")])
    shown = [item.prompt_id for item in read_records(tmp_path / "work", Comparison)]
    # p0: a against b, one; p1: three a against one b, three; p2: two against two, four
    assert shown == ["p2"] * 4 + ["p1"] * 4 + ["p0"] * 4


def test_what_cannot_be_compared_is_told(tmp_path: Path) -> None:
    people = by_people(tmp_path, "aab")
    with pytest.raises(InputError, match=r"person 1 of people alone compared these answers; name a second `compare` stage"):
        run_stage(stage("people"), tmp_path / "w", [people])
    other = by_judge(tmp_path, "aab", "aab", answers=("x", "z"))
    with pytest.raises(InputError, match="people compared stage_x and stage_y, and judged stage_x and stage_z: these are other"):
        run_stage(stage(), tmp_path / "w", [people, other])
    nothing = by_people(tmp_path / "n", "aa.", "..b")
    with pytest.raises(EmptyResult, match="no two of person 1, person 2 have a readable verdict on the same"):
        run_stage(stage("people"), tmp_path / "w", [nothing])
    generated = Artifact("answers", "k", "c", tmp_path / "none", {"kind": "generate", "parameters": {}, "inputs": []})
    with pytest.raises(InputError, match=r"answers \(kind generate\) is no `compare` stage with verdicts"):
        run_stage(stage(), tmp_path / "w", [people, generated])
    with pytest.raises(ValidationError, match="people is named twice"):
        stage("people", "people")
    with pytest.raises(ValidationError, match="at least 1"):
        Agreement(inputs=())

from collections.abc import Callable
from pathlib import Path

import pytest

from align.errors import AlignError, StoreError
from align.files import write_records
from align.recipe import load_recipe
from align.records import Example, Origin, Turn
from align.runner import run_recipe
from align.trace import Event, Trace, trace_example


def traced(path: Path, example_id: str, until: str | None = None) -> Trace:
    store = path.parent / "store"
    run_recipe(load_recipe(path), store, until)
    return trace_example(load_recipe(path), store, example_id)


def life(trace: Trace) -> list[tuple[str, str, str, str]]:
    return [(event.stage, event.what, event.by, event.reason) for event in trace.events]


def test_an_example_that_is_kept_has_source_authors_and_licence(toy: Path) -> None:
    found = traced(toy, "n4")
    assert found.origin is not None
    assert found.origin.url == "https://example.org/4"
    assert [(author.name, author.license) for author in found.origin.authors] == [("Ada", "CC BY-SA 4.0")]
    assert found.tags == ("number",)
    assert life(found) == [
        ("numbers", "made", "numbers", ""),
        ("clean", "kept", "", ""),
        ("told", "kept", "", ""),
        ("drawn", "drawn", "", ""),
        ("model", "read", "", ""),
    ]


def test_an_example_that_a_rule_dropped_has_its_reason(toy: Path) -> None:
    found = traced(toy, "n1")
    assert life(found) == [("numbers", "made", "numbers", ""), ("clean", "dropped", "min_chars", "too short")]
    assert found.events[-1].detail == "x"


def test_an_example_that_a_person_dropped_has_the_decision(toy: Path) -> None:
    found = traced(toy, "n2")
    assert life(found)[-1] == ("told", "dropped", "person", "dull")
    assert [(decision.curator, decision.action, decision.note) for decision in found.events[-1].decisions] == [
        ("grace", "reject", "says nothing")
    ]


def test_an_edit_is_told_with_its_lines_and_by_whom(toy: Path) -> None:
    found = traced(toy, "n3")
    assert life(found) == [
        ("numbers", "made", "numbers", ""),
        ("clean", "kept", "", ""),
        ("told", "edited", "grace", ""),
        ("drawn", "not drawn", "", ""),
    ]
    assert found.events[2].changes[1:] == (" [assistant]", "-xxx", "+three")


def test_an_example_known_from_its_rejection_alone_is_traced(toy: Path) -> None:
    found = traced(toy, "n0")
    assert found == Trace("n0", None, (), (Event("numbers", "count", "dropped", "numbers", "nothing to say"),))


def test_only_what_is_made_is_traced(toy: Path) -> None:
    assert [event.stage for event in traced(toy, "n4", until="clean").events] == ["numbers", "clean"]
    with pytest.raises(StoreError, match="nothing of recipe 'toy' is made yet; run it first"):
        trace_example(load_recipe(toy), toy.parent / "elsewhere", "n4")


def test_an_unknown_id_is_told_with_the_nearest(toy: Path) -> None:
    with pytest.raises(AlignError, match=r"toy: no stage knows an example 'n44'; did you mean 'n4'"):
        traced(toy, "n44")
    with pytest.raises(
        AlignError, match=r"no stage knows an example 'zzz'; ids look like 'n0', 'n1', 'n2' \(`align show RECIPE STAGE`"
    ):
        traced(toy, "zzz")


def test_an_id_is_found_in_any_part_and_row_group(toy: Path) -> None:
    run_recipe(load_recipe(toy), toy.parent / "store")
    numbers = next(
        path
        for path in (toy.parent / "store" / "artifacts").iterdir()
        if '"stage": "numbers"' in (path / "manifest.json").read_text()
    )
    many = (Example(f"m{number}", (Turn("user", "?"),), Origin("a", str(number)), (), {"x": number}) for number in range(9000))
    write_records(numbers, Example, many, 1)
    found = trace_example(load_recipe(toy), toy.parent / "store", "m8999")
    assert found.origin is not None
    assert found.origin.native_id == "8999"


def test_pairs_and_responses_are_traced(write_toy: Callable[[str], Path], tmp_path: Path) -> None:
    (tmp_path / "more.py").write_text(MORE)
    path = write_toy("stages:\n  pairs: {kind: toy_pairs}\n  picked: {kind: toy_pick}\n  answers: {kind: toy_answers}\n")
    path.write_text(path.read_text().replace("[mine.py]", "[mine.py, more.py]"))
    assert life(traced(path, "p1")) == [
        ("pairs", "made", "toy_pairs", ""),
        ("picked", "edited", "", ""),
        ("answers", "read", "", ""),
        ("answers", "answered", "sft", ""),
        ("answers", "graded", "word_overlap", "sft"),
    ]


MORE = """\
from typing import Literal
from align.artifact import Counts
from align.files import write_records
from align.records import Grade, Origin, PreferencePair, Response, Turn
from align.stage import Stage
ASKED = (Turn("user", "Is it?"),)
class ToyPairs(Stage):
    kind: Literal["toy_pairs"] = "toy_pairs"
    reads = "none"
    def run(self, inputs, work):
        write_records(work, PreferencePair, [PreferencePair("p1", ASKED, "yes", "no", Origin("toy", "1"))])
        return Counts(1, 1)
class ToyPick(Stage):
    kind: Literal["toy_pick"] = "toy_pick"
    def run(self, inputs, work):
        write_records(work, PreferencePair, [PreferencePair("p1", ASKED, "Yes!", "no", Origin("toy", "1"))])
        return Counts(1, 1)
class ToyAnswers(Stage):
    kind: Literal["toy_answers"] = "toy_answers"
    def run(self, inputs, work):
        write_records(work, Response, [Response("p1", "sft", (*ASKED, Turn("assistant", "yes")), "{}", tokens=3)])
        write_records(work, Grade, [Grade("p1", "sft", "1-6", 4.0, "word_overlap")])
        return Counts(1, 1)
"""

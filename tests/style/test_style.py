"""The stage: keeps everything, says what is unusual."""

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from two_voices import answers

from align.artifact import Artifact
from align.errors import EmptyResult
from align.files import write_records
from align.records import Example
from align.stage import Forecast, Inputs
from align.style.reference import StyleReference
from align.style.style import Style
from toy_records import document, example, inputs, run

STRANGE = example("plain/strange", "How?", "- I think my dough rests! " * 12)


def test_every_example_is_kept_with_its_signals(tmp_path: Path) -> None:
    rows = [*answers("plain", 40), *answers("chat", 40), STRANGE, document("doc/1", "Some text."), example("ask/1", "Why?")]
    made = run(Style(), inputs(tmp_path, rows), tmp_path / "out")
    assert made.ids == [row.id for row in rows]
    assert [row.turns for row in made.examples] == [row.turns for row in rows]
    assert made.rejections == {}
    assert made.counts.noted["without a response: not measured"] == 2
    by_id = {row.id: row for row in made.examples}
    assert set(by_id["plain/0"].signals) == {"style_distance", "style_voice", "style_delta"}
    assert by_id["plain/strange"].signals["style_distance"] > by_id["plain/0"].signals["style_distance"]
    assert by_id["doc/1"].signals == {}


def test_outliers_are_listed_with_their_reasons(tmp_path: Path) -> None:
    made = run(Style(), inputs(tmp_path, [*answers("plain", 60), STRANGE]), tmp_path / "out")
    rows = [json.loads(line) for line in (made.path / "files" / "outliers.jsonl").read_text().splitlines()]
    assert rows[0]["example_id"] == "plain/strange"
    assert len(rows[0]["reasons"]) == 3
    assert made.counts.noted["outliers"] == len(rows) == made.measurements["style_outliers", "the set"]


def test_the_reference_can_be_another_stage(tmp_path: Path) -> None:
    accepted = tmp_path / "accepted"
    write_records(accepted, Example, answers("chat", 40))
    read = inputs(tmp_path, [*answers("chat", 5, seed=4), *answers("plain", 5)])
    named = Inputs(read.data, {"reference": Artifact("accepted", "k", "c", accepted, {})})
    made = run(Style(reference="accepted"), named, tmp_path / "out")
    listed = [json.loads(line)["example_id"] for line in (made.path / "files" / "outliers.jsonl").read_text().splitlines()]
    # the plain ones are not like what was accepted, the chatty ones are
    assert {name.split("/")[0] for name in listed} == {"plain"}
    assert StyleReference.read(made.path / "files" / "reference.json").kinds["chat"].count == 40
    # the figures are those of the set that is judged, not of the reference
    assert ("style_openings", "plain") in made.measurements
    assert made.measurements["style_outliers", "the set"] == 5


def test_the_sample_bounds_what_is_held_and_not_what_is_judged(tmp_path: Path) -> None:
    made = run(Style(sample=20), inputs(tmp_path, answers("plain", 50)), tmp_path / "out")
    assert StyleReference.read(made.path / "files" / "reference.json").kinds["plain"].count == 20
    assert all("style_distance" in row.signals for row in made.examples)


@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40), min_size=1, max_size=8))
@settings(deadline=None, max_examples=10)
def test_any_texts_are_kept_as_they_are(texts: list[str]) -> None:
    rows = [example(f"{'ab'[number % 2]}/{number}", "?", text) for number, text in enumerate(texts)]
    with tempfile.TemporaryDirectory() as folder:
        made = run(Style(), inputs(Path(folder), rows), Path(folder) / "out")
        assert [row.turns for row in made.examples] == [row.turns for row in rows]


def test_a_set_without_responses_is_told(tmp_path: Path) -> None:
    with pytest.raises(EmptyResult, match="no example that came in has a response"):
        Style().run(inputs(tmp_path, [example("ask/1", "Why?")]), tmp_path / "out")


def test_the_exchanges_of_lima_cannot_be_told_apart_by_their_voice(real_data: Path, tmp_path: Path) -> None:
    # Both halves are Stack Exchange answers; wikiHow's articles (rows 600 to 799) are another kind of text
    rows = json.loads((real_data / "lima" / "lima.json").read_text(encoding="utf-8"))
    blocks = {"stem": rows[0:200], "other": rows[200:400], "wikihow": rows[600:800]}
    found = [
        example(f"{name}/{number}", row["instruction"], row["output"])
        for name, several in blocks.items()
        for number, row in enumerate(several)
    ]
    exchanges = run(Style(), inputs(tmp_path / "a", found[:400]), tmp_path / "exchanges").measurements
    assert 0.4 < exchanges["style_voice_auc", "all sources"] < 0.6
    everything = run(Style(), inputs(tmp_path / "b", found), tmp_path / "everything").measurements
    assert everything["style_source_auc", "wikihow"] > 0.98


def test_the_plan_knows_that_every_example_goes_on() -> None:
    above = Forecast(120, 5_000, "exact", figures={"steps": 3.0})
    assert Style().forecast([above], {}) == Forecast(120, 5_000, "exact")

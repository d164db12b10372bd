import json
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from align.freezing.attribution import entry_of
from align.freezing.rows import dehydrated_row, digest_of_row, example_of, line_of, packed, rebuilt_row, unpacked, whole_row
from align.records import Example, as_json
from record_strategies import examples, turns


@settings(deadline=None, max_examples=200)
@given(examples, turns, st.sampled_from(["as read", "edited", "another origin"]), examples)
def test_any_row_is_rebuilt_from_its_source_whatever_people_and_rules_made_of_it(
    source: Example, edited: tuple[object, ...], what: str, other: Example
) -> None:
    example = source
    if what == "edited":
        example = replace(source, turns=(*source.turns, *edited), tags=(*source.tags, *other.tags), signals=other.signals)
    if what == "another origin":
        example = replace(other, id=source.id)
    row = whole_row(example, source, "a group", {"prompt": 1, "response": 2}, "changed")
    without = unpacked(json.loads(line_of(packed(dehydrated_row(row, source, "dumps")))))
    again = rebuilt_row(without, source)
    assert again == row
    assert digest_of_row(again) == without["sha256"]


@given(examples)
def test_a_row_gives_its_example_back(example: Example) -> None:
    row = json.loads(line_of(whole_row(example, None, "", {"prompt": 0, "response": 0}, "")))
    # what is no number has no JSON and is left out
    numbers = {name: value for name, value in example.signals.items() if value - value == 0}
    assert as_json(example_of(row)) == as_json(replace(example, signals=numbers))


@given(examples)
def test_an_attribution_is_one_line_whatever_stands_in_it(example: Example) -> None:
    entry = entry_of(whole_row(example, None, "", {"prompt": 0, "response": 0}, "a\nb"))
    assert len(entry.splitlines()) == 1
    # between backticks everything is shown as it is, and there are only two of them
    shown = entry.split("`", 2)[2] if entry.startswith("- `") else entry
    assert "<" not in shown.replace("\\<", "")
    assert "`" not in shown.replace("\\`", "")

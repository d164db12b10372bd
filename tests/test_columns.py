import pytest

from align.columns import Cycle, Lists, Same, rows_of_columns
from align.files import rows_as_records
from align.records import Author, Example, Origin, Turn


def test_columns_make_the_rows_that_records_would_make() -> None:
    turns = {"role": ["user", "assistant", "user"], "text": ["Which otter?", "The sea otter.", "Why?"]}
    authors = {"name": ["Ann"], "url": [""], "role": ["question"], "license": ["CC0"]}
    texts = {name: ["", ""] for name in ("native_id", "url", "dump", "date", "modified", "title")}
    rows = rows_of_columns(
        Example,
        {
            "id": ["a", "b"],
            "turns": Lists([2, 1], turns),
            "origin": {"source": ["otters", "otters"], "authors": Lists([0, 1], authors), **texts},
            "tags": Lists([0, 2], ["sea", "fur"]),
            "signals": Lists([1, 0], {"name": ["score"], "value": [3.0]}),
        },
    )
    assert list(rows_as_records(rows, Example)) == [
        Example(
            "a", (Turn("user", "Which otter?"), Turn("assistant", "The sea otter.")), Origin("otters", ""), (), {"score": 3.0}
        ),
        Example(
            "b", (Turn("user", "Why?"),), Origin("otters", "", authors=(Author("Ann", "", "question", "CC0"),)), ("sea", "fur")
        ),
    ]


def test_what_is_the_same_in_every_row_is_said_once() -> None:
    origin = {name: Same("x", 3) for name in ("source", "native_id", "url", "dump", "date", "modified", "title")}
    authors = {"name": ["a", "b", "c", "d", "e", "f"]} | {name: Same("y", 6) for name in ("url", "role", "license")}
    columns = {
        "id": ["1", "2", "3"],
        "turns": Lists(Same(1, 3), {"role": Same("user", 3), "text": ("A", "B", "C")}),
        "origin": origin | {"authors": Lists(Same(2, 3), authors)},
        "tags": Lists(Same(0, 3), []),
        "signals": Lists(Same(0, 3), {"name": [], "value": []}),
    }
    rows = list(rows_as_records(rows_of_columns(Example, columns), Example))
    assert [row.turns for row in rows] == [(Turn("user", "A"),), (Turn("user", "B"),), (Turn("user", "C"),)]
    assert [author.name for author in rows[1].origin.authors] == ["c", "d"]
    assert {(row.origin.source, row.origin.authors[0].license, row.tags) for row in rows} == {("x", "y", ())}


@pytest.mark.parametrize("rows", [0, 1, 2, 3, 4, 5])
def test_values_that_come_over_and_over_are_said_once(rows: int) -> None:
    made = rows_of_columns(Turn, {"role": Cycle(("user", "assistant"), rows), "text": Same("Å", 2 * rows)})
    assert list(rows_as_records(made, Turn)) == [Turn("user", "Å"), Turn("assistant", "Å")] * rows


def test_a_column_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="length"):
        rows_of_columns(Turn, {"role": ["user"], "text": ["a", "b"]})

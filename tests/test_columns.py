import pytest

from align.columns import Lists, rows_of_columns
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


def test_a_column_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="length"):
        rows_of_columns(Turn, {"role": ["user"], "text": ["a", "b"]})

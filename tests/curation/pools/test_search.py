"""Full-text search over a pool."""

from pathlib import Path

import pytest

from align.curation.pools.search import TextIndex
from align.errors import StoreError
from align.records import Example, Origin, Turn


def example(number: int, prompt: str, response: str, *tags: str) -> Example:
    return Example(f"sea/{number}", (Turn("user", prompt), Turn("assistant", response)), Origin("sea", str(number)), tags)


POOL = [
    example(0, "Why is the sea salty?", "Rivers wash salt out of rocks; the moon pulls at nothing here.", "chemistry"),
    example(1, "What makes the tides?", "The moon pulls the water.", "astronomy"),
    example(2, "How do I tie a bowline?", "Make a loop, and lead the end round.", "knots"),
    example(3, "Are there tides in lakes?", "Small ones. The pull of the moon is the same.", "astronomy"),
]


@pytest.fixture
def index(tmp_path: Path) -> TextIndex:
    return TextIndex.open(tmp_path, tmp_path / "pool", POOL)


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("tide", {1, 3}),  # stemmed
        ("moon tides", {1, 3}),  # all words, in any place
        ('"moon pulls"', {0, 1}),  # together, in this order
        ("moon -tides", {0}),
        ("bowline OR salty", {0, 2}),
        ("prompt:moon", set()),
        ("astronomy", {1, 3}),
        ("knots", {2}),
        ("  ", set()),
    ],
)
def test_words_phrases_and_exclusions_find_what_they_say(index: TextIndex, query: str, rows: set[int]) -> None:
    found = index.find(query, 10)
    assert set(found.rows.tolist()) == rows
    assert found.total == len(rows)


def test_a_word_in_the_prompt_weighs_more(tmp_path: Path) -> None:
    pool = [example(0, "Knots?", "A word about tides."), example(1, "Tides?", "A word about knots.")]
    assert TextIndex.open(tmp_path, tmp_path / "pool", pool).find("tides", 2).rows.tolist() == [1, 0]


@pytest.mark.parametrize(
    "query", ['moon "', "moon (", "moon AND", "[moon TO", "row:3 moon", "*:* ~ moon", "🌙 moon", "moon" * 9_000]
)
def test_a_query_that_cannot_be_read_is_no_error(index: TextIndex, query: str) -> None:
    index.find(query, 10)


def test_what_could_not_be_read_is_told(index: TextIndex) -> None:
    found = index.find('moon "', 10)
    assert set(found.rows.tolist()) == {0, 1, 3}
    assert found.misread


def test_the_limit_cuts_the_rows_and_not_the_total(index: TextIndex) -> None:
    found = index.find("moon", 1)
    assert (len(found.rows), found.total) == (1, 3)


def test_a_second_opening_reads_what_the_first_made(tmp_path: Path, index: TextIndex) -> None:
    again = TextIndex.open(tmp_path, tmp_path / "pool", iter(()))
    assert again.find("bowline", 5).rows.tolist() == [2]


def test_a_half_made_index_is_made_anew(tmp_path: Path) -> None:
    left = tmp_path / "pool" / "search.partial"
    left.mkdir(parents=True)
    (left / "meta.json").write_text("{}")
    assert TextIndex.open(tmp_path, tmp_path / "pool", POOL).find("bowline", 5).rows.tolist() == [2]


def test_a_damaged_index_says_what_to_do(tmp_path: Path, index: TextIndex) -> None:
    (tmp_path / "pool" / "search" / "meta.json").write_text("{")
    with pytest.raises(StoreError, match="Delete the folder"):
        TextIndex.open(tmp_path, tmp_path / "pool", POOL)

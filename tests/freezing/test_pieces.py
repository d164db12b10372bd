import json
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from align.errors import InputError
from align.freezing.pieces import SHORTEST, copied_chars, pieces_of, text_of

# Any string Python can hold: halves of surrogate pairs, emoji, nul, right-to-left, combining marks.
anything = st.text(st.characters(), max_size=60)
few_letters = st.text("ab\U0001f600\u0301", max_size=80)


def through_json(pieces: object) -> object:
    """As a file brings them back: tuples are lists."""
    return json.loads(json.dumps(pieces))


@settings(deadline=None, max_examples=300)
@given(anything | few_letters, st.lists(anything | few_letters, max_size=3))
def test_any_text_is_rebuilt_from_any_source(text: str, source: list[str]) -> None:
    assert text_of(through_json(pieces_of(text, source)), source) == text


@settings(deadline=None, max_examples=200)
@given(st.lists(anything, min_size=1, max_size=3), st.data())
def test_any_edit_is_rebuilt(source: list[str], data: st.DataObject) -> None:
    """Cut, insert, move, double and join at random, as people do."""
    text = "".join(source)
    for _ in range(data.draw(st.integers(0, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, len(text)))
        text = text[:start] + data.draw(st.sampled_from(["", text[start:end] * 2, "\ud800", "new\n"])) + text[end:]
    assert text_of(through_json(pieces_of(text, source)), source) == text


@settings(deadline=None, max_examples=200)
@given(st.text("abc ", min_size=20, max_size=120), st.integers(0, 2**32))
def test_no_run_of_the_source_stands_in_an_inserted_piece(source: str, seed: int) -> None:
    random = Random(seed)
    words = [source[start : start + 15] for start in random.sample(range(len(source)), 5)] + ["X", "YZ", "new words here"]
    random.shuffle(words)
    inserted = [piece for piece in pieces_of("".join(words), [source]) if isinstance(piece, str)]
    for piece in inserted:
        runs = {piece[start : start + SHORTEST] for start in range(len(piece) - SHORTEST + 1)}
        assert not [run for run in runs if run in source]


def test_an_edit_is_told_by_offsets_and_what_was_put_in() -> None:
    source = ["Why does beer foam?", "Because of the carbon dioxide in it, and of proteins."]
    # `Because of the ` is 0 to 15, ` in it, and of proteins.` begins at 29
    assert pieces_of("Because of the gas in it, and of proteins.", source) == [(1, 0, 15), "gas", (1, 29, 53)]
    assert pieces_of("Why does beer foam?", source) == [(0, 0, 19)]
    assert pieces_of("", source) == []
    assert pieces_of("Something else.", source) == ["Something else."]
    assert copied_chars(pieces_of("Because of the gas in it, and of proteins.", source)) == 39


def test_offsets_count_code_points_and_not_bytes() -> None:
    source = ["\U0001f600\U0001f600 äöü and so on, and on"]
    # two emoji and a space are three code points, and 9 bytes in UTF-8
    assert pieces_of("äöü and so on, then", source) == [(0, 3, 18), "then"]


@pytest.mark.parametrize(
    "piece", [[0, 0, 99], [1, 0, 1], [-1, 0, 1], [0, 3, 3], [0, -1, 2], [0, 0.0, 1], [0, True, 2], [0, 1], None, 7, {"a": 1}]
)
def test_a_piece_outside_of_the_source_is_an_error(piece: object) -> None:
    with pytest.raises(InputError, match="a piece is a text or"):
        text_of([piece], ["twelve chars"])


def test_long_repetitive_texts_take_no_time() -> None:
    text = "a" * 40_000 + "b" + "a" * 40_000
    pieces = pieces_of(text, ["a" * 50_000])
    assert text_of(pieces, ["a" * 50_000]) == text
    assert len(pieces) == 3

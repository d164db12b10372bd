"""Differences of an edit: legible, and nothing is lost."""

from hypothesis import given
from hypothesis import strategies as st

from align.curation.review.difference import Piece, difference


def test_replaced_words_are_one_replacement_and_not_three() -> None:
    assert difference("Take the big old pan now", "Take a small pot now") == [
        Piece("same", "Take "),
        Piece("gone", "the big old pan"),
        Piece("new", "a small pot"),
        Piece("same", " now"),
    ]


def test_an_added_sign_is_only_that_sign() -> None:
    assert difference("It's hot", "It's hot!") == [Piece("same", "It's hot"), Piece("new", "!")]


def test_white_space_that_changed_is_shown_as_changed() -> None:
    assert difference("a\nb", "a\n\nb") == [Piece("same", "a"), Piece("gone", "\n"), Piece("new", "\n\n"), Piece("same", "b")]


@given(st.text(alphabet="ab \n.é漢", max_size=40), st.text(alphabet="ab \n.é漢", max_size=40))
def test_both_texts_can_be_read_off_the_pieces(before: str, after: str) -> None:
    pieces = difference(before, after)
    assert "".join(piece.text for piece in pieces if piece.change != "new") == before
    assert "".join(piece.text for piece in pieces if piece.change != "gone") == after

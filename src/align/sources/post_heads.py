"""The numbers at the head of every post in a piece of Posts.xml, all rows at once.

All known dumps begin a row with Id, kind, accepted answer or question, date and score. Where quotes and names stand is looked
up in arrays of the piece's bytes, in a fraction of the time that looking at one row after the other takes. A row that begins
or ends otherwise is named instead, to be parsed whole.
"""

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np

ANSWER_KIND = 2
_AROUND = 64
"""Zeros on both sides of a piece, so that looking a little beyond it needs no check."""
_ACCEPTED = b" AcceptedAnswerId="
_AT_ONCE = 1 << 17
"""Small enough that no fresh memory is asked of the system each time."""
_MOST_DIGITS, _MOST_DIGITS_OF_SCORE = 17, 9
_ENDS = (b" />\r\n  ", b" />\n  ", b" />\r\n", b" />\n")


class Heads(NamedTuple):
    """The rows of a piece: one array each, in order of the file."""

    begins: "np.ndarray[Any, Any]"
    """Where in the piece a row begins, its `<` left out."""
    ends: "np.ndarray[Any, Any]"
    kinds: "np.ndarray[Any, Any]"
    ids: "np.ndarray[Any, Any]"
    links: "np.ndarray[Any, Any]"
    """Of an answer its question, of a question its accepted answer or 0."""
    scores: "np.ndarray[Any, Any]"
    is_read: "np.ndarray[Any, Any]"
    """Whether the head says it all; else the numbers of the row mean nothing."""


def heads_of(piece: bytes) -> Heads:
    """What the heads of the rows in a piece of whole rows say."""
    import numpy as np

    padded = b"".join((bytes(_AROUND), piece, bytes(_AROUND)))
    data = np.frombuffer(padded, np.uint8)
    begins = _places(data, b"<") + 1
    ends = np.append(begins[1:] - 1, len(data) - _AROUND)[: len(begins)]
    is_row = _stands(padded, begins, b"row")
    begins, ends = begins[is_row], ends[is_row]
    quotes = np.append(_places(data, b'"'), np.zeros(12, np.int64))
    first = np.searchsorted(quotes[:-12], begins)
    counts = np.searchsorted(quotes[:-12], ends) - first

    # row Id="" PostTypeId="", then AcceptedAnswerId="", ParentId="" or neither, then CreationDate="" Score=""
    at = [quotes[first + place] for place in range(6)]
    has_accepted = _is_between(padded, at[3], at[4], _ACCEPTED)
    has_question = _is_between(padded, at[3], at[4], b" ParentId=")
    has_link = has_accepted | has_question
    date = first + 4 + 2 * has_link  # the place of its first quote
    score = quotes[date + 2], quotes[date + 3]
    is_usual = (
        (counts % 2 == 0)
        & (counts >= 8 + 2 * has_link)
        & _is_between(padded, begins - 1, at[0], b"row Id=")
        & _is_between(padded, at[1], at[2], b" PostTypeId=")
        & _is_between(padded, quotes[date - 1], quotes[date], b" CreationDate=")
        & _is_between(padded, quotes[date + 1], score[0], b" Score=")
        & (data[score[1] + 1] == ord(" "))
        & np.logical_or.reduce([_stands(padded, ends - len(end), end) for end in _ENDS])
    )
    ids, has_id = _numbers(data, at[0] + 1, at[1], _MOST_DIGITS)
    kinds, has_kind = _numbers(data, at[2] + 1, at[3], 2)
    is_negative = data[score[0] + 1] == ord("-")
    scores, has_score = _numbers(data, score[0] + 1 + is_negative, score[1], _MOST_DIGITS_OF_SCORE)
    scores[is_negative] *= -1
    links, has_number = _numbers(data, at[4] + 1, at[5], _MOST_DIGITS)
    is_answer = kinds == ANSWER_KIND
    is_linked = np.where(is_answer, has_question, has_accepted)
    is_read = is_usual & has_id & (ids > 0) & has_kind & (kinds > 0) & has_score
    is_read &= np.where(is_linked, has_number & ((links > 0) | has_accepted), ~is_answer)
    for place in np.flatnonzero(is_read & ~is_linked).tolist():
        is_read[place] = padded.find(_ACCEPTED, begins[place], ends[place]) < 0
    if not piece.isascii():
        _leave_out_broken_text(padded, np.searchsorted(begins, np.flatnonzero(data > 127)) - 1, begins, ends, is_read)
    return Heads(begins - _AROUND, ends - _AROUND, kinds, ids, np.where(is_linked, links, 0), scores, is_read)


def _places(data: "np.ndarray[Any, Any]", sign: bytes) -> "np.ndarray[Any, Any]":
    """Where a sign stands."""
    import numpy as np

    starts = range(0, len(data), _AT_ONCE)
    return np.concatenate([np.flatnonzero(data[start : start + _AT_ONCE] == ord(sign)) + start for start in starts])


def _stands(padded: bytes, places: "np.ndarray[Any, Any]", text: bytes) -> "np.ndarray[Any, Any]":
    """Whether a text stands at each place."""
    import numpy as np

    every = np.ndarray((len(padded) - len(text) + 1,), f"S{len(text)}", padded, strides=(1,))  # a view that copies nothing
    found: np.ndarray[Any, Any] = every[places] == text
    return found


def _is_between(
    padded: bytes, before: "np.ndarray[Any, Any]", behind: "np.ndarray[Any, Any]", text: bytes
) -> "np.ndarray[Any, Any]":
    """Whether nothing but a text stands between two places."""
    found: np.ndarray[Any, Any] = (behind - before == len(text) + 1) & _stands(padded, before + 1, text)
    return found


def _numbers(
    data: "np.ndarray[Any, Any]", begins: "np.ndarray[Any, Any]", ends: "np.ndarray[Any, Any]", most_digits: int
) -> "tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]":
    """The whole numbers that stand at some places, and whether there is one of at most so many digits."""
    import numpy as np

    lengths = ends - begins
    fits = (lengths > 0) & (lengths <= most_digits)
    places = np.arange(int(lengths[fits].max(initial=1)))
    digits = data[(ends - 1)[:, None] - places] - np.uint8(ord("0"))
    is_inside = places < lengths[:, None]
    is_number = fits & ((digits < 10) | ~is_inside).all(axis=1)
    return np.where(is_inside, digits, 0) @ 10**places, is_number


def _leave_out_broken_text(
    padded: bytes,
    rows: "np.ndarray[Any, Any]",
    begins: "np.ndarray[Any, Any]",
    ends: "np.ndarray[Any, Any]",
    is_read: "np.ndarray[Any, Any]",
) -> None:
    """Of rows with other bytes than ASCII, in order, do not read those that are no UTF-8."""
    import numpy as np

    for row in np.unique(rows[rows >= 0]).tolist():
        try:
            padded[begins[row] : ends[row]].decode()
        except UnicodeDecodeError:
            is_read[row] = False

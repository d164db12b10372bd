"""Comments.xml: the talk below an answer as a dialogue (LIMA §2: twenty of its dialogues were edited from such chains)."""

import re
from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from align.sources.posts import open_table, read_at
from align.sources.xml_rows import Row, parsed, tracked_rows

if TYPE_CHECKING:
    import numpy as np


class Said(NamedTuple):
    """What one of the two said, perhaps in several comments at once."""

    is_answerer: bool
    text: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class CommentIndex:
    """Where the comments on some posts stand, in order of post and Id: 20 bytes each."""

    path: Path
    posts: "np.ndarray[Any, Any]"
    offsets: "np.ndarray[Any, Any]"
    lengths: "np.ndarray[Any, Any]"

    def read(self, post: int) -> Iterator[Row]:
        """The comments on a post, in order of their Ids."""
        import numpy as np

        start, end = np.searchsorted(self.posts, [post, post + 1]).tolist()
        with open_table(self.path) as file:
            for place in range(start, end):
                row = parsed(read_at(file, self.path, int(self.lengths[place]), int(self.offsets[place])))
                if row is not None:
                    yield row


def index_comments(
    path: Path, wanted: "np.ndarray[Any, Any]", skipped: Counter[str], accept_truncated: bool = False
) -> CommentIndex:
    """Find the comments on the posts with the Ids `wanted`; others are counted."""
    import numpy as np

    known = np.sort(wanted)
    posts, ids, offsets, lengths = array("q"), array("q"), array("q"), array("I")
    for offset, data in tracked_rows(path, "comments", accept_truncated, "looking for comments"):
        row = parsed(data)
        post, number = (row.text("PostId"), row.text("Id")) if row is not None else ("", "")
        if not (post.isdecimal() and number.isdecimal() and len(post) < 18 and len(number) < 18):
            skipped["broken comment"] += 1
            continue
        place = int(np.searchsorted(known, int(post)))
        if place == len(known) or known[place] != int(post):
            skipped["comment on another post"] += 1
            continue
        posts.append(int(post))
        ids.append(int(number))
        offsets.append(offset)
        lengths.append(len(data))
    order = np.lexsort((np.asarray(ids), np.asarray(posts)))
    return CommentIndex(path, np.asarray(posts)[order], np.asarray(offsets)[order], np.asarray(lengths)[order])


def chain_of(rows: list[Row], question: Row, answer: Row) -> list[Said]:
    """What two people said below an answer, in turn: first the one, then its author, who has the last word.

    The one is who asked the question, or else the first whom the answer's author replied to. Comments of one person in a row
    are one turn; what others say is left out, and what stands before the first question or behind the last reply.
    """
    answerer = _person(answer, "OwnerUserId", "OwnerDisplayName")
    speakers = [_person(row, "UserId", "UserDisplayName") for row in rows]
    asker = _person(question, "OwnerUserId", "OwnerDisplayName")
    partner = asker if asker in speakers and asker != answerer else _first_replied(speakers, answerer)
    if not answerer or not partner:
        return []
    said: list[Said] = []
    for row, speaker in zip(rows, speakers, strict=True):
        text = comment_text(row.text("Text"))
        if speaker not in (answerer, partner) or not text or (not said and speaker == answerer):
            continue
        if said and said[-1].is_answerer == (speaker == answerer):
            last = said.pop()
            said.append(Said(last.is_answerer, f"{last.text}\n\n{text}", (*last.rows, row)))
        else:
            said.append(Said(speaker == answerer, text, (row,)))
    return said[:-1] if said and not said[-1].is_answerer else said


def comment_text(text: str) -> str:
    """A comment without the name it is addressed to and without the targets of links."""
    text = re.sub(r"\[([^\[\]\n]{1,500})\]\((?:https?://|/)[^\s()]{0,1000}\)", r"\1", text.strip())
    return re.sub(r"\A@[\w.'’-]+[,:]?\s+|\s+@[\w.'’-]+\Z", "", text).strip()


def _first_replied(speakers: list[str], answerer: str) -> str:
    earlier = (speakers[number - 1] for number, speaker in enumerate(speakers) if number and speaker == answerer)
    return next((speaker for speaker in earlier if speaker and speaker != answerer), "")


def _person(row: Row, number: str, name: str) -> str:
    """Who wrote a row: a user's Id, else the name that is left of a user who went; empty where neither is there."""
    return row.text(number) or (f"name {row.text(name)}" if row.text(name) else "")

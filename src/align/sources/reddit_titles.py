"""Which submissions are taken by their titles alone, many at once: only what is unusual about one is judged as a post.

Of a subreddit's own dump every row is taken, so that a few looks at each in Python would cost more than to unpack it.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import compress
from typing import Any, NamedTuple, cast

from align.iso_dates import seconds_in
from align.sources.reddit_blocks import Rows, Submission, are_dates, link_of, posts_to_judge
from align.sources.reddit_rows import ELSEWHERE, GONE, Post, clean, seconds_of
from align.sources.stories import Seen

TITLES_AT_ONCE = 4096
_NO_TEXT = GONE | {""}


class Titles(NamedTuple):
    """Submissions that are taken, by column."""

    ids: list[str]
    texts: list[str]
    authors: list[str]
    scores: list[int]
    created: list[int]
    """In seconds since 1970."""
    modified: list[int]
    """When it was retrieved, or else created."""
    links: list[str]
    comments: list[int]

    def extend(self, more: "Titles") -> None:
        """Put more of them at the end."""
        columns: tuple[tuple[list[Any], ...], ...] = (self, more)
        for column, values in zip(*columns, strict=True):
            column.extend(values)

    def where(self, is_kept: Sequence[bool]) -> "Titles":
        """Those that are kept."""
        kept: list[list[Any]] = [list(compress(column, is_kept)) for column in self]
        return Titles(*kept)


class Choice:
    """What is taken of a file, and what is counted of all else.

    `why_not` says of a post why it is not taken, empty where it is. Because of its author it may refuse one of `suspects` only,
    because of its score one below `least`.
    """

    def __init__(
        self, why_not: Callable[[Post], str], suspects: Iterable[str], least: int | None, seen: Seen, skipped: Counter[str]
    ) -> None:
        self._why_not, self._least, self._seen, self._skipped = why_not, least, seen, skipped
        self._suspects: frozenset[str | None] = frozenset((*suspects, None))

    def titles(self, found: Iterable[Rows]) -> Iterator[Titles]:
        """The titles in order, many together."""
        held = _empty()
        for some in found:
            self._skipped[ELSEWHERE] += some.elsewhere
            held.extend(self._of_rows(some.usual) if some.usual else self._of_posts(some.said))
            if len(held.ids) >= TITLES_AT_ONCE:
                yield from self._new(held)
                held = _empty()
        yield from self._new(held)

    def _new(self, titles: Titles) -> Iterator[Titles]:
        """Those that did not come before."""
        are_new = self._seen.add(titles.ids)
        if not all(are_new):
            self._skipped["repeated submission"] += are_new.count(False)
            titles = titles.where(are_new)
        if titles.ids:
            yield titles

    def _of_rows(self, rows: list[Submission]) -> Titles:
        rows = self._without(rows, self._unusual(rows))
        texts, created = cleaned([row.title for row in rows]), [row.created_utc for row in rows]
        if not (are_dates(created) and _NO_TEXT.isdisjoint(texts)):
            odd = [n for n, text in enumerate(texts) if text in _NO_TEXT or not seconds_of(created[n])]
            rows = self._without(rows, odd)
            texts, created = cleaned([row.title for row in rows]), [seconds_of(row.created_utc) for row in rows]
        modified = [row.retrieved_on or row.retrieved_utc for row in rows]
        if not are_dates(modified):
            modified = [seconds_of(late) or early for late, early in zip(modified, created, strict=True)]
        return Titles(
            [row.id for row in rows],
            texts,
            [row.author or "" for row in rows],
            [row.score for row in rows],
            cast(list[int], created),
            cast(list[int], modified),
            _links(rows),
            [row.num_comments or 0 for row in rows],
        )

    def _of_posts(self, said: list[Post | str]) -> Titles:
        taken = compress(said, [not why for why in self._reasons(said)])
        posts = [post for post in taken if isinstance(post, Post)]
        if not posts:
            return _empty()
        ids, texts, _, authors, scores, created, retrieved, links, *_, comments = map(list, zip(*posts, strict=True))
        modified = [late or early for late, early in zip(retrieved, created, strict=True)]
        return Titles(ids, texts, authors, scores, seconds_in(created), seconds_in(modified), links, comments)

    def _unusual(self, rows: list[Submission]) -> list[int]:
        """The places of rows of which a field may speak against them; the title and the dates are not looked at yet."""
        suspects = self._suspects
        if suspects.isdisjoint([row.author for row in rows]):
            suspects = frozenset()
        least = self._least
        return [
            n
            for n, row in enumerate(rows)
            if row.selftext
            or row.stickied
            or row.over_18
            or row.removed_by_category is not None
            or not row.id
            or (suspects and row.author in suspects)
            or (least is not None and row.score < least)
        ]

    def _without(self, rows: list[Submission], places: list[int]) -> list[Submission]:
        """The rows without those at some places that are not taken."""
        reasons = self._reasons(posts_to_judge([rows[n] for n in places]))
        out = {n for n, why in zip(places, reasons, strict=True) if why}
        return [row for n, row in enumerate(rows) if n not in out] if out else rows

    def _reasons(self, said: list[Post | str]) -> list[str]:
        """Why each is not taken; counts them."""
        reasons = [post if isinstance(post, str) else self._why_not(post) for post in said]
        self._skipped.update(filter(None, reasons))
        return reasons


def cleaned(texts: list[str]) -> list[str]:
    """What `clean` makes of each; it is asked only where it may change more than blanks at the ends."""
    joined = "".join(texts)
    if "\0" in joined or "\r" in joined:
        return list(map(clean, texts))
    return [text.strip() if text.isascii() and "&" not in text and "](" not in text else clean(text) for text in texts]


def _empty() -> Titles:
    return Titles([], [], [], [], [], [], [], [])


def _links(rows: list[Submission]) -> list[str]:
    links = [row.permalink or "" for row in rows]
    joined = "\n" + "\n".join(links)
    if joined.count("\n/r/") == joined.count("\n") == len(rows):  # all begin so; a line's end within one would make it more
        return links
    return list(map(link_of, rows))

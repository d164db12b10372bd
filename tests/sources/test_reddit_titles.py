"""Titles that are taken many at once are those that are taken one by one."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_reddit import read, submission
from test_reddit_blocks import ODD

from align.raw_lines import read_lines
from align.records import Author, Example, Origin, Turn
from align.self_contained import is_self_contained
from align.sources.reddit import Reddit
from align.sources.reddit_rows import Post, clean, post_of_line
from align.sources.reddit_titles import cleaned
from align.sources.stories import Seen

IDS = ["a1", "a2", "a3", "zz", "", "a\x00", "a", 'a"b', "a\\b", "ä"]
TITLES = [
    "What is it?",
    " [deleted]",
    "&#91;removed]",
    "&nbsp;",
    "[[removed]](/r/a)",
    "a\x00",
    "Ä &amp;lt; b\r\nc",
    "Why\x1c",
    "A\nB",
]
FIELDS = {name: ODD[name] for name in ODD if name not in ("body", "link_id", "parent_id")} | {
    "id": [*ODD["id"], *IDS],
    "title": [*ODD["title"], *TITLES],
    "author": [*ODD["author"], "AutoModerator"],
    "permalink": [*ODD["permalink"], "/r/\n/r/x", "\n/r/x"],
    "selftext": [*ODD["selftext"], "&#x200B;", "[removed]"],
}


def one_by_one(source: Reddit, path: Path) -> tuple[list[Example], Counter[str]]:
    """What the source makes of a file of submissions, with an object for each."""
    examples: dict[str, Example] = {}
    skipped: Counter[str] = Counter()
    for line in read_lines(path):
        post = post_of_line(line, b"writingprompts", False, path)
        if not isinstance(post, Post):
            skipped[post] += 1
        elif reason := source._reason_to_skip(post, False):
            skipped[f"{reason} submission"] += 1
        elif post.body or post.id in examples:
            skipped["submission with a text" if post.body else "repeated submission"] += 1
        else:
            author = Author(post.author, f"https://www.reddit.com/user/{post.author}", "question", "unstated")
            url, when = f"https://www.reddit.com{post.link}", (post.created, post.retrieved or post.created)
            origin = Origin("reddit", post.id, url, path.name, *when, (author,), post.text)
            signals = {"comments": float(post.comments), "question_score": float(post.score)}
            signals["self_contained_title"] = float(is_self_contained(post.text))
            turns = (Turn("user", post.text),)
            examples[post.id] = Example(f"reddit/WritingPrompts/{post.id}", turns, origin, (), signals)
    return list(examples.values()), skipped


@st.composite
def rows(draw: st.DrawFn) -> bytes:
    row = submission(f"b{draw(st.integers(1, 40))}", "How?")
    for name in draw(st.lists(st.sampled_from(sorted(FIELDS)), max_size=3, unique=True)):
        row[name] = draw(st.sampled_from(FIELDS[name]))
    return json.dumps(row, ensure_ascii="edited" in row).encode()


@pytest.mark.parametrize(("block_bytes", "at_once"), [(1 << 18, 4096), (700, 3)])
@pytest.mark.parametrize("min_score", [None, 13])
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture], max_examples=150)
@given(lines=st.lists(st.one_of(rows(), st.sampled_from([b"", b"junk WritingPrompts", b'{"subreddit": "pics"}'])), max_size=20))
def test_titles_at_once_are_titles_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block_bytes: int, at_once: int, min_score: int | None, lines: list[bytes]
) -> None:
    monkeypatch.setattr("align.raw_lines.BLOCK_BYTES", block_bytes)
    monkeypatch.setattr("align.sources.reddit_titles.TITLES_AT_ONCE", at_once)
    path = tmp_path / "RS_2019-05.ndjson"
    path.write_bytes(b"\n".join(lines))
    fields: dict[str, Any] = {"subreddit": "WritingPrompts", "submissions": (path,), "form": "titles", "min_score": min_score}
    assert read(**fields) == one_by_one(Reddit(**fields), path)


@settings(deadline=None)
@given(st.lists(st.text('ab &;<lt#x0[](/:)!"\r\n\t\0\x1c\u00a0\u200b\ufeffé', max_size=12) | st.sampled_from(TITLES)))
def test_texts_are_cleaned_together_as_each_is(texts: list[str]) -> None:
    assert cleaned(texts) == list(map(clean, texts))


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.lists(st.sampled_from([*IDS, "A1", "a1 ", "\x00", "a\x00b", "1", "01", "\U0001f98a"]), max_size=6)))
def test_ids_are_new_once_whatever_signs_they_have(tmp_path: Path, batches: list[list[str]]) -> None:
    before: set[str] = set()
    with Seen(tmp_path / "seen.db") as seen:
        for names in batches:
            # worked out one by one: new is what was not there, in an earlier batch or earlier in this one
            are_new = [name not in before and name not in names[:n] for n, name in enumerate(names)]
            assert seen.add(names) == are_new
            before.update(names)


def test_dumps_of_the_years_without_a_date_of_retrieval_or_an_address_are_read(tmp_path: Path) -> None:
    row = submission("a1", "How do otters sleep?", created_utc="1335842178", permalink=None)
    del row["retrieved_on"]
    (tmp_path / "RS_2012-05.ndjson").write_text(json.dumps(row) + "\n")
    [example], skipped = read(subreddit="WritingPrompts", submissions=(tmp_path / "RS_2012-05.ndjson",), form="titles")
    # 1335842178 is the first of May 2012, 03:16:18 in Greenwich
    assert (example.origin.date, example.origin.modified) == ("2012-05-01T03:16:18Z", "2012-05-01T03:16:18Z")
    assert example.origin.url == "https://www.reddit.com/r/WritingPrompts/comments/a1/"
    assert not skipped

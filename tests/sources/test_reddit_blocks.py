"""What is read many rows at once is what is read with care, a line at a time."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_reddit import comment, submission

from align.raw_lines import read_lines
from align.sources import reddit_blocks
from align.sources.reddit_blocks import read_posts
from align.sources.reddit_rows import Post, post_of_line

ODD: dict[str, list[Any]] = {
    "id": ["", 3, None, "a\u2028b", "\x00"],
    "title": ["[removed]", "", None, 3, "A &amp;amp; [link](https://example.org)\r\n\u200b", "é" * 40, "\U0001f98a"],
    "body": ["[deleted]", "", None, ["x"], "&gt; é\u00a0"],
    "selftext": ["[removed]", None, 3, " Below. ", "\ufeff"],
    "subreddit": ["writingprompts", "pics", None, "WritingPromptsToo"],
    "author": [None, "[deleted]", 7, ""],
    "score": [None, "12", 3.7, 1 << 53, -(1 << 53), (1 << 53) - 1, True, 10**4200, 1e300],
    "created_utc": ["1335842178", 1335842178.9, None, True, 5, "soon", 1 << 33, (1 << 33) - 1, 1_100_000_000, 10**30],
    "retrieved_on": [None, 0, "", "1335842178", 5, True, 1.5e9],
    "retrieved_utc": [None, 1_400_000_000, "1400000000"],
    "permalink": [None, "https://example.org", "", 4],
    "removed_by_category": ["moderator", None, 3, False],
    "stickied": [True, None, 1, "True"],
    "over_18": [True, None, 0, "False"],
    "num_comments": [None, "4", 2.5, 1 << 60],
    "link_id": [None, "t1_a", "t3_", 3],
    "parent_id": [None, 3, "t1_c", "t3_a1"],
    "edited": [False, 1e999, {"a": [{}]}, "\ud800", "\U0001f98a"],
}
USUAL = json.dumps(submission("a1", "[WP] A door.")).encode()
HEAD = USUAL[:-1]
LINES = [
    USUAL,
    b"",
    b" \t",
    b"\x0b",
    b"junk WritingPrompts",
    b"{}",
    b"[1]",
    USUAL + b"\r",
    b"  " + USUAL + b" ",
    USUAL + b" " + USUAL,
    USUAL + USUAL,
    USUAL[:-20],
    HEAD + b',\n"x": 1}',
    HEAD + b', "x": {}\n{}}',
    HEAD + b', "x": "\xff"}',
    HEAD + b', "x": "\xed\xa0\x80"}',
    HEAD + b', "\xc3": 1}',
    HEAD + b', "x": "\xc3\xa9"}',
    HEAD + b', "x": %s}' % (b"9" * 4300),
    HEAD + b', "x": %s}' % (b"9" * 4301),
    HEAD + b', "x": "%s"}' % (b"9" * 9000),
    HEAD + b', "x": NaN}',
    HEAD + b', "x": -Infinity}',
    HEAD + b', "x": 01}',
    HEAD + b', "x": "\\ud83e\\udd8a"}',
    HEAD + b', "x": "\\udd8a"}',
    HEAD + b', "x": "\\\\ud800"}',
    HEAD + b', "x": "\x01"}',
    HEAD + b', "x": "\\q"}',
    HEAD + b', "x": [1,]}',
    HEAD + b', "score": 3, "title": "Twice"}',
    HEAD + b', "title": 3, "title": "Twice"}',
    HEAD.replace(b'"title"', b'"t\\u0069tle"') + b"}",
    HEAD + b', "x": ' + b"[" * 5000 + b"]" * 5000 + b"}",
    json.dumps(submission("a2", "Elsewhere", subreddit="pics")).encode(),
    json.dumps(submission("a3", "Elsewhere", subreddit="pics", selftext="r/WritingPrompts")).encode(),
    json.dumps(submission("a4", "Wörld \U0001f98a"), ensure_ascii=False).encode(),
    json.dumps(submission("a5", "Wörld \U0001f98a")).encode(),
]


def both(path: Path, comments: bool) -> tuple[list[Post], Counter[str]]:
    """What comes out of a file at once, held against what comes out of it with care."""
    careful = [post_of_line(line, b"writingprompts", comments, path) for line in read_lines(path)]
    posts = [post for post in careful if isinstance(post, Post)]
    passed = Counter(why for why in careful if isinstance(why, str))
    found = list(read_posts(path, "WritingPrompts", comments, accept_truncated=False))
    assert [post for some in found for post in some.posts] == posts
    assert sum((some.passed for some in found), Counter()) == passed
    return posts, passed


@st.composite
def odd_rows(draw: st.DrawFn, is_comment: bool) -> bytes:
    row = comment("c1", "a1", "Tale.") if is_comment else submission("a1", "[WP] A door.")
    for name in draw(st.lists(st.sampled_from(sorted(ODD)), max_size=2, unique=True)):
        row[name] = draw(st.sampled_from(ODD[name]))
    for name in draw(st.lists(st.sampled_from(sorted(row)), max_size=1)):
        if name not in ("title", "body"):  # without them it is a row of the other kind of file
            del row[name]
    return json.dumps(row, ensure_ascii="edited" in row).encode()


@pytest.mark.parametrize("block_bytes", [1 << 20, 700])
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture], max_examples=150)
@given(data=st.data())
def test_rows_with_odd_values_are_read_as_with_care(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block_bytes: int, data: st.DataObject
) -> None:
    monkeypatch.setattr("align.raw_lines.BLOCK_BYTES", block_bytes)
    is_comment = data.draw(st.booleans())
    rows = data.draw(st.lists(odd_rows(is_comment), max_size=12))
    (tmp_path / "rows.ndjson").write_bytes(b"\n".join(rows))
    both(tmp_path / "rows.ndjson", is_comment)


@pytest.mark.parametrize("block_bytes", [1 << 20, 2000])
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture], max_examples=150)
@given(lines=st.lists(st.one_of(st.sampled_from(LINES), st.just(USUAL)), max_size=9))
def test_lines_that_are_no_usual_json_are_read_as_with_care(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block_bytes: int, lines: list[bytes]
) -> None:
    monkeypatch.setattr("align.raw_lines.BLOCK_BYTES", block_bytes)
    (tmp_path / "rows.ndjson").write_bytes(b"\n".join(lines))
    both(tmp_path / "rows.ndjson", comments=False)


@pytest.mark.parametrize("line", LINES)
def test_one_unusual_line_among_usual_ones_changes_none_of_those(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "rows.ndjson"
    path.write_bytes(b"\n".join([USUAL] * 3 + [line] + [USUAL] * 3) + b"\n")
    posts, _ = both(path, comments=False)
    assert len(posts) >= 6


def test_two_rows_on_a_line_do_not_make_up_for_a_row_on_two(tmp_path: Path) -> None:
    path = tmp_path / "rows.ndjson"
    path.write_bytes(USUAL + b"\n" + HEAD + b',\n"x": {}}\n' + USUAL + USUAL + b"\n")
    posts, passed = both(path, comments=False)
    # four rows and four lines, but one line is a row
    assert (len(posts), passed) == (1, {"broken row": 3})


@pytest.mark.parametrize("one_in", [1, 50])
def test_usual_rows_need_no_care(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, one_in: int) -> None:
    rows = [submission(f"a{n}", f"Door {n} é?", subreddit="AskReddit" if n % one_in == 0 else "pics") for n in range(5000)]
    path = tmp_path / "RS_2019-05.ndjson"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")

    def no_care(*_: object) -> None:
        raise AssertionError("read a line at a time")

    monkeypatch.setattr(reddit_blocks, "post_of_line", no_care)
    found = list(read_posts(path, "askreddit", False, accept_truncated=False))
    assert [post.text for some in found for post in some.posts] == [f"Door {n} é?" for n in range(0, 5000, one_in)]
    assert sum((some.passed for some in found), Counter()) == Counter(
        {"other subreddit": 5000 - 5000 // one_in} if one_in > 1 else {}
    )
    assert found[-1].line == 5000


def test_real_comments_are_read_as_with_care(real_data: Path) -> None:
    path = real_data / "reddit" / "pushshift_zreader" / "reddit_data.zst"
    for name in ("AskReddit", "politics"):
        careful = [post_of_line(line, name.lower().encode(), True, path) for line in read_lines(path)]
        found = list(read_posts(path, name, True, accept_truncated=False))
        assert [post for some in found for post in some.posts] == [post for post in careful if isinstance(post, Post)]
        assert sum((some.passed for some in found), Counter()) == Counter(why for why in careful if isinstance(why, str))

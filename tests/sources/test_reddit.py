import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from backports import zstd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from align.errors import AlignError, InputError
from align.files import read_records, rows_as_records
from align.records import Author, Example, Rejection, Turn
from align.sources.ingest import Ingest
from align.sources.reddit import Reddit, split_tag
from align.sources.reddit_rows import clean
from align.stage import Inputs


def submission(name: str, title: str, **fields: Any) -> dict[str, Any]:
    """A row of RS_*.zst with the fields that matter."""
    return {
        "id": name,
        "title": title,
        "selftext": "",
        "author": "ada",
        "subreddit": "WritingPrompts",
        "score": 40,
        "num_comments": 3,
        "created_utc": 1556668800,
        "retrieved_on": 1556668900,
        "over_18": False,
        "stickied": False,
        "permalink": f"/r/WritingPrompts/comments/{name}/a_door/",
    } | fields


def comment(name: str, parent: str, body: str, **fields: Any) -> dict[str, Any]:
    """A row of RC_*.zst; `parent` is the submission."""
    return {
        "id": name,
        "body": body,
        "link_id": f"t3_{parent}",
        "parent_id": f"t3_{parent}",
        "author": "bee",
        "subreddit": "WritingPrompts",
        "score": 7,
        "created_utc": 1556672400,
        "retrieved_on": 1556672500,
        "stickied": False,
    } | fields


def write(path: Path, *rows: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    data = "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows).encode()
    path.write_bytes(zstd.compress(data) if path.suffix == ".zst" else data)
    return path


def read(**fields: Any) -> tuple[list[Example], Counter[str]]:
    source = Reddit(**fields)
    skipped: Counter[str] = Counter()
    examples: list[Example] = []
    for shard in source.shards():
        for rows in source.read(shard, skipped):
            assert not isinstance(rows, Rejection)
            examples += [rows] if isinstance(rows, Example) else rows_as_records(rows, Example)
    return examples, Counter({name: n for name, n in skipped.items() if n})


def stories(folder: Path, submissions: list[Any], comments: list[Any], **fields: Any) -> tuple[list[Example], Counter[str]]:
    rs, rc = write(folder / "RS_2019-05.zst", *submissions), write(folder / "RC_2019-05.zst", *comments)
    return read(subreddit="WritingPrompts", submissions=(rs,), comments=(rc,), **fields)


def test_a_prompt_gets_its_best_story_and_both_writers_are_named(tmp_path: Path) -> None:
    examples, skipped = stories(
        tmp_path,
        [submission("a1", "[WP] Behind the door &amp; under it."), submission("a2", "[WP] Nobody answers.")],
        [
            comment("c1", "a1", "A short tale."),
            comment("c2", "a1", "&gt; Knock.\n\nA [long](https://example.org) tale.", score=90, author="cyd"),
            comment("c3", "a1", "Nice!", parent_id="t1_c2", score=500),
            comment("c4", "zz", "On a prompt nobody has."),
        ],
    )
    [example] = examples
    # 8 characters, an empty line of 2, and 12
    assert example.turns == (Turn("user", "Behind the door & under it."), Turn("assistant", "> Knock.\n\nA long tale."))
    assert (example.id, example.tags) == ("reddit/WritingPrompts/a1", ("WP",))
    origin = example.origin
    assert (origin.native_id, origin.dump) == ("a1/c2", "RS_2019-05.zst, RC_2019-05.zst")
    assert origin.url == "https://www.reddit.com/r/WritingPrompts/comments/a1/a_door/c2/"
    # 1556672400 is 2019-05-01 01:00 UTC
    assert (origin.date, origin.modified) == ("2019-05-01T01:00:00Z", "2019-05-01T01:01:40Z")
    assert origin.authors == (
        Author("ada", "https://www.reddit.com/user/ada", "prompt", "unstated"),
        Author("cyd", "https://www.reddit.com/user/cyd", "story", "unstated"),
    )
    assert example.signals == {"question_score": 40, "answer_score": 90, "cleaned_chars": 22, "answers": 2, "comments": 3}
    assert skipped == {
        "story below the top one": 1,
        "reply to a comment": 1,
        "comment on another submission": 1,
        "prompt without a story": 1,
    }


def test_titles_without_a_text_are_prompts_alone(tmp_path: Path) -> None:
    rows = [
        submission("b1", "What do bees dream of in winter?", subreddit="AskReddit", created_utc="1335842178"),
        submission("b2", "What is this?", subreddit="askreddit", created_utc=1335842178.0),
        submission("b3", "My story?", subreddit="AskReddit", selftext="It is long."),
        submission("b4", "[WP] A door.", selftext="AskReddit is named here"),
        submission("b1", "What do bees dream of in winter?", subreddit="AskReddit"),
    ]
    examples, skipped = read(subreddit="AskReddit", submissions=(write(tmp_path / "RS_2012-05.ndjson", *rows),))
    assert [(example.prompt, example.response, example.signals["self_contained_title"]) for example in examples] == [
        ("What do bees dream of in winter?", "", 1),
        ("What is this?", "", 0),
    ]
    assert {example.origin.date for example in examples} == {"2012-05-01T03:16:18Z"}
    assert skipped == {"submission with a text": 1, "other subreddit": 1, "repeated submission": 1}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"author": "[deleted]"}, "deleted author's"),
        ({"author": None}, "deleted author's"),
        ({"author": "AutoModerator"}, "bot's"),
        ({"stickied": True}, "stickied"),
    ],
)
def test_what_nobody_stands_for_is_counted(tmp_path: Path, fields: dict[str, Any], reason: str) -> None:
    rows = [submission("a1", "[WP] A door."), submission("a2", "[WP] A gate.", **fields)]
    examples, skipped = stories(tmp_path, rows, [comment("c1", "a1", "Tale."), comment("c2", "a1", "Worse.", **fields, score=99)])
    assert [example.response for example in examples] == ["Tale."]
    assert skipped == {f"{reason} submission": 1, f"{reason} comment": 1}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"over_18": True}, "adults only submission"),
        ({"selftext": "[removed]"}, "removed submission"),
        ({"removed_by_category": "moderator"}, "removed submission"),
        ({"title": "[deleted by user]"}, "removed submission"),
        ({"score": 3}, "low score submission"),
        ({"title": "[IP] A picture"}, "another kind of submission"),
        ({"title": "[WP] "}, "submission without a title"),
        ({"created_utc": "soon"}, "broken row"),
        ({"score": None}, "broken row"),
        ({"id": ""}, "broken row"),
        ({"title": 3}, "broken row"),
    ],
)
def test_submissions_that_make_no_prompt_are_counted(tmp_path: Path, fields: dict[str, Any], reason: str) -> None:
    rows = [submission("a1", "[WP] A door.") | fields]
    assert stories(tmp_path, rows, [comment("c1", "zz", "x")], min_score=10) == (
        [],
        {reason: 1, "comment on another submission": 1},
    )


def test_what_is_no_text_below_a_title_is_none_and_replies_are_counted_once(tmp_path: Path) -> None:
    path = write(tmp_path / "RS_2019-05.ndjson", submission("a1", "Why is it so?", selftext=["odd"], subreddit="AskReddit"))
    examples, skipped = read(subreddit="AskReddit", submissions=(path,))
    [example] = examples
    # a title that asks, in four words, and points at nothing
    assert example.signals == {"question_score": 40, "comments": 3, "self_contained_title": 1}
    assert (example.turns, example.tags, skipped) == ((Turn("user", "Why is it so?"),), (), Counter())
    reply = comment("c2", "a1", "Nice!", parent_id="t1_c1")
    removed = comment("c3", "a1", "[removed]", parent_id="t1_c1")
    examples, skipped = stories(
        tmp_path / "stories", [submission("a1", "A door")], [comment("c1", "a1", "It opened."), reply, removed]
    )
    assert (len(examples), skipped) == (1, {"reply to a comment": 1, "removed comment": 1})


def test_removed_and_broken_comments_are_counted(tmp_path: Path) -> None:
    rows = [
        comment("c1", "a1", "[removed]"),
        comment("c2", "a1", "[deleted]"),
        comment("c3", "a1", "x", link_id=None),
        '{"subreddit": "WritingPrompts", "body": "cut',
        '{"subreddit": "WritingPrompts", "body": "\\ud800"}',
        comment("c4", "a1", "Tale."),
    ]
    examples, skipped = stories(tmp_path, [submission("a1", "A door.")], rows)
    assert [example.response for example in examples] == ["Tale."]
    assert skipped == {"removed comment": 2, "broken row": 3}


def test_of_a_post_in_two_dumps_the_one_retrieved_later_counts(tmp_path: Path) -> None:
    rs = write(
        tmp_path / "RS_2019-05.zst", submission("a1", "[WP] A door."), submission("a1", "[WP] A gate.", retrieved_on=1600000000)
    )
    first = write(tmp_path / "RC_2019-05.zst", comment("c1", "a1", "One.", score=50), comment("c2", "a1", "Two.", score=9))
    later = write(tmp_path / "WritingPrompts_comments.zst", comment("c1", "a1", "One!", score=8, retrieved_on=1600000000))
    for order in ((first, later), (later, first)):
        [example], skipped = read(subreddit="writingprompts", submissions=(rs,), comments=order)
        assert (example.prompt, example.response) == ("A gate.", "Two.")  # 9 votes against the 8 that c1 had in the end
        assert skipped == {"repeated submission": 1, "repeated comment": 1, "story below the top one": 1}


def test_a_title_in_two_months_files_is_superseded_through_the_stage(tmp_path: Path) -> None:
    row = submission("b1", "Why do cats purr at night?", subreddit="AskReddit")
    write(tmp_path / "in" / "RS_2019-05.zst", row, submission("b2", "Why do dogs bark at night?", subreddit="AskReddit"))
    write(tmp_path / "in" / "AskReddit_submissions.zst", row | {"score": 99, "retrieved_on": 1600000000})
    write(tmp_path / "in" / "RC_2019-05.zst", comment("c1", "b1", "not read"))
    work = tmp_path / "work"
    work.mkdir()
    counts = Ingest(source=Reddit(subreddit="AskReddit", submissions=(tmp_path / "in",))).run(Inputs(), work)
    assert (counts.read, counts.kept, counts.dropped) == (3, 2, {"ingest: superseded": 1})
    assert {example.id[-2:]: example.signals["question_score"] for example in read_records(work, Example)} == {"b1": 99, "b2": 40}


@pytest.mark.parametrize(
    ("title", "parts"),
    [
        ("[WP] A door.", ("WP", "A door.")),
        ("(wp): A door.", ("WP", "A door.")),
        ("A door. [EU]", ("EU", "A door.")),
        ("[Serious] A door.", ("", "[Serious] A door.")),
        ("A door [now] opens", ("", "A door [now] opens")),
        ("A door.", ("", "A door.")),
    ],
)
def test_the_tag_goes_and_other_brackets_stay(title: str, parts: tuple[str, str]) -> None:
    assert split_tag(title) == parts


def test_reddits_escapes_are_undone_twice_and_invisible_signs_go() -> None:
    assert (
        clean("&gt; a &amp; b &amp;#x200B;\u200b c&amp;nbsp;d ![pic](https://i.example.org/x.png) [e](/r/f)")
        == "> a & b  c d pic e"
    )


def test_a_cut_dump_is_an_error_unless_its_rows_are_wanted_all_the_same(tmp_path: Path) -> None:
    rows = [submission(f"b{number}", f"Why {number} bees {number**9}?", subreddit="AskReddit") for number in range(9000)]
    path = write(tmp_path / "RS_2019-05.zst", *rows)
    path.write_bytes(path.read_bytes()[:-3000])
    with pytest.raises(InputError, match=r"RS_2019-05\.zst: cut off or damaged after line .*accept_truncated: true"):
        read(subreddit="AskReddit", submissions=(path,))
    examples, skipped = read(subreddit="AskReddit", submissions=(path,), accept_truncated=True)
    assert skipped == {"cut off": 1}
    assert [example.id for example in examples] == [f"reddit/AskReddit/b{number}" for number in range(len(examples))]
    assert 1000 < len(examples) < 9000


def test_files_in_the_wrong_place_are_named(tmp_path: Path) -> None:
    rs, rc = write(tmp_path / "a.zst", submission("a1", "[WP] x")), write(tmp_path / "b.zst", comment("c1", "a1", "y"))
    with pytest.raises(InputError, match=r"b\.zst:1: holds comments, but stands among the submissions\. Name it under comments:"):
        read(subreddit="WritingPrompts", submissions=(rc,), comments=(rs,))
    with pytest.raises(InputError, match="holds no comments: wanted names such as RS_2019-05.zst or NAME_comments.zst"):
        read(subreddit="WritingPrompts", submissions=(rs,), comments=(tmp_path,))


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"subreddit": "AskReddit", "comments": ("x",)}, "comments are not read for titles"),
        ({"subreddit": "WritingPrompts"}, "comments are needed for stories"),
        ({"subreddit": "baking"}, "form: write titles or stories"),
        ({"subreddit": "Ask Reddit"}, "write the name of one subreddit, .* such as AskReddit"),
        ({"subreddit": "r/"}, "write the name of one subreddit"),
        ({"subreddit": 7}, "should be a valid string"),
    ],
)
def test_settings_that_exclude_each_other_are_refused(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Reddit(submissions=(Path("x"),), **fields)


def test_a_subreddit_may_be_written_as_people_write_it_and_means_the_same(tmp_path: Path) -> None:
    plain, *others = (Reddit(submissions=(Path("x"),), subreddit=name) for name in ("AskReddit", "r/AskReddit", "/r/AskReddit"))
    assert [other.identity() for other in others] == [plain.identity()] * 2


ROWS = st.sampled_from(
    [
        submission("a1", "[WP] A door."),
        submission("a1", "[WP] A door.", retrieved_on=1600000000),
        submission("a2", "[IP] A gate.", stickied=True),
        submission("a3", "A wall.", author="[deleted]"),
        submission("a4", "A wall.", subreddit="AskReddit"),
        comment("c1", "a1", "Tale."),
        comment("c2", "a1", "Tale 2.", score=99),
        comment("c3", "a2", "[removed]"),
        comment("c4", "a1", "Reply.", parent_id="t1_c1"),
        "junk",
    ]
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=60)
@given(st.lists(ROWS, max_size=12))
def test_every_row_is_in_an_example_or_counted_once(tmp_path_factory: pytest.TempPathFactory, rows: list[Any]) -> None:
    folder = tmp_path_factory.mktemp("rows")
    submissions = [row for row in rows if isinstance(row, str) or "title" in row]
    comments = [row for row in rows if isinstance(row, str) or "body" in row]
    examples, skipped = stories(folder, submissions, comments)
    assert len(submissions) + len(comments) == 2 * len(examples) + skipped.total()  # a prompt and a story each


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=60)
@given(st.binary(max_size=200), st.sampled_from([".zst", ".ndjson", ".gz"]))
def test_whatever_the_bytes_there_is_no_error_but_ours(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, suffix: str
) -> None:
    path = tmp_path_factory.mktemp("bytes") / f"RS_1{suffix}"
    path.write_bytes(data)
    said = ""
    try:
        examples, _ = read(subreddit="AskReddit", submissions=(path,))
        assert examples == []
    except AlignError as error:
        said = str(error)
    assert not said or said.startswith(str(path))


def test_the_real_comments_and_titles_are_read(real_data: Path, tmp_path: Path) -> None:
    real = real_data / "reddit"
    # 1,007 comments of all subreddits (SOURCE.md), none of them on a submission that we have
    one = write(tmp_path / "RS_2019-05.ndjson", submission("a1", "A door.", subreddit="AskReddit"))
    examples, skipped = read(
        subreddit="AskReddit", form="stories", submissions=(one,), comments=(real / "pushshift_zreader" / "reddit_data.zst",)
    )
    assert (examples, skipped.total(), skipped["broken row"]) == ([], 1008, 0)
    assert skipped["other subreddit"] == 1007 - 52  # SOURCE.md: 52 rows of AskReddit

    with (real / "top_posts_2013" / "AskReddit.csv").open(newline="") as file:
        rows = [
            row | {"subreddit": "AskReddit", "author": "ada", "over_18": row["over_18"] == "True"} for row in csv.DictReader(file)
        ]
    examples, skipped = read(subreddit="AskReddit", submissions=(write(tmp_path / "RS_2013.ndjson", *rows),))
    assert len(examples) + skipped.total() == 1000
    assert skipped["broken row"] == 0
    # 329 of them have no text (SOURCE.md); those for adults only are passed over before
    assert 250 < len(examples) <= 329

"""The best by a score."""

from pathlib import Path
from typing import Any

import pytest

from align.errors import EmptyResult, InputError, Shortfall
from align.judges.longest import Longest
from align.judges.openai_chat import OpenAIChat
from align.selection.scored import Scored
from align.selection.scorers.csv_file import CsvFile
from align.selection.scorers.ifd import Ifd
from align.selection.scorers.judged import Judged
from align.selection.scorers.plain import Length, Votes
from align.selection.scorers.scorer import Scorer
from judge_server import Reply, judge_server
from toy_records import Made, example, inputs, run

POOL = [
    example("se/cook/1", "a", "one two three", answer_score=5),
    example("se/cook/2", "b", "seven words stand in this short one", answer_score=1),
    example("se/law/3", "c", "loooooooooooooooooooooooooooooooooooong", answer_score=9),
    example("se/law/4", "d", "two words", answer_score=5),
    example("se/law/5", "no answer"),
]


def taken(tmp_path: Path, scorer: Scorer, **fields: Any) -> Made:
    return run(Scored(scorer=scorer, **fields), inputs(tmp_path, POOL), tmp_path / f"out{len(list(tmp_path.glob('out*')))}")


def test_the_best_come_first_by_each_rule(tmp_path: Path) -> None:
    assert taken(tmp_path, Votes(), count=2).ids[0] == "se/law/3"
    assert taken(tmp_path, Length(), count=2).ids == ["se/law/3", "se/cook/2"]  # 39 and 35 characters
    assert taken(tmp_path, Length(unit="words"), count=2).ids == ["se/cook/2", "se/cook/1"]  # 7 and 3 words
    assert taken(tmp_path, Length(unit="words"), count=1, prefer="lowest").ids == ["se/law/3"]  # 1 word
    made = taken(tmp_path, Votes(), count=4)
    assert made.rejections == {"se/law/5": ("scored", "no score", "no signal answer_score")}


def test_who_cannot_be_taken_is_told_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(
        Shortfall, match=r"wanted 2 .* found 0 of 5 .* \(no score: no signal stars 5\)\. Give it examples that are\."
    ):
        taken(tmp_path, Votes(signal="stars"), count=2)
    with pytest.raises(EmptyResult, match=r"0 of 5 examples are eligible \(no score: no signal stars 5\)"):
        taken(tmp_path, Votes(signal="stars"), count=2, shortfall="report")
    asked = {"count": 5, "per": "site", "shares": {"law": 1.0}}
    reasons = r"\(cell without a share: cook 2, no score: no signal answer_score 1\)\. Lower `count`"
    with pytest.raises(Shortfall, match=rf"found 2 of 5 that are eligible {reasons}"):
        taken(tmp_path, Votes(), **asked)


def test_of_very_many_reasons_the_most_frequent_are_told(tmp_path: Path) -> None:
    # six exchanges, the first of them twice: that one and three more are named, the other two only counted
    pool = [example(f"se/{name}/{number}", "a", "b") for number, name in enumerate("aabcdef")]
    with pytest.raises(Shortfall, match=r"\(cell without a share: a 2, .*: b 1, .*: c 1, .*: d 1, other reasons 2\)"):
        run(Scored(scorer=Length(), count=1, per="site", shares={"law": 1}), inputs(tmp_path, pool), tmp_path / "out")


def test_equal_scores_go_by_lot_and_sets_are_nested(tmp_path: Path) -> None:
    four, three = (taken(tmp_path, Votes(), count=count).ids for count in (4, 3))
    assert four[:3] == three
    seconds = {taken(tmp_path, Votes(), count=2, seed=seed).ids[1] for seed in range(12)}
    assert seconds == {"se/cook/1", "se/law/4"}  # 5 votes each


def test_the_best_of_each_part(tmp_path: Path) -> None:
    made = taken(tmp_path, Votes(), count=3, per="site", shares={"cook": 2, "law": 1})
    assert made.ids == ["se/cook/1", "se/cook/2", "se/law/3"]  # quotients 2, 1 (tie: cook is first), 1
    assert taken(tmp_path, Votes(), count=2, per="site", shares="equal").ids == ["se/cook/1", "se/law/3"]


def test_scores_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    path.write_text('\ufeffid,score,why\nse/cook/1,0.5,"a, b"\nse/law/4,2e1,x\nelse/7,3,\n', encoding="utf-8")
    made = taken(tmp_path, CsvFile(path=path), count=2)
    assert made.ids == ["se/law/4", "se/cook/1"]
    assert made.rejections["se/law/3"] == ("scored", "no score", "no score in the file")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id,mark\na,1\n", "no column 'score'; the heading has: id, mark"),
        ("id,score\na,1\nb,good\n", r"scores.csv:3: score must be a number \(got 'good'\)"),
        ("id,score\na,nan\n", "must be a number"),
        ("id,score\na,1\na,2\n", "'a' has a score already"),
        ("id,score\na\n", r"must be a number \(got None\)"),
        ('id,score\n"a,1\n', "not readable as CSV"),
        ("", "the heading has: nothing"),
    ],
)
def test_a_file_that_cannot_be_right_is_named_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "scores.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=said):
        list(CsvFile(path=path).scores(POOL, {}, tmp_path))


def test_bytes_that_are_no_text_are_named(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    path.write_bytes(b"id,score\na\xff,1\n")
    with pytest.raises(InputError, match="not readable as CSV"):
        list(CsvFile(path=path).scores(POOL, {}, tmp_path))


def test_a_judge_that_only_compares_cannot_score() -> None:
    with pytest.raises(ValueError, match="compares responses and gives no grades"):
        Judged(judge=Longest())


def test_how_a_judge_is_reached_does_not_decide_the_selection() -> None:
    def identity(**fields: object) -> object:
        judge = OpenAIChat.model_validate({"base_url": "http://h/v1", "model": "m", **fields})
        return Scored(count=1, scorer=Judged(judge=judge)).identity()

    assert identity(concurrency=64, timeout_seconds=5) == identity()
    assert identity(temperature=1) != identity()


def test_a_scorer_names_the_stage_whose_model_it_reads_with() -> None:
    assert Scored(count=1, scorer=Ifd(model="base")).references() == {"scorer.model": "base"}


def test_a_judge_scores_each_answer_once_though_it_is_killed_in_between(tmp_path: Path) -> None:
    with judge_server() as server:
        server.says(Reply('{"reason": "clear", "grade": 5}'))
        judge = OpenAIChat.model_validate({"base_url": server.base_url, "model": "small", "retries": 0})
        made = taken(tmp_path, Judged(judge=judge), count=3)  # twice, as `run` does
        assert len(server.requests) == 4
    assert made.rejections["se/law/5"] == ("scored", "no score", "no response")

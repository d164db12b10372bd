"""The `grade` stage."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from evaluation_setting import response, run_stage, save_records
from pydantic import ValidationError

from align.artifact import Artifact
from align.errors import EmptyResult
from align.evaluation.grade import GradeStage
from align.files import read_records
from align.judges.judge import Judge, Rating
from align.judges.longest import Longest
from align.judges.openai_chat import OpenAIChat
from align.records import Grade, Measurement, Rejection, Turn
from judge_server import JudgeServer, Reply, judge_server


class ByLength(Judge):
    """One letter, one point; more than six cannot be read."""

    kind: Literal["by_length"] = "by_length"

    def grade(self, prompt: tuple[Turn, ...], response: str) -> Rating:
        return Rating(float(len(response)) if len(response) <= 6 else None, "counted", response)


@pytest.fixture
def server() -> Iterator[JudgeServer]:
    with judge_server() as running:
        yield running


def answers(folder: Path, model: str, texts: dict[str, list[str]], stage: str = "answers") -> Artifact:
    rows = [
        response(prompt, model, text, sample=number) for prompt, several in texts.items() for number, text in enumerate(several)
    ]
    return save_records(folder, stage, rows)


def measured(work: Path) -> dict[tuple[str, str], Measurement]:
    return {(item.metric, item.subject): item for item in read_records(work, Measurement)}


def test_the_mean_grade_is_clustered_by_prompt(tmp_path: Path) -> None:
    data = answers(tmp_path / "a", "sft", {"p": ["x", "xxx"], "q": ["xxxx", "xxxx"], "r": ["xxxxxx", "xxxxxx"]})
    counts = run_stage(GradeStage(judge=ByLength()), tmp_path / "work", [data])
    mean = measured(tmp_path / "work")[("helpfulness", "sft")]
    # prompt means 2, 4, 6: sd 2, error 2 / sqrt(3) = 1.1547, t(2) = 4.302653: reach 4.968
    assert (mean.value, mean.low, mean.count) == (4.0, pytest.approx(4 - 4.968, abs=1e-3), 3)
    assert [(item.prompt_id, item.sample, item.value) for item in read_records(tmp_path / "work", Grade)][:2] == [
        ("p", 0, 1),
        ("p", 1, 3),
    ]
    assert (counts.read, counts.kept) == (6, 6)


def test_a_grade_that_cannot_be_read_is_counted_and_kept_as_a_rejection(tmp_path: Path) -> None:
    data = answers(tmp_path / "a", "sft", {"p": ["xx"], "q": ["too long"]})
    counts = run_stage(GradeStage(judge=ByLength()), tmp_path / "work", [data])
    found = measured(tmp_path / "work")
    assert (found[("helpfulness", "sft")].value, found[("ungraded", "sft")].value, found[("ungraded", "sft")].count) == (
        2.0,
        1.0,
        2,
    )
    assert counts.dropped == {"grade: unparsed": 1}
    [rejection] = read_records(tmp_path / "work", Rejection)
    assert (rejection.example_id, rejection.detail) == ("q", "sample 0 of sft: counted: too long")


def test_one_model_sampled_twice_is_graded_under_the_stages_names(tmp_path: Path) -> None:
    hot, cold = answers(tmp_path / "h", "sft", {"p": ["x"]}, "hot"), answers(tmp_path / "c", "sft", {"p": ["xx"]}, "cold")
    run_stage(GradeStage(judge=ByLength()), tmp_path / "work", [hot, cold])
    assert {
        subject: item.value for (metric, subject), item in measured(tmp_path / "work").items() if metric == "helpfulness"
    } == {
        "hot": 1.0,
        "cold": 2.0,
    }


def test_a_judge_that_only_compares_is_a_mistake_of_the_recipe() -> None:
    with pytest.raises(ValidationError, match="longest compares responses and gives no grades; take one of: .*openai_chat"):
        GradeStage(judge=Longest())


def test_nothing_to_grade_says_what_the_stage_reads(tmp_path: Path) -> None:
    empty = Artifact("clean", "k", "c", tmp_path / "none", {"kind": "filter"})
    with pytest.raises(EmptyResult, match="no responses came in from clean"):
        run_stage(GradeStage(judge=ByLength()), tmp_path / "work", [empty])


def test_a_model_grades_over_http_and_is_asked_again_when_it_rambles(server: JudgeServer, tmp_path: Path) -> None:
    data = answers(tmp_path / "a", "sft", {"p": ["Green tea."]})
    server.says(Reply("I like it: 10/10"), Reply('{"reason": "right", "grade": 5}'))
    judge = OpenAIChat(base_url=server.base_url, model="small")
    run_stage(GradeStage(judge=judge), tmp_path / "work", [data])
    [grade] = read_records(tmp_path / "work", Grade)
    assert (grade.value, grade.explanation, grade.judge, grade.scale) == (5.0, "right", "openai_chat small", "helpfulness")
    assert server.requests[0]["response_format"]["json_schema"]["name"] == "grade"
    assert "Green tea." in server.requests[0]["messages"][1]["content"]

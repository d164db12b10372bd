"""phi-1's filter: a judge grades a sample, a forest learns the grades, the rest is filtered."""

import json
from pathlib import Path
from random import Random
from typing import Any, Literal

import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor

from align.artifact import content_hash
from align.errors import EmptyResult, InputError, StoreError
from align.files import read_records
from align.filters.educational import Educational
from align.filters.forest import Forest, as_arrays, grow_forest, learnt_forest
from align.filters.grade_sample import GradeSample
from align.judges.judge import Judge, Rating
from align.judges.openai_chat import OpenAIChat
from align.judges.rubric_question import RUBRICS, rubric_question, rubric_text
from align.judges.word_overlap import WordOverlap
from align.records import Example, Grade
from align.stage import Inputs
from judge_server import Reply, judge_server
from toy_records import artifact, document, inputs, run

LESSONS = "therefore because hence proof step reason example shows follows explains"
NOTICES = "buy cheap today click offer login cookie sale subscribe banner"


def text(is_lesson: bool, random: Random) -> str:
    """Thirty words, four of five of one kind."""
    own, other = (LESSONS, NOTICES) if is_lesson else (NOTICES, LESSONS)
    return " ".join(random.choice((own if random.random() < 0.8 else other).split()) for _ in range(30))


def pool(count: int) -> list[Example]:
    random = Random(7)
    return [document(f"web/{number}", text(number % 2 == 0, random)) for number in range(count)]


class Teacher(Judge):
    """Grades by the share of words that explain; a stand-in for a model, whose answers no test can foresee."""

    kind: Literal["test_teacher"] = "test_teacher"

    def grade_text(self, rubric: str, text: str) -> Rating:
        said = text.split()
        return Rating(1 + 5 * round(sum(word in LESSONS.split() for word in said) / len(said)), "counted")


def csv_of(folder: Path, scores: dict[str, Any]) -> Path:
    path = folder / "grades.csv"
    path.write_text("id,score\n" + "".join(f"{name},{score}\n" for name, score in scores.items()))
    return path


def test_arrays_answer_as_scikit_learn_does_to_the_last_bit(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    rows = random.standard_normal((300, 12)).astype(np.float32)
    grades = np.round(3 + rows[:, 0] + random.standard_normal(300))
    settings = {"max_features": 1 / 3, "min_samples_leaf": 2, "random_state": 1}
    learnt = RandomForestRegressor(n_estimators=45, **settings).fit(rows, grades)  # at once; ours grows ten at a time
    fresh = np.vstack([random.standard_normal((500, 12)), np.zeros((1, 12)), rows[:5]]).astype(np.float32)
    forest = grow_forest(rows, grades, 45, 1)
    assert np.array_equal(forest.predict(fresh), learnt.predict(fresh))
    forest.write(tmp_path / "forest.safetensors")
    assert np.array_equal(Forest.read(tmp_path / "forest.safetensors").predict(fresh), learnt.predict(fresh))


def test_a_forest_of_one_leaf_answers_its_mean() -> None:
    learnt = learnt_forest(np.zeros((4, 2), dtype=np.float32), np.array([2.0, 2.0, 2.0, 2.0]), 3, 1, lambda grown: None)
    assert as_arrays(learnt).predict(np.ones((2, 2), dtype=np.float32)).tolist() == [2.0, 2.0]


def test_a_torn_forest_is_told(tmp_path: Path) -> None:
    (tmp_path / "forest.safetensors").write_bytes(b"no arrays")
    with pytest.raises(StoreError, match=r"forest.safetensors: no forest"):
        Forest.read(tmp_path / "forest.safetensors")


def test_the_sample_teaches_the_forest_to_filter_the_rest(tmp_path: Path) -> None:
    rows = pool(200)
    graded = run_grades(tmp_path, rows, 80)
    read = inputs(tmp_path / "in", rows)
    made = run(Educational(grades="graded", trees=50), Inputs(read.data, {"grades": graded}), tmp_path / "out")
    # even numbers are lessons: nearly all of them are kept, and hardly another
    kept = {int(name.split("/")[1]) for name in made.ids}
    assert sum(number % 2 == 0 for number in kept) >= 95
    assert sum(number % 2 == 1 for number in kept) <= 5
    assert all(4 <= row.signals["educational"] <= 6 for row in made.examples)
    assert all(reason == "educational below 4" for _, reason, _ in made.rejections.values())
    assert made.counts.noted == {"graded": 80}
    assert made.measurements["educational_spearman", "held out"] > 0.7
    assert made.measurements["educational_auc", "held out"] > 0.95


def run_grades(folder: Path, rows: list[Example], count: int) -> Any:
    work = folder / "graded"
    GradeSample(judge=Teacher(), rubric="educational_value", count=count).run(inputs(folder / "sample", rows), work)
    return artifact(folder / "named", "graded", read_records(work, Grade))


def test_grades_that_mean_nothing_are_foreseen_no_better_than_by_chance_and_that_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    random = Random(5)
    rows = pool(120)
    graded = csv_of(tmp_path, {row.id: random.choice([2, 5]) for row in rows[:100]})
    made = run(Educational(graded=graded, min_score=3.5, trees=30), inputs(tmp_path, rows), tmp_path / "out")
    assert 0.3 < made.measurements["educational_auc", "held out"] < 0.7
    assert "foreseen no better than by chance (AUC 0." in caplog.text


def test_equal_grades_are_said_to_teach_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = pool(40)
    graded = csv_of(tmp_path, {row.id: 3 for row in rows})
    run(Educational(graded=graded, min_score=3, trees=5), inputs(tmp_path, rows), tmp_path / "out")
    assert "all grades lie on one side of min_score 3" in caplog.text


def test_graded_examples_keep_their_own_grade(tmp_path: Path) -> None:
    rows = pool(60)
    # every lesson but one is graded 6: that one goes, whatever the forest thinks of it
    scores = {row.id: 6 if number % 2 == 0 else 1 for number, row in enumerate(rows)} | {"web/0": 2}
    made = run(Educational(graded=csv_of(tmp_path, scores), trees=20), inputs(tmp_path, rows), tmp_path / "out")
    assert made.rejections["web/0"] == ("educational", "educational below 4", "2.00, graded")


def test_equal_runs_leave_equal_forests(tmp_path: Path) -> None:
    rows = pool(40)
    graded = csv_of(tmp_path, {row.id: number % 6 for number, row in enumerate(rows)})
    stage = Educational(graded=graded, min_score=0, trees=10)
    hashes = []
    for name in ("one", "two"):
        stage.run(inputs(tmp_path / name, rows), tmp_path / name / "out")
        hashes.append(content_hash(tmp_path / name / "out"))
    assert hashes[0] == hashes[1]


def test_too_few_grades_and_grades_of_others_are_told(tmp_path: Path) -> None:
    rows = pool(40)
    graded = csv_of(tmp_path, {f"other/{number}": 3 for number in range(50)} | {"web/1": 3})
    with pytest.raises(InputError, match=r"1 of the 40 examples that came in have a grade \(of 51 graded ids\); at least 30"):
        Educational(graded=graded).run(inputs(tmp_path, rows), tmp_path / "out")


def test_grades_of_unknown_examples_are_counted(tmp_path: Path) -> None:
    rows = pool(40)
    graded = csv_of(tmp_path, {row.id: number % 6 for number, row in enumerate(rows)} | {"other/1": 3})
    made = run(Educational(graded=graded, min_score=0, trees=5), inputs(tmp_path, rows), tmp_path / "out")
    assert made.counts.noted == {"graded": 40, "grades of unknown examples": 1}


def test_a_threshold_that_keeps_nothing_is_told(tmp_path: Path) -> None:
    rows = pool(40)
    graded = csv_of(tmp_path, {row.id: number % 4 for number, row in enumerate(rows)})
    with pytest.raises(EmptyResult, match="0 of 40 examples have a score of 5 or more; the highest grade given is 3"):
        Educational(graded=graded, min_score=5, trees=5).run(inputs(tmp_path, rows), tmp_path / "out")


@pytest.mark.parametrize("fields", [{}, {"grades": "a", "graded": "b.csv"}])
def test_grades_come_from_one_place(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="write either `grades`"):
        Educational(**fields)


def test_a_judge_without_rubrics_is_refused() -> None:
    with pytest.raises(ValueError, match="the judge word_overlap does not read rubrics; take one of: .*openai_chat"):
        GradeSample(judge=WordOverlap(), rubric="reasoning")


def test_one_rubric_is_asked(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="write either `rubric`"):
        GradeSample(judge=Teacher())
    (tmp_path / "empty.txt").write_text(" \n")
    with pytest.raises(InputError, match="rubric_file is empty"):
        GradeSample(judge=Teacher(), rubric_file=tmp_path / "empty.txt").run(inputs(tmp_path, pool(3)), tmp_path / "out")


@pytest.mark.parametrize("name", RUBRICS)
def test_a_rubric_says_what_each_grade_means(name: str) -> None:
    found = rubric_text(name)
    assert all(f"\n   {grade}  " in found for grade in range(1, 7))
    user = rubric_question(found, "Give this a 6.")[1]["content"]
    assert user.index("Give this a 6.") < user.index("Grades:") < user.index("Rules:")


def test_a_model_is_asked_the_rubric_and_a_reply_it_garbles_is_counted(tmp_path: Path) -> None:
    rows = pool(3)
    with judge_server() as server:
        replies = {rows[0].turns[0].text: "5", rows[1].turns[0].text: "2", rows[2].turns[0].text: '"none"'}

        def answer(request: dict[str, Any]) -> Reply:
            asked = request["messages"][1]["content"]
            grade = next(grade for said, grade in replies.items() if said in asked)
            return Reply(f'{{"reason": "so", "grade": {grade}}}')

        server.answer = answer
        stage = GradeSample(judge=OpenAIChat(base_url=server.base_url, model="small"), rubric="reasoning", count=3)
        counts = stage.run(inputs(tmp_path, rows), tmp_path / "out")
        assert all("facts of the world" in request["messages"][1]["content"] for request in server.requests)
    grades = {grade.prompt_id: (grade.value, grade.scale, grade.judge) for grade in read_records(tmp_path / "out", Grade)}
    assert grades == {"web/0": (5, "reasoning", "openai_chat small"), "web/1": (2, "reasoning", "openai_chat small")}
    assert (counts.read, counts.kept, counts.dropped) == (3, 2, {"grade_sample: unparsed": 1})


def test_a_larger_sample_holds_the_smaller_one(tmp_path: Path) -> None:
    rows = pool(30)
    drawn = [{grade.prompt_id for grade in run_grades(tmp_path / str(size), rows, size).read(Grade)} for size in (5, 12)]
    assert len(drawn[0]) == 5
    assert drawn[0] < drawn[1]


def test_a_long_text_is_shown_to_its_limit_and_the_judge_told(tmp_path: Path) -> None:
    shown: list[str] = []

    class Listener(Teacher):
        kind: Literal["test_listener"] = "test_listener"  # type: ignore[assignment]

        def grade_text(self, rubric: str, text: str) -> Rating:
            shown.append(text)
            return Rating(3.0)

    GradeSample(judge=Listener(), rubric="reasoning", max_chars=100).run(
        inputs(tmp_path, [document("a", "x" * 150)]), tmp_path / "out"
    )
    assert shown == ["x" * 100 + "\n[the text goes on for 50 characters]"]


def test_what_was_answered_before_a_kill_is_not_asked_again(tmp_path: Path) -> None:
    rows = pool(2)
    read = inputs(tmp_path, rows)
    with judge_server() as server:
        server.says(Reply('{"grade": 4}'))
        stage = GradeSample(judge=OpenAIChat(base_url=server.base_url, model="small"), rubric="reasoning")
        stage.run(read, tmp_path / "out")
        asked = len(server.requests)
        stage.run(read, tmp_path / "out")
        assert len(server.requests) == asked
    assert json.loads((tmp_path / "out" / "scratch" / "answered.jsonl").read_text().splitlines()[0])["value"] == 4

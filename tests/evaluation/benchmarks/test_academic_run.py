"""The stage in a recipe: questions that a contamination stage tags, the plan, what `align show` and the report read."""

import json
import re
from pathlib import Path

import pytest
from benchmark_setting import write_jsonl
from ruamel.yaml import YAML

from align.evaluation.academic import Academic
from align.evaluation.benchmarks.open_answer import OpenAnswer
from align.planning import plan_recipe
from align.recipe import load_recipe
from align.records import Grade, Measurement
from align.runner import run_recipe
from align.stage import Stage

QUESTIONS = [
    ("On which side of the harbour does the old lighthouse keeper hang the blue lamps in winter?", "the north side"),
    ("How many ropes does the miller of the upper valley need to moor the ferry in a flood?", "seven ropes of hemp"),
    ("Which of the three bells is rung by the night watch when the fog comes in from the sea?", "the smallest one"),
]
RECIPE = """\
name: asked
stages:
  train: {kind: ingest, source: {kind: json_lines, paths: [train.jsonl]}}
  tokenizer: {kind: tokenizer, vocabulary: 400}
  base:
    kind: pretrain
    inputs: [train]
    tokenizer: tokenizer
    model: {family: llama, layers: 1, hidden: 16, heads: 2, feed_forward: 32}
    max_tokens: 128
    batch_size: 2
    epochs: 1
    learning_rate: 1e-2
  questions: {kind: ingest, source: {kind: json_lines, paths: [questions.jsonl], prompt: question, response: answer}}
  looked_for: {kind: contamination, inputs: [questions], against: [train], action: tag}
  academic:
    kind: academic
    models: [base]
    contamination: [looked_for]
    tasks:
      - {kind: multiple_choice, name: harbour, files: [questions.jsonl], options: options, answer_as: text, score_by: continuation}
  report: {kind: report}
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    rows = [
        {"id": f"q/{number}", "question": text, "options": [answer, "nobody knows"], "answer": answer}
        for number, (text, answer) in enumerate(QUESTIONS)
    ]
    write_jsonl(tmp_path / "questions.jsonl", rows)
    texts = [
        f"Somebody asked: {QUESTIONS[1][0]} Nobody said a word, and the ferry went on.",
        *(f"Kettle {number} sang of moss and rain. " * 20 for number in range(8)),
    ]
    write_jsonl(tmp_path / "train.jsonl", [{"id": f"t/{number}", "text": text} for number, text in enumerate(texts)])
    (tmp_path / "asked.yaml").write_text(RECIPE, encoding="utf-8")
    return tmp_path / "asked.yaml"


@pytest.mark.slow
def test_questions_found_in_the_training_set_are_left_out_of_a_second_figure(recipe: Path, tmp_path: Path) -> None:
    loaded = load_recipe(recipe)
    status = {stage.name: stage.status for stage in plan_recipe(loaded, tmp_path / "store").stages}
    assert status["academic"] == "unknown"
    made = run_recipe(loaded, tmp_path / "store")
    counts = {item.metric: item.count for item in made["academic"].read(Measurement) if item.subject == "base on harbour"}
    assert counts == {"accuracy_by_continuation": 3, "accuracy_by_continuation_clean": 2}
    assert [item.prompt_id for item in made["academic"].read(Grade)] == ["harbour/1", "harbour/2", "harbour/3"]
    assert made["academic"].counts.noted == {}, "each question was looked for"
    facts = json.loads((made["report"].path / "files" / "report.json").read_text(encoding="utf-8"))
    found = [finding["text"].replace("\u00a0", " ") for finding in facts["findings"]]
    assert any(text.startswith("harbour: accuracy by the option's text, 0 shots: base ") for text in found)
    assert {stage["name"]: stage["role"] for stage in facts["stages"]}["academic"] == "judging"


def test_the_plan_names_files_that_are_not_there_and_where_to_get_them(recipe: Path, tmp_path: Path) -> None:
    recipe.write_text(RECIPE.replace("name: harbour, files: [questions.jsonl]", "name: harbour, files: [mmlu]"), encoding="utf-8")
    plan = plan_recipe(load_recipe(recipe), tmp_path / "store")
    [missing] = plan.missing
    assert (missing.stage, missing.field, "hendrycks" in missing.how_to_get) == ("academic", "files", True)


def test_what_the_page_on_benchmarks_shows_is_a_recipe(root: Path) -> None:
    shown, looked_for = re.findall(r"```yaml\n(.*?)```", (root / "docs" / "benchmarks.md").read_text(encoding="utf-8"), re.DOTALL)
    stage = Academic.model_validate(YAML(typ="safe").load(shown)["academic"])
    assert [task.kind for task in stage.tasks] == ["multiple_choice", "multiple_choice", "open_answer", "lm_eval"]
    assert isinstance(stage.tasks[2], OpenAnswer)
    assert stage.tasks[2].instruction.endswith("####."), "an unquoted # begins a comment"
    kinds = [Stage.model_validate(fields).kind for fields in YAML(typ="safe").load(looked_for).values()]
    assert kinds == ["ingest", "contamination"]

"""Tasks of lm-eval, asked of align's own models; what needs lm-eval is skipped where the extra `eval` is missing."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
from benchmark_setting import BIRDS, birds, figures, grades, put, write_jsonl
from evaluation_setting import make_model, make_tokenizer
from pydantic import ValidationError

from align.artifact import Artifact
from align.errors import InputError
from align.evaluation.academic import Academic
from align.evaluation.benchmarks.asked import Asked
from align.evaluation.benchmarks.harness import Harness
from align.files import read_records
from align.records import Rejection, Turn

needs_lm_eval = pytest.mark.skipif(
    importlib.util.find_spec("lm_eval") is None, reason="lm-eval is not installed: pip install 'align-lm[eval]'"
)
BY_LETTER = """
dataset_path: json
dataset_kwargs: {{data_files: {{test: {file}}}}}
test_split: test
fewshot_split: test
"""
CHOICE = """
task: letters
output_type: multiple_choice
doc_to_text: "Question:\\n{{question}}\\nOptions:\\nA. {{A}}\\nB. {{B}}\\nC. {{C}}\\nD. {{D}}\\nAnswer:"
doc_to_choice: ["A", "B", "C", "D"]
doc_to_target: "{{['A', 'B', 'C', 'D'].index(answer)}}"
metric_list: [{metric: acc}, {metric: acc_norm}]
"""
ANSWER = """
task: answers
output_type: generate_until
doc_to_text: "Question:\\n{{question}}\\nAnswer:"
doc_to_target: "{{answer}}"
generation_kwargs: {until: ["2"], max_gen_toks: 5}
metric_list: [{metric: exact_match}]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with tasks of one's own, and no network."""
    import datasets

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))
    place = tmp_path / "tasks"
    place.mkdir()
    names = ("question", "A", "B", "C", "D", "answer")
    file = write_jsonl(place / "birds.jsonl", [dict(zip(names, row, strict=True)) for row in BIRDS])
    for name, text in (("letters", CHOICE), ("answers", ANSWER)):
        (place / f"{name}.yaml").write_text(BY_LETTER.format(file=file) + text, encoding="utf-8")
    return place


def task(folder: Path, name: str = "letters", **fields: Any) -> dict[str, Any]:
    return {"kind": "lm_eval", "name": name, "include": folder, **fields}


@needs_lm_eval
def test_another_lm_eval_may_ask_otherwise_so_its_version_decides_the_key(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asks = Academic.model_validate({"models": ["sft"], "tasks": [task(folder)]})
    before = asks.identity()
    monkeypatch.setattr("align.evaluation.benchmarks.harness.version", lambda name: "99")
    assert asks.identity() != before
    alone = Academic.model_validate({"models": ["sft"], "tasks": [birds(tmp_path)]})
    assert "made_by" not in alone.identity()


@needs_lm_eval
@pytest.mark.parametrize("chat", [False, True])
def test_lm_eval_finds_what_our_own_reading_of_the_same_questions_finds(
    folder: Path, tmp_path: Path, tuned: Artifact, untuned: Artifact, chat: bool
) -> None:
    put(tmp_path / "theirs", [task(folder, chat_template=chat)], untuned, tuned)
    put(tmp_path / "ours", [birds(tmp_path, chat_template=chat)], untuned, tuned)
    theirs, ours = grades(tmp_path / "theirs"), grades(tmp_path / "ours")
    for (model, name), grade in ours.items():
        other = theirs[model, f"letters/{int(name.rpartition('/')[2]) - 1}"]
        scores = [float(score) for score in grade.explanation.partition("; ")[2].split(", ")]
        listed = json.loads(
            other.explanation.removeprefix("acc: ").partition(";")[0].replace("(", "[").replace(")", "]").replace("False", "0")
        )
        assert [score for score, _ in listed] == pytest.approx(scores, abs=1e-3)
        assert other.value == grade.value
    for model in ("untuned", "tuned"):
        ours_rate = figures(tmp_path / "ours")["accuracy_by_letter", f"{model} on birds"]
        rate = figures(tmp_path / "theirs")["accuracy_by_lm_eval", f"{model} on letters"]
        assert (rate.value, rate.low, rate.high) == (ours_rate.value, ours_rate.low, ours_rate.high)
        assert "lm-eval 0." in rate.method
    assert figures(tmp_path / "theirs")["chance", "letters"].value == 0.25


@needs_lm_eval
def test_lm_evals_own_code_for_hugging_face_models_agrees(tuned: Artifact) -> None:
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    text = "Question:\nWhich bird dives?\nAnswer:"
    asked = Asked(tuned, batch_size=2)
    ours = asked.likelihoods([asked.continued((Turn("document", text),), end) for end in (" gannet", " wren")], "test")
    model = HFLM(pretrained=make_model(make_tokenizer(), 0, 512), tokenizer=make_tokenizer(), batch_size=1)
    # BOS stands in the text, for this tokenizer does not add it by itself
    requests = [Instance("loglikelihood", {}, (f"<s>{text}", end), 0) for end in (" gannet", " wren")]
    theirs = [score for score, _ in model.loglikelihood(requests, disable_tqdm=True)]
    assert [item.log_likelihood for item in ours] == pytest.approx(theirs, abs=1e-3)


@needs_lm_eval
@pytest.mark.parametrize("together", ["group", "tag"])
def test_the_tasks_of_a_group_or_a_tag_are_subjects(folder: Path, tmp_path: Path, tuned: Artifact, together: str) -> None:
    text = (folder / "letters.yaml").read_text(encoding="utf-8")
    for name in ("first", "second"):
        tag = "tag: both\n" if together == "tag" else ""
        (folder / f"{name}.yaml").write_text(text.replace("task: letters", f"task: {name}") + tag, encoding="utf-8")
    if together == "group":
        (folder / "both.yaml").write_text("group: both\ntask: [first, second]\n", encoding="utf-8")
    put(tmp_path / "both", [task(folder, "both", shots=2, limit=3)], tuned)
    put(tmp_path / "one", [task(folder, "letters", shots=2, limit=3)], tuned)
    found, alone = grades(tmp_path / "both"), grades(tmp_path / "one")
    assert list(found) == [("tuned", f"both/{name}/{number}") for name in ("first", "second") for number in range(3)]
    assert [grade.explanation for grade in found.values()] == [grade.explanation for grade in alone.values()] * 2
    assert {subject for metric, subject in figures(tmp_path / "both") if metric != "chance"} == {
        "tuned on both", "tuned on both/first", "tuned on both/second",
    }  # fmt: skip


@needs_lm_eval
def test_a_task_that_lets_the_model_write_is_cut_where_the_task_says(folder: Path, tmp_path: Path, says_42: Artifact) -> None:
    put(tmp_path / "work", [task(folder, "answers")], says_42)
    # ` 42` is cut at the 2; no question has 4 as its answer
    assert {grade.value for grade in grades(tmp_path / "work").values()} == {0}
    assert "[' 4']" in grades(tmp_path / "work")["says_42", "answers/0"].explanation
    assert ("chance", "answers") not in figures(tmp_path / "work")


@needs_lm_eval
def test_what_is_too_long_is_left_out_and_not_cut(folder: Path, tmp_path: Path, says_b: Artifact) -> None:
    rows = [dict(zip(("question", "A", "B", "C", "D", "answer"), row, strict=True)) for row in BIRDS]
    rows[2]["question"] = "Which bird swims " + "and swims " * 60 + "?"
    write_jsonl(folder / "birds.jsonl", rows)
    counts = put(tmp_path / "work", [task(folder)], says_b)
    assert (counts.kept, counts.dropped) == (3, {"academic: too long": 1})
    assert [item.example_id for item in read_records(tmp_path / "work", Rejection)] == ["letters/2"]
    assert figures(tmp_path / "work")["accuracy_by_lm_eval", "says_b on letters"].value == pytest.approx(1 / 3)


@needs_lm_eval
def test_solved_questions_and_another_metric_can_be_asked_for(folder: Path, tmp_path: Path, tuned: Artifact) -> None:
    put(tmp_path / "none", [task(folder, score="acc_norm")], tuned)
    put(tmp_path / "two", [task(folder, score="acc_norm", shots=2)], tuned)
    none, two = (grades(tmp_path / name)["tuned", "letters/0"].explanation for name in ("none", "two"))
    assert none.startswith("acc_norm: ")
    assert none != two
    assert ("accuracy_by_lm_eval_acc_norm", "tuned on letters") in figures(tmp_path / "two")


@needs_lm_eval
@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": "lettres"}, "lm-eval has no task 'lettres'; did you mean 'letters'"),
        ({"score": "acc_nrom"}, "score 'acc_nrom' gives no figure from 0 to 1 for each question; did you mean 'acc_norm'"),
        ({"filter": "strict"}, "has no filter 'strict'; known: 'none'|has no filter 'strict'; known: none"),
    ],
)
def test_a_slip_in_a_name_is_told(folder: Path, tmp_path: Path, says_b: Artifact, fields: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        put(tmp_path / "work", [task(folder, **fields)], says_b)


@needs_lm_eval
def test_tasks_that_run_code_draw_answers_or_score_whole_texts_are_refused(
    folder: Path, tmp_path: Path, says_b: Artifact
) -> None:
    for change, said in (
        ("unsafe_code: true", "never runs what a model wrote"),
        ("repeats: 4", "draws its answers at random"),
        ("output_type: loglikelihood", "wants loglikelihood; align asks tasks of the types"),
    ):
        text = (folder / "answers.yaml").read_text(encoding="utf-8")
        changed = text.replace("output_type: generate_until", change) if "output" in change else f"{text}{change}\n"
        place = tmp_path / said[:5]
        place.mkdir()
        (place / "answers.yaml").write_text(changed, encoding="utf-8")
        with pytest.raises(InputError, match=said):
            put(tmp_path / "work", [task(place, "answers")], says_b)


@needs_lm_eval
def test_data_that_are_not_there_are_named_with_a_remedy(folder: Path, tmp_path: Path, says_b: Artifact) -> None:
    (folder / "birds.jsonl").unlink()
    with pytest.raises(InputError, match="task letters: its data set cannot be read: FileNotFoundError.*run once with a network"):
        put(tmp_path / "work", [task(folder)], says_b)


def test_without_lm_eval_the_extra_is_named_before_anything_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("align.evaluation.benchmarks.harness.find_spec", lambda name: None)
    [lack] = Harness.model_validate(task(tmp_path)).lacks()
    assert (lack.what, "pip install 'align-lm[eval]'" in lack.how_to_get) == ("lm-eval is not installed", True)


@pytest.mark.parametrize("name", ["humaneval", "humaneval_plus", "mbpp_instruct"])
def test_what_runs_code_is_refused_by_name(name: str) -> None:
    with pytest.raises(ValidationError, match="align never runs what a model wrote. Export the model"):
        Harness.model_validate({"kind": "lm_eval", "name": name, "revision": "abc"})


def test_a_data_set_of_the_hub_needs_its_commit() -> None:
    with pytest.raises(ValidationError, match="write revision: the commit of the task's data set"):
        Harness.model_validate({"kind": "lm_eval", "name": "arc_easy"})

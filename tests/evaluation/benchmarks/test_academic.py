"""The `academic` stage: several models on the same questions."""

from pathlib import Path
from typing import Any

import pytest
from benchmark_setting import BIRDS, birds, figures, grades, put, write_csv
from bigram_model import save_bigrams
from evaluation_setting import run_stage, save_model, save_records
from pydantic import ValidationError

from align.artifact import MANIFEST, Artifact, Counts, content_hash
from align.errors import EmptyResult, InputError
from align.evaluation.academic import Academic
from align.evaluation.benchmarks import asked as asking
from align.evaluation.benchmarks.benchmark import Outcome
from align.evaluation.benchmarks.measures import measure
from align.evaluation.benchmarks.multiple_choice import MultipleChoice
from align.files import read_records, write_json
from align.models import load_model, load_tokenizer
from align.parts import Part
from align.records import Example, Origin, Rejection, Turn
from align.training.sft import FineTuning


@pytest.fixture(scope="module")
def says_a(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    return save_bigrams(tmp_path_factory.mktemp("says-a"), "says_a", {("Ġ", "A"): 3.0})


def test_each_model_is_measured_against_the_one_before_it_on_the_same_questions(
    says_a: Artifact, says_b: Artifact, tmp_path: Path
) -> None:
    counts = put(tmp_path / "work", [birds(tmp_path)], says_a, says_b)
    change = figures(tmp_path / "work")["accuracy_by_letter_change", "says_b against says_a on birds"]
    # right are B, A, B, C: A is right once and B twice, so two are gained and one is lost of four
    assert change.value == 0.25
    assert "2 gained, 1 lost" in change.method
    # McNemar of 2 against 1: 2 * (1 + 3) / 2^3, no more than 1
    assert "p = 1" in change.method
    assert change.low < 0 < change.high
    assert (counts.read, counts.kept) == (4, 4)


def test_what_one_model_cannot_read_is_asked_of_none(says_b: Artifact, tmp_path: Path) -> None:
    asked = birds(tmp_path)
    long = (f"Which bird {'really ' * 40}sings?", "auk", "wren", "emu", "rhea", "B")
    write_csv(tmp_path / "birds_test.csv", [*BIRDS, long])
    short = save_bigrams(tmp_path / "short", "short", {("Ġ", "B"): 1.0}, context=128)
    counts = put(tmp_path / "work", [asked], says_b, short)
    assert (counts.read, counts.kept, counts.dropped) == (5, 4, {"academic: too long": 1})
    [rejection] = read_records(tmp_path / "work", Rejection)
    # BOS, `Question:` and a line feed, the question, `Options:` with 4 options, `Answer:`, and ` B`
    text = f"Question:\n{long[0]}\nOptions:\nA. auk\nB. wren\nC. emu\nD. rhea\nAnswer: B"
    assert (rejection.example_id, rejection.detail) == ("birds/5", f"{len(text) + 1} tokens, short reads 128")
    assert {item[1] for item in grades(tmp_path / "work")} == {f"birds/{number}" for number in (1, 2, 3, 4)}
    tiny = save_bigrams(tmp_path / "tiny", "tiny", {("Ġ", "B"): 1.0}, context=32)
    with pytest.raises(EmptyResult, match=r"no question of birds is left of 5 \(the first: \d+ tokens, tiny reads 32"):
        put(tmp_path / "none", [asked], tiny)


def test_a_killed_run_asks_only_the_models_that_are_missing(
    says_a: Artifact, says_b: Artifact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "work", [birds(tmp_path)], says_a, says_b)
    before = content_hash(tmp_path / "work")
    (tmp_path / "work" / "scratch" / "1-birds.json").unlink()
    loaded = []
    real = asking.load_model
    monkeypatch.setattr(asking, "load_model", lambda model: loaded.append(model.name) or real(model))
    put(tmp_path / "work", [birds(tmp_path)], says_a, says_b)
    assert loaded == ["says_b"]
    assert content_hash(tmp_path / "work") == before


def test_the_size_of_batches_changes_nothing(tuned: Artifact, tmp_path: Path) -> None:
    for size in (1, 7):
        put(tmp_path / f"by-{size}", [birds(tmp_path)], tuned, batch_size=size)
    one, seven = (grades(tmp_path / f"by-{size}") for size in (1, 7))
    assert [item.explanation.partition(";")[0] for item in one.values()] == [
        item.explanation.partition(";")[0] for item in seven.values()
    ]


def question(number: int, text: str, *tags: str) -> Example:
    return Example(f"birds/{number}", (Turn("user", text),), Origin("test", str(number)), tags)


def tagging(folder: Path, counts: Counts, *examples: Example) -> Artifact:
    made = save_records(folder, "looked_for", examples)
    manifest = {"kind": "contamination", "counts": {"read": counts.read, "kept": counts.kept, "dropped": counts.dropped}}
    return Artifact(made.name, made.key, made.content, made.path, manifest)


def test_without_questions_of_the_training_set_accuracy_is_told_once_more(says_b: Artifact, tmp_path: Path) -> None:
    # the first one, which the model has right, stands in the training set; the fourth was not looked for
    looked_for = tagging(
        tmp_path / "tagged",
        Counts(3, 3),
        question(1, f" {BIRDS[0][0].upper()}", "contaminated"),
        question(2, BIRDS[1][0]),
        question(3, BIRDS[2][0]),
    )
    counts = put(tmp_path / "work", [birds(tmp_path)], says_b, contamination=[looked_for])
    found = figures(tmp_path / "work")
    assert found["accuracy_by_letter", "says_b on birds"].value == 0.5
    clean = found["accuracy_by_letter_clean", "says_b on birds"]
    # right are A, B, C
    assert (clean.value, clean.count) == (pytest.approx(1 / 3), 3)
    assert "without 1 that stand in the training set" in clean.method
    assert counts.noted == {"not looked for in the training set": 1}
    dropping = tagging(tmp_path / "dropped", Counts(3, 2, {"contamination: in train": 1}), question(2, BIRDS[1][0]))
    with pytest.raises(InputError, match="write action: tag in it"):
        put(tmp_path / "refused", [birds(tmp_path)], says_b, contamination=[dropping])


def test_questions_that_stand_twice_are_not_independent() -> None:
    task = Part.families["benchmark"].kinds["multiple_choice"]
    assert task is MultipleChoice
    asked = MultipleChoice.model_validate({"kind": "multiple_choice", "name": "q", "files": ["q.csv"], "options": ["A", "B"]})
    outcomes = [
        Outcome(f"q/{number}", "", ("Same?" if number < 2 else "Other?",), 1.0 * (number < 2), "", 2) for number in range(3)
    ]
    rate = next(item for item in measure(asked, {"m": outcomes}, None) if item.metric == "accuracy_by_letter")
    assert (rate.value, rate.count) == (pytest.approx(2 / 3), 2)
    assert "clustered" in rate.method


def test_scores_between_right_and_wrong_have_an_interval_inside_0_and_1() -> None:
    asked = MultipleChoice.model_validate({"kind": "multiple_choice", "name": "q", "files": ["q.csv"], "options": ["A", "B"]})
    outcomes = [Outcome(f"q/{number}", "", (f"{number}",), score, "") for number, score in enumerate((0.5, 1.0, 1.0))]
    lower = [Outcome(item.id, "", item.asks, item.score / 2, "") for item in outcomes]
    rate, _, change = measure(asked, {"old": outcomes, "new": lower}, None)
    # mean of 0.5, 1, 1 is 5/6; the error is 1/6 and t of 2 degrees 4.30, which leads beyond 1
    assert (rate.value, rate.high) == (pytest.approx(5 / 6), 1.0)
    assert rate.low == pytest.approx(5 / 6 - 4.3027 / 6, abs=1e-3)
    assert change.value == pytest.approx(-5 / 12)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"models": ["sft", "sft"]}, "a model is named twice"),
        ({"tasks": "twice"}, "two tasks are called 'birds'"),
        ({"tasks": []}, "at least 1 item"),
        ({"tasks": [{"kind": "multiple_choise", "name": "x"}]}, "unknown benchmark kind 'multiple_choise'; did you mean 'multiple_choice'"),
        ({"tasks": "spaced"}, "should match pattern"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_the_stage_is_said_before_anything_runs(tmp_path: Path, fields: dict[str, Any], said: str) -> None:
    ready = {"twice": [birds(tmp_path)] * 2, "spaced": [birds(tmp_path, name="all birds")]}
    tasks = fields.get("tasks", [birds(tmp_path)])
    with pytest.raises(ValidationError, match=said):
        Academic.model_validate(
            {
                "kind": "academic",
                "models": ["sft"],
                **fields,
                "tasks": ready.get(tasks, tasks) if isinstance(tasks, str) else tasks,
            }
        )


@pytest.mark.slow
def test_an_adapter_is_asked_as_the_model_that_it_makes_of_its_base(tmp_path: Path) -> None:
    base = save_model(tmp_path / "base", "base", with_eot=False, context=512)
    write_json(base.path / MANIFEST, {"stage": "base", "kind": "base_model", "content": base.content})
    turns = (Turn("user", "Which bird is it?"), Turn("assistant", "B"))
    data = save_records(tmp_path / "data", "data", [Example("a/1", turns, Origin("test", "1"))])
    fields = {
        "model": "base",
        "epochs": 2,
        "batch_size": 1,
        "max_tokens": 64,
        "learning_rate": 0.1,
        "final_learning_rate": 0.1,
        "seed": 1,
    }
    tuning = FineTuning.model_validate({"kind": "sft", **fields, "loss_on": "response", "adapter": {"kind": "lora", "rank": 2}})
    run_stage(tuning, tmp_path / "lora", [data], model=base)
    lora = Artifact("lora", "key-lora", "content-lora", tmp_path / "lora", {"kind": "sft"})
    load_model(lora).save_pretrained(tmp_path / "whole" / "model")
    load_tokenizer(lora).save_pretrained(tmp_path / "whole" / "model")
    whole = Artifact("whole", "key-whole", "content-whole", tmp_path / "whole", {"kind": "sft"})
    put(tmp_path / "work", [birds(tmp_path, chat_template=True)], base, lora, whole)
    found: dict[str, list[str]] = {"base": [], "lora": [], "whole": []}
    for (model, _), grade in grades(tmp_path / "work").items():
        found[model].append(grade.explanation)
    assert found["lora"] == found["whole"] != found["base"]

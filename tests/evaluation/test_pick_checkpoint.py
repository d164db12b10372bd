"""The `pick_checkpoint` stage on random models."""

import csv
import os
import shutil
from pathlib import Path
from typing import Any, Literal

import pytest
from evaluation_setting import prompt, run_stage, save_model, save_records
from pydantic import ValidationError

from align.artifact import Artifact
from align.errors import InputError
from align.evaluation import answering
from align.evaluation.perplexity import Perplexity
from align.evaluation.pick_checkpoint import PickCheckpoint
from align.files import hash_tree, read_records
from align.judges.judge import Judge, Rating
from align.judges.longest import Longest
from align.models import checkpoint_names, load_model, model_place
from align.recipe import load_recipe
from align.records import Example, Grade, Measurement, Origin, Response, Turn
from align.runner import run_recipe
from align.stage import Forecast


class Vowels(Judge):
    """Grades by the vowels of a response: something that differs between random models and is the same each time."""

    kind: Literal["vowels"] = "vowels"

    def grade(self, prompt: tuple[Turn, ...], response: str) -> Rating:
        return Rating(1.0 + sum(response.count(letter) for letter in "aeiou") % 6)


@pytest.fixture(scope="module")
def sft(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    return save_model(tmp_path_factory.mktemp("sft"), "sft", epochs=6)


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    asked = ["Why is the sky blue?", "Tea?", "How do I boil an egg", "Name a river"]
    return save_records(tmp_path_factory.mktemp("dev"), "dev", [prompt(n, text) for n, text in enumerate(asked)])


def small(**fields: object) -> PickCheckpoint:
    usual: dict[str, object] = {"model": "sft", "max_new_tokens": 8, "batch_size": 4, "seed": 1, "judge": Vowels()}
    return PickCheckpoint.model_validate(usual | fields)


def by_hand(grades: list[Grade], epochs: range) -> int:
    """The epoch with the highest sum of grades, the earliest of equal ones."""
    sums = {epoch: sum(item.value for item in grades if item.model == f"sft/epoch-{epoch:02d}") for epoch in epochs}
    return min(epochs, key=lambda epoch: (-sums[epoch], epoch))


def test_the_model_of_the_highest_graded_epoch_is_given_on_without_a_copy(sft: Artifact, dev: Artifact, tmp_path: Path) -> None:
    counts = run_stage(small(epochs=[2, 5]), tmp_path, [dev], model=sft)
    grades = list(read_records(tmp_path, Grade))
    assert {item.model for item in grades} == {f"sft/epoch-{epoch:02d}" for epoch in range(2, 6)}
    assert (len(grades), counts.read, counts.kept) == (4 * 4, 4, 4)
    best = by_hand(grades, range(2, 6))
    assert counts.noted == {"responses": 16, "checkpoints": 4, "picked_epoch": best}
    theirs = sft.path / "checkpoints" / f"epoch-{best:02d}"
    assert hash_tree(tmp_path / "model") == hash_tree(theirs)
    assert all(file.samefile(theirs / file.name) for file in (tmp_path / "model").iterdir())  # one file, two names
    picked = Artifact("picked", "key", "content", tmp_path, {"kind": "pick_checkpoint"})
    assert model_place(picked).path == str(tmp_path / "model")
    assert checkpoint_names(picked) == []
    ours, same = load_model(picked), load_model(sft, f"epoch-{best:02d}")
    assert (ours.lm_head.weight == same.lm_head.weight).all()


def test_checkpoints_answer_as_the_generate_stage_lets_them(sft: Artifact, dev: Artifact, tmp_path: Path) -> None:
    from align.evaluation.generate import Generate

    run_stage(small(epochs=[2, 3]), tmp_path / "pick", [dev], model=sft)
    run_stage(Generate(model="sft", checkpoint="epoch-03", max_new_tokens=8, seed=1), tmp_path / "one", [dev], model=sft)
    picked = [item for item in read_records(tmp_path / "pick", Response) if item.model == "sft/epoch-03"]
    assert picked == list(read_records(tmp_path / "one", Response))


def test_by_default_limas_epochs_are_compared_as_far_as_they_are_there(sft: Artifact, dev: Artifact, tmp_path: Path) -> None:
    run_stage(small(), tmp_path / "six", [dev], model=sft)
    [row] = [item for item in read_records(tmp_path / "six", Measurement) if item.metric == "picked_epoch"]
    assert "of epochs 5, 6 (what sft has; LIMA compares 5 to 10)" in row.method
    short = save_model(tmp_path / "short", "sft", epochs=2)
    run_stage(small(), tmp_path / "two", [dev], model=short)
    [row] = [item for item in read_records(tmp_path / "two", Measurement) if item.metric == "picked_epoch"]
    assert "of epochs 1, 2 (what sft has; LIMA compares 5 to 10)" in row.method


def test_epochs_that_are_not_there_are_told_with_those_that_are(sft: Artifact, dev: Artifact, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"sft has no checkpoint of epoch 7, 8 \(it has: 1, 2, 3, 4, 5, 6\)"):
        run_stage(small(epochs=[5, 8]), tmp_path, [dev], model=sft)
    base = save_model(tmp_path / "base", "base")
    with pytest.raises(InputError, match=r"base has too few checkpoints to compare \(epochs: none\)"):
        run_stage(small(), tmp_path / "work", [dev], model=base)


def test_perplexity_stands_beside_the_grades_and_changes_nothing(sft: Artifact, dev: Artifact, tmp_path: Path) -> None:
    turns = (Turn("user", "Tea?"), Turn("assistant", "Yes, please."))
    texts = save_records(tmp_path / "texts", "texts", [Example(f"t{n}", turns, Origin("test", str(n))) for n in range(2)])
    run_stage(small(epochs=[2, 4]), tmp_path / "without", [dev], model=sft)
    run_stage(small(epochs=[2, 4], held_out="texts"), tmp_path / "examples", [dev], model=sft, held_out=texts)
    with_it = list(read_records(tmp_path / "examples", Measurement))
    assert [item.subject for item in with_it if item.metric == "perplexity"] == [f"sft/epoch-0{n}" for n in (2, 3, 4)]
    rest = [item for item in with_it if item.metric != "perplexity"]
    assert rest == list(read_records(tmp_path / "without", Measurement))
    # or measured by a stage of its own: then it is not said twice
    run_stage(Perplexity(model="sft"), tmp_path / "perplexity", [texts], model=sft)
    measured = Artifact("perplexity", "k", "c", tmp_path / "perplexity", {"kind": "perplexity"})
    run_stage(small(epochs=[2, 4], held_out="perplexity"), tmp_path / "stage", [dev], model=sft, held_out=measured)
    assert list(read_records(tmp_path / "stage", Measurement)) == rest


def test_a_perplexity_stage_of_another_model_is_refused(sft: Artifact, dev: Artifact, tmp_path: Path) -> None:
    other = save_records(tmp_path / "p", "perplexity", [Measurement("perplexity", "base", 9.0)])
    measured = Artifact("perplexity", "k", "c", other.path, {"kind": "perplexity"})
    with pytest.raises(InputError, match="perplexity measured base, and none of sft/epoch-02, sft/epoch-03"):
        run_stage(small(epochs=[2, 3], held_out="perplexity"), tmp_path / "w", [dev], model=sft, held_out=measured)


def test_where_the_disk_has_no_hard_links_symbolic_ones_stand_in_and_survive_a_move(
    sft: Artifact, dev: Artifact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(1, "Operation not permitted")

    store = tmp_path / "store"
    shutil.copytree(sft.path, store / "sft-key")
    there = Artifact("sft", "k", "c", store / "sft-key", {"kind": "sft"})
    monkeypatch.setattr(os, "link", refuse)
    run_stage(small(epochs=[2, 3]), store / "picked-key", [dev], model=there)
    assert (store / "picked-key" / "model" / "model.safetensors").is_symlink()
    os.replace(store, tmp_path / "moved")
    load_model(Artifact("picked", "k", "c", tmp_path / "moved" / "picked-key", {"kind": "pick_checkpoint"}))


def test_one_voice_is_asked_for_and_one_that_grades() -> None:
    with pytest.raises(ValidationError, match="give either `judge` .* or `grades`"):
        small(judge=None)
    with pytest.raises(ValidationError, match="give either `judge` .* or `grades`"):
        small(grades="mine.csv")
    with pytest.raises(ValidationError, match="longest compares responses and gives no grades"):
        small(judge=Longest())
    with pytest.raises(ValidationError, match="at least two of them"):
        small(epochs=[5, 5])


def test_the_forecast_has_the_models_shape_and_says_who_is_waited_for(tmp_path: Path) -> None:
    stage = small(judge=None, grades=str(tmp_path / "mine.csv"), samples=2)
    found = stage.forecast([Forecast(50, basis="exact")], {"model": Forecast(model={"hidden_size": 8})})
    assert found.model == {"hidden_size": 8}
    # 50 prompts, 2 responses each, epochs 5 to 10
    assert (found.examples, found.basis, found.figures["responses"]) == (600, "exact", 600)
    assert found.notes == (f"stops for people: {tmp_path / 'mine.csv'} is not there yet; the run writes the sheet to fill in",)


PLUGIN = """
import shutil
from pathlib import Path
from typing import Literal
from align.artifact import Counts
from align.stage import Inputs, Stage

class Trained(Stage):
    kind: Literal["trained"] = "trained"
    path: str

    def run(self, inputs: Inputs, work: Path) -> Counts:
        shutil.copytree(self.path, work, dirs_exist_ok=True)
        return Counts(1, 1)
"""

RECIPE = """\
name: pick
plugins: [trained.py]
stages:
  dev: {{kind: ingest, source: {{kind: json_lines, paths: [dev.jsonl]}}}}
  sft: {{kind: trained, inputs: [], path: {sft}}}
  picked:
    kind: pick_checkpoint
    inputs: [dev]
    model: sft
    epochs: [2, 4]
    grades: [anna.csv, ben.csv]
    max_new_tokens: 8
"""


@pytest.fixture
def recipe(sft: Artifact, tmp_path: Path) -> Path:
    (tmp_path / "trained.py").write_text(PLUGIN, encoding="utf-8")
    rows = "".join(f'{{"id": "{n}", "prompt": "Question {n}?"}}\n' for n in range(3))
    (tmp_path / "dev.jsonl").write_text(rows, encoding="utf-8")
    path = tmp_path / "pick.yaml"
    path.write_text(RECIPE.format(sft=sft.path), encoding="utf-8")
    return path


def fill(sheet: Path, target: Path, grade: str) -> None:
    with sheet.open(encoding="utf-8-sig", newline="") as read, target.open("w", encoding="utf-8", newline="") as write:
        rows = list(csv.DictReader(read))
        table = csv.DictWriter(write, rows[0])
        table.writeheader()
        table.writerows(row | {"grade": grade} for row in rows)


def test_the_run_waits_for_people_and_goes_on_with_the_answers_they_graded(
    recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "store"
    with pytest.raises(
        InputError, match=r"stage picked: grades: 9 responses wait for people\. copy .*sheet-1\.csv to .*anna\.csv"
    ):
        run_recipe(load_recipe(recipe), store)
    [first, second] = sorted(store.glob("artifacts/*.partial/files/*.csv"))
    fill(first, tmp_path / "anna.csv", "3")
    with pytest.raises(InputError, match=r"copy \S*sheet-2\.csv to \S*ben\.csv, fill"):
        run_recipe(load_recipe(recipe), store)

    def never(*_: object) -> None:
        raise AssertionError("the answers are there already")

    monkeypatch.setattr(answering, "load_model", never)
    fill(second, tmp_path / "ben.csv", "4")
    made = run_recipe(load_recipe(recipe), store)["picked"]
    # all are equal: the earliest; the mean of 3 and 4
    assert made.counts.noted["picked_epoch"] == 2
    assert {item.judge for item in made.read(Grade)} == {"person 1", "person 2"}
    means = [item.value for item in made.read(Measurement) if item.metric == "helpfulness"]
    assert means == [3.5, 3.5, 3.5]
    # someone thinks again: another artifact, from the same answers
    fill(second, tmp_path / "ben.csv", "5")
    again = run_recipe(load_recipe(recipe), store)["picked"]
    assert again.key != made.key
    assert [item.value for item in again.read(Measurement) if item.metric == "helpfulness"] == [4.0, 4.0, 4.0]


def test_the_forecast_counts_the_checkpoints_that_the_training_keeps() -> None:
    def responses(kept: tuple[int, ...], **fields: Any) -> tuple[float, tuple[str, ...]]:
        stage = PickCheckpoint(model="sft", judge=Vowels(), **fields)
        found = stage.forecast([Forecast(50, basis="exact")], {"model": Forecast(checkpoints=kept)})
        return found.figures["responses"], found.notes

    assert responses((5, 6, 7, 8, 9, 10, 15)) == (6 * 50, ())
    assert responses((5, 10, 15)) == (2 * 50, ())  # what there is of 5 to 10
    assert responses((1, 2, 3)) == (3 * 50, ())  # a short training: all
    assert responses((), epochs=(5, 10)) == (6 * 50, ())  # a model that nothing is known of
    count, notes = responses((1, 2, 3), epochs=(2, 4))
    assert (count, notes) == (2 * 50, ("the run will refuse epochs: sft keeps no model after epoch 4",))

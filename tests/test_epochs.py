import os
from pathlib import Path

import pytest

from align.artifact import load_artifact
from align.errors import InputError
from align.housekeeping import remove, rubbish_of, spare_models
from align.models import checkpoint_names, model_place
from align.recipe import load_recipe
from align.runner import run_recipe

PLUGIN = """
import os
from pathlib import Path
from typing import Literal
from align.artifact import Counts
from align.models import take_checkpoint
from align.parts import StageName
from align.stage import Inputs, Stage

class Train(Stage):
    kind: Literal["train"] = "train"
    epochs: int = 3

    def run(self, inputs: Inputs, work: Path) -> Counts:
        for epoch in range(1, self.epochs + 1):
            folder = work / "checkpoints" / f"epoch-{epoch:02d}"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "model.safetensors").write_bytes(bytes([epoch]) * 1000)
        (work / "model").mkdir(exist_ok=True)
        os.link(folder / "model.safetensors", work / "model" / "model.safetensors")
        return Counts(1, 1)

class Choose(Stage):
    kind: Literal["choose"] = "choose"
    model: StageName

    def run(self, inputs: Inputs, work: Path) -> Counts:
        take_checkpoint(inputs.named["model"], "epoch-02", work)
        return Counts(1, 1)
"""

RECIPE = """\
name: epochs
plugins: [train.py]
stages:
  sft: {kind: train, inputs: []}
  chosen: {kind: choose, inputs: [], model: sft}
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    (tmp_path / "train.py").write_text(PLUGIN, encoding="utf-8")
    path = tmp_path / "epochs.yaml"
    path.write_text(RECIPE, encoding="utf-8")
    return path


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


def names(store: Path) -> list[str]:
    return [item.path.name for item in spare_models(store)[0]]


def test_models_of_epochs_go_once_they_have_served_and_the_artifact_stays_what_it_is(recipe: Path, store: Path) -> None:
    sft = run_recipe(load_recipe(recipe), store)["sft"]
    found, kept = spare_models(store)
    # epoch 3 is model/ too and epoch 2 was chosen: a second name each, so that nothing would be freed
    assert [(item.path.name, item.bytes) for item in found] == [("epoch-01", 1000)]
    assert kept == []
    assert remove(found, store) == 1000
    again = load_artifact(store, sft.key)
    assert again is not None
    assert (again.key, again.content, again.manifest["removed"]) == (sft.key, sft.content, ["epoch-01"])
    assert run_recipe(load_recipe(recipe), store)["sft"].manifest["started"] == sft.manifest["started"]  # reused, not made again
    assert model_place(again).path == str(again.path / "model")
    assert names(store) == []


def test_who_asks_for_a_removed_epoch_is_told_that_it_was_there(recipe: Path, store: Path) -> None:
    sft = run_recipe(load_recipe(recipe), store)["sft"]
    remove(spare_models(store)[0], store)
    again = load_artifact(store, sft.key)
    assert again is not None
    # all of them: else a stage that reads all checkpoints would quietly read fewer, under the key of those that read three
    assert checkpoint_names(again) == ["epoch-01", "epoch-02", "epoch-03"]
    with pytest.raises(
        InputError, match=r"'sft': its checkpoint epoch-01 was removed by `align gc --checkpoints`.*is trained anew"
    ):
        model_place(again, "epoch-01")


def test_epochs_stay_while_a_stage_that_names_the_model_is_still_to_be_made(recipe: Path, store: Path) -> None:
    run_recipe(load_recipe(recipe), store, until="sft")
    found, [said] = spare_models(store)
    assert found == []
    assert said.startswith("sft keeps all epochs (")
    assert said.endswith("is not made yet")
    assert "chosen of run " in said


def test_an_epoch_that_was_picked_by_a_symbolic_link_stays(recipe: Path, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(1, "Operation not permitted")

    run_recipe(load_recipe(recipe), store, until="sft")
    with monkeypatch.context() as patch:
        patch.setattr(os, "link", refuse)
        chosen = run_recipe(load_recipe(recipe), store)["chosen"]
    assert (chosen.path / "model" / "model.safetensors").is_symlink()
    assert names(store) == ["epoch-01"]


def test_a_removal_that_was_stopped_in_the_middle_counts_and_is_finished_later(
    recipe: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sft = run_recipe(load_recipe(recipe), store)["sft"]

    def stop(_: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("align.epochs.shutil.rmtree", stop)
        with pytest.raises(KeyboardInterrupt):
            remove(spare_models(store)[0], store)
    again = load_artifact(store, sft.key)
    assert again is not None
    with pytest.raises(InputError, match="was removed"):
        model_place(again, "epoch-01")
    assert names(store) == ["epoch-01"]
    remove(spare_models(store)[0], store)
    assert not (sft.path / "checkpoints" / "epoch-01").exists()


def test_without_being_asked_gc_leaves_epochs_alone(recipe: Path, store: Path) -> None:
    run_recipe(load_recipe(recipe), store)
    assert [item for item in rubbish_of(store) if item.what not in ("lock", "hash")] == []


def test_the_command_shows_them_and_removes_them_only_when_told(recipe: Path, store: Path, tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from align.cli import app

    run_recipe(load_recipe(recipe), store)
    shown = CliRunner().invoke(app, ["gc", "--checkpoints", "--store", str(store)])
    assert "epoch-01" in shown.stdout
    assert "of an epoch of sft" in shown.stdout
    assert "`align gc --checkpoints --yes` removes them" in shown.stderr
    assert names(store) == ["epoch-01"]
    assert CliRunner().invoke(app, ["gc", "--checkpoints", "--yes", "--store", str(store)]).exit_code == 0
    assert names(store) == []

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from event_files import events
from small_models import TINY, document, question, records, run

from align.errors import TrainingRefused
from align.training.checkpoints import newest_verified, seal, trainer_folder
from align.training.metrics import read_metrics
from align.training.pretrain import Pretraining
from align.training.sft import FineTuning

ASKED = {"data": "d", "parameters": {"seed": 1}, "processes": 1}


def checkpoint(work: Path, step: int) -> Path:
    folder = trainer_folder(work) / f"checkpoint-{step}"
    folder.mkdir(parents=True)
    for name in ("model.safetensors", "optimizer.pt", "scheduler.pt", "rng_state.pth", "trainer_state.json"):
        (folder / name).write_text(f"{name} at {step}")
    return folder


@pytest.fixture
def work(tmp_path):
    """Two sealed checkpoints and the model of the first epoch."""
    (tmp_path / "checkpoints" / "epoch-01").mkdir(parents=True)
    (tmp_path / "checkpoints" / "epoch-01" / "model.safetensors").write_text("weights")
    for step in (9, 10):
        checkpoint(tmp_path, step)
        seal(tmp_path, step, ASKED)
    return tmp_path


def test_the_newest_is_the_one_with_the_highest_step_and_not_the_last_in_the_alphabet(work):
    assert newest_verified(work, ASKED).name == "checkpoint-10"


def test_nothing_to_go_on_from_is_no_error(tmp_path):
    assert newest_verified(tmp_path, ASKED) is None


def test_a_checkpoint_without_a_seal_is_deleted_and_the_one_before_is_taken(work):
    unsealed = checkpoint(work, 11)
    assert newest_verified(work, ASKED).name == "checkpoint-10"
    assert not unsealed.exists()


# transformers resumes without a word from these three, with other weights
@pytest.mark.parametrize("name", ["optimizer.pt", "scheduler.pt", "rng_state.pth"])
def test_a_missing_file_is_seen(work, name):
    (trainer_folder(work) / "checkpoint-10" / name).unlink()
    assert newest_verified(work, ASKED).name == "checkpoint-9"


def test_a_changed_byte_is_seen(work):
    (trainer_folder(work) / "checkpoint-10" / "optimizer.pt").write_text("optimizer.pt at 11")
    assert newest_verified(work, ASKED).name == "checkpoint-9"


def test_a_seal_that_was_cut_off_is_no_seal(work):
    (trainer_folder(work) / "checkpoint-10" / "seal.json").write_text('{"files": {')
    assert newest_verified(work, ASKED).name == "checkpoint-9"


def test_a_checkpoint_whose_epochs_model_is_gone_cannot_be_trusted(work):
    (work / "checkpoints" / "epoch-01" / "model.safetensors").unlink()
    assert newest_verified(work, ASKED) is None


def test_other_data_are_refused_with_the_remedy(work):
    with pytest.raises(TrainingRefused, match=r"made with other data \(data: d then, e now\)\. To start over, delete"):
        newest_verified(work, {**ASKED, "data": "e"})


def kill_when_it_has_saved(order: dict, step: int) -> None:
    """SIGKILL the training once the checkpoint of `step`, or a later one, is sealed."""
    code = "import json, sys; from small_models import run_elsewhere; run_elsewhere(json.loads(sys.argv[1]))"
    home = Path(order["work"]).with_name("home")
    home.mkdir()
    paths = os.pathsep.join([str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = os.environ | {"PYTHONPATH": paths, "HOME": str(home)}
    child = subprocess.Popen([sys.executable, "-W", "error", "-c", code, json.dumps(order)], env=environment, cwd=home)
    while child.poll() is None:
        sealed = trainer_folder(Path(order["work"])).glob("checkpoint-*/seal.json")
        if any(int(path.parent.name.removeprefix("checkpoint-")) >= step for path in sealed):
            child.send_signal(signal.SIGKILL)
            child.wait()
        time.sleep(0.002)
    assert child.returncode == -signal.SIGKILL
    assert not (Path(order["work"]) / "model").exists()  # it was in the middle
    assert os.listdir(home) == []  # no caches of datasets, transformers or TRL


def saved_steps(work: Path) -> list[int]:
    found = trainer_folder(work).glob("checkpoint-*/seal.json")
    return sorted(int(path.parent.name.removeprefix("checkpoint-")) for path in found)


@pytest.mark.slow
def test_fine_tuning_killed_within_an_epoch_ends_with_the_same_bytes(tmp_path, base):
    data = records(tmp_path / "data", "data", map(question, range(12)))
    # 12 examples in batches of 4, cut in two or more: three steps an epoch; dropout, so that random numbers matter
    fields = {"model": "base", "loss_on": "response", "epochs": 12, "batch_size": 4, "micro_batch_tokens": 40, "max_tokens": 64}
    fields |= {"learning_rate": 1e-3, "final_learning_rate": 1e-4, "residual_dropout": 0.1, "tracking": ["tensorboard"]}
    work = tmp_path / "killed"
    order = {"kind": "sft", "fields": fields, "work": str(work), "data": [str(data.path)], "named": {"model": str(base.path)}}
    kill_when_it_has_saved(order | {"every": 1}, 7)
    newest = saved_steps(work)[-1]
    if newest % 3 == 0:  # the end of an epoch: without its seal the one before counts
        (trainer_folder(work) / f"checkpoint-{newest}" / "seal.json").unlink()
    stage = FineTuning(**fields)
    resumed = run(stage, work, "sft", (data,), model=base)
    whole = run(stage, tmp_path / "whole", "sft", (data,), model=base)
    assert resumed.content == whole.content
    # the kill left rows and events of steps that were made again: each stands there once
    assert [row["step"] for row in read_metrics(work / "logs" / "metrics.parquet")] == list(range(1, 37))
    assert [step for step, _ in events(work / "logs" / "tensorboard", "train/num_tokens")] == list(range(1, 37))


@pytest.mark.slow
def test_pretraining_killed_and_its_newest_checkpoint_incomplete_ends_with_the_same_bytes(tmp_path, tokenizer_artifact):
    data = records(tmp_path / "data", "data", map(document, range(20)))
    fields = {"tokenizer": "tokenizer", "model": TINY, "max_tokens": 64, "batch_size": 8, "learning_rate": 1e-2, "epochs": 10}
    work = tmp_path / "killed"
    order = {"kind": "pretrain", "fields": fields, "work": str(work), "data": [str(data.path)], "every": 500}
    kill_when_it_has_saved(order | {"named": {"tokenizer": str(tokenizer_artifact.path)}}, 6)
    steps = saved_steps(work)
    assert len(steps) == 2
    # transformers would go on from it with an empty optimizer and exit with 0
    (trainer_folder(work) / f"checkpoint-{steps[-1]}" / "optimizer.pt").unlink()
    stage = Pretraining(**fields)
    resumed = run(stage, work, "base", (data,), tokenizer=tokenizer_artifact)
    whole = run(stage, tmp_path / "whole", "base", (data,), tokenizer=tokenizer_artifact)
    assert resumed.content == whole.content


@pytest.mark.slow
def test_a_training_that_was_done_is_not_done_again(tmp_path, base):
    data = records(tmp_path / "data", "data", map(question, range(4)))
    stage = FineTuning(model="base", loss_on="response", epochs=2, batch_size=4, max_tokens=64)
    work = tmp_path / "sft"
    first = run(stage, work, "sft", (data,), model=base)
    times = {path: path.stat().st_mtime_ns for path in (work / "checkpoints").rglob("*")}
    assert run(stage, work, "sft", (data,), model=base).content == first.content  # killed after the last step, before its commit
    assert {path: path.stat().st_mtime_ns for path in (work / "checkpoints").rglob("*")} == times

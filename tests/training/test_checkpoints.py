import json
import os
import shutil
import subprocess
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

import pytest
from event_files import events
from killing import kill_when_it_has_saved, kill_within_a_save, limit_file_size, order_of, saved_steps, start, wait_until
from pydantic import ValidationError
from small_models import TINY, document, question, records, run

from align.errors import TrainingRefused
from align.models import checkpoint_name, checkpoint_names
from align.training import keeper
from align.training.checkpoints import hash_share, newest_verified, seal, trainer_folder
from align.training.job import Job
from align.training.metrics import read_metrics
from align.training.pretrain import Pretraining
from align.training.sft import FineTuning

ASKED = {
    "must_equal": {"rows": "d", "parameters": {"seed": 1, "model": {"layers": 2}}, "align": "0.1.0"},
    "noted": {"torch": "2.13.0", "layout": "padded"},
}


def changed(group: str, **values: object) -> dict:
    return ASKED | {group: ASKED[group] | values}


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
        seal(tmp_path, step, ASKED, hash_share(tmp_path, step))
        if step == 9:  # killed after sealing 10, before 9 was removed
            shutil.copytree(trainer_folder(tmp_path) / "checkpoint-9", tmp_path / "nine")
    os.replace(tmp_path / "nine", trainer_folder(tmp_path) / "checkpoint-9")
    return tmp_path


def test_the_newest_is_the_one_with_the_highest_step_and_not_the_last_in_the_alphabet(work):
    assert newest_verified(work, ASKED).name == "checkpoint-10"


def test_nothing_to_go_on_from_is_no_error(tmp_path):
    assert newest_verified(tmp_path, ASKED) is None


def test_a_checkpoint_without_a_seal_is_deleted_and_the_one_before_is_taken(work):
    unsealed = checkpoint(work, 11)
    assert newest_verified(work, ASKED).name == "checkpoint-10"
    assert not unsealed.exists()


def test_a_seal_that_was_cut_off_is_no_seal(work):
    (trainer_folder(work) / "checkpoint-10" / "seal.json").write_text('{"files": {')
    assert newest_verified(work, ASKED).name == "checkpoint-9"


def test_a_checkpoint_whose_epochs_model_is_gone_cannot_be_trusted(work):
    (work / "checkpoints" / "epoch-01" / "model.safetensors").unlink()
    assert newest_verified(work, ASKED) is None


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ({"rows": "e"}, "rows: d then, e now"),
        ({"parameters": {"seed": 2, "model": {"layers": 2}}}, "seed: 1 then, 2 now"),
        ({"parameters": {"seed": 1, "model": {"layers": 3}}}, "model.layers: 2 then, 3 now"),
        ({"parameters": {"seed": 1, "model": {"layers": 2}, "beta": 0.1}}, "beta: nothing then, 0.1 now"),
        ({"align": "0.2.0"}, "align: 0.1.0 then, 0.2.0 now"),
    ],
)
def test_a_change_is_refused_with_what_changed_and_the_remedy(work, now, said):
    with pytest.raises(TrainingRefused, match=rf"has changed: {said}\. Change it back, or delete .*trainer to start over"):
        newest_verified(work, changed("must_equal", **now))
    assert newest_verified(work, ASKED) is not None  # it is still there


def test_another_torch_or_layout_is_gone_on_with_and_said(work, caplog):
    assert newest_verified(work, changed("noted", torch="2.14.0", layout="packed")) is not None
    [line] = [line for line in caplog.messages if "last digits" in line]
    assert "layout: padded then, packed now; torch: 2.13.0 then, 2.14.0 now" in line


def test_a_job_says_everything_a_checkpoint_depends_on(tmp_path):
    stage = FineTuning(model="base", loss_on="response", micro_batch_tokens=512)
    asked = Job(stage, tmp_path, stage.split(10), [], "hash of rows").asked()
    assert asked["must_equal"]["parameters"]["learning_rate"] == 1e-5
    assert (asked["must_equal"]["kinds"], asked["must_equal"]["rows"]) == ("sft=1", "hash of rows")
    assert asked["noted"]["micro_batch_tokens"] == 512  # smaller after running out of memory: the same steps
    assert asked["noted"]["torch"].startswith("2.")
    assert json.loads(json.dumps(asked)) == asked  # it is compared with what was read back from JSON


def test_processes_hash_each_file_once_between_them(work):
    shares = [hash_share(work, 10, rank, 3) for rank in range(3)]
    assert [len(share) for share in shares] == [2, 2, 1]  # of five files
    assert {name: digest for share in shares for name, digest in share.items()} == hash_share(work, 10)


def test_only_the_newest_full_state_is_kept_once_it_is_sealed(work):
    begun = checkpoint(work, 11)
    assert sorted(path.name for path in trainer_folder(work).iterdir()) == ["checkpoint-10", "checkpoint-11", "checkpoint-9"]
    seal(work, 11, ASKED, hash_share(work, 11))
    assert [path.name for path in trainer_folder(work).iterdir()] == [begun.name]


@pytest.mark.slow
def test_fine_tuning_killed_within_an_epoch_ends_with_the_same_bytes(tmp_path, base):
    data = records(tmp_path / "data", "data", map(question, range(12)))
    # 12 examples in batches of 4, cut in two or more: three steps an epoch; dropout, so that random numbers matter
    fields = {"model": "base", "loss_on": "response", "epochs": 12, "batch_size": 4, "micro_batch_tokens": 40, "max_tokens": 64}
    fields |= {"learning_rate": 1e-3, "final_learning_rate": 1e-4, "residual_dropout": 0.1, "tracking": ["tensorboard"]}
    work = tmp_path / "killed"
    kill_within_a_save(order_of("sft", fields, work, data.path, every=1, model=base.path), 8)
    stage = FineTuning(**fields)
    resumed = run(stage, work, "sft", (data,), model=base)
    whole = run(stage, tmp_path / "whole", "sft", (data,), model=base)
    assert resumed.content == whole.content
    # the kill left rows and events of steps that were made again: each stands there once
    assert [row["step"] for row in read_metrics(work / "logs" / "metrics.parquet")] == list(range(1, 37))
    assert [step for step, _ in events(work / "logs" / "tensorboard", "train/num_tokens")] == list(range(1, 37))


@pytest.mark.long
@pytest.mark.slow
def test_pretraining_killed_between_checkpoints_ends_with_the_same_bytes(tmp_path, tokenizer_artifact):
    data = records(tmp_path / "data", "data", map(document, range(20)))
    fields = {"tokenizer": "tokenizer", "model": TINY, "max_tokens": 64, "batch_size": 8, "learning_rate": 1e-2, "epochs": 10}
    work = tmp_path / "killed"
    kill_when_it_has_saved(order_of("pretrain", fields, work, data.path, every=500, tokenizer=tokenizer_artifact.path), 6)
    assert len(saved_steps(work)) <= 2
    stage = Pretraining(**fields)
    resumed = run(stage, work, "base", (data,), tokenizer=tokenizer_artifact)
    whole = run(stage, tmp_path / "whole", "base", (data,), tokenizer=tokenizer_artifact)
    assert resumed.content == whole.content


FILES = [  # of a real checkpoint; a new one must be among those that are damaged below
    "config.json", "generation_config.json", "model.safetensors", "optimizer.pt", "rng_state.pth", "scheduler.pt", "seal.json",
    "tokenizer.json", "tokenizer_config.json", "trainer_state.json", "training_args.bin",
]  # fmt: skip


@pytest.fixture(scope="module")
def two_checkpoints(tmp_path_factory, base):
    """What a training leaves that is killed right after it has sealed its second checkpoint."""
    folder = tmp_path_factory.mktemp("two")
    data = records(folder / "data", "data", map(question, range(8)))
    stage = FineTuning(model="base", loss_on="response", epochs=2, batch_size=4, max_tokens=64)
    seen = []

    def seal_and_copy(work, step, asked, files):
        for older in trainer_folder(work).glob("checkpoint-*"):
            if not (folder / older.name).exists() and (older / "seal.json").exists():
                shutil.copytree(older, folder / older.name)
        seal(work, step, asked, files)
        if step == 4:
            shutil.copytree(work, folder / "killed")
            seen.append(asked)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keeper, "seal", seal_and_copy)
        run(stage, folder / "sft", "sft", (data,), model=base)
    shutil.copytree(folder / "checkpoint-2", trainer_folder(folder / "killed") / "checkpoint-2")
    return folder / "killed", seen[0]


@pytest.mark.slow
def test_a_real_checkpoint_has_the_files_that_are_damaged_here(two_checkpoints):
    killed, asked = two_checkpoints
    assert sorted(path.name for path in (trainer_folder(killed) / "checkpoint-4").iterdir()) == FILES
    assert newest_verified(killed, asked).name == "checkpoint-4"


# transformers resumes without a word where optimizer.pt, scheduler.pt or rng_state.pth is missing, with other weights
@pytest.mark.slow
@pytest.mark.parametrize("damage", ["missing", "cut", "empty", "one bit"])
@pytest.mark.parametrize("name", FILES)
def test_whatever_file_is_damaged_the_checkpoint_before_is_taken(tmp_path, two_checkpoints, name, damage):
    killed, asked = two_checkpoints
    shutil.copytree(killed, tmp_path / "work")
    path = trainer_folder(tmp_path / "work") / "checkpoint-4" / name
    content = bytearray(path.read_bytes())
    if damage == "missing":
        path.unlink()
    else:
        content[len(content) // 2] ^= 1
        path.write_bytes({"cut": content[: len(content) // 2], "empty": b"", "one bit": content}[damage])
    assert newest_verified(tmp_path / "work", asked).name == "checkpoint-2"
    assert not path.parent.exists()


@contextmanager
def tmpfs(folder):
    """A disk of 8 MB; only root can have one."""
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", folder], capture_output=True).returncode:
        pytest.skip("mounting a small disk takes root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def fill(disk):
    with suppress(OSError), (disk / "filler").open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("cause", ["a limit on file sizes", "a full disk"])
def test_a_disk_that_fills_up_while_saving_loses_nothing_older_and_ends_with_what_to_do(tmp_path, base, cause):
    data = records(tmp_path / "data", "data", map(question, range(8)))
    fields = {"model": "base", "loss_on": "response", "epochs": 20, "batch_size": 4, "max_tokens": 64, "keep_epochs": "last"}
    with tmpfs(tmp_path / "disk") if cause == "a full disk" else nullcontext(tmp_path) as disk:
        work = disk / "sft"
        order = order_of("sft", fields, work, data.path, every=1, model=base.path)
        child = start(order)
        wait_until(child, lambda: max(saved_steps(work), default=0) >= 3)
        fill(disk) if cause == "a full disk" else limit_file_size(child, 1000)
        _, said = child.communicate(timeout=120)
        assert child.returncode == 1
        assert "StoreError" in said
        assert "cannot be written" in said
        assert "then run the same command: finished stages are kept" in said
        [kept] = trainer_folder(work).iterdir()  # what could not be finished has given its room back
        assert saved_steps(work) == [int(kept.name.removeprefix("checkpoint-"))]
        (disk / "filler").unlink(missing_ok=True)
        stage = FineTuning(**fields)
        resumed = run(stage, work, "sft", (data,), model=base)
        whole = run(stage, tmp_path / "whole", "sft", (data,), model=base)
        assert resumed.content == whole.content


@pytest.mark.slow
@pytest.mark.parametrize(("keep", "kept"), [("all", [1, 2, 3, 4]), ("last", [4]), ([2, 3], [2, 3, 4])])
def test_the_models_of_the_epochs_asked_for_are_kept_and_the_last_one_always(tmp_path, base, keep, kept):
    data = records(tmp_path / "data", "data", map(question, range(4)))
    stage = FineTuning(model="base", loss_on="response", epochs=4, batch_size=4, max_tokens=64, keep_epochs=keep)
    made = run(stage, tmp_path / "sft", "sft", (data,), model=base)
    assert checkpoint_names(made) == [checkpoint_name(epoch) for epoch in kept]
    last = made.path / "checkpoints" / "epoch-04" / "model.safetensors"
    assert (made.path / "model" / "model.safetensors").samefile(last)


def test_epochs_that_will_not_be_there_cannot_be_kept():
    with pytest.raises(ValidationError, match=r"keep_epochs: \[5, 10\]: a first and a last one of the 8 epochs"):
        FineTuning(model="base", loss_on="response", epochs=8, keep_epochs=[5, 10])
    with pytest.raises(ValidationError, match=r"keep_epochs: \[3, 2\]"):
        FineTuning(model="base", loss_on="response", epochs=8, keep_epochs=[3, 2])


@pytest.mark.slow
def test_a_training_that_was_done_is_not_done_again(tmp_path, base):
    data = records(tmp_path / "data", "data", map(question, range(4)))
    stage = FineTuning(model="base", loss_on="response", epochs=2, batch_size=4, max_tokens=64)
    work = tmp_path / "sft"
    first = run(stage, work, "sft", (data,), model=base)
    times = {path: path.stat().st_mtime_ns for path in (work / "checkpoints").rglob("*")}
    assert run(stage, work, "sft", (data,), model=base).content == first.content  # killed after the last step, before its commit
    assert {path: path.stat().st_mtime_ns for path in (work / "checkpoints").rglob("*")} == times

"""One recipe on two processes, as torchrun starts them or align itself: real gloo, real DDP."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import align
from align.artifact import Artifact

RECIPE = """\
name: two
stages:
  corpus: {kind: ingest, source: {kind: invented_corpus, megabytes: 0.03, seed: 1}}
  tokenizer: {kind: tokenizer, vocabulary: 400}
  base:
    kind: pretrain
    inputs: [corpus]
    tokenizer: tokenizer
    model: {family: llama, layers: 1, hidden: 32, heads: 2, feed_forward: 64}
    max_tokens: 64
    batch_size: 8
    epochs: 1
    learning_rate: 1e-3
"""


LAUNCH = "stages.base.launch={processes: 2, device: cpu}"


def losses(folder: Path, store: str, *launcher: str, more: tuple[str, ...] = ()) -> list[float]:
    command = [*launcher, "-m", "align", "run", "two.yaml", "--store", store, *more]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=300, env=environment, text=True)
    assert done.returncode == 0, done.stderr
    run = align.load_run(folder / "two.yaml", store=folder / store)
    assert not list((folder / store / "artifacts").glob("*.partial*"))
    return [step.value for step in run.steps("base") if step.name == "loss"]


@pytest.mark.long
def test_two_processes_make_the_artifacts_of_one_together(tmp_path: Path) -> None:
    (tmp_path / "two.yaml").write_text(RECIPE, encoding="utf-8")
    alone = losses(tmp_path, "alone", sys.executable)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    together = losses(tmp_path, "together", *torchrun)
    # The processes share the tokens of every batch, and its loss is that of all of them; rounding is all that differs.
    assert together == pytest.approx(alone, abs=1e-5)
    assert losses(tmp_path, "started", sys.executable, more=("--set", LAUNCH)) == together


MIXTURE = """\
name: two
stages:
  web: {kind: ingest, source: {kind: invented_corpus, megabytes: 0.03, seed: 1}}
  code: {kind: ingest, source: {kind: invented_corpus, megabytes: 0.01, seed: 2}}
  tokenizer: {kind: tokenizer, vocabulary: 400, inputs: [web]}
  base:
    kind: pretrain
    tokenizer: tokenizer
    model: {family: phi, layers: 1, hidden: 32, heads: 2, feed_forward: 64}
    sources: {web: {stage: web, share: 0.7}, code: {stage: code, share: 0.3}}
    tokens: 5e3
    max_tokens: 64
    batch_size: 7
    learning_rate: 1e-3
"""


@pytest.mark.long
def test_two_processes_read_a_mixture_as_one_does(tmp_path: Path) -> None:
    (tmp_path / "two.yaml").write_text(MIXTURE, encoding="utf-8")
    alone = losses(tmp_path, "alone", sys.executable)
    assert len(alone) == 12  # 5,000 / (7 x 64) = 11.2
    # one has four blocks of each batch and the other three
    assert losses(tmp_path, "started", sys.executable, more=("--set", LAUNCH)) == pytest.approx(alone, abs=1e-5)


DROPS = """\
import sys
from pathlib import Path

import torch
from small_models import as_artifact, question
from transformers import TrainerCallback

from align.models import model_at, model_place, tokenizer_at
from align.processes import process_rank
from align.training.dropout import add_residual_dropout, layers_of
from align.training.eot import add_eot
from align.training.job import Job
from align.training.rows import make_rows
from align.training.sft import FineTuning, dialogue_trainer
from align.training.trainer import run_training


class Watch(TrainerCallback):
    def on_step_begin(self, args, state, control, model, **_):
        # what the top layer's dropout would leave of a row of ones, drawn from a copy of the numbers it will draw
        with torch.random.fork_rng():
            left = layers_of(model.train())[-1].residual_dropout(torch.ones(64))
        Path(f"left-{process_rank()}-{state.global_step}").write_text(str((left > 0).int().tolist()))


base, work = Path(sys.argv[1]), Path(sys.argv[2])
stage = FineTuning(
    model="base", loss_on="all", epochs=1, batch_size=4, learning_rate=1e-3, max_tokens=64, residual_dropout=0.5
)
place = model_place(as_artifact(base, "base", "pretrain"))
tokenizer, model = tokenizer_at(place), model_at(place, "float32")
add_eot(model, tokenizer)
rows = make_rows([question(number) for number in range(8)], tokenizer, "all", 64, "trim")
add_residual_dropout(model, 0.5)
job = Job(stage, work, stage.split(len(rows)), rows, "rows")
trainer = dialogue_trainer(model, tokenizer, rows, job)
trainer.add_callback(Watch())
run_training(trainer, job)
"""


@pytest.mark.long
def test_each_process_drops_out_other_numbers(tmp_path: Path, base: Artifact) -> None:
    (tmp_path / "drops.py").write_text(DROPS, encoding="utf-8")
    (tmp_path / "work").mkdir()
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    paths = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": paths}
    command = [*torchrun, "drops.py", str(base.path), "work"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=300, env=environment, text=True)
    assert done.returncode == 0, done.stderr
    left = {path.name: path.read_text() for path in tmp_path.glob("left-*")}
    assert sorted(left) == ["left-0-0", "left-0-1", "left-1-0", "left-1-1"]  # process, step
    assert len(set(left.values())) == 4


@pytest.mark.long
def test_two_machines_train_together(tmp_path: Path) -> None:
    (tmp_path / "two.yaml").write_text(RECIPE, encoding="utf-8")
    alone = losses(tmp_path, "alone", sys.executable)
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        endpoint = f"127.0.0.1:{found.getsockname()[1]}"
    command = [sys.executable, "-m", "align", "run", "two.yaml", "--store", "machines"]
    command += ["--set", "stages.base.launch={processes: 2, machines: 2, device: cpu}"]
    started = [
        subprocess.Popen(
            command,
            cwd=tmp_path,
            stdout=-1,
            stderr=-1,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1", "ALIGN_RDZV_ENDPOINT": endpoint, "ALIGN_MACHINE_RANK": str(rank)},
        )
        for rank in range(2)
    ]
    said = [process.communicate(timeout=300) for process in started]
    assert [process.returncode for process in started] == [0, 0], said
    run = align.load_run(tmp_path / "two.yaml", store=tmp_path / "machines")
    together = [step.value for step in run.steps("base") if step.name == "loss"]
    assert together == pytest.approx(alone, abs=1e-5)
    assert not list((tmp_path / "machines" / "artifacts").glob("*.partial*"))

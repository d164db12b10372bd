"""One recipe on two processes, as torchrun starts them or align itself: real gloo, real DDP."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import align

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


@pytest.mark.slow
def test_two_processes_make_the_artifacts_of_one_together(tmp_path: Path) -> None:
    (tmp_path / "two.yaml").write_text(RECIPE, encoding="utf-8")
    alone = losses(tmp_path, "alone", sys.executable)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    together = losses(tmp_path, "together", *torchrun)
    # The processes share the tokens of every batch, and its loss is that of all of them; rounding is all that differs.
    assert together == pytest.approx(alone, abs=1e-5)
    assert losses(tmp_path, "started", sys.executable, more=("--set", LAUNCH)) == together

"""One recipe on two processes, as torchrun starts them: real gloo, real DDP."""

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


def losses(folder: Path, store: str, *launcher: str) -> list[float]:
    command = [*launcher, "-m", "align", "run", "two.yaml", "--store", store]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=300, env=environment)
    run = align.load_run(folder / "two.yaml", store=folder / store)
    assert not list((folder / store / "artifacts").glob("*.partial*"))
    return [step.value for step in run.steps("base") if step.name == "loss"]


@pytest.mark.slow
def test_two_processes_make_the_artifacts_of_one_together(tmp_path: Path) -> None:
    (tmp_path / "two.yaml").write_text(RECIPE, encoding="utf-8")
    alone = losses(tmp_path, "alone", sys.executable)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    together = losses(tmp_path, "together", *torchrun)
    assert len(alone) == len(together)
    # Each process takes half of every batch; gradients are averaged, so the first steps agree up to rounding.
    assert together[:5] == pytest.approx(alone[:5], abs=1e-5)

"""DPO and KTO on two processes: the same losses as on one, and the same reference, of which each reads its share."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from small_models import sentence

import align
from align.records import Measurement

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
  pairs: {kind: preferences, sources: [{kind: json_lines, paths: [pairs.jsonl]}]}
  labelled: {kind: labelled_responses, sources: [{kind: json_lines, paths: [pairs.jsonl]}], keep: desirable}
  sft: {kind: sft, inputs: [labelled], model: base, loss_on: response, epochs: 1, batch_size: 8, max_tokens: 64, launch: null}
  dpo: &dpo
    kind: dpo
    inputs: [pairs]
    model: sft
    held_out: pairs
    rpo_alpha: 0.5
    epochs: 2
    batch_size: 5
    micro_batch_tokens: 128
    max_tokens: 64
    learning_rate: 1e-3
  live: {<<: *dpo, reference: model, beta: 0.2}
  kto:
    kind: kto
    inputs: [pairs]
    model: sft
    epochs: 2
    batch_size: 9
    micro_batch_tokens: 128
    max_tokens: 64
    learning_rate: 1e-3
"""
STAGES = ("dpo", "live", "kto")
ON_TWO = tuple(f"stages.{name}.launch={{processes: 2, device: cpu}}" for name in STAGES)


def made(folder: Path, store: str, *overrides: str) -> align.Run:
    settings = [part for override in overrides for part in ("--set", override)]
    command = [sys.executable, "-m", "align", "run", "two.yaml", "--store", store, *settings]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, timeout=400, env=os.environ | {"OMP_NUM_THREADS": "1"}, text=True
    )
    assert done.returncode == 0, done.stderr
    return align.load_run(folder / "two.yaml", store=folder / store)


def steps(run: align.Run, stage: str) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for step in run.steps(stage):
        found.setdefault(step.name, []).append(step.value)
    return found


@pytest.mark.long
def test_two_processes_lose_what_one_does(tmp_path: Path) -> None:
    draw = random.Random(1)
    rows = [
        {"prompt": f"Where is {number}?", "chosen": sentence(draw, number % 6 + 1), "rejected": sentence(draw, 4)}
        for number in range(13)  # in batches of 5, so that the last of an epoch has 3, and one process two of them
    ]
    (tmp_path / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (tmp_path / "two.yaml").write_text(RECIPE, encoding="utf-8")
    alone, together = made(tmp_path, "alone"), made(tmp_path, "together", *ON_TWO)
    for stage in STAGES:
        one, two = steps(alone, stage), steps(together, stage)
        assert one.keys() == two.keys()
        assert len(one["loss"]) == 6
        for name in one.keys() - {"grad_norm"}:
            assert two[name] == pytest.approx(one[name], rel=1e-4, abs=1e-5), f"{name} of {stage}"
        measured = [{item.metric: item.value for item in run.artifacts[stage].read(Measurement)} for run in (alone, together)]
        assert measured[1] == pytest.approx(measured[0], rel=1e-4)

"""No process of a divided training ever holds the model: real processes over gloo, whose memory is looked at every few ms."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from small_models import as_artifact, document, question, records, run
from soak_cases import pair

from align.artifact import Artifact
from align.catalogue import load_catalogue
from align.models import load_tokenizer
from align.records import TrainingStep
from align.stage import Stage
from align.training.eot import add_eot
from align.training.model_shape import ModelShape, new_model

SHAPE = ModelShape(family="llama", layers=16, hidden=512, heads=8, feed_forward=1408)
MEGA = 1e6
BESIDE = 90 * MEGA
"""What a process takes beside its share: two gathered layers of 13 MB each, a matrix, what torch imports when it first trains.
Less than a whole model beside a share is, with two processes too: then that is another 103 MB."""


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory, tokenizer_artifact: Artifact) -> Artifact:
    """A model of 207 MB that knows EOT, stored in half of that: where it were read whole, none of it would be a mapped file."""
    tokenizer, folder = load_tokenizer(tokenizer_artifact), tmp_path_factory.mktemp("large")
    model = new_model(SHAPE, tokenizer, 64, seed=1)
    add_eot(model, tokenizer)
    for part in (model.bfloat16(), tokenizer):
        part.save_pretrained(folder / "model")
    return as_artifact(folder, "large", "sft")


def trained_by(
    processes: int, kind: str, fields: dict[str, Any], work: Path, model: Artifact, data: Artifact
) -> list[dict[str, int]]:
    """What each process held at most beyond what it began with, by phase."""
    script, launch = Path(__file__).with_name("measured_processes.py"), {"device": "cpu", "distribution": "fsdp2"}
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(processes), str(script)]
    told = json.dumps(fields | {"launch": launch | {"processes": processes}})
    command += [str(model.path), str(data.path), str(work), kind, told]
    # glibc keeps what was freed in blocks of up to 32 MB, as this model's matrices are; those of large ones it gives back
    environment = os.environ | {"OMP_NUM_THREADS": "1", "MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
    done = subprocess.run(command, capture_output=True, timeout=900, env=environment, text=True)
    assert done.returncode == 0, done.stderr
    noted = [json.loads(path.read_text()) for path in sorted(work.parent.glob(f"memory-{work.name}-*.json"))]
    assert len(noted) == processes
    return [{phase: most - held["before"] for phase, most in held.items()} for held in noted]


def figures(artifact: Artifact) -> list[float]:
    return [step.value for step in artifact.read(TrainingStep) if step.name in ("loss", "logps/chosen")]


CASES = {
    "sft": {"loss_on": "all"},
    "dpo": {},
    "kto": {},
    "pretrain": {"max_tokens": 32},
}


@pytest.mark.long
@pytest.mark.parametrize(("kind", "processes"), [("sft", 2), ("dpo", 2), ("dpo", 4), ("kto", 2), ("pretrain", 2)])
def test_each_process_holds_its_share_and_learns_what_one_would(
    kind: str, processes: int, tmp_path: Path, large: Artifact
) -> None:
    told = {"epochs": 1, "batch_size": 4, "learning_rate": 1e-4, "max_tokens": 64, "micro_batch_tokens": 64} | CASES[kind]
    told["start" if kind == "pretrain" else "model"] = "large"
    made = {"sft": question, "pretrain": document}.get(kind, pair)
    data = records(tmp_path / "data", "data", map(made, range(8)))
    held = trained_by(processes, kind, told, tmp_path / "divided", large, data)

    whole = 2.0 * (large.path / "model" / "model.safetensors").stat().st_size  # float32 in memory
    share = whole / processes
    for phases in held:
        assert phases["loading"] < share + BESIDE < whole, held
        # weights, gradients and AdamW's two means
        assert phases["training"] < 4 * share + 1.5 * BESIDE, held
        assert phases["saving"] < 3 * share + BESIDE, held  # by now without gradients

    load_catalogue()
    stage: Any = Stage.kinds[kind].model_validate(told)
    alone = run(stage, tmp_path / "alone", "alone", (data,), **{"start" if kind == "pretrain" else "model": large})
    divided = as_artifact(tmp_path / "divided", "divided", kind)
    assert figures(divided) == pytest.approx(figures(alone), rel=1e-4, abs=1e-5)

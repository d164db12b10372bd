"""A model divided over two CPU processes by FSDP2, as many GPUs would have it: real gloo, real shards, real kills."""

import json
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from small_models import as_artifact, question, records, run, sentence

from align.artifact import Artifact
from align.errors import ProcessKilled, TrainingRefused
from align.launching import run_stage
from align.models import ModelPlace, load_model, model_place
from align.records import Origin, PreferencePair, TrainingStep, Turn
from align.stage import Inputs
from align.training.dpo import PreferenceTraining
from align.training.launch import Launch
from align.training.loading import model_to_divide
from align.training.sft import FineTuning
from align.training.sharding import check_division, join, sharding_arguments

TWO = Launch(processes=2, device="cpu", distribution="fsdp2")


@pytest.fixture
def tune(tmp_path: Path, base: Artifact) -> Callable[..., Artifact]:
    """Fine-tune the small base on seven questions in batches of three, so that the last one of an epoch has one."""
    data = records(tmp_path / "questions", "questions", map(question, range(7)))

    def run(name: str, **fields: Any) -> Artifact:
        told = {"epochs": 2, "batch_size": 3, "learning_rate": 1e-3, "max_tokens": 64} | fields
        stage = FineTuning(model="base", loss_on="all", **told)
        work = tmp_path / name
        work.mkdir(exist_ok=True)
        counts = run_stage(stage, Inputs((data,), {"model": base}), work)
        return as_artifact(work, name, "sft", counts)

    return run


def figures(artifact: Artifact, name: str = "loss") -> list[float]:
    return [step.value for step in artifact.read(TrainingStep) if step.name == name]


def weights(artifact: Artifact, folder: str = "model") -> dict[str, torch.Tensor]:
    return load_file(artifact.path / folder / "model.safetensors")


def children() -> list[int]:
    """Processes that this one started to train."""
    here = Path(f"/proc/{os.getpid()}/task")
    found = [int(pid) for thread in here.iterdir() for pid in (thread / "children").read_text().split()]
    return [pid for pid in found if "align.worker" in Path(f"/proc/{pid}/cmdline").read_text()]


def kill_one_at(seal: Path) -> threading.Thread:
    """Kill the second process as soon as a checkpoint is vouched for."""

    def wait() -> None:
        while not seal.exists():
            time.sleep(0.01)
        os.kill(max(children()), signal.SIGKILL)

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    return thread


@pytest.mark.long
def test_a_divided_model_saves_resumes_and_merges_to_the_same_weights(tune, tmp_path):
    whole = tune("whole", launch=TWO)
    killer = kill_one_at(tmp_path / "killed" / "scratch" / "trainer" / "checkpoint-3" / "seal.json")
    with pytest.raises(ProcessKilled, match="goes on from the last checkpoint"):
        tune("killed", launch=TWO, epochs=4)
    killer.join()
    sealed = tmp_path / "killed" / "scratch" / "trainer" / "checkpoint-3"
    assert len(list(sealed.rglob("*.distcp"))) == 4  # a share of weights and of the optimizer's state for each process
    assert not list(sealed.rglob("*.safetensors"))
    killed, unbroken = tune("killed", launch=TWO, epochs=4), tune("unbroken", launch=TWO, epochs=4)
    assert figures(killed) == figures(unbroken)
    for name, values in weights(unbroken).items():
        assert torch.equal(values, weights(killed)[name]), name

    # One process makes the same of it, up to the order of sums; also with the one example that is left for two processes.
    alone = tune("alone")
    assert figures(whole) == pytest.approx(figures(alone), abs=1e-5)
    assert figures(whole, "grad_norm") == pytest.approx(figures(alone, "grad_norm"), rel=1e-4)
    for folder in ("model", "checkpoints/epoch-01"):
        assert weights(whole, folder).keys() == weights(alone, folder).keys()
        for name, values in weights(alone, folder).items():
            torch.testing.assert_close(weights(whole, folder)[name], values, rtol=1e-3, atol=2e-5)
    assert (whole.path / "model" / "config.json").read_text() == (alone.path / "model" / "config.json").read_text()


@pytest.mark.long
def test_recomputed_dropout_is_the_one_of_the_forward_pass(tune):
    # accelerate's own recomputation draws another one: losses would part after the first step
    kept = tune("kept", launch=TWO, residual_dropout=0.3, gradient_checkpointing=False)
    anew = tune("anew", launch=TWO, residual_dropout=0.3, gradient_checkpointing=True)
    assert figures(anew) == pytest.approx(figures(kept), abs=1e-6)


@pytest.mark.long
def test_an_adapter_on_a_divided_model_learns_the_same(tune):
    adapter = {"kind": "lora", "rank": 2, "dropout": 0.0}
    alone, divided = tune("alone", adapter=adapter), tune("divided", adapter=adapter, launch=TWO)
    assert figures(divided) == pytest.approx(figures(alone), abs=1e-5)
    learned, expected = (load_file(made.path / "model" / "adapter_model.safetensors") for made in (divided, alone))
    assert learned.keys() == expected.keys()
    for name, values in expected.items():
        torch.testing.assert_close(learned[name], values, rtol=1e-3, atol=2e-5)


@pytest.mark.long
def test_preferences_on_a_divided_model_are_learned_the_same(tune, tmp_path):
    told = [("In the brook.", "Moss."), ("Oak.", "No fern, no heron."), ("A stone", "Alder")]
    pairs = [
        PreferencePair(f"pair/{number}", (Turn("user", "Where?"),), chosen, rejected, Origin("invented", str(number)))
        for number, (chosen, rejected) in enumerate(told)
    ]
    data, sft = records(tmp_path / "pairs", "pairs", pairs), tune("tuned")

    def learn(name: str, launch: Launch | None) -> Artifact:
        stage = PreferenceTraining(model="sft", epochs=2, batch_size=3, learning_rate=1e-3, launch=launch)
        (tmp_path / name).mkdir()
        return as_artifact(tmp_path / name, name, "dpo", run_stage(stage, Inputs((data,), {"model": sft}), tmp_path / name))

    alone, divided = learn("alone", None), learn("divided", TWO)
    assert figures(divided) == pytest.approx(figures(alone), abs=1e-5)


@pytest.mark.long
def test_log_probabilities_of_a_divided_model_are_not_rounded_to_bfloat16(tune, tmp_path):
    # near 96 bfloat16 has steps of 0.5; accelerate would round what the model gives, and the sum over a response's tokens
    draw = random.Random(1)
    pairs = [
        PreferencePair(f"pair/{n}", (Turn("user", "Where?"),), sentence(draw, 20), sentence(draw, 3), Origin("invented", str(n)))
        for n in range(4)
    ]
    data, sft = records(tmp_path / "pairs", "pairs", pairs), tune("tuned", epochs=1)
    fields = {"model": "sft", "epochs": 2, "batch_size": 4, "learning_rate": 1e-3}
    alone = run(PreferenceTraining(**fields), tmp_path / "alone", "alone", (data,), model=sft)
    script = Path(__file__).with_name("two_in_bfloat16.py")
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", str(script)]
    command += [str(sft.path), str(data.path), str(tmp_path / "halved"), json.dumps(fields | {"launch": TWO.model_dump()})]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, timeout=300, env=environment, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["2", "2"]  # each layer of the reference is gathered alone
    halved = as_artifact(tmp_path / "halved", "halved", "dpo")
    assert figures(halved, "logps/chosen") == pytest.approx(figures(alone, "logps/chosen"), abs=0.05)
    assert figures(halved, "logps/chosen") != figures(alone, "logps/chosen")  # it was bfloat16 that multiplied


@pytest.mark.long
def test_a_division_that_is_not_there_is_refused(tmp_path, base):
    from transformers import Trainer, TrainingArguments

    settings = TrainingArguments(output_dir=str(tmp_path), use_cpu=True, report_to="none")
    trainer = Trainer(model=load_model(base), args=settings)
    trainer.create_optimizer()
    with pytest.raises(TrainingRefused, match="2 processes with fsdp2 were asked for, and 1 with ddp are there"):
        check_division(trainer, TWO)
    check_division(trainer, Launch(device="cpu"))


@pytest.mark.long
def test_the_second_process_has_room_for_weights_and_the_real_positions(base, monkeypatch, tmp_path):
    folder = shutil.copytree(model_place(base).path, tmp_path / "model")
    place = ModelPlace(str(folder))
    whole = model_to_divide(place)
    monkeypatch.setenv("FSDP_CPU_RAM_EFFICIENT_LOADING", "true")
    assert torch.equal(model_to_divide(place).lm_head.weight, whole.lm_head.weight)  # the first one reads
    _fill_with_sevens(folder / "model.safetensors")
    monkeypatch.setenv("RANK", "1")
    room = model_to_divide(place)
    assert [weights.shape for weights in room.parameters()] == [weights.shape for weights in whole.parameters()]
    assert {weights.device.type for weights in room.parameters()} == {"cpu"}
    assert not (room.lm_head.weight == 7.0).all()  # what was read would be sevens; what stood in that memory before is not
    for name, values in whole.named_buffers():
        assert torch.equal(dict(room.named_buffers())[name], values), name


def _fill_with_sevens(weights: Path) -> None:
    """In the file alone: sevens in memory of this process could come back in tensors that nobody wrote to."""
    with weights.open("r+b") as file:
        start = 8 + int.from_bytes(file.read(8), "little")
        for place in range(start, weights.stat().st_size, 64):
            file.seek(place)
            file.write(struct.pack("<16f", *[7.0] * 16)[: weights.stat().st_size - place])


def test_without_deepspeed_the_remedy_is_said(monkeypatch):
    monkeypatch.setattr("align.training.sharding.find_spec", lambda name: None)
    with pytest.raises(TrainingRefused, match="pip install deepspeed, or write fsdp2"):
        join(Launch(processes=2, distribution="zero3"))


def test_a_model_in_one_piece_needs_no_arguments():
    assert sharding_arguments(None) == sharding_arguments(Launch()) == {}


def test_recomputation_is_left_to_the_trainer_and_checkpoints_are_sharded():
    told = sharding_arguments(TWO)["fsdp_config"]
    assert (told["version"], told["activation_checkpointing"], told["reshard_after_forward"]) == (2, False, True)
    assert (told["state_dict_type"], told["auto_wrap_policy"]) == ("SHARDED_STATE_DICT", "TRANSFORMER_BASED_WRAP")


FIELDS = {
    "": {
        "train_batch_size", "train_micro_batch_size_per_gpu", "gradient_accumulation_steps", "optimizer", "scheduler",
        "communication_data_type", "prescale_gradients", "gradient_predivide_factor", "sparse_gradients", "fp16", "bf16",
        "gradient_clipping", "zero_optimization", "zero_allow_untested_optimizer", "steps_per_print", "wall_clock_breakdown",
        "dump_state", "activation_checkpointing",
    },
    "bf16": {"enabled"},
    "zero_optimization": {
        "stage", "allgather_partitions", "allgather_bucket_size", "overlap_comm", "reduce_scatter", "reduce_bucket_size",
        "contiguous_gradients", "load_from_fp32_weights", "grad_hooks", "round_robin_gradients", "offload_param",
        "offload_optimizer", "stage3_max_live_parameters", "stage3_max_reuse_distance", "stage3_prefetch_bucket_size",
        "stage3_param_persistence_threshold", "stage3_gather_16bit_weights_on_model_save", "sub_group_size",
    },
}  # fmt: skip
"""Fields of www.deepspeed.ai/docs/config-json, by section."""


@pytest.mark.parametrize(("name", "stage"), [("zero2", 2), ("zero3", 3)])
def test_deepspeed_is_told_nothing_that_it_does_not_know(name, stage):
    told = sharding_arguments(Launch(processes=8, distribution=name))["deepspeed"]
    assert told["zero_optimization"]["stage"] == stage
    assert json.loads(json.dumps(told)) == told
    assert told.keys() <= FIELDS[""]
    for section in ("bf16", "zero_optimization"):
        assert told[section].keys() <= FIELDS[section]
    # zero3's own fields stand in zero3 alone
    assert any(field.startswith("stage3") for field in told["zero_optimization"]) == (stage == 3)

"""Adapters through the stages that train them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from killing import kill_when_it_has_saved, saved_steps
from small_models import as_artifact, question, records, run
from test_sft import ending_share, small
from transformers import TrainerCallback

import align.quantized
from align.artifact import content_hash
from align.errors import AlignError
from align.models import base_folder, checkpoint_names, load_model, load_tokenizer
from align.records import TrainingStep
from align.tokens import eot_id
from align.training.adapters import Lora, QLora
from align.training.checkpoints import trainer_folder
from align.training.sft import FineTuning, dialogue_trainer

pytestmark = pytest.mark.slow  # each trains

ADAPTERS = pytest.mark.parametrize("adapter", [Lora(rank=4), QLora(rank=4)], ids=["lora", "qlora"])


def tune(folder: Path, base, data, **fields):
    return run(small(**fields), folder, folder.name, (data,), model=base)


@pytest.fixture(scope="module")
def examples():
    return [question(number) for number in range(12)]


@pytest.fixture(scope="module")
def data(tmp_path_factory, examples):
    return records(tmp_path_factory.mktemp("data"), "data", examples)


@pytest.mark.long
@ADAPTERS
def test_a_dozen_examples_teach_an_adapter_to_end_its_answers(tmp_path, base, data, examples, adapter):
    many = {"epochs": 40, "learning_rate": 3e-2, "final_learning_rate": 3e-3}
    tuned = tune(tmp_path / "tuned", base, data, adapter=adapter.model_copy(update={"dropout": 0.0}), **many)
    assert ending_share(load_model(tuned), load_tokenizer(tuned), examples) >= 0.9


@ADAPTERS
def test_what_a_stage_leaves_is_small_and_equal_runs_leave_equal_bytes(tmp_path, base, data, adapter):
    one, two = (tune(tmp_path / name / "tuned", base, data, adapter=adapter, epochs=2) for name in ("one", "two"))
    assert one.content == two.content == content_hash(two.path)
    names = {path.name for path in (one.path / "model").iterdir()}
    assert names == {
        "adapter_config.json", "adapter_model.safetensors", "config.json", "generation_config.json", "tokenizer.json",
        "tokenizer_config.json",
    }  # fmt: skip
    assert checkpoint_names(one) == ["epoch-01", "epoch-02"]
    assert {path.name for path in (one.path / "checkpoints" / "epoch-01").iterdir()} == names
    text = b"".join(path.read_bytes() for path in (one.path / "model").iterdir())
    assert str(tmp_path).encode() not in text
    assert str(base.path).encode() not in text
    generation = json.loads((one.path / "model" / "generation_config.json").read_text())
    assert generation["eos_token_id"][0] == eot_id(load_tokenizer(one))
    assert json.loads((one.path / "files" / "base.json").read_text()) == {"content": base.content, "checkpoint": "last"}
    assert base_folder(one.path) == base.path
    first, last = (load_model(one, name).state_dict() for name in ("epoch-01", "last"))
    assert not all(torch.equal(first[name], last[name]) for name in last)
    assert load_model(one).generation_config.eos_token_id == generation["eos_token_id"]


class Watch(TrainerCallback):
    """Reads dtypes of what is trained and of its AdamW state, after the first step."""

    def __init__(self) -> None:
        self.weights: set[torch.dtype] = set()
        self.states: dict[torch.dtype, int] = {}

    def on_step_end(self, args, state, control, optimizer, **_):
        groups = [weights for group in optimizer.param_groups for weights in group["params"]]
        self.weights |= {weights.dtype for weights in groups}
        states = [optimizer.state[weights] for weights in groups]
        found = [state.get("exp_avg", state.get("state1")) for state in states]
        self.states = {dtype: sum(item.dtype == dtype for item in found) for dtype in {item.dtype for item in found}}


@pytest.fixture
def watched(tmp_path, base, data, monkeypatch):
    """Train, and say what was seen of the optimizer."""

    def watched(**fields) -> Watch:
        watch = Watch()

        def with_watch(*made):
            trainer = dialogue_trainer(*made)
            trainer.add_callback(watch)
            return trainer

        monkeypatch.setattr("align.training.sft.dialogue_trainer", with_watch)
        tune(tmp_path / "watched", base, data, **fields)
        return watch

    return watched


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_beside_a_quantized_model_trl_leaves_the_dtype_of_the_recipe(watched, dtype):
    # TRL 1.16 casts it to bfloat16, in which small steps are rounded away
    watch = watched(adapter=QLora(rank=4, dtype=dtype))
    assert watch.weights == set(watch.states) == {getattr(torch, dtype)}


@pytest.mark.parametrize("optimizer", ["adamw_8bit", "paged_adamw_8bit"])
def test_an_8_bit_optimizer_keeps_8_bits_of_large_matrices(watched, optimizer):
    watch = watched(optimizer=optimizer, adapter=Lora(rank=64))
    # 4,096 weights and more are kept in 8 bits: of A and B those of 64 x 64, B of gate and up and A of down in two layers
    assert watch.states == {torch.uint8: 2 * 3, torch.float32: 2 * 11 + 2}


def test_paged_32_bit_states_are_float32(watched):
    watch = watched(optimizer="paged_adamw_32bit")
    assert set(watch.states) == {torch.float32}


def test_an_optimizer_whose_package_is_missing_is_refused_with_the_extra(watched, monkeypatch):
    monkeypatch.setattr(align.quantized, "find_spec", lambda name: None)
    told = r"optimizer: adamw_8bit needs the package bitsandbytes: pip install 'align-lm\[quantized\]'"
    with pytest.raises(AlignError, match=told):
        watched(optimizer="adamw_8bit")


@pytest.mark.parametrize("first", [Lora(rank=4), QLora(rank=4), None], ids=["lora", "qlora", "whole"])
@pytest.mark.parametrize("second", [QLora(rank=2), None], ids=["qlora", "whole"])
def test_a_stage_goes_on_from_a_stage_with_another_adapter_or_without(tmp_path, base, data, first, second):
    one = tune(tmp_path / "one", base, data, adapter=first)
    two = tune(tmp_path / "two", one, data, adapter=second, residual_dropout=0.1)
    before, after = load_model(one).state_dict(), load_model(two).state_dict()
    assert before.keys() == after.keys()
    assert (tmp_path / "two" / "model" / "adapter_config.json").exists() == (second is not None)
    assert all(before[name].shape == after[name].shape for name in after)
    assert not torch.equal(before["lm_head.weight"][-1], after["lm_head.weight"][-1])
    untouched = before["lm_head.weight"][:-1], after["lm_head.weight"][:-1]
    assert torch.equal(*untouched) == (second is not None)


def test_recomputed_activations_give_an_adapter_the_same_gradient(tmp_path, base, data):
    norms = []
    for recomputes in (False, True):
        made = tune(tmp_path / str(recomputes), base, data, adapter=Lora(rank=4), gradient_checkpointing=recomputes)
        norms.append([entry.value for entry in made.read(TrainingStep) if entry.name == "grad_norm"])
    assert len(norms[0]) == 3
    assert norms[0] == pytest.approx(norms[1], rel=1e-5)


@pytest.mark.long
@pytest.mark.parametrize(
    "more",
    [
        {"adapter": {"kind": "lora"}, "residual_dropout": 0.1},
        {"adapter": {"kind": "qlora", "dtype": "bfloat16"}},
        {"adapter": {"kind": "qlora"}, "optimizer": "adamw_8bit"},
    ],
    ids=["lora", "qlora", "8bit"],
)
def test_an_adapter_killed_within_an_epoch_ends_with_the_same_bytes(tmp_path, base, data, more):
    # 12 examples in batches of 4: three steps an epoch; the adapter has dropout, so that random numbers matter
    fields = {"model": "base", "loss_on": "response", "epochs": 12, "batch_size": 4, "max_tokens": 64}
    fields |= {"learning_rate": 1e-2, "final_learning_rate": 1e-3, "micro_batch_tokens": 128, **more}
    work = tmp_path / "killed"
    order = {"kind": "sft", "fields": fields, "work": str(work), "data": [str(data.path)], "named": {"model": str(base.path)}}
    kill_when_it_has_saved(order | {"every": 1}, 7)
    newest = saved_steps(work)[-1]
    assert {path.name for path in (trainer_folder(work) / f"checkpoint-{newest}").glob("*.safetensors")} == {
        "adapter_model.safetensors"
    }
    stage = FineTuning(**fields)
    resumed = run(stage, work, "sft", (data,), model=base)
    whole = run(stage, tmp_path / "whole", "sft", (data,), model=base)
    assert resumed.content == whole.content


@pytest.mark.long
@pytest.mark.parametrize(("distribution", "found"), [("ddp", "MULTI_CPU"), ("fsdp2", "FSDP")])
def test_two_processes_train_the_adapter_that_one_does(tmp_path, base, data, distribution, found):
    fields = {"model": "base", "loss_on": "response", "epochs": 2, "batch_size": 4, "max_tokens": 64, "learning_rate": 1e-2}
    fields |= {"adapter": {"kind": "lora", "dropout": 0.0}}
    alone = run(FineTuning(**fields), tmp_path / "alone", "alone", (data,), model=base)
    launch = {"processes": 2, "device": "cpu", "distribution": distribution}
    script = Path(__file__).with_name("two_processes.py")
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", str(script)]
    command += [str(base.path), str(data.path), str(tmp_path / "together"), json.dumps(fields | {"launch": launch})]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, timeout=300, env=environment, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [found] * 2
    together = as_artifact(tmp_path / "together", "together", "sft")
    one, two = ([step.value for step in made.read(TrainingStep) if step.name == "loss"] for made in (alone, together))
    assert len(one) == 6
    assert one == pytest.approx(two, abs=1e-5)  # rounding is all that differs
    weights, others = (load_model(made).state_dict() for made in (alone, together))
    assert max((weights[name] - others[name]).abs().max().item() for name in weights) < 1e-3

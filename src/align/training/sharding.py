"""A model divided over processes: what accelerate is told, what is checked, and how whole weights come out again.

FSDP2 (PyTorch's fully_shard) by accelerate, or DeepSpeed's ZeRO. On CPUs accelerate 1.15 knows no FSDP and silently trains with
DDP instead, so `_shard_on_cpu` tells it otherwise: then the code that many GPUs run can be tried without one.
"""

import math
import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
import torch.distributed.fsdp
from transformers import TrainerCallback

from align.errors import TrainingRefused
from align.training.deepspeed import deepspeed_config
from align.training.launch import Launch
from align.training.loading import ONE_COPY, check_filled, only_first_has_values
from align.training.shapes import READ_BY_NAME
from align.training.weight_files import write_divided

PATIENCE_SECONDS = 6 * 3600
"""How long a process waits for another, which may be writing or hashing a large model; a dead one is noticed at once."""
SHARDS = "ACCELERATE_USE_FSDP"


def join(launch: Launch | None) -> None:
    """Meet the other processes before a model is loaded.

    With fsdp2 none may look at the weights until training begins: they have room for them (`model_to_divide`) and no values.
    """
    if launch is None or launch.distribution == "ddp":
        return
    if launch.distribution != "fsdp2" and find_spec("deepspeed") is None:
        raise TrainingRefused(
            f"launch.distribution: {launch.distribution} needs DeepSpeed: pip install deepspeed, or write fsdp2."
        )
    os.environ[SHARDS] = str(launch.distribution == "fsdp2").lower()
    os.environ[ONE_COPY] = os.environ[SHARDS]
    if launch.distribution == "fsdp2":
        from datetime import timedelta

        from accelerate import PartialState

        PartialState(cpu=launch.device == "cpu", timeout=timedelta(seconds=PATIENCE_SECONDS))
        if launch.device == "cpu":
            _shard_on_cpu()


def sharding_arguments(launch: Launch | None) -> dict[str, Any]:
    """Arguments for TrainingArguments that divide the model as the recipe says."""
    if launch is None or launch.processes == 1:
        return {}
    patient = {"ddp_timeout": PATIENCE_SECONDS}
    if launch.distribution == "ddp":
        return patient
    if launch.distribution == "fsdp2":
        return patient | {"fsdp": True, "fsdp_config": fsdp_config()}
    return patient | {"deepspeed": deepspeed_config(launch.distribution)}


def fsdp_config() -> dict[str, Any]:
    """Settings of accelerate for FSDP2; arithmetic in bfloat16 on GPUs follows from the trainer's `bf16`."""
    return {
        "version": 2,
        "auto_wrap_policy": "TRANSFORMER_BASED_WRAP",  # a layer is gathered at a time
        "reshard_after_forward": True,
        "state_dict_type": "SHARDED_STATE_DICT",
        "cpu_ram_efficient_loading": only_first_has_values(),
        # Recomputation is left to transformers: accelerate's does not keep the state of random numbers, so dropout would be
        # another one in the backward pass, and the gradients wrong (fsdp2_apply_ac: preserve_rng_state=False).
        "activation_checkpointing": False,
    }


def keep_float32(trainer: Any) -> None:
    """Where arithmetic is in bfloat16, let shares' gradients be added up in float32, and what a layer gives be as it is.

    accelerate has both rounded to bfloat16: log-probabilities too, so that a response's would be a sum of three digits. Call it
    before the model is divided.
    """
    if trainer.is_fsdp_enabled and trainer.accelerator.mixed_precision == "bf16":
        policy = torch.distributed.fsdp.MixedPrecisionPolicy(param_dtype=torch.bfloat16, reduce_dtype=torch.float32)
        trainer.accelerator.state.fsdp_plugin.mixed_precision_policy = policy


class DivisionCheck(TrainerCallback):  # type: ignore[misc] # transformers is untyped
    """Refuses to train where the processes or the division of the model are not those of the recipe."""

    def __init__(self, trainer: Any, launch: Launch | None) -> None:
        self.trainer, self.launch = trainer, launch

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        check_filled(self.trainer.model)
        if self.launch is not None:
            check_division(self.trainer, self.launch)


def check_division(trainer: Any, launch: Launch) -> None:
    """Compare what was asked with what accelerate made of it, which changes its mind without a word."""
    found, there = _found(trainer), trainer.accelerator.num_processes
    if there != launch.processes or found != launch.distribution:
        raise TrainingRefused(
            f"launch: {launch.processes} processes with {launch.distribution} were asked for, and {there} with {found} are there."
            f" Give `align run` without accelerate's own launcher and without ACCELERATE_* variables."
        )
    if launch.distribution != "fsdp2":
        return
    trained = [weights for weights in trainer.model.parameters() if weights.requires_grad]
    kept = [weights for group in trainer.optimizer.param_groups for weights in group["params"]]
    whole = sum(not hasattr(weights, "device_mesh") for weights in trained)
    if whole:
        raise TrainingRefused(f"launch: {whole} of {len(trained)} trained tensors are not divided, though fsdp2 was asked for.")
    if len(kept) != len(trained) or {id(weights) for weights in kept} != {id(weights) for weights in trained}:
        raise TrainingRefused(
            f"launch: the optimizer has {len({id(weights) for weights in kept})} of the {len(trained)} trained tensors, so the "
            f"others would not learn. This is a fault between accelerate and the model's loading; write distribution: ddp."
        )

    _check_buffers(trainer)


def _check_buffers(trainer: Any) -> None:
    """Refuse where processes hold other values in what is not sent around, such as the frequencies of positions."""
    here = sum(float(values.double().sum()) for values in trainer.model.buffers())
    each = trainer.accelerator.gather(torch.tensor([here], device=trainer.args.device)).tolist()
    if not all(math.isclose(value, each[0], rel_tol=1e-6) for value in each):
        raise TrainingRefused(
            f"launch: the processes hold other values in the model's buffers (sums {each}), so each would train another one. "
            f"This is a fault in how this family of models is loaded in shares; write distribution: ddp."
        )


def _found(trainer: Any) -> str:
    kind = trainer.accelerator.distributed_type.name
    if kind == "DEEPSPEED":
        return f"zero{trainer.accelerator.state.deepspeed_plugin.zero_stage}"
    divided = any(hasattr(weights, "device_mesh") for weights in trainer.model.parameters())
    return "fsdp2" if kind == "FSDP" and divided else "ddp" if kind in ("MULTI_CPU", "MULTI_GPU", "NO") else str(kind.lower())


def write_weights(trainer: Any, folder: Path) -> None:
    """Write the whole model as safetensors. Every process must call it: those of a divided one hand in their shares."""
    if not trainer.is_fsdp_enabled:
        trainer.save_model(str(folder), _internal_call=True)
        return
    # The trainer's own way writes nothing where checkpoints are sharded, and its state gathers the whole model in one process.
    by_name = trainer.model.config.model_type in READ_BY_NAME
    gathered = {} if by_name else trainer.accelerator.get_state_dict(trainer.model)
    if trainer.args.should_save:
        trainer._save(str(folder), state_dict=gathered)
    if by_name:
        write_divided(trainer.model, folder, trainer.args.should_save)


def _shard_on_cpu() -> None:
    """Let accelerate take FSDP on CPUs: while it decides, these processes say that they have a device it shards on."""
    from accelerate.state import AcceleratorState, PartialState
    from accelerate.utils import DistributedType

    original = AcceleratorState.__init__
    if hasattr(original, "shards_on_cpu"):
        return

    def decide(self: Any, *args: Any, **kwargs: Any) -> None:
        state = PartialState._shared_state
        if os.environ.get(SHARDS) == "true" and state.get("distributed_type") == DistributedType.MULTI_CPU:
            state["distributed_type"] = DistributedType.MULTI_NPU
        original(self, *args, **kwargs)

    decide.shards_on_cpu = True  # type: ignore[attr-defined]
    AcceleratorState.__init__ = decide

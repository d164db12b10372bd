"""Run a transformers trainer the way align wants it: exact batches, our schedule, sealed checkpoints, no chatter.

Imports torch and transformers, so stages import it inside `run`.
"""

import logging
import math
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
from transformers import GenerationConfig, PrinterCallback, TrainerCallback, TrainingArguments

from align.artifact import SCRATCH
from align.errors import TrainingRefused
from align.models import CHECKPOINTS, MODEL, checkpoint_name
from align.processes import process_rank
from align.progress import track
from align.quantized import need_bitsandbytes
from align.records import TrainingStep
from align.tokens import eot_id
from align.training.adapting import is_adapted, keep_dtype, save_adapter
from align.training.batches import ShuffledBatches
from align.training.checkpoints import newest_verified, seal, trainer_folder
from align.training.job import Job
from align.training.scoring import Scorer
from align.training.surroundings import repeatable

log = logging.getLogger(__name__)

STEPS_BETWEEN_CHECKPOINTS = 500
"""A checkpoint is kept at the end of every epoch, and as often as this within one."""
SECONDS_BETWEEN_LINES = 10.0
OPTIMIZERS = {
    "adamw_8bit": "adamw_bnb_8bit",
    "paged_adamw_8bit": "paged_adamw_8bit",
    "paged_adamw_32bit": "paged_adamw_32bit",
}
"""transformers' names for those that are bitsandbytes'."""
UNREPEATABLE = ("num_tokens", "num_input_tokens_seen", "epoch", "step", "total_flos")
"""Logged figures that start from zero when a training is resumed (num_tokens), or that are no figures."""


def arguments(job: Job) -> dict[str, Any]:
    """Arguments for TrainingArguments, SFTConfig and DPOConfig alike."""
    stage, on_gpu = job.stage, torch.cuda.is_available()
    if stage.optimizer != "adamw":
        need_bitsandbytes(f"optimizer: {stage.optimizer}")
    return {
        "output_dir": str(trainer_folder(job.work)),
        "num_train_epochs": stage.epochs,
        "per_device_train_batch_size": 1,  # a whole batch, which ExactBatches takes apart
        "gradient_accumulation_steps": 1,
        "learning_rate": stage.learning_rate,
        "adam_beta1": stage.adam_beta1,
        "adam_beta2": stage.adam_beta2,
        "adam_epsilon": stage.adam_epsilon,
        "weight_decay": stage.weight_decay,
        "max_grad_norm": stage.max_grad_norm,
        "warmup_steps": 0,
        "seed": stage.seed,
        "use_cpu": not on_gpu,
        # Weights and AdamW's state are float32 everywhere; on GPUs the arithmetic is bfloat16. TRL would take it on CPUs too.
        "bf16": on_gpu,
        # TRL would recompute activations on CPUs too.
        _checkpointing_argument(): on_gpu if stage.gradient_checkpointing is None else stage.gradient_checkpointing,
        "dataloader_pin_memory": on_gpu,
        "save_strategy": "no",  # Keeper decides
        "save_total_limit": 2,  # the newest may be cut off by a kill; then the one before it is taken
        "logging_steps": 1,  # an average over several steps would depend on where a resumed run began
        "logging_nan_inf_filter": False,  # it would hide a loss that is no number
        **({} if stage.optimizer == "adamw" else {"optim": OPTIMIZERS[stage.optimizer]}),
        "report_to": list(stage.tracking) or "none",
        "disable_tqdm": True,
        "push_to_hub": False,
    }


def _checkpointing_argument() -> str:
    """The argument's name: `gradient_checkpointing` warns where the new name is known."""
    new = "activation_checkpointing"
    return new if any(item.name == new for item in fields(TrainingArguments)) else "gradient_checkpointing"


class Keeper(TrainerCallback):  # type: ignore[misc] # transformers is untyped
    """Keeps epochs' models and sealed checkpoints, refuses what went wrong, and says how far the training is."""

    def __init__(self, trainer: Any, job: Job) -> None:
        self.trainer, self.job = trainer, job
        self.checked = False
        self.progress: Iterator[int] = iter(())
        self.said = self.began = time.monotonic()
        self.first_step = 0

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.max_steps != self.job.split.steps:
            raise TrainingRefused(
                f"{state.max_steps} steps would be made and not {self.job.split.steps}: batches are divided wrongly."
            )
        self.first_step = state.global_step
        if self.job.split.world > 1:
            # Each process draws a dropout of its own; the trainer gives all the same seed. A resumed one reads its state later.
            torch.manual_seed(self.job.stage.seed * 100_003 + process_rank())
        left = range(state.global_step, state.max_steps)
        self.progress = iter(track(left, self.job.stage.kind, unit="steps"))

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.trainer.batches.epoch = state.global_step // self.job.split.steps_per_epoch

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, model: Any, optimizer: Any, **_: Any) -> None:
        if not self.checked and self.job.before_first_step is not None:
            self.job.before_first_step(model, optimizer)
        self.checked = True

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> Any:
        next(self.progress, None)
        epoch, within = divmod(state.global_step, self.job.split.steps_per_epoch)
        if within == 0:
            # Before the checkpoint: then a sealed one vouches for the models of all epochs it has passed.
            self._save_epoch(checkpoint_name(epoch))
        control.should_save = within == 0 or state.global_step % STEPS_BETWEEN_CHECKPOINTS == 0
        return control

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.trainer.accelerator.wait_for_everyone()
        if state.is_world_process_zero:
            seal(self.job.work, state.global_step, self.job.asked())

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float], **_: Any) -> None:
        loss = logs.get("loss")
        if loss is None:
            return
        if not math.isfinite(loss):
            raise TrainingRefused(
                f"the loss is {loss} at step {state.global_step} of {state.max_steps}: a smaller learning_rate "
                f"(it is {self.job.stage.learning_rate:g}) or max_grad_norm may help."
            )
        now = time.monotonic()
        if now - self.said >= SECONDS_BETWEEN_LINES:
            self.said = now
            left = (now - self.began) / (state.global_step - self.first_step) * (state.max_steps - state.global_step)
            log.info(
                "step %d of %d  epoch %.1f  loss %.3f  %.0f s left", state.global_step, state.max_steps, state.epoch, loss, left
            )

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        for _step in self.progress:  # lets the bar close
            pass

    def _save_epoch(self, name: str) -> None:
        saving, kept = self.job.work / SCRATCH / "saving", self.job.work / CHECKPOINTS / name
        save_model(self.trainer, saving)
        if self.trainer.is_world_process_zero():
            shutil.rmtree(kept, ignore_errors=True)
            kept.parent.mkdir(parents=True, exist_ok=True)
            os.replace(saving, kept)


def run_training(trainer: Any, job: Job) -> list[TrainingStep]:
    """Train, going on from the newest good checkpoint; leaves checkpoints/ and model/ in `work`, returns the log."""
    trainer.remove_callback(PrinterCallback)  # prints on stdout
    trainer.add_callback(Keeper(trainer, job))
    with repeatable():
        with trainer.accelerator.main_process_first():  # it deletes what cannot be trusted
            newest = newest_verified(job.work, job.asked())
        trainer.train(resume_from_checkpoint=None if newest is None else str(newest))
    if trainer.is_world_process_zero():
        link_tree(job.work / CHECKPOINTS / checkpoint_name(job.stage.epochs), job.work / MODEL)
    return training_log(trainer.state.log_history)


def prepare(trainer: Any, job: Job) -> Any:
    """Give a trainer with `ExactBatches` mixed in its job. Its model must not have been wrapped yet."""
    trainer.job = job
    trainer.batches = ShuffledBatches(len(job.items), job.stage.batch_size, job.stage.seed)
    trainer.scorer = Scorer(trainer.model)
    adapter = getattr(job.stage, "adapter", None)
    if adapter is not None:
        keep_dtype(trainer.model, adapter)
    return trainer


def save_model(trainer: Any, folder: Path) -> None:
    """Write weights (safetensors), configs and tokenizer, so that `from_pretrained` finds a model that stops at EOT.

    Of a model with an adapter only that is written; `align.models` puts it on its base.
    """
    model, tokenizer = trainer.accelerator.unwrap_model(trainer.model), trainer.processing_class
    if trainer.is_world_process_zero():
        shutil.rmtree(folder, ignore_errors=True)
    trainer.accelerator.wait_for_everyone()
    model.config.use_cache = True  # the trainer turned it off; answering without it is slow
    model.generation_config = GenerationConfig(
        bos_token_id=tokenizer.bos_token_id, eos_token_id=ends(tokenizer), pad_token_id=tokenizer.pad_token_id
    )
    if is_adapted(model):
        save_adapter(model, folder, trainer.is_world_process_zero())
        if trainer.is_world_process_zero():
            model.generation_config.save_pretrained(str(folder))
            tokenizer.save_pretrained(str(folder))
    else:
        trainer.save_model(str(folder), _internal_call=True)
    trainer.accelerator.wait_for_everyone()
    (folder / "training_args.bin").unlink(missing_ok=True)  # a pickle, with paths in it


def ends(tokenizer: Any) -> list[int]:
    """Ids at which generation stops: EOT, then EOS."""
    return [number for number in (eot_id(tokenizer), tokenizer.eos_token_id) if number is not None]


def training_log(history: list[dict[str, float]]) -> list[TrainingStep]:
    """The trainer's log as records, without times and without what differs after a resume."""
    return [
        TrainingStep(int(entry["step"]), float(entry["epoch"]), name, float(value))
        for entry in history
        if "loss" in entry  # the last entry holds times
        for name, value in sorted(entry.items())  # a state that was read back has its names sorted
        if name not in UNREPEATABLE
    ]


def link_tree(source: Path, target: Path) -> None:
    """Copy a folder by hard links where the disk has them."""

    def link(old: str, new: str) -> str:
        try:
            os.link(old, new)
        except OSError:
            shutil.copyfile(old, new)
        return new

    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, copy_function=link)

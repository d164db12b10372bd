"""Run a transformers trainer the way align wants it: exact batches, our schedule, sealed checkpoints, no chatter.

Imports torch and transformers, so stages import it inside `run`.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
from transformers import GenerationConfig, PrinterCallback, TrainingArguments

from align.errors import AlignError, TrainingRefused
from align.files import disk_error, is_full
from align.models import CHECKPOINTS, MODEL, checkpoint_name
from align.processes import process_rank
from align.quantized import need_bitsandbytes
from align.records import TrainingStep
from align.tokens import eot_id
from align.training.adapting import is_adapted, keep_dtype, save_adapter
from align.training.batches import ShuffledBatches
from align.training.checkpoints import discard_unsealed, newest_left, newest_verified, trainer_folder
from align.training.job import Job
from align.training.keeper import Keeper
from align.training.rehearsing import StopAndMeasure
from align.training.reporting import reports, run_name, services
from align.training.scoring import Scorer
from align.training.sharding import DivisionCheck, keep_float32, sharding_arguments, write_weights
from align.training.surroundings import repeatable

OPTIMIZERS = {
    "adamw_8bit": "adamw_bnb_8bit",
    "paged_adamw_8bit": "paged_adamw_8bit",
    "paged_adamw_32bit": "paged_adamw_32bit",
}
"""transformers' names for those that are bitsandbytes'."""
NO_FIGURES = ("epoch", "step", "total_flos", "num_input_tokens_seen")
"""What stands among logged figures and is none, or starts from zero when a training is resumed."""


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
        "ddp_find_unused_parameters": False,  # every text goes through the whole model
        "warmup_steps": 0,
        "seed": stage.seed,
        "use_cpu": not on_gpu,
        # Weights and AdamW's state are float32 everywhere; on GPUs the arithmetic is bfloat16. TRL would take it on CPUs too.
        "bf16": on_gpu,
        # TRL would recompute activations on CPUs too.
        _checkpointing_argument(): on_gpu if stage.gradient_checkpointing is None else stage.gradient_checkpointing,
        "dataloader_pin_memory": on_gpu,
        "save_strategy": "no",  # Keeper decides, and `seal` removes older ones
        "logging_steps": 1,  # an average over several steps would depend on where a resumed run began
        "logging_nan_inf_filter": False,  # it would hide a loss that is no number
        **({} if stage.optimizer == "adamw" else {"optim": OPTIMIZERS[stage.optimizer]}),
        "report_to": services(stage.tracking) or "none",
        "run_name": run_name(job.work),
        "disable_tqdm": True,
        "push_to_hub": False,
        **sharding_arguments(stage.launch),
    }


def on_one_gpu(settings: TrainingArguments) -> Any:
    """Arguments for a trainer whose process takes one GPU, however many it sees.

    transformers would copy the model to all of them at every step (nn.DataParallel) and cut the ids into parts, but not the
    places of the tokens with loss.
    """
    settings._n_gpu = min(settings.n_gpu, 1)
    return settings


def _checkpointing_argument() -> str:
    """The argument's name: `gradient_checkpointing` warns where the new name is known."""
    new = "activation_checkpointing"
    return new if any(item.name == new for item in fields(TrainingArguments)) else "gradient_checkpointing"


def run_training(trainer: Any, job: Job) -> list[TrainingStep]:
    """Train, going on from the newest good checkpoint; leaves checkpoints/ and model/ in `work`, returns the log."""
    trainer.remove_callback(PrinterCallback)  # prints on stdout
    told = reports(job.stage.tracking, job.work, trainer.callback_handler.callbacks)
    with repeatable(), told as sent, closing(Keeper(trainer, job, save_model, sent)) as keeper, _nothing_older_lost(job.work):
        trainer.add_callback(DivisionCheck(trainer, job.stage.launch))
        trainer.add_callback(StopAndMeasure(trainer))
        trainer.add_callback(keeper)
        newest = _where_to_go_on(trainer, job)
        trainer.train(resume_from_checkpoint=None if newest is None else str(newest))
    if trainer.is_world_process_zero():
        link_tree(job.work / CHECKPOINTS / checkpoint_name(job.stage.epochs), job.work / MODEL)
    return training_log(trainer.state.log_history)


def _where_to_go_on(trainer: Any, job: Job) -> Path | None:
    with trainer.accelerator.main_process_first():  # it reads every byte and deletes what cannot be trusted
        if trainer.is_world_process_zero():
            return newest_verified(job.work, job.asked())
        return newest_left(job.work)


@contextmanager
def _nothing_older_lost(work: Path) -> Iterator[None]:
    """A full disk ends the training with what to do; what was being written gives its room back, what was sealed stays."""
    try:
        yield
    except Exception as error:
        if isinstance(error, AlignError) or not is_full(work, error):
            raise
        told = disk_error(work, error)
        if process_rank() == 0:
            discard_unsealed(work)
        raise told from error


def prepare(trainer: Any, job: Job) -> Any:
    """Give a trainer with `ExactBatches` mixed in its job. Its model must not have been wrapped yet."""
    trainer.job = job
    trainer.batches = ShuffledBatches(len(job.items), job.stage.batch_size, job.stage.seed)
    keep_float32(trainer)
    _attend(trainer.model, job.stage.attention)
    trainer.scorer = Scorer(trainer.model)
    adapter = getattr(job.stage, "adapter", None)
    if adapter is not None:
        keep_dtype(trainer.model, adapter)
    return trainer


def _attend(model: Any, attention: str) -> None:
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    try:
        inner.set_attn_implementation(attention)
    except (ImportError, ValueError) as error:
        raise TrainingRefused(
            f"attention: {attention}: {str(error).splitlines()[0]} `attention: sdpa` needs no package."
        ) from error


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
        write_weights(trainer, folder)
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
        if name not in NO_FIGURES
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

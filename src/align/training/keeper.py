"""What goes on around the steps of a training: models of epochs, sealed checkpoints, figures, and a word on how far it is.

Imports torch and transformers, so stages import it inside `run`.
"""

import logging
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback

from align.artifact import SCRATCH
from align.errors import TrainingRefused
from align.models import checkpoint_name
from align.processes import process_rank
from align.progress import Bar, is_watched
from align.training.checkpoints import SAVING, hash_share, keep_model, seal
from align.training.job import Job
from align.training.metrics import MetricsLog, Pace, Stopwatch
from align.training.reporting import Reports

log = logging.getLogger(__name__)

STEPS_BETWEEN_CHECKPOINTS = 500
"""A checkpoint is kept at the end of every epoch, and as often as this within one."""
SECONDS_BETWEEN_LINES = 10.0


class Keeper(TrainerCallback):  # type: ignore[misc] # transformers is untyped
    """Keeps epochs' models and sealed checkpoints, refuses what went wrong, and says how far the training is."""

    def __init__(self, trainer: Any, job: Job, save_model: Callable[[Any, Path], None], reports: Reports | None = None) -> None:
        self.trainer, self.job, self.save_model, self.reports = trainer, job, save_model, reports
        self.checked = False
        self.watch = Stopwatch()
        self.bar = Bar(job.stage.kind, job.split.steps, unit="steps", lines=False)
        self.metrics: MetricsLog | None = None
        self.said = time.monotonic()

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        job = self.job
        if state.max_steps != job.split.steps:
            raise TrainingRefused(
                f"{state.max_steps} steps would be made and not {job.split.steps}: batches are divided wrongly."
            )
        if job.split.world > 1:
            # Each process draws a dropout of its own; the trainer gives all the same seed. A resumed one reads its state later.
            torch.manual_seed(job.stage.seed * 100_003 + process_rank())
        if state.is_world_process_zero:
            self.bar = Bar(job.stage.kind, state.max_steps, state.global_step, "steps", lines=False)
            self.metrics = MetricsLog(job.work, "tensorboard" in job.stage.tracking)
            self.metrics.go_on_from(state.global_step)

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.trainer.batches.epoch = state.global_step // self.job.split.steps_per_epoch

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.watch.begin_step()

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, model: Any, optimizer: Any, **_: Any) -> None:
        check, seen = self.job.before_first_step, self.checked
        self.checked = True
        if seen or check is None:
            return
        if self.trainer.is_deepspeed_enabled:  # which has made its step by now, and emptied the gradients
            log.warning("%s: whether EOT has a gradient is not checked, since DeepSpeed shows none", self.job.stage.kind)
            return
        check(model, optimizer)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> Any:
        if torch.cuda.is_available():
            torch.cuda.synchronize()  # as logging is about to
        self.watch.end_step()
        epoch, within = divmod(state.global_step, self.job.split.steps_per_epoch)
        if within == 0 and self.job.stage.keeps(epoch):
            # Before the checkpoint: then a sealed one vouches for the models of all epochs it has passed.
            self._save_epoch(checkpoint_name(epoch))
        control.should_save = within == 0 or state.global_step % STEPS_BETWEEN_CHECKPOINTS == 0
        return control

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.trainer.accelerator.wait_for_everyone()
        if self.metrics is not None:
            self.metrics.save()  # before the seal: no sealed checkpoint is ahead of its metrics
        # A terabyte takes one process longer than the others would wait for it.
        files = _together(hash_share(self.job.work, state.global_step, process_rank(), self.job.split.world))
        if state.is_world_process_zero:
            seal(self.job.work, state.global_step, self.job.asked(), files)

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float], **_: Any) -> None:
        loss = logs.get("loss")
        if loss is None:
            return
        if not math.isfinite(loss):
            raise TrainingRefused(
                f"the loss is {loss} at step {state.global_step} of {state.max_steps}: a smaller learning_rate "
                f"(it is {self.job.stage.learning_rate:g}) or max_grad_norm may help."
            )
        if self.metrics is not None:
            pace = self.watch.pace(logs["tokens"])
            self.metrics.add(state.global_step, pace, logs)
            self._say(state, pace, logs)
        if self.reports is not None and state.is_world_process_zero:
            self.reports.note(state.global_step)

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.close()
        if self.metrics is not None:
            self.metrics.close()

    def close(self) -> None:
        """Take the bar away, also where a training fails."""
        self.bar.close()

    def _say(self, state: Any, pace: Pace, logs: dict[str, float]) -> None:
        """On a terminal a bar; elsewhere a line now and then."""
        said = f"loss {logs['loss']:.3f}  lr {logs['learning_rate']:.2g}  {pace.tokens_per_second:,.0f} tokens/s"
        self.bar.move(state.global_step, said)
        now = time.monotonic()
        if is_watched() or now - self.said < SECONDS_BETWEEN_LINES:
            return
        self.said = now
        left = pace.seconds_per_step * (state.max_steps - state.global_step)
        log.info("step %d of %d  epoch %.1f  %s  %s left", state.global_step, state.max_steps, state.epoch, said, _time(left))

    def _save_epoch(self, name: str) -> None:
        self.save_model(self.trainer, self.job.work / SCRATCH / SAVING)
        if self.trainer.is_world_process_zero():
            keep_model(self.job.work, name)


def _together(mine: dict[str, str]) -> dict[str, str]:
    """What all processes have found."""
    if not torch.distributed.is_available() or not torch.distributed.is_initialized():
        return mine
    found: list[dict[str, str]] = [{}] * torch.distributed.get_world_size()
    torch.distributed.all_gather_object(found, mine)
    return {name: digest for share in found for name, digest in share.items()}


def _time(seconds: float) -> str:
    """`42 s`, `3:07`, `1:02:05`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}" if minutes else f"{rest} s"

"""Exact batches in a transformers trainer: what LIMA's optimizer saw, without the padding.

Imports torch and transformers, so stages import it inside `run`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import Trainer

from align.processes import process_rank
from align.training.adapting import is_adapted, read_adapter, save_adapter
from align.training.batches import Cut, cuts_of
from align.training.job import Items, Job
from align.training.scoring import MicroBatch, Scorer, lay_out


@dataclass(frozen=True, slots=True)
class Batch:
    """One process's part of an optimizer batch."""

    cuts: list[tuple[Cut, MicroBatch]]
    weight: float
    """Of the whole batch, over all processes."""
    tokens: int
    """Of the whole batch, without padding."""


class ExactBatches:
    """Mixed into a transformers trainer: batches of exactly `batch_size` examples in micro-batches, and align's schedule.

    The loss of a batch is the sum over its examples divided by their weight, so neither the cut into micro-batches nor the
    number of processes changes it.
    """

    job: Job
    batch: Batch
    batches: torch.utils.data.Sampler[list[int]]
    scorer: Scorer
    _noted: dict[str, torch.Tensor]
    _counts: bool

    def summed_loss(self, model: Any, examples: Sequence[int], batch: MicroBatch) -> torch.Tensor:
        """Loss of these examples, added up and not yet divided by the weight of the batch they belong to."""
        raise NotImplementedError

    def begin_batch(self, model: Any) -> None:
        """Called with `batch` set, before any of it goes through the model."""

    def get_train_dataloader(self) -> Any:
        return torch.utils.data.DataLoader(
            range(len(self.job.items)),
            batch_sampler=self.batches,
            collate_fn=self._batch,
            generator=torch.Generator(),  # its own, so that loading draws no numbers that dropout would have had
        )

    def training_step(self, model: Any, inputs: dict[str, Batch], num_items_in_batch: Any = None) -> torch.Tensor:
        trainer: Any = self
        model.train()
        self.batch, self._noted, self._counts = inputs["batch"], {}, True
        batch = self.batch
        self.begin_batch(model)
        total = torch.zeros((), device=trainer.args.device)
        for number, (cut, micro) in enumerate(batch.cuts, start=1):
            self._counts = cut.counts
            with self._gradients_summed_once(model, last=number == len(batch.cuts)), trainer.compute_loss_context_manager():
                loss = self.summed_loss(model, cut.examples, micro.to(trainer.args.device))
                # gradients are averaged over processes, and the weight is that of all of them
                share = loss * (self.job.split.world / batch.weight if cut.counts else 0.0)
                trainer.accelerator.backward(share, **self._backward_arguments())
            total += share.detach()
        return total

    def note(self, name: str, values: torch.Tensor) -> None:
        """Add to a figure of this batch that is logged as a mean by weight, like the loss."""
        added = values.detach().float().sum() * self._counts  # not twice what another process counts
        self._noted[name] = self._noted.get(name, 0.0) + added

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
        if self.lr_scheduler is None:
            stage, first = self.job.stage, self.job.stage.learning_rate
            self.lr_scheduler: Any = torch.optim.lr_scheduler.LambdaLR(
                optimizer or self.optimizer,  # type: ignore[attr-defined] # the trainer's
                lambda step: stage.learning_rate_at(step, num_training_steps) / first,
            )
            self._created_lr_scheduler = True
        return self.lr_scheduler

    def log(self, logs: dict[str, float], *rest: Any, **more: Any) -> None:
        if "loss" in logs:
            history: Any = self.state.log_history  # type: ignore[attr-defined] # the trainer's; a checkpoint brings it along
            seen = history[-1].get("num_tokens", 0) if history else 0
            logs |= {"tokens": self.batch.tokens, "num_tokens": seen + self.batch.tokens} | self._noted_means()
        super().log(logs, *rest, **more)  # type: ignore[misc] # the trainer's

    def floating_point_ops(self, inputs: Any) -> int:
        return 0  # `align plan` computes them; the trainer would look for ids in its batch

    def create_model_card(self, *_: Any, **__: Any) -> None:
        """None: the artifact's manifest says how the model was made."""

    def _save(self, output_dir: str | None = None, state_dict: dict[str, Any] | None = None) -> None:
        trainer: Any = self
        model = trainer.accelerator.unwrap_model(trainer.model)
        if output_dir is None or not is_adapted(model):
            super()._save(output_dir, state_dict)  # type: ignore[misc] # the trainer's
            return
        save_adapter(model, Path(output_dir), trainer.args.should_save, state_dict)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        trainer: Any = self
        if trainer.is_fsdp_enabled or not is_adapted(trainer.model):
            super()._load_from_checkpoint(resume_from_checkpoint, model)  # type: ignore[misc] # the trainer's
            return
        read_adapter(trainer.model, Path(resume_from_checkpoint))

    def _noted_means(self) -> dict[str, float]:
        if not self._noted:
            return {}
        names = sorted(self._noted)
        accelerator: Any = self.accelerator  # type: ignore[attr-defined] # the trainer's
        totals = accelerator.reduce(torch.stack([self._noted[name] for name in names]), "sum").tolist()
        return {name: total / self.batch.weight for name, total in zip(names, totals, strict=True)}

    def _batch(self, examples: list[int]) -> dict[str, Batch]:
        items = self.job.items
        weight, tokens = sum(map(items.weight, examples)), sum(map(items.tokens, examples))
        return {"batch": Batch(self._laid_out(items, examples), max(weight, 1.0), tokens)}

    def _laid_out(self, items: Items, examples: Sequence[int]) -> list[tuple[Cut, MicroBatch]]:
        """What this process does of some items, as tensors."""
        stage, world = self.job.stage, self.job.split.world
        rank = process_rank() if world > 1 else 0
        cuts = cuts_of(examples, items.length, stage.micro_batch_tokens, world, rank, stage.layout)
        return [(cut, lay_out([text for index in cut.examples for text in items.texts(index)], stage.layout)) for cut in cuts]

    @contextmanager
    def _gradients_summed_once(self, model: Any, last: bool) -> Iterator[None]:
        """With ddp, sum gradients over processes after the last micro-batch only; sharded ones must be summed at once."""
        accelerator: Any = self.accelerator  # type: ignore[attr-defined] # the trainer's
        accelerator.gradient_state._set_sync_gradients(last)
        later = not last and accelerator.distributed_type.name in ("MULTI_CPU", "MULTI_GPU")
        with accelerator.no_sync(model) if later else nullcontext():
            yield

    def _backward_arguments(self) -> dict[str, Any]:
        accelerator: Any = self.accelerator  # type: ignore[attr-defined] # the trainer's
        return {"scale_wrt_gas": False} if accelerator.distributed_type.name == "DEEPSPEED" else {}


class TextLoss:
    """Mixed in beside `ExactBatches`: minus the log-probability of the tokens with loss."""

    scorer: Scorer

    def summed_loss(self, model: Any, examples: Sequence[int], batch: MicroBatch) -> torch.Tensor:
        return -self.scorer.log_probs(model, batch).sum()


class BlockTrainer(TextLoss, ExactBatches, Trainer):  # type: ignore[misc] # transformers is untyped
    """Trains on rows that are ready."""

"""Trainers that hold a model to a reference: of pairs (DPO and its kin) and of labelled responses (KTO).

They stand on the Trainer of transformers. TRL 1.16's DPOTrainer and KTOTrainer tokenize by themselves, hash all weights, load a
second model or copy the adapter when they are made, and KTO's mismatched responses are fixed then, in the order of the file;
tests hold losses and gradients to theirs. Imports torch and transformers, so stages import it inside `run`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import Trainer, TrainingArguments

from align.training.batches import Cut
from align.training.dropout import remove_dropout
from align.training.exact import Batch, ExactBatches
from align.training.job import Job
from align.training.labelled_rows import Mismatched
from align.training.losses import labelled_losses, pair_losses
from align.training.reference import Reference
from align.training.scoring import MicroBatch
from align.training.trainer import arguments, on_one_gpu, prepare


class PairTrainer(ExactBatches, Trainer):  # type: ignore[misc] # transformers is untyped
    """Trains on pairs of texts, the chosen one first."""

    reference: Reference

    def summed_loss(self, model: Any, examples: Sequence[int], batch: MicroBatch) -> torch.Tensor:
        stage: Any = self.job.stage
        now_P2 = batch.sums(self.scorer.log_probs(model, batch)).view(-1, 2)
        gains_P2 = now_P2 - self.reference.log_probs(model, examples, batch).view(-1, 2)
        chosen, rejected = gains_P2.unbind(1)
        self._note(stage.beta * gains_P2, now_P2)
        lengths_P2 = batch.token_counts().view(-1, 2)
        losses = pair_losses(stage.loss, chosen, rejected, lengths_P2, stage.beta, stage.label_smoothing)
        if stage.rpo_alpha:
            likelihood = -now_P2[:, 0] / lengths_P2[:, 0]
            self.note("nll/chosen", likelihood)
            losses = losses + stage.rpo_alpha * likelihood
        return losses.sum()

    def _note(self, rewards_P2: torch.Tensor, now_P2: torch.Tensor) -> None:
        self.note("rewards/chosen", rewards_P2[:, 0])
        self.note("rewards/rejected", rewards_P2[:, 1])
        self.note("rewards/margins", rewards_P2[:, 0] - rewards_P2[:, 1])
        self.note("rewards/accuracies", rewards_P2[:, 0] > rewards_P2[:, 1])
        self.note("logps/chosen", now_P2[:, 0])
        self.note("logps/rejected", now_P2[:, 1])


@dataclass(frozen=True, slots=True)
class LabelledBatch(Batch):
    """With the texts that tell how far the model is from the reference."""

    mismatched: list[tuple[Cut, MicroBatch]]
    desirable: int
    """Of the whole batch."""


class LabelledTrainer(ExactBatches, Trainer):  # type: ignore[misc] # transformers is untyped
    """Trains on responses that are desirable or not."""

    reference: Reference
    mismatched: Mismatched | None
    """What the baseline is measured on; None for a loss without one."""
    mismatched_reference: Reference
    baseline: torch.Tensor | float = 0.0

    def begin_batch(self, model: Any) -> None:
        """Measure z0 on the whole batch before its first micro-batch: its mean log-ratio on mismatched texts, at least 0.

        TRL measures it in each micro-batch of each process, and clamps there.
        """
        if self.mismatched is None:
            return
        trainer: Any = self
        batch: Any = self.batch
        total = torch.zeros((), device=trainer.args.device)
        with torch.no_grad(), trainer.compute_loss_context_manager():
            for cut, texts in batch.mismatched:
                micro = texts.to(trainer.args.device)
                now = micro.sums(self.scorer.log_probs(model, micro))
                gains = now - self.mismatched_reference.log_probs(model, cut.examples, micro)
                total += gains.sum() if cut.counts else 0.0
        world = self.job.split.world
        self.baseline = (trainer.accelerator.reduce(total, "sum") / batch.weight).clamp(min=0)
        self.note("kl", self.baseline * batch.weight / world)

    def summed_loss(self, model: Any, examples: Sequence[int], batch: MicroBatch) -> torch.Tensor:
        stage: Any = self.job.stage
        rows: Any = self.job.items
        now = batch.sums(self.scorer.log_probs(model, batch))
        gains = now - self.reference.log_probs(model, examples, batch)
        desirable = torch.tensor([rows.rows[index].desirable for index in examples], device=gains.device)
        losses = labelled_losses(gains, desirable, self.baseline, stage.beta)
        self._note(stage.beta * gains, desirable)
        return (losses * torch.where(desirable, stage.desirable_weight, stage.undesirable_weight)).sum()

    def _note(self, rewards: torch.Tensor, desirable: torch.Tensor) -> None:
        """Mean reward of each side; 0 where the batch has none of it."""
        batch: Any = self.batch
        for name, side, count in (
            ("rewards/desirable", desirable, batch.desirable),
            ("rewards/undesirable", ~desirable, batch.weight - batch.desirable),
        ):
            self.note(name, rewards[side] * (batch.weight / max(count, 1)))

    def _batch(self, examples: list[int]) -> dict[str, Batch]:
        rows: Any = self.job.items
        batch = super()._batch(examples)["batch"]
        numbers = [] if self.mismatched is None else self.mismatched.numbers(examples)
        laid = self._laid_out(self.mismatched, numbers) if self.mismatched is not None else []
        desirable = sum(rows.rows[index].desirable for index in examples)
        return {"batch": LabelledBatch(batch.cuts, batch.weight, batch.tokens, laid, desirable)}


def preference_trainer(trainer: type[Any], model: Any, tokenizer: Any, job: Job) -> Any:
    """A trainer of one of these classes, without its reference yet. Dropout is off."""
    remove_dropout(model)
    settings = on_one_gpu(TrainingArguments(**arguments(job), remove_unused_columns=False))
    return prepare(trainer(model=model, args=settings, train_dataset=job.items, processing_class=tokenizer), job)

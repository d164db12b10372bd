"""TRL's trainers with align's rows, batches and losses. Imports TRL, so stages import it inside `run`."""

from collections.abc import Sequence
from typing import Any

import torch
from trl import DPOTrainer, SFTTrainer

from align.training.exact import ExactBatches, TextLoss
from align.training.losses import pair_losses
from align.training.scoring import MicroBatch, Scorer


class DialogueTrainer(TextLoss, ExactBatches, SFTTrainer):  # type: ignore[misc] # TRL is untyped
    """Fine-tunes on rows of ids and labels as they are."""


class PairTrainer(ExactBatches, DPOTrainer):  # type: ignore[misc] # TRL is untyped
    """Trains on pairs of rows as they are.

    TRL 1.16 tokenizes every data set of pairs itself, with a chat template; then the ids would not be those of tokens.render.
    """

    def _prepare_dataset(self, dataset: Any, *_: Any) -> Any:
        return dataset

    reference_scorer: Scorer

    def summed_loss(self, model: Any, examples: Sequence[int], batch: MicroBatch) -> torch.Tensor:
        stage: Any = self.job.stage
        now_P2 = batch.sums(self.scorer.log_probs(model, batch)).view(-1, 2)
        with torch.no_grad():
            before_P2 = batch.sums(self.reference_scorer.log_probs(self.ref_model, batch)).view(-1, 2)
        gains_P2 = now_P2 - before_P2
        chosen, rejected = gains_P2.unbind(1)
        rewards_P2 = stage.beta * gains_P2
        self.note("rewards/chosen", rewards_P2[:, 0])
        self.note("rewards/rejected", rewards_P2[:, 1])
        self.note("rewards/margins", rewards_P2[:, 0] - rewards_P2[:, 1])
        self.note("rewards/accuracies", rewards_P2[:, 0] > rewards_P2[:, 1])
        self.note("logps/chosen", now_P2[:, 0])
        self.note("logps/rejected", now_P2[:, 1])
        lengths_P2 = batch.token_counts().view(-1, 2)
        return pair_losses(stage.loss, chosen, rejected, lengths_P2, stage.beta, stage.label_smoothing).sum()

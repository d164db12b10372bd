"""Learn from single responses that are desirable or not: KTO (Ethayarajh et al. 2024, arXiv 2402.01306)."""

import logging
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal

from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt

from align.records import Example, PreferencePair
from align.stage import Inputs
from align.training.job import Job
from align.training.labelled_rows import LabelledRow, Mismatched, labelled_responses, make_labelled_rows
from align.training.preference import PreferenceLearning
from align.training.rows import Rows

if TYPE_CHECKING:
    from align.training.reference import Before

log = logging.getLogger(__name__)

MOST = 4 / 3
"""The weighed number of desirable responses should be 1 to 4/3 times that of undesirable ones (arXiv 2402.01306, equation 8)."""


class KahnemanTverskyOptimization(PreferenceLearning):
    """Learn from single responses, each desirable or not, against the model it starts from as reference. There is no dropout.

    Its inputs are examples with a signal of 1 or 0 (stage `labelled_responses`), or pairs, of which the chosen response counts as
    desirable and the rejected one as not. What a response gains is measured against z0, the model's distance from the reference:
    its mean log-ratio, at least 0, on the batch's prompts with each other's responses. It is measured on the whole batch, over
    all devices, before the batch's first micro-batch.
    """

    kind: Literal["kto"] = "kto"
    label: str = "desirable"
    """The signal of an example that says whether its response is desirable, 1, or not, 0."""
    loss: Literal["kto", "apo_zero_unpaired"] = "kto"
    """kto is equation 7; apo_zero_unpaired is the same with z0 = 0 (APO, arXiv 2408.06266), for half the reading."""
    desirable_weight: PositiveFloat = 1.0
    """Weight of desirable responses, lambda_D. Times their number, 1 to 4/3 of the other side's is advised (equation 8)."""
    undesirable_weight: NonNegativeFloat = 1.0
    """Weight of undesirable responses, lambda_U."""
    batch_size: PositiveInt = 32
    """Responses per optimizer step over all devices (Ethayarajh et al.: 32); z0 is measured on as many."""
    learning_rate: PositiveFloat = 5e-7
    """Learning rate of the first step (Ethayarajh et al.: 5e-7)."""

    def rows(self, inputs: Inputs, tokenizer: Any, max_tokens: int) -> Rows[LabelledRow]:
        records: Iterator[PreferencePair | Example] = chain(inputs.read(PreferencePair), inputs.read(Example))
        made = make_labelled_rows(labelled_responses(records, self.label), tokenizer, max_tokens, self.overlong)
        desirable = sum(row.desirable for row in made.rows)
        self._weigh(desirable, len(made) - desirable)
        return made

    def trainer(self, model: Any, tokenizer: Any, job: Job) -> Any:
        from align.training.preference_trainers import LabelledTrainer, preference_trainer

        return preference_trainer(LabelledTrainer, model, tokenizer, job)

    def refer(self, trainer: Any, before: "Before", max_tokens: int) -> None:
        from align.artifact import digest_of
        from align.training.batches import ShuffledBatches

        super().refer(trainer, before, max_tokens)
        trainer.mismatched = None
        if self.loss == "kto":
            rows = trainer.job.items
            batches = ShuffledBatches(len(rows), self.batch_size, self.seed)
            trainer.mismatched = Mismatched(rows.rows, batches, self.epochs, max_tokens)
            digest = digest_of([trainer.job.data, trainer.mismatched.pairs, max_tokens])
            trainer.mismatched_reference = before.reference(trainer.mismatched, "mismatched", digest)

    def _weigh(self, desirable: int, undesirable: int) -> None:
        """Say where one side outweighs the other more than the paper advises."""
        ratio = self.desirable_weight * desirable / max(self.undesirable_weight * undesirable, 1e-9)
        if not 1 <= ratio <= MOST:
            advised = undesirable * self.undesirable_weight / max(desirable, 1)
            log.warning(
                "kto: %d desirable and %d undesirable responses weigh %.2f to 1; 1 to 1.33 is advised (arXiv 2402.01306, eq. 8): "
                "desirable_weight %.2f to %.2f",
                desirable,
                undesirable,
                ratio,
                advised,
                advised * MOST,
            )

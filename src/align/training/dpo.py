"""Learn preferences from pairs: DPO (Rafailov et al. 2023, arXiv 2305.18290) and losses of its kind."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, field_validator, model_validator

from align.records import PreferencePair
from align.stage import Inputs
from align.training.job import Job
from align.training.pair_rows import PairRow, make_pair_rows
from align.training.preference import PreferenceLearning
from align.training.rows import Rows

PairLoss = Literal[
    "sigmoid",
    "hinge",
    "ipo",
    "robust",
    "exo_pair",
    "nca_pair",
    "bco_pair",
    "sppo_hard",
    "apo_zero",
    "apo_down",
    "discopop",
    "sigmoid_norm",
]
SMOOTHED = ("sigmoid", "robust", "exo_pair")
"""Losses that `label_smoothing` is defined for."""
SORTING = ("aot", "aot_unpaired")


class PreferenceTraining(PreferenceLearning):
    """Direct preference optimization, against the model it starts from as reference. There is no dropout."""

    kind: Literal["dpo"] = "dpo"
    loss: PairLoss = "sigmoid"
    """sigmoid is DPO's (arXiv 2305.18290, equation 7); hinge SLiC's (2305.10425); ipo IPO's, a token (2310.12036); robust rDPO's
    (2403.00409); exo_pair EXO's (2402.00856); nca_pair NCA's (2402.05369); bco_pair BCO's without its shift (2404.04656);
    sppo_hard SPPO's (2405.00675); apo_zero and apo_down APO's (2408.06266); discopop DiscoPOP's (2406.08414); sigmoid_norm is
    sigmoid a token (Tülu 3, 2411.15124)."""
    label_smoothing: Annotated[float, Field(ge=0, lt=0.5)] = 0.0
    """Share of pairs supposed to be labelled the wrong way round. With sigmoid it is cDPO's (Mitchell 2023), with robust rDPO's,
    which corrects for it without bias; exo_pair needs it above 0 (its authors: 1e-3)."""
    rpo_alpha: NonNegativeFloat = 0.0
    """Adds so much of the chosen response's negative log-likelihood, the mean over its own tokens, to each pair's loss (iterative
    RPO, arXiv 2404.19733, equation 2; 1 there). The mean is each response's own, so the cut of a batch does not change it."""
    batch_size: PositiveInt = 64
    """Pairs per optimizer step over all devices (Rafailov et al., appendix B: 64)."""
    learning_rate: PositiveFloat = 1e-6
    """Learning rate of the first step (Rafailov et al., appendix B, who warm up for 150 steps before)."""

    texts: ClassVar[int] = 2

    @field_validator("loss", mode="before")
    @classmethod
    def _looks_at_one_pair(cls, loss: Any) -> Any:
        if loss in SORTING:
            raise ValueError(
                f"loss: {loss} sorts the pairs of a micro-batch, so it would change with micro_batch_tokens and with the number "
                f"of devices; take one that looks at each pair by itself, e.g. sigmoid"
            )
        return loss

    @model_validator(mode="after")
    def _smoothing_is_read(self) -> "PreferenceTraining":
        if self.label_smoothing and self.loss not in SMOOTHED:
            raise ValueError(
                f"label_smoothing is defined for loss: {', '.join(SMOOTHED)} (got loss: {self.loss}); remove it, or write one of "
                f"these"
            )
        if self.loss == "exo_pair" and not self.label_smoothing:
            raise ValueError("loss: exo_pair needs label_smoothing above 0, its formula has the logarithm; write 1e-3")
        return self

    def rows(self, inputs: Inputs, tokenizer: Any, max_tokens: int) -> Rows[PairRow]:
        return make_pair_rows(inputs.read(PreferencePair), tokenizer, max_tokens, self.overlong)

    def trainer(self, model: Any, tokenizer: Any, job: Job) -> Any:
        from align.training.preference_trainers import PairTrainer, preference_trainer

        return preference_trainer(PairTrainer, model, tokenizer, job)

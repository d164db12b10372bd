"""TRL's trainers with align's schedule, order and rows. Imports TRL, so stages import it inside `run`."""

from typing import Any

from trl import DPOTrainer, SFTTrainer

from align.training.trainer import Adjusted


class DialogueTrainer(Adjusted, SFTTrainer):  # type: ignore[misc] # TRL is untyped
    """Fine-tunes on rows of `input_ids` and `labels` as they are."""


class PairTrainer(Adjusted, DPOTrainer):  # type: ignore[misc] # TRL is untyped
    """Trains on rows of `prompt_ids`, `chosen_ids`, `rejected_ids` as they are.

    TRL 1.16 tokenizes every data set of pairs itself, with a chat template; then the ids would not be those of tokens.render.
    """

    def _prepare_dataset(self, dataset: Any, *_: Any) -> Any:
        return dataset

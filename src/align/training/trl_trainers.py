"""TRL's trainer with align's rows and batches. Imports TRL, so stages import it inside `run`."""

from trl import SFTTrainer

from align.training.exact import ExactBatches, TextLoss


class DialogueTrainer(TextLoss, ExactBatches, SFTTrainer):  # type: ignore[misc] # TRL is untyped
    """Fine-tunes on rows of ids and labels as they are."""

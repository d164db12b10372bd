"""How many tokens a model can read."""

from align.artifact import Artifact
from align.models import LAST, model_place


def context_tokens(model: Artifact, checkpoint: str = LAST) -> int | None:
    """Length of the model's context; None where the model sets none. Reads its config, loads no weights."""
    from transformers import AutoConfig

    place = model_place(model, checkpoint)
    config = AutoConfig.from_pretrained(place.path, **place.options())
    found = getattr(config.get_text_config(decoder=True), "max_position_embeddings", None)
    return found if isinstance(found, int) and found > 0 else None

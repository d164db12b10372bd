"""The model a pretraining goes on with: that of an earlier phase, its context extended where the recipe asks for it."""

from typing import TYPE_CHECKING

from align.models import ModelPlace, model_at
from align.training.context import ContextExtension

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def extended_model(place: ModelPlace, extension: ContextExtension | None) -> "PreTrainedModel":
    """The model at a place in float32; the optimizer starts anew, as nothing of its state is kept in an artifact."""
    from transformers import AutoConfig

    if extension is None:
        return model_at(place, "float32")
    whole = place
    while whole.base is not None:  # an adapter has the config of the model it belongs to
        whole = whole.base
    config = AutoConfig.from_pretrained(whole.path, **whole.options())
    # The positions' tables are computed when the model is made, so it is made of the new config.
    config = type(config).from_dict(extension.extended(config.to_dict()))
    return model_at(place, "float32", config=config)

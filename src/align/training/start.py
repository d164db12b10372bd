"""The model a pretraining goes on with: that of an earlier phase, its context extended where the recipe asks for it."""

from typing import TYPE_CHECKING

from align.models import ModelPlace
from align.training.context import ContextExtension

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def extended_model(place: ModelPlace, extension: ContextExtension | None) -> "PreTrainedModel":
    """The model at a place in float32, to be divided where that is asked for.

    The optimizer starts anew, as nothing of its state is kept in an artifact.
    """
    from transformers import AutoConfig

    from align.training.loading import model_to_divide

    if extension is None:
        return model_to_divide(place)
    whole = place
    while whole.base is not None:  # an adapter has the config of the model it belongs to
        whole = whole.base
    config = AutoConfig.from_pretrained(whole.path, **whole.options())
    # The positions' tables are computed when the model is made, so it is made of the new config.
    config = type(config).from_dict(extension.extended(config.to_dict()))
    return model_to_divide(place, "float32", config=config)

"""Residual dropout that rises with depth (LIMA §3): on what each block adds to the residual stream.

p of layer i of L is p_top * i / (L - 1): none at the bottom, all at the top. Transformers' Llama has no such option,
so a forward hook drops the output of its two blocks; families that have dropout there get the layer's own p.
Nothing of it is saved: the model is the same at inference, and in eval mode the hooks do nothing.
"""

from typing import TYPE_CHECKING, Any

from align.errors import TrainingRefused
from align.parts import nearest

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedModel

BLOCKS = {family: ("self_attn", "mlp") for family in ("llama", "mistral", "qwen2", "qwen3", "gemma")}
"""Families whose layers add these blocks' outputs to the residual stream as they are, without dropout of their own."""

OWN_DROPOUT = {
    "phi": ("resid_dropout",),
    "phi3": ("resid_attn_dropout", "resid_mlp_dropout"),
    "gpt_neox": ("post_attention_dropout", "post_mlp_dropout"),
    "gpt2": ("attn.resid_dropout", "mlp.dropout"),
}
"""Families whose layers hold dropout modules at just those places."""


def dropout_by_layer(top: float, layers: int) -> list[float]:
    """Dropout of each layer, bottom first; a model of one layer has the top's."""
    return [top * index / (layers - 1) for index in range(layers)] if layers > 1 else [top]


def add_residual_dropout(model: "PreTrainedModel", top: float) -> None:
    """Drop out of both residual blocks of every layer. Call it once, before the model is wrapped or sharded."""
    family = str(model.config.model_type)
    if family not in BLOCKS and family not in OWN_DROPOUT:
        known = [*BLOCKS, *OWN_DROPOUT]
        raise TrainingRefused(
            f"residual_dropout: {top}: where a model of family {family!r} adds to its residual stream is not known; "
            f"{nearest(family, known)}. Write residual_dropout: 0.0, or add the family to align/training/dropout.py."
        )
    layers = layers_of(model)
    for layer, share in zip(layers, dropout_by_layer(top, len(layers)), strict=True):
        for path in OWN_DROPOUT.get(family, ()):
            layer.get_submodule(path).p = share
        if family in BLOCKS:
            _hook(layer, BLOCKS[family], share)


def remove_dropout(model: "PreTrainedModel") -> None:
    """Set every dropout to 0, of modules and of attention, which reads a number: a reward must be the same if asked twice."""
    from torch import nn

    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
        for name, value in list(vars(module).items()):
            if name.endswith("dropout") and isinstance(value, float):
                setattr(module, name, 0.0)


def layers_of(model: "PreTrainedModel") -> list["nn.Module"]:
    """The decoder's layers, bottom first."""
    decoder = model.base_model
    return list(decoder.layers if hasattr(decoder, "layers") else decoder.h)


def _hook(layer: Any, blocks: tuple[str, ...], share: float) -> None:
    from torch import nn

    # A module of the layer, so that train() and eval() reach it.
    layer.residual_dropout = nn.Dropout(share).train(layer.training)

    def drop(block: Any, inputs: Any, output: Any) -> Any:
        if isinstance(output, tuple):
            return (layer.residual_dropout(output[0]), *output[1:])
        return layer.residual_dropout(output)

    for name in blocks:
        layer.get_submodule(name).register_forward_hook(drop)

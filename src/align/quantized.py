"""Weights in 4 bits (QLoRA: Dettmers et al. 2023, arXiv 2305.14314), and the weights that those stand for."""

import logging
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from align.errors import AlignError

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

# Whoever imports it, and peft does, is told of kernels that one could install.
logging.getLogger("bitsandbytes").setLevel(logging.ERROR)

Settings = dict[str, Any]
"""`quantization_config` as in a model's config.json."""


def four_bits(kind: str, is_double: bool, dtype: str) -> Settings:
    """How matrices are quantized: `kind` is nf4 or fp4; arithmetic is done, and weights are rounded from, `dtype`."""
    return {
        "quant_method": "bitsandbytes",
        "load_in_4bit": True,
        "bnb_4bit_quant_type": kind,
        "bnb_4bit_use_double_quant": is_double,
        "bnb_4bit_compute_dtype": dtype,
    }


def settings_of(config: Any) -> Settings | None:
    """How the model of a config is quantized, without what differs from machine to machine; None where it is not."""
    found = getattr(config, "quantization_config", None)
    if found is None:
        return None
    told = found if isinstance(found, dict) else found.to_dict()
    return four_bits(*(told[f"bnb_4bit_{name}"] for name in ("quant_type", "use_double_quant", "compute_dtype")))


def need_bitsandbytes(what: str) -> None:
    """Refuse `what` where the package for it is missing."""
    if find_spec("bitsandbytes") is None:
        raise AlignError(f"{what} needs the package bitsandbytes: pip install 'align-lm[quantized]'")


def round_as_quantized(model: "PreTrainedModel", settings: Settings) -> None:
    """Give every matrix the values that it has when it is quantized: all linear modules but the output matrix.

    An adapter trained beside quantized weights has learned to make up for their rounding, so it belongs to those.
    """
    import torch
    from transformers.pytorch_utils import Conv1D

    need_bitsandbytes("a model with an adapter of kind qlora")
    output = model.get_output_embeddings()
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, Conv1D):  # GPT-2's: a linear module, transposed
                module.weight.copy_(_rounded(module.weight.T.contiguous(), settings).T)
            elif isinstance(module, torch.nn.Linear) and module is not output:
                module.weight.copy_(_rounded(module.weight, settings))


def _rounded(matrix: "Tensor", settings: Settings) -> "Tensor":
    import bitsandbytes.functional as bits
    import torch

    values = matrix.detach().to(getattr(torch, settings["bnb_4bit_compute_dtype"]))
    kind, is_double = settings["bnb_4bit_quant_type"], settings["bnb_4bit_use_double_quant"]
    data, state = bits.quantize_4bit(values, compress_statistics=is_double, quant_type=kind)
    found: Tensor = bits.dequantize_4bit(data, state)
    return found

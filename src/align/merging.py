"""An adapter on disk, put on its base model and merged into its weights: what comes out is a model like any other.

    adapter_model.safetensors   the adapter's matrices, and the rows of tokens that were trained
    adapter_config.json         PEFT's; no path, so that equal trainings leave equal bytes
    config.json                 the whole model's, with its rows counted, and `quantization_config` where the base was quantized

The delta is added to the base that the adapter was trained beside. Where that was quantized (QLoRA), its matrices are first given
the values of their 4 bits: then the model that answers is the model that was trained, in 16 or 32 bits.
"""

import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from align.errors import InputError
from align.quantized import round_as_quantized

if TYPE_CHECKING:
    from transformers import PreTrainedModel

ADAPTER_CONFIG = "adapter_config.json"
ADAPTER_WEIGHTS = "adapter_model.safetensors"


def is_adapter(folder: Path) -> bool:
    """Whether a model's folder holds an adapter and not the whole model."""
    return (folder / ADAPTER_CONFIG).is_file()


def merge_adapter(base: "PreTrainedModel", folder: Path) -> "PreTrainedModel":
    """`base` with the adapter in `folder` merged into it; `base` itself is used up."""
    from peft import LoraConfig, PeftModel
    from transformers import GenerationConfig

    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if config.get("quantization_config") is not None:
        round_as_quantized(base, config["quantization_config"])
    widen(base, folder)
    adapter = LoraConfig.from_pretrained(str(folder))
    adapter.fan_in_fan_out = has_transposed(base)  # quantized ones were not, beside which it was trained
    with old_names_allowed():
        merged: PreTrainedModel = PeftModel.from_pretrained(base, str(folder), config=adapter).merge_and_unload()
    merged.requires_grad_(True)  # PEFT froze it, and it may be trained whole
    merged.generation_config = GenerationConfig.from_pretrained(str(folder))
    return merged


def widen(base: "PreTrainedModel", folder: Path) -> None:
    """Give `base` the rows that a model has with the adapter in `folder`."""
    rows = int(json.loads((folder / "config.json").read_text(encoding="utf-8"))["vocab_size"])
    if rows < base.get_input_embeddings().weight.shape[0]:
        raise InputError(f"{folder}: the adapter is for a model of {rows} tokens, its base has more: it is another model's.")
    if rows > base.get_input_embeddings().weight.shape[0]:
        base.resize_token_embeddings(rows, mean_resizing=False)  # rows of new tokens are the adapter's


def has_transposed(model: "PreTrainedModel") -> bool:
    """Whether some matrices are stored the other way round, as GPT-2's are."""
    from transformers.pytorch_utils import Conv1D

    return any(isinstance(module, Conv1D) for module in model.modules())


@contextmanager
def old_names_allowed() -> Iterator[None]:
    """PEFT 0.21 reads the old name of a property that transformers 5.23 has renamed."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
        yield

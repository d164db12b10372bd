"""A model's sizes as GGUF names them, and the families whose layers are llama.cpp's, tensor by tensor."""

import math
from typing import TYPE_CHECKING, Any

from align.errors import ExportRefused

if TYPE_CHECKING:
    import numpy as np

FAMILIES = {"llama": "llama", "mistral": "llama", "qwen2": "qwen2", "phi3": "phi3"}
"""llama.cpp's architecture for each model_type of transformers."""


def architecture_of(config: Any) -> str:
    """llama.cpp's name for the family; refuses others, and what these would compute differently there."""
    found = FAMILIES.get(config.model_type)
    if found is None:
        raise ExportRefused(
            f"gguf: a model of type {config.model_type!r} is not written; known are {', '.join(FAMILIES)}. "
            f"The format hf takes any, and llama.cpp's own convert_hf_to_gguf.py reads its folder."
        )
    rope = _rope(config)
    allowed = {"default", "linear", "llama3"} if found == "llama" else {"default", "linear"}
    if rope["rope_type"] not in allowed:
        raise ExportRefused(
            f"gguf: rope_type {rope['rope_type']!r} of a {config.model_type} model is not written; known are {sorted(allowed)}"
        )
    if float(rope.get("partial_rotary_factor") or 1.0) != 1.0:
        raise ExportRefused("gguf: a rope of a part of each head is not written (partial_rotary_factor)")
    return found


def add_shape(writer: Any, config: Any) -> None:
    """Write the sizes. A sliding window narrower than the context becomes the context: llama.cpp would attend beyond it."""
    head = head_size(config)
    window = getattr(config, "sliding_window", None) if _uses_window(config) else None
    context = int(config.max_position_embeddings)
    writer.add_vocab_size(config.vocab_size)
    writer.add_context_length(context if window is None else min(context, int(window)))
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(head)
    writer.add_value_length(head)
    writer.add_rope_dimension_count(head)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    rope = _rope(config)
    writer.add_rope_freq_base(float(rope["rope_theta"]))
    if rope["rope_type"] == "linear":
        from gguf import RopeScalingType

        writer.add_rope_scaling_type(RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(float(rope["factor"]))


def head_size(config: Any) -> int:
    return int(getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads)


def rope_factors(config: Any) -> "np.ndarray[Any, Any] | None":
    """What Llama 3.1 divides each rope frequency by; None where nothing is divided.

    Long waves by `factor`, short ones by 1, those between by a mixture (transformers' rope_type llama3).
    """
    import numpy as np

    rope = _rope(config)
    if rope["rope_type"] != "llama3":
        return None
    factor, low, high = (float(rope[name]) for name in ("factor", "low_freq_factor", "high_freq_factor"))
    context, head = float(rope["original_max_position_embeddings"]), head_size(config)
    found = []
    for place in range(0, head, 2):
        wave = 2 * math.pi * float(rope["rope_theta"]) ** (place / head)
        smooth = min(1.0, max(0.0, (context / wave - low) / (high - low)))
        found.append(1 / ((1 - smooth) / factor + smooth))
    return np.array(found, dtype=np.float32)


def _rope(config: Any) -> dict[str, Any]:
    """The rope's parameters, under the names of transformers 5, its 4's `rope_scaling` read too."""
    told = dict(getattr(config, "rope_parameters", None) or getattr(config, "rope_scaling", None) or {})
    told.setdefault("rope_theta", getattr(config, "rope_theta", 10000.0))
    told.setdefault("rope_type", told.get("type", "default"))
    return told


def _uses_window(config: Any) -> bool:
    return bool(getattr(config, "use_sliding_window", True)) and getattr(config, "sliding_window", None) is not None

"""The linear modules of each family's layers, by name with their sizes: what an adapter can stand beside. Needs no torch."""

from collections.abc import Sequence
from typing import Any

Config = dict[str, Any]
Modules = dict[str, tuple[int, int]]
"""Width in and width out, by the module's name within a layer."""


def linear_modules(config: Config) -> tuple[int, int, Modules] | None:
    """Layers, width and a layer's linear modules of a config.json; None for a family that is not known here."""
    family = str(config.get("model_type"))
    if family == "gpt2":
        hidden = int(config["n_embd"])
        return int(config["n_layer"]), hidden, _gpt2(hidden, int(config.get("n_inner") or 4 * hidden))
    if family not in _FAMILIES or "hidden_size" not in config:
        return None
    return int(config["num_hidden_layers"]), int(config["hidden_size"]), _FAMILIES[family](config)


def matches(name: str, targets: Sequence[str]) -> bool:
    """Whether a module is meant by one of `targets`: its name, or the end of it after a dot, as PEFT reads them."""
    return any(f".{name}".endswith(f".{target}") for target in targets)


def is_tied(config: Config) -> bool:
    """Whether input and output matrix are one; a config.json leaves out what its family has by default."""
    return bool(config.get("tie_word_embeddings", config.get("model_type") in ("gemma", "gpt2")))


def _llama(config: Config) -> Modules:
    hidden, feed_forward, heads, key_value = _sizes(config)
    return {
        "self_attn.q_proj": (hidden, heads),
        "self_attn.k_proj": (hidden, key_value),
        "self_attn.v_proj": (hidden, key_value),
        "self_attn.o_proj": (heads, hidden),
        "mlp.gate_proj": (hidden, feed_forward),
        "mlp.up_proj": (hidden, feed_forward),
        "mlp.down_proj": (feed_forward, hidden),
    }


def _phi3(config: Config) -> Modules:
    hidden, feed_forward, heads, key_value = _sizes(config)
    return {
        "self_attn.qkv_proj": (hidden, heads + 2 * key_value),
        "self_attn.o_proj": (heads, hidden),
        "mlp.gate_up_proj": (hidden, 2 * feed_forward),
        "mlp.down_proj": (feed_forward, hidden),
    }


def _phi(config: Config) -> Modules:
    hidden, feed_forward, heads, key_value = _sizes(config)
    return {
        "self_attn.q_proj": (hidden, heads),
        "self_attn.k_proj": (hidden, key_value),
        "self_attn.v_proj": (hidden, key_value),
        "self_attn.dense": (heads, hidden),
        "mlp.fc1": (hidden, feed_forward),
        "mlp.fc2": (feed_forward, hidden),
    }


def _gpt_neox(config: Config) -> Modules:
    hidden, feed_forward, _, _ = _sizes(config)
    return {
        "attention.query_key_value": (hidden, 3 * hidden),
        "attention.dense": (hidden, hidden),
        "mlp.dense_h_to_4h": (hidden, feed_forward),
        "mlp.dense_4h_to_h": (feed_forward, hidden),
    }


def _gpt2(hidden: int, feed_forward: int) -> Modules:
    return {
        "attn.c_attn": (hidden, 3 * hidden),
        "attn.c_proj": (hidden, hidden),
        "mlp.c_fc": (hidden, feed_forward),
        "mlp.c_proj": (feed_forward, hidden),
    }


def _sizes(config: Config) -> tuple[int, int, int, int]:
    """Width of the model, of its feed-forward, of all heads' queries, and of their keys."""
    hidden, heads = int(config["hidden_size"]), int(config.get("num_attention_heads") or 1)
    head = int(config.get("head_dim") or hidden // heads)
    return hidden, int(config["intermediate_size"]), heads * head, int(config.get("num_key_value_heads") or heads) * head


_FAMILIES = {
    **dict.fromkeys(("llama", "mistral", "qwen2", "qwen3", "gemma"), _llama),
    "phi3": _phi3,
    "phi": _phi,
    "gpt_neox": _gpt_neox,
}

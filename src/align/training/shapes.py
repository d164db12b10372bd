"""Shapes of models, as in their config.json: those that ship with align, and those of folders. No hub is asked.

A shape decides how many parameters a model has and what training it takes; memory.py computes that.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from align.errors import InputError
from align.parts import nearest

Config = dict[str, Any]

READ_BY_NAME = ("llama", "mistral", "qwen2", "qwen3", "gemma", "phi", "phi3", "gpt2")
"""Families whose parameters are called on the disk as in the model, and are stored as they are."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes that memory and time depend on."""

    layers: int
    hidden: int
    feed_forward: int
    vocabulary: int
    layer_parameters: int
    """Parameters of one layer."""
    outside_parameters: int
    """Parameters of embeddings, output matrix and last norm."""
    layer_matrices: int
    """Of a layer's parameters those in its matrices, which quantization makes smaller and adapters stand beside."""
    embeddings: int
    """Parameters of the input and the output matrix; one matrix where they are tied."""

    @property
    def parameters(self) -> int:
        return self.layers * self.layer_parameters + self.outside_parameters


def known_shape(name: str) -> Config:
    """The config of a shape that ships with align; `llama-65b` for example."""
    if name not in _shipped():
        raise ValueError(f"unknown shape {name!r}; {nearest(name, _shipped())}")
    return dict(_shipped()[name]["config"])


def known_hub_shape(hub: str | None) -> Config | None:
    """The config of a model on the hub whose shape ships with align."""
    return next((dict(item["config"]) for item in _shipped().values() if hub in item["hub"]), None)


def shape_in(folder: Path | None) -> Config | None:
    """The config of the model in a folder, if it is there."""
    if folder is None or not (folder / "config.json").is_file():
        return None
    try:
        config: Config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{folder / 'config.json'}: not JSON ({error}); is the download complete?") from error
    return config


def shape_of(config: Config) -> Shape | None:
    """Count the parameters of a config; None for a family that is not known here, or a config that is no model's."""
    config = _plain(config)
    count = {
        **dict.fromkeys(("llama", "mistral", "qwen2", "qwen3", "phi3"), _gated),
        **{"phi": _phi, "gpt_neox": _neox, "gpt2": _gpt2},
    }.get(str(config.get("model_type")))
    if count is None or not {"hidden_size", "intermediate_size", "num_hidden_layers", "vocab_size"} <= config.keys():
        return None
    hidden, feed_forward, vocabulary = (int(config[name]) for name in ("hidden_size", "intermediate_size", "vocab_size"))
    matrices, rest, outside = count(config, hidden, feed_forward)
    embeddings = vocabulary * hidden * (1 if config.get("tie_word_embeddings") else 2)
    return Shape(
        layers=int(config["num_hidden_layers"]),
        hidden=hidden,
        feed_forward=feed_forward,
        vocabulary=vocabulary,
        layer_parameters=matrices + rest,
        outside_parameters=embeddings + outside,
        layer_matrices=matrices,
        embeddings=embeddings,
    )


def _plain(config: Config) -> Config:
    """GPT-2's config in the words of the others; its matrices are tied and its feed-forward is four times as wide."""
    if config.get("model_type") != "gpt2" or "n_embd" not in config:
        return config
    sizes = {
        "hidden_size": config["n_embd"],
        "num_hidden_layers": config.get("n_layer"),
        "num_attention_heads": config.get("n_head"),
    }
    wide = config.get("n_inner") or 4 * config["n_embd"]
    positions = config.get("n_positions", 1024)
    return {"tie_word_embeddings": True, **config, **sizes, "intermediate_size": wide, "max_position_embeddings": positions}


def _gated(config: Config, hidden: int, feed_forward: int) -> tuple[int, int, int]:
    """Llama's layer: four attention matrices and three of a gated feed-forward, two norms; few families have more."""
    heads = int(config.get("num_attention_heads") or 1)
    head = int(config.get("head_dim") or hidden // heads)
    key_value = int(config.get("num_key_value_heads") or heads) * head
    attention = 2 * hidden * heads * head + 2 * hidden * key_value
    more = {"qwen2": heads * head + 2 * key_value, "qwen3": 2 * head}  # biases; norms of queries and keys
    return attention + 3 * hidden * feed_forward, 2 * hidden + more.get(config["model_type"], 0), hidden


def _phi(config: Config, hidden: int, feed_forward: int) -> tuple[int, int, int]:
    """phi-1.5's layer: one norm, biases everywhere, the output matrix's too."""
    matrices = 4 * hidden * hidden + 2 * hidden * feed_forward
    return matrices, 4 * hidden + feed_forward + hidden + 2 * hidden, config["vocab_size"] + 2 * hidden


def _neox(config: Config, hidden: int, feed_forward: int) -> tuple[int, int, int]:
    """GPT-NeoX's layer: two norms, biases everywhere but in the output matrix."""
    matrices = 4 * hidden * hidden + 2 * hidden * feed_forward
    return matrices, 4 * hidden + feed_forward + hidden + 4 * hidden, 2 * hidden


def _gpt2(config: Config, hidden: int, feed_forward: int) -> tuple[int, int, int]:
    """GPT-2's layer is GPT-NeoX's; positions are learned."""
    return (*_neox(config, hidden, feed_forward)[:2], config["max_position_embeddings"] * hidden + 2 * hidden)


@cache
def _shipped() -> dict[str, Any]:
    shipped: dict[str, Any] = json.loads((Path(__file__).parent / "shapes.json").read_text(encoding="utf-8"))
    return shipped

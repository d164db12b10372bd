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
    count = {"llama": _gated, "mistral": _gated, "qwen2": _gated, "phi3": _gated, "phi": _phi, "gpt_neox": _neox}.get(
        str(config.get("model_type"))
    )
    if count is None or not {"hidden_size", "intermediate_size", "num_hidden_layers", "vocab_size"} <= config.keys():
        return None
    hidden, vocabulary = int(config["hidden_size"]), int(config["vocab_size"])
    layer, outside = count(config, hidden, int(config["intermediate_size"]))
    return Shape(int(config["num_hidden_layers"]), hidden, int(config["intermediate_size"]), vocabulary, layer, outside)


def _gated(config: Config, hidden: int, feed_forward: int) -> tuple[int, int]:
    """Llama's layer: four attention matrices and three of a gated feed-forward, two norms; few families have biases."""
    heads = int(config.get("num_attention_heads") or 1)
    head = int(config.get("head_dim") or hidden // heads)
    key_value = int(config.get("num_key_value_heads") or heads) * head
    attention = 2 * hidden * heads * head + 2 * hidden * key_value
    biases = heads * head + 2 * key_value if config["model_type"] == "qwen2" else 0
    matrices = 1 if config.get("tie_word_embeddings") else 2
    return attention + biases + 3 * hidden * feed_forward + 2 * hidden, matrices * config["vocab_size"] * hidden + hidden


def _phi(config: Config, hidden: int, feed_forward: int) -> tuple[int, int]:
    """phi-1.5's layer: one norm, biases everywhere, the output matrix's too."""
    layer = 4 * (hidden * hidden + hidden) + 2 * hidden * feed_forward + feed_forward + hidden + 2 * hidden
    return layer, 2 * config["vocab_size"] * hidden + config["vocab_size"] + 2 * hidden


def _neox(config: Config, hidden: int, feed_forward: int) -> tuple[int, int]:
    """GPT-NeoX's layer: two norms, biases everywhere but in the output matrix."""
    layer = 4 * (hidden * hidden + hidden) + 2 * hidden * feed_forward + feed_forward + hidden + 4 * hidden
    return layer, 2 * config["vocab_size"] * hidden + 2 * hidden


@cache
def _shipped() -> dict[str, Any]:
    shipped: dict[str, Any] = json.loads((Path(__file__).parent / "shapes.json").read_text(encoding="utf-8"))
    return shipped

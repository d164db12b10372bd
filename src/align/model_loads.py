"""What it takes to hold a model that is asked and not trained, as `generate` and `safety` do: one process, in bfloat16 on GPUs.

Weights are 2 bytes each. Answering keeps a key and a value of every token in every layer, 2 bytes a number (Pope et al. 2022,
arXiv 2211.05102, section 3.3): 2 x layers x width of keys x 2 bytes, for `batch_size` answers of `max_new_tokens`, or of
as many tokens as the model reads; prompts beyond that and what a layer computes meanwhile are not counted.
"""

from typing import Any

from align.stage import Forecast, Stage
from align.training.shapes import Shape, shape_of

GIGA = 1e9


def model_loads(stage: Stage, named: dict[str, Forecast]) -> dict[str, float]:
    """GB of the largest model that a stage asks, `weights` and `cache`; empty where it asks none, or one of unknown shape."""
    if stage.long_work not in ("answering", "scoring"):
        return {}
    configs = [forecast.model for field, forecast in named.items() if field.partition(".")[0] in ("model", "models")]
    known = [(shape, config) for config in configs if (shape := shape_of(config)) is not None]
    return max((_loads(stage, shape, config) for shape, config in known), key=lambda loads: sum(loads.values()), default={})


def _loads(stage: Stage, shape: Shape, config: dict[str, Any]) -> dict[str, float]:
    loads = {"weights": 2 * shape.parameters / GIGA}
    if stage.long_work == "answering":
        tokens = min(getattr(stage, "max_new_tokens", 0), int(config.get("max_position_embeddings") or 10**9))
        heads = int(config.get("num_attention_heads") or 1)
        keys = int(config.get("num_key_value_heads") or heads) * int(config.get("head_dim") or shape.hidden // heads)
        loads["cache"] = 2 * shape.layers * keys * 2 * tokens * getattr(stage, "batch_size", 1) / GIGA
    return loads


def said(loads: dict[str, float]) -> str:
    """The line of the plan."""
    cache = f" + up to {loads['cache']:,.1f} of keys and values" if "cache" in loads else ""
    return (
        f"model: weights {loads['weights']:,.1f} GB in bfloat16{cache}, over the GPUs of one machine together; without GPUs "
        f"weights are {2 * loads['weights']:,.1f} GB of its memory"
    )

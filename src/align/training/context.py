"""A longer context for a trained model: LongRoPE (Ding et al. 2024, arXiv 2402.13753), as phi-3-mini-128K has it (phi-3 §2).

Rotary positions turn pair i of a head of width d by the angle position x theta^(-2 i / d). LongRoPE divides the angle of each
pair by a factor of its own. There are two lists: `short_factor` for texts within the old context, `long_factor` for longer. The
paper finds the factors by evolutionary search, which align does not run: they are data, or come from a rule that says which.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, PositiveFloat, PositiveInt

from align.errors import TrainingRefused

Rule = Literal["ntk", "linear"]


class ContextExtension(BaseModel):
    """Lets a model of family phi3 read longer texts. Its weights stay; training on texts longer than before makes it use them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: Literal["longrope"] = "longrope"
    """longrope: a factor for every pair of numbers that is turned (Ding et al. 2024)."""
    max_tokens: PositiveInt
    """Longest text the model can read afterwards; 131072 for phi-3-mini-128K, from 4,096."""
    short_factor: tuple[PositiveFloat, ...] | None = None
    """Factors for texts within the old context, one a pair (half a head's width; 48 for phi-3-mini); 1 by default: no change."""
    long_factor: tuple[PositiveFloat, ...] | Rule = "ntk"
    """Factors for longer texts, or a rule with s = new / old context and n pairs. ntk: s^(i / (n - 1)) for pair i, so that the
    fastest stays and the slowest is slowed down s times ("NTK-aware" scaling); linear: s for all (Chen et al. 2023)."""
    attention_factor: PositiveFloat | None = None
    """What queries and keys are multiplied by, in texts of any length; sqrt(1 + ln s / ln(old context)) by default (phi-3's)."""

    def extended(self, config: dict[str, Any]) -> dict[str, Any]:
        """The config.json of a model with the longer context."""
        old = int(config["max_position_embeddings"])
        if config.get("model_type") != "phi3":
            raise TrainingRefused(
                f"context: method longrope is for models of family phi3 (this one is {config.get('model_type')}); leave "
                f"`context` out, or start from a phi3 model."
            )
        rope = dict(config.get("rope_parameters") or {})
        if rope.get("rope_type", "default") != "default":
            raise TrainingRefused("context: the model has a longer context already; start from the model before that.")
        if self.max_tokens <= old:
            raise TrainingRefused(f"context.max_tokens: {self.max_tokens}: the model reads {old} tokens already; write more.")
        pairs = int(config["hidden_size"]) // int(config["num_attention_heads"]) // 2
        rope |= {
            "rope_type": "longrope",
            "short_factor": self._checked("short_factor", self.short_factor or (1.0,) * pairs, pairs),
            "long_factor": self._checked("long_factor", self._long_factors(self.max_tokens / old, pairs), pairs),
            "original_max_position_embeddings": old,
        }
        if self.attention_factor is not None:
            rope["attention_factor"] = self.attention_factor
        lengths = {"max_position_embeddings": self.max_tokens, "original_max_position_embeddings": old}
        return {**config, **lengths, "rope_parameters": rope}

    def _long_factors(self, scale: float, pairs: int) -> tuple[float, ...]:
        if self.long_factor == "linear":
            return (scale,) * pairs
        if self.long_factor == "ntk":
            return tuple(scale ** (pair / max(pairs - 1, 1)) for pair in range(pairs))
        return self.long_factor

    def _checked(self, name: str, factors: tuple[float, ...], pairs: int) -> list[float]:
        if len(factors) != pairs:
            raise TrainingRefused(
                f"context.{name}: {len(factors)} factors for the {pairs} pairs of a head; write {pairs}, or leave it out."
            )
        return list(factors)

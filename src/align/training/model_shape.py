"""The sizes of a model made from scratch, and the model itself, of fresh weights."""

from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

from align.errors import TrainingRefused
from align.training.shapes import known_shape

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

Family = Literal["llama", "phi", "phi3"]

_NAMES = {
    "family": "model_type",
    "layers": "num_hidden_layers",
    "hidden": "hidden_size",
    "heads": "num_attention_heads",
    "key_value_heads": "num_key_value_heads",
    "feed_forward": "intermediate_size",
    "tied": "tie_word_embeddings",
    "rotary_share": "partial_rotary_factor",
    "vocabulary": "vocab_size",
    "context": "max_position_embeddings",
}
"""What config.json calls the fields of a shape."""


class ModelShape(BaseModel):
    """The sizes of a model made from scratch: a known shape, {shape: phi-1.5}, or sizes of your own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    shape: str | None = None
    """Name of a known shape, phi-1.5 or phi-3-mini for example, which gives all that stands below."""
    family: Family = "llama"
    """Kind of transformer. llama: RMSNorm, rotary positions, gated feed-forward, no biases; phi3: the same with fused matrices
    (phi-3: "Llama-2 block"); phi: attention and feed-forward beside each other, LayerNorm, GELU, biases (phi-1.5)."""
    layers: PositiveInt | None = None
    """Number of layers; must be written where `shape` is not, as hidden, heads and feed_forward."""
    hidden: PositiveInt | None = None
    """Width of the residual stream."""
    heads: PositiveInt | None = None
    """Attention heads; they divide `hidden`."""
    key_value_heads: PositiveInt | None = None
    """Heads that keys and values have; as many as `heads` by default."""
    feed_forward: PositiveInt | None = None
    """Width inside the feed-forward block; Llama's is about 8/3 of `hidden`, phi-1.5's 4 times `hidden`."""
    tied: bool = False
    """Whether the output matrix is the input matrix."""
    rotary_share: Annotated[float, Field(gt=0, le=1)] | None = None
    """Share of a head that carries its position; phi's is 0.5 by default (phi-1.5: 32 of 64), the others' 1."""
    vocabulary: PositiveInt | None = None
    """Rows of the input and the output matrix; as many as the tokenizer has tokens by default. phi-1.5 has 51,200."""
    context: PositiveInt | None = None
    """Longest text the model can read in tokens; `max_tokens` of the stage by default."""

    @model_validator(mode="before")
    @classmethod
    def _named(cls, data: Any) -> Any:
        if not isinstance(data, dict) or not isinstance(data.get("shape"), str):
            return data
        config = known_shape(data["shape"])
        if config["model_type"] not in get_args(Family):
            raise ValueError(f"shape: {data['shape']} is of family {config['model_type']}; pretrain makes {_families()}")
        sizes = {name: config[key] for name, key in _NAMES.items() if key in config}
        other = [name for name in sizes if name in data and data[name] not in (None, sizes[name])]
        if other:
            raise ValueError(
                f"shape: {data['shape']} has {other[0]}: {sizes[other[0]]} (got {data[other[0]]!r}); leave `shape` out and write "
                f"all sizes, or leave {other[0]} out"
            )
        return {**data, **sizes}

    @model_validator(mode="after")
    def _fits(self) -> "ModelShape":
        missing = [name for name in ("layers", "hidden", "heads", "feed_forward") if getattr(self, name) is None]
        if missing:
            raise ValueError(f"write {' and '.join(missing)}, or `shape:` with the name of a known shape")
        hidden, heads = self.hidden or 0, self.heads or 0
        if hidden % heads or self._rotated() != int(self._rotated()) or self._rotated() % 2:
            raise ValueError(
                f"hidden {hidden} over {heads} heads must give an even whole number: rotary positions turn pairs"
                + (f" (of which rotary_share {self.rotary_share} is {self._rotated():g})" if self.rotary_share else "")
            )
        if heads % (self.key_value_heads or heads):
            raise ValueError(f"key_value_heads {self.key_value_heads} must divide heads {heads}")
        if self.family == "phi" and (self.tied or self.key_value_heads not in (None, heads)):
            raise ValueError("family: phi has neither `tied` matrices nor fewer `key_value_heads`; remove them")
        if self.family != "phi" and self.rotary_share not in (None, 1):
            raise ValueError(f"family: {self.family} turns the whole head; remove rotary_share, or write family: phi")
        return self

    def _rotated(self) -> float:
        """Numbers of a head that are turned by the position."""
        return (self.hidden or 0) / (self.heads or 1) * self._share()

    def _share(self) -> float:
        return self.rotary_share or (0.5 if self.family == "phi" else 1.0)

    def config(self, tokens: int | None, max_tokens: int) -> dict[str, Any]:
        """As in config.json, for a tokenizer of so many tokens; empty where nothing says how large the vocabulary is."""
        vocabulary = self.vocabulary or tokens
        if vocabulary is None:
            return {}
        if tokens is not None and vocabulary < tokens:
            raise TrainingRefused(
                f"model.vocabulary: {vocabulary:,} rows are fewer than the tokenizer's {tokens:,} tokens; write {tokens} or more."
            )
        found = {
            "model_type": self.family,
            "num_hidden_layers": self.layers,
            "hidden_size": self.hidden,
            "num_attention_heads": self.heads,
            "num_key_value_heads": self.key_value_heads or self.heads,
            "intermediate_size": self.feed_forward,
            "vocab_size": vocabulary,
            "max_position_embeddings": self.context or max_tokens,
            "tie_word_embeddings": self.tied,
        }
        return found | ({"partial_rotary_factor": self._share()} if self.family == "phi" else {})


def new_model(shape: ModelShape, tokenizer: "PreTrainedTokenizerFast", max_tokens: int, seed: int) -> "PreTrainedModel":
    """A model of random weights in float32, drawn as its family draws them."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, set_seed

    sizes = shape.config(len(tokenizer), max_tokens)
    special = {name: getattr(tokenizer, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    config = AutoConfig.for_model(sizes.pop("model_type"), **sizes, **special)
    if shape.family == "phi3":
        config.original_max_position_embeddings = config.max_position_embeddings
    set_seed(seed)
    return AutoModelForCausalLM.from_config(config, dtype=torch.float32)


def _families() -> str:
    return ", ".join(get_args(Family))

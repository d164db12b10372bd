"""Adapters: small matrices that are trained in place of all weights.

LoRA (Hu et al. 2021, arXiv 2106.09685) adds to a frozen matrix W the product of two thin ones, alpha / rank * B A, where A is
random and B zero at the start: rank * (in + out) weights for in * out. QLoRA (Dettmers et al. 2023, arXiv 2305.14314) keeps W in
4 bits meanwhile. With either, the input and the output row of EOT are trained too, whole: a token that was added for the
training could otherwise be neither read nor written.

The adapter and its AdamW state are float32 unless `dtype` says bfloat16. bfloat16 has 8 bits of precision: a step of less than
1/512 of a weight is rounded away, and steps at LIMA's learning rates are smaller. The frozen weights are bfloat16 on GPUs.

Tensors are met only inside functions of adapting.py: a recipe is read and planned without torch.
"""

from typing import Annotated, Literal

from pydantic import Field, PositiveInt, field_validator

from align.parts import Part
from align.quantized import Settings, four_bits
from align.training.linear_modules import Config, is_tied, linear_modules, matches

ALL_LINEAR: Literal["all-linear"] = "all-linear"


class Adapter(Part):
    """What is trained in place of all weights of a model."""

    rank: PositiveInt = 16
    """Columns of A and B. With every linear module adapted, more than 8 gave QLoRA's authors nothing (appendix A)."""
    alpha: PositiveInt = 32
    """The product is scaled by alpha / rank, so that the learning rate need not follow the rank."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.05
    """Dropout of what goes into A (Dettmers et al.: 0.1 up to 13B, 0.05 above)."""
    targets: Literal["all-linear"] | tuple[str, ...] = ALL_LINEAR
    """all-linear: every linear module but the output matrix (with fewer QLoRA stays behind, §4); or names: [q_proj, v_proj]."""
    dtype: Literal["float32", "bfloat16"] = "float32"
    """Of the adapter and its AdamW state. bfloat16 halves them and loses steps below 1/512 of a weight."""

    @field_validator("targets")
    @classmethod
    def _some(cls, targets: str | tuple[str, ...]) -> str | tuple[str, ...]:
        if not targets:
            raise ValueError(f"names no module; write targets: {ALL_LINEAR}, or names such as [q_proj, v_proj]")
        return targets

    def quantized(self, dtype: str) -> Settings | None:
        """How the frozen matrices are quantized, with arithmetic in `dtype`; None where they are as they are."""
        return None


class Lora(Adapter):
    """LoRA: the frozen weights are as they are, in bfloat16 on GPUs and in float32 on the CPU."""

    kind: Literal["lora"] = "lora"


class QLora(Adapter):
    """LoRA beside matrices of 4 bits; embeddings, output matrix and norms are not quantized. Needs `align-lm[quantized]`.

    The model that answers later is the one that was trained: the matrices' values after quantization, with the adapter added.
    """

    kind: Literal["qlora"] = "qlora"
    quantization: Literal["nf4", "fp4"] = "nf4"
    """nf4: 16 values at the quantiles of a normal distribution (Dettmers et al. §3), better than fp4, 4-bit floats."""
    double_quantization: bool = True
    """Whether the 64-weight blocks' scales are quantized too: 0.37 bits a weight less (§3)."""

    def quantized(self, dtype: str) -> Settings | None:
        return four_bits(self.quantization, self.double_quantization, dtype)


def trainable_parameters(config: Config, adapter: Adapter, tokens: int = 1) -> int | None:
    """How many weights an adapter trains of the model that config.json describes, with the rows of `tokens` added tokens.

    None for a family that is not known here.
    """
    found = linear_modules(config)
    if found is None:
        return None
    layers, hidden, modules = found
    adapted = [sizes for name, sizes in modules.items() if adapter.targets == ALL_LINEAR or matches(name, adapter.targets)]
    rows = tokens * hidden * (1 if is_tied(config) else 2)
    return layers * sum(adapter.rank * (inside + outside) for inside, outside in adapted) + rows

"""What a training takes: memory of a GPU, arithmetic, disk. Computed from sizes alone, for `align plan`.

N parameters, W GPUs they are divided over, L layers of width d and feed-forward f, vocabulary V, b texts of s tokens at once.
All weights are trained: float32 weights and AdamW state, bfloat16 arithmetic, activations recomputed in the backward pass.
"""

from dataclasses import asdict, dataclass

from align.training.launch import Launch
from align.training.shapes import Shape

GPU_SIZES = (16, 24, 40, 48, 80, 96, 141, 192)
"""Memory of GPUs one can get, in GB."""
GPU_FLOPS = 1e14
"""Arithmetic a GPU is supposed to do in a second of training: a quarter of an A100's or a tenth of an H100's best in bfloat16."""
CPU_FLOPS = 6e10
"""The same for two cores of a processor in float32."""
SCORED_AT_ONCE = 1024
"""Tokens whose logits TRL holds at once: its output matrix and loss are one step."""
GIGA = 1e9


@dataclass(frozen=True, slots=True)
class GpuMemory:
    """Bytes on each GPU at the fullest moment."""

    weights: float
    gradients: float
    optimizer: float
    gathered: float
    """Weights in bfloat16 that are being used: all of them, or with fsdp2 two layers and the embeddings."""
    activations: float
    logits: float
    reference: float
    driver: float = 2e9
    """What the driver, the kernels and fragmentation take."""

    @property
    def gigabytes(self) -> float:
        return float(sum(asdict(self).values())) / GIGA


def gpu_memory(shape: Shape, launch: Launch, texts: int, tokens: int, has_reference: bool, scores_in_parts: bool) -> GpuMemory:
    """Memory of each GPU with `texts` of `tokens` at once; a pair of preferences is two texts."""
    n, w, d, f = shape.parameters, launch.weight_shards, shape.hidden, shape.feed_forward
    buckets = 4 * n if launch.processes > 1 and w == 1 else 0  # ddp sums gradients in buffers of their own
    kept = shape.layers * texts * tokens * d * 2  # the input of every layer
    recomputed = texts * tokens * (34 * d + 8 * f)  # everything inside one layer
    two_layers = 2 * 2 * shape.layer_parameters + 2 * 2 * shape.vocabulary * d
    return GpuMemory(
        weights=4 * n / w,
        gradients=4 * n / w + buckets,
        optimizer=8 * n / w,
        gathered=2 * n if w == 1 else two_layers,
        activations=kept + recomputed,
        logits=shape.vocabulary * (8 * SCORED_AT_ONCE if scores_in_parts else 10 * texts * tokens),
        reference=(2 * n / w if has_reference else 0),
    )


def training_flops(shape: Shape, tokens: float, has_reference: bool, recomputes: bool) -> float:
    """Operations for `tokens`: 6 a parameter, 2 more where activations are recomputed, 2 more for a reference model."""
    return shape.parameters * tokens * (6 + 2 * recomputes + 2 * has_reference)


def disk_bytes(shape: Shape, epochs: int) -> float:
    """A float32 model an epoch, and while training runs two checkpoints with the optimizer's state."""
    return 4 * shape.parameters * epochs + 2 * 12 * shape.parameters


def gpus_that_fit(gigabytes: float) -> str:
    """`GPUs of 48 GB and more`."""
    size = next((size for size in GPU_SIZES if size >= gigabytes), None)
    return f"GPUs of {size} GB and more" if size is not None else f"no GPU (the largest has {GPU_SIZES[-1]} GB)"

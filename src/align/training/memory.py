"""What a training takes: memory of a device, arithmetic, disk. Computed from sizes alone, for `align plan`.

N parameters of which T are trained, L layers of width d and feed-forward f, vocabulary V; W processes that divide something.
Bytes a parameter, as align trains (transformers, peft and accelerate underneath):

    all weights     weights 4 N, gradients 4 N, AdamW 8 N, and on GPUs the copy in bfloat16 that the arithmetic reads
    an adapter      frozen weights 2 N in bfloat16 or about half a byte in 4 bits; 4 T, 4 T and 8 T for what is trained
    DeepSpeed       weights 2 N, gradients 2 N, and 12 N in the optimizer's care (Rajbhandari et al. 2019, arXiv 1910.02054, §3.1)

fsdp2 and zero3 divide all of it by W, zero2 gradients and optimizer only. Activations of a layer are taken as 34 d + 8 f bytes
a token in bfloat16 with fused attention: Korthikanti et al. 2022 (arXiv 2205.05198, equation 2) have 34 d with a plain
feed-forward, 8 f are a gate's; rather too much than too little. Recomputation keeps 2 d of every layer and one layer whole.
"""

from dataclasses import asdict, dataclass, field
from typing import Literal

from align.training.launch import Launch
from align.training.shapes import Shape

GPU_SIZES = (16, 24, 32, 40, 48, 80, 96, 141, 192)
"""Memory of GPUs one can get, in GB."""
GPU_FLOPS = 1e14
"""Arithmetic a GPU is supposed to do in a second of training: a third of an A100's or a tenth of an H100's best in bfloat16."""
SPEED_BAND = 0.3
"""Hours are said for so much more and so much less arithmetic a second: 22 to 42 % of an A100's best. A choice, not measured."""
CPU_FLOPS = 6e10
"""The same for two cores of a processor in float32."""
STATES = 2
"""Checkpoints with the optimizer's state on the disk at the fullest moment: one is kept while the next is written."""
GIGA = 1e9

Optimizer = Literal["adamw", "adamw_8bit", "paged_adamw_8bit", "paged_adamw_32bit"]


@dataclass(frozen=True, slots=True)
class Frozen:
    """Weights that are not trained, beside an adapter that is."""

    trained: int
    """Parameters of the adapter, rows of added tokens included."""
    matrix_bytes: float
    """Bytes of a weight in a layer's matrices: 2 in bfloat16, about half a byte in 4 bits."""
    trained_bytes: int = 4
    """Bytes of a weight that is trained; half as much in bfloat16."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What beside the shape decides what a training takes."""

    tokens: int
    """Tokens that go through the model at once on one device."""
    scored: int
    """Tokens whose logits are held at once."""
    launch: Launch = field(default_factory=Launch)
    frozen: Frozen | None = None
    """None: all weights are trained."""
    optimizer: Optimizer = "adamw"
    recomputes: bool = True
    """Whether activations are computed anew in the backward pass."""
    has_reference: bool = False
    """Whether a second model stays in memory, as a preference training may have it."""

    @property
    def arithmetic_bytes(self) -> int:
        """bfloat16 on GPUs, float32 on the processor."""
        return 2 if self.launch.device == "gpu" else 4


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes on each device at the fullest moment."""

    weights: float
    gradients: float
    optimizer: float
    gathered: float
    """Weights as the arithmetic reads them: all in bfloat16, or with fsdp2 and zero3 two layers and the ends, or one matrix."""
    activations: float
    logits: float
    reference: float
    overhead: float
    """The driver, kernels and fragmentation of a GPU; Python and its libraries of a process on the processor."""

    @property
    def gigabytes(self) -> float:
        return sum(self.parts().values())

    def parts(self) -> dict[str, float]:
        """By name, in GB."""
        return {name: value / GIGA for name, value in asdict(self).items()}


def memory_of(shape: Shape, setting: Setting) -> Memory:
    """Memory of each GPU, or of each process where there are none."""
    launch, size = setting.launch, setting.arithmetic_bytes
    trained, wide = _trained(shape, setting)
    deepspeed = launch.distribution.startswith("zero")
    summed = 2 if launch.distribution == "ddp" and launch.processes > 1 else 1  # ddp has buffers of its own
    inside = setting.tokens * (34 * shape.hidden + 8 * shape.feed_forward) * size / 2
    kept = shape.layers * setting.tokens * shape.hidden * size
    return Memory(
        weights=_weights(shape, setting, deepspeed),
        gradients=(2 if deepspeed else wide) * trained * summed / launch.state_shards,
        optimizer=(_state_bytes(shape, setting) + (4 * trained if deepspeed else 0)) / launch.state_shards,
        gathered=_gathered(shape, setting, deepspeed),
        activations=kept + inside if setting.recomputes else shape.layers * inside,
        # logits as they come, in float32, and their gradient
        logits=shape.vocabulary * setting.scored * (size + 8),
        reference=size * shape.parameters / launch.weight_shards if setting.has_reference else 0.0,
        overhead=2e9 if launch.device == "gpu" else 0.6e9,
    )


def _trained(shape: Shape, setting: Setting) -> tuple[int, int]:
    """How many parameters are trained, and in how many bytes each."""
    return (shape.parameters, 4) if setting.frozen is None else (setting.frozen.trained, setting.frozen.trained_bytes)


def _weights(shape: Shape, setting: Setting, deepspeed: bool) -> float:
    shards, frozen = setting.launch.weight_shards, setting.frozen
    if frozen is None:
        return (2 if deepspeed else 4) * shape.parameters / shards
    matrices = shape.layers * shape.layer_matrices
    rest = setting.arithmetic_bytes * (shape.parameters - matrices) + frozen.trained_bytes * frozen.trained
    of_matrices = frozen.matrix_bytes * matrices
    return rest / shards + of_matrices / (shards if _divides_matrices(setting, frozen) else 1)


def _divides_matrices(setting: Setting, frozen: Frozen) -> bool:
    """4 bits are divided by accelerate where they are stored as bfloat16, as on GPUs; DeepSpeed is not known to."""
    return frozen.matrix_bytes >= 1 or (setting.launch.distribution == "fsdp2" and setting.launch.device == "gpu")


def whole_while_read(shape: Shape, setting: Setting) -> float:
    """Bytes of 4-bit weights that a GPU holds before they are divided: each is given all of them. 0 where none are divided."""
    frozen = setting.frozen
    if frozen is None or frozen.matrix_bytes >= 1 or setting.launch.weight_shards == 1 or not _divides_matrices(setting, frozen):
        return 0.0
    matrices = shape.layers * shape.layer_matrices
    return frozen.matrix_bytes * matrices + setting.arithmetic_bytes * (shape.parameters - matrices)


def _state_bytes(shape: Shape, setting: Setting) -> float:
    """AdamW's two means. In 8 bits only those of matrices: transformers leaves embeddings' in float32."""
    trained, wide = _trained(shape, setting)
    if not setting.optimizer.endswith("8bit"):
        return 2 * wide * trained
    embeddings = shape.embeddings if setting.frozen is None else 0
    return 2 * (trained - embeddings) + 8 * embeddings


def _gathered(shape: Shape, setting: Setting, deepspeed: bool) -> float:
    size, frozen = setting.arithmetic_bytes, setting.frozen
    if setting.launch.weight_shards > 1:
        return size * (2 * shape.layer_parameters + 2 * shape.vocabulary * shape.hidden)
    if frozen is None:
        return 0 if deepspeed or size == 4 else size * shape.parameters
    return size * shape.hidden * max(shape.hidden, shape.feed_forward) if frozen.matrix_bytes < 1 else 0


def training_flops(shape: Shape, tokens: float, setting: Setting) -> float:
    """Operations: 2 a parameter forward, 2 back, 2 for each that is trained; 2 for recomputing, 2 for a reference."""
    each = 4 + 2 * setting.recomputes + 2 * setting.has_reference
    return tokens * (each * shape.parameters + 2 * _trained(shape, setting)[0])


def disk_bytes(shape: Shape, epochs: int, frozen: Frozen | None = None) -> dict[str, float]:
    """While training runs the checkpoints with the optimizer's state; what is trained in float32, for each epoch kept."""
    trained = shape.parameters if frozen is None else frozen.trained
    return {"checkpoints": STATES * 12.0 * trained, "models": 4.0 * trained * epochs}


def gpus_that_fit(gigabytes: float) -> str:
    """`GPUs of 48 GB and more`."""
    size = next((size for size in GPU_SIZES if size >= gigabytes), None)
    return f"GPUs of {size} GB and more" if size is not None else f"no GPU (the largest has {GPU_SIZES[-1]} GB)"

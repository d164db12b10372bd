"""What a training takes of each machine's own memory, beside that of its GPUs. Computed from sizes alone, for `align plan`.

While weights are read (loading.py) a process with fsdp2 holds a matrix at a time, and the first one the input and the output
matrix too; without a division, and with DeepSpeed, every process holds the whole model in float32 before it moves to its GPU.
While a checkpoint is saved accelerate copies each process's share of the optimizer's state into the machine's memory. What the
system keeps of files that were read is not counted: it gives that up.
"""

from dataclasses import dataclass

from align.training.memory import GIGA, Setting, memory_of
from align.training.shapes import Shape

PROCESS = 3e9
"""Allowed for a process on a GPU: Python, torch and the driver's own. Not measured: no GPU was at hand."""


@dataclass(frozen=True, slots=True)
class Host:
    """Bytes of the fullest machine."""

    processes: float
    """Of its processes, whatever they do; without GPUs all that they take."""
    reading: float = 0.0
    """More, while weights are read."""
    saving: float = 0.0
    """More, while a checkpoint is saved."""

    @property
    def gigabytes(self) -> float:
        """At the fullest moment."""
        return (self.processes + max(self.reading, self.saving)) / GIGA

    @property
    def moment(self) -> str:
        """When that is."""
        return "while a checkpoint is saved" if self.saving > self.reading else "while weights are read"


def host_memory(shape: Shape, setting: Setting, by_name: bool, is_new: bool) -> Host:
    """Memory of the first machine, which is the fullest.

    `by_name`: the weights can be read a matrix at a time; `is_new`: there are none yet, and the first process draws them all.
    """
    launch = setting.launch
    here = launch.processes // launch.machines
    if launch.device == "cpu":
        return Host(here * memory_of(shape, setting).gigabytes * GIGA)
    size = 4 if setting.frozen is None else setting.arithmetic_bytes
    largest = max(shape.vocabulary * shape.hidden, 2 * shape.hidden * shape.feed_forward)  # gate and up are one in some families
    matrix, whole = size * largest, size * shape.parameters
    if setting.frozen is not None and setting.frozen.matrix_bytes < 1:
        reading = here * 2 * matrix  # rounded on the GPU, a matrix at a time
    elif launch.distribution != "fsdp2":
        reading = here * whole
    else:
        reading = 2 * matrix + size * shape.embeddings if by_name and not is_new else whole + 2 * matrix
    return Host(here * PROCESS, reading, _saving(shape, setting, here))


def _saving(shape: Shape, setting: Setting, here: int) -> float:
    trained, wide = (shape.parameters, 4) if setting.frozen is None else (setting.frozen.trained, setting.frozen.trained_bytes)
    if setting.launch.distribution == "fsdp2":
        return here * 2 * wide * trained / setting.launch.processes
    return wide * trained  # by the first process, in one piece

"""What pretraining, fine-tuning and preference training have in common: their parameters, and how a batch is divided."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from align.errors import TrainingRefused
from align.stage import Stage
from align.training.launch import Launch, world_size

LARGEST_MICRO_BATCH = 8
"""Examples that go through the model at once where the recipe does not say how many."""


@dataclass(frozen=True, slots=True)
class Split:
    """How examples become optimizer steps: batch_size = micro * accumulation * world."""

    micro: int
    """Examples that go through the model at once on one device."""
    accumulation: int
    """Micro-batches whose gradients are added up before a step."""
    world: int
    """Processes, one a device."""
    steps_per_epoch: int
    steps: int


class Training(Stage):
    """Parameters of every stage that trains a model. Words are TRL's."""

    epochs: PositiveInt
    """How often each example is seen."""
    batch_size: PositiveInt
    """Examples per optimizer step over all devices."""
    micro_batch_size: PositiveInt | None = None
    """Examples that go through the model at once on one device; the largest divisor of its share up to 8 by default."""
    learning_rate: PositiveFloat
    """Learning rate of the first step. There is no warm-up."""
    final_learning_rate: NonNegativeFloat | None = None
    """Learning rate of the last step, reached in a straight line; by default it stays as it is."""
    adam_beta1: NonNegativeFloat = 0.9
    """AdamW's decay of the mean of gradients."""
    adam_beta2: NonNegativeFloat = 0.95
    """AdamW's decay of the mean of squared gradients."""
    adam_epsilon: PositiveFloat = 1e-8
    """AdamW's guard against division by zero."""
    weight_decay: NonNegativeFloat = 0.1
    """AdamW's weight decay; norms and biases have none."""
    max_grad_norm: NonNegativeFloat = 1.0
    """Gradients are scaled down to this norm; 0 leaves them. The papers do not say; 1.0 is TRL's."""
    seed: NonNegativeInt = 1
    """Decides the order of examples and dropout."""
    launch: Launch | None = None
    """The GPUs it is meant for, {gpus: 32, gpu_gigabytes: 80, distribution: fsdp2}; by default what is here."""

    together: ClassVar[bool] = True

    def identity(self) -> dict[str, Any]:
        asked = super().identity()
        asked["parameters"].pop("launch", None)  # where a training runs does not decide what it is
        return asked

    def split(self, examples: int, world: int | None = None) -> Split:
        """Divide batches over `world` processes, by default those that run."""
        world = world_size() if world is None else world
        share, rest = divmod(self.batch_size, world)
        if rest:
            raise TrainingRefused(
                f"batch_size: {self.batch_size} examples cannot be divided over {world} processes; take a multiple."
            )
        micro = self.micro_batch_size or next(n for n in range(LARGEST_MICRO_BATCH, 0, -1) if share % n == 0)
        if share % micro:
            raise TrainingRefused(
                f"micro_batch_size: {micro} does not divide the {share} examples a process takes of each batch "
                f"(batch_size {self.batch_size} over {world}); take a divisor of {share}."
            )
        steps_per_epoch = max(1, math.ceil(examples / self.batch_size))
        return Split(micro, share // micro, world, steps_per_epoch, steps_per_epoch * self.epochs)

    def learning_rate_at(self, step: int, steps: int) -> float:
        """lr(t) = a - (a - b) t / (N - 1), t = 0 ... N - 1: a at the first of N steps, b at the last (LIMA §3, no warm-up)."""
        if self.final_learning_rate is None or steps == 1:
            return self.learning_rate
        done = min(step, steps - 1) / (steps - 1)
        return self.learning_rate - (self.learning_rate - self.final_learning_rate) * done

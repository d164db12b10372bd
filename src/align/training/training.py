"""What pretraining, fine-tuning and preference training have in common: their parameters, and how a batch is divided."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

from pydantic import NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from align.errors import TrainingRefused
from align.stage import Processes, Stage
from align.training.launch import Launch, check_room, world_size

MICRO_BATCH_TOKENS = 4096
"""Tokens that go through the model at once where the recipe does not say how many."""
LOGITS_AT_ONCE = 2**27
"""Numbers: about 1.3 GB with their gradient. Where more are wanted they are made in parts, and again for the gradient."""
HOW_NOT_WHAT = ("launch", "micro_batch_tokens", "layout", "attention", "gradient_checkpointing", "tracking")
"""Parameters that change where and how fast a model is trained, and its weights by rounding only; they are not in the key."""


@dataclass(frozen=True, slots=True)
class Split:
    """How examples become optimizer steps."""

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
    micro_batch_tokens: PositiveInt = MICRO_BATCH_TOKENS
    """Tokens that go through the model at once on one device, padding included: less takes less memory, and the same steps."""
    layout: Literal["padded", "packed"] = "padded"
    """How texts go through together: padded to the longest, or packed in one row, kept apart by their positions."""
    attention: Literal["sdpa", "eager", "flex_attention", "flash_attention_2", "flash_attention_3"] = "sdpa"
    """How attention is computed: PyTorch's own kernels, or FlashAttention where it is installed, which packed rows want."""
    gradient_checkpointing: bool | None = None
    """Compute activations anew in the backward pass: a third more time, a fraction of the memory. By default on GPUs only."""
    optimizer: Literal["adamw", "adamw_8bit", "paged_adamw_8bit", "paged_adamw_32bit"] = "adamw"
    """AdamW; with bitsandbytes' 8-bit state, or a state that moves to the host's memory when a GPU's is full (paged)."""
    learning_rate: PositiveFloat
    """Learning rate of the first step after the warm-up, if there is one."""
    final_learning_rate: NonNegativeFloat | None = None
    """Learning rate of the last step; by default it stays as it is."""
    schedule: Literal["linear", "cosine"] = "linear"
    """The way to final_learning_rate: linear: a straight line (LIMA §3); cosine: half a wave, slow at both ends."""
    warmup_steps: NonNegativeInt = 0
    """Steps before, in which the rate rises to learning_rate in a straight line; none by default (LIMA §3, phi-1.5 §2)."""
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
    tracking: tuple[Literal["tensorboard", "wandb", "trackio"], ...] = ()
    """Where losses and rates go beside the artifact: tensorboard writes to its logs/, the others to what they are set to."""
    launch: Launch | None = None
    """The processes it runs in, which align starts: {processes: 32, machines: 4, distribution: fsdp2}; by default this one."""

    keep_epochs: Literal["all", "last"] | tuple[PositiveInt, PositiveInt] = "all"
    """After which epochs the model is kept: all, only the last, or [5, 10] for those from 5 to 10, and the last."""

    long_work: ClassVar[str] = "training"
    together: ClassVar[bool] = True
    texts: ClassVar[int] = 1
    """Texts of an item, which go through the model together: two of a pair."""

    @property
    def has_reference(self) -> bool:
        """Whether a second model stays in memory beside the one that is trained."""
        return False

    @model_validator(mode="after")
    def _some_epochs_are_kept(self) -> "Training":
        kept = self.keep_epochs
        if isinstance(kept, tuple) and not kept[0] <= kept[1] <= self.epochs:
            raise ValueError(f"keep_epochs: [{kept[0]}, {kept[1]}]: a first and a last one of the {self.epochs} epochs")
        return self

    @model_validator(mode="after")
    def _state_can_be_divided(self) -> Self:
        if self.optimizer != "adamw" and self.launch is not None and self.launch.distribution == "fsdp2":
            # torch has no rule for dividing what bitsandbytes' optimizers do.
            raise ValueError(
                f"optimizer: {self.optimizer} is bitsandbytes', whose state fsdp2 cannot divide; write optimizer: adamw, or "
                f"distribution: ddp"
            )
        return self

    @model_validator(mode="after")
    def _rate_ends(self) -> Self:
        if self.schedule != "linear" and self.final_learning_rate is None:
            raise ValueError(f"schedule: {self.schedule} is the way to final_learning_rate; write that too, or leave it out")
        return self

    def identity(self) -> dict[str, Any]:
        asked = super().identity()
        for name in HOW_NOT_WHAT:
            asked["parameters"].pop(name, None)
        return asked

    def processes(self) -> Processes:
        return Processes() if self.launch is None else self.launch.in_processes()

    def check_room(self, here: int) -> None:
        if self.launch is not None:
            check_room(self.launch, here)

    def shortened(self) -> "Training":
        """The same training for a rehearsal: an epoch, of which only the first steps are made, and nothing sent anywhere."""
        fields: dict[str, Any] = {"epochs": 1, "keep_epochs": "last", "tracking": (), "warmup_steps": 0}
        fields |= {"overlong": "trim", "held_out": None}
        return self.model_copy(update={name: value for name, value in fields.items() if name in type(self).model_fields})

    def split(self, examples: int, world: int | None = None) -> Split:
        """Steps for `examples`, trained by `world` processes; by default those that run."""
        steps_per_epoch = max(1, math.ceil(examples / self.batch_size))
        steps = steps_per_epoch * self.epochs
        if self.warmup_steps >= steps:
            raise TrainingRefused(f"warmup_steps: {self.warmup_steps}: the training has {steps} steps in all; write fewer.")
        return Split(world_size() if world is None else world, steps_per_epoch, steps)

    def keeps(self, epoch: int) -> bool:
        """Whether the model after an epoch is kept; the last one always is."""
        if epoch == self.epochs or self.keep_epochs == "all":
            return True
        return isinstance(self.keep_epochs, tuple) and self.keep_epochs[0] <= epoch <= self.keep_epochs[1]

    def learning_rate_at(self, step: int, steps: int) -> float:
        """lr(t) = a - (a - b) t / (N - 1), t = 0 ... N - 1: a at the first of N steps, b at the last (LIMA §3, no warm-up).

        With w steps of warm-up: a (t + 1) / (w + 1) in them, and N - w steps after. A cosine has (1 - cos(pi x)) / 2 for x.
        """
        if step < self.warmup_steps:
            return self.learning_rate * (step + 1) / (self.warmup_steps + 1)
        step, steps = step - self.warmup_steps, steps - self.warmup_steps
        if self.final_learning_rate is None or steps <= 1:
            return self.learning_rate
        done = min(step, steps - 1) / (steps - 1)
        if self.schedule == "cosine":
            done = (1 - math.cos(math.pi * done)) / 2
        return self.learning_rate - (self.learning_rate - self.final_learning_rate) * done

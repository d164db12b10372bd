"""In which processes and on what hardware a training runs: said in the recipe, computed by `align plan`, checked at its start."""

import os
from typing import Literal

from pydantic import BaseModel, ConfigDict, PositiveFloat, PositiveInt, model_validator

from align.errors import TrainingRefused
from align.stage import Processes

MOST_ON_ONE_CORE = 2
"""Processes of a training on the processor; more are a slip of the hand."""
SHARDED = ("fsdp2", "zero2", "zero3")


class Launch(BaseModel):
    """The processes a training runs in, one a GPU. `align run` starts them for this stage alone, and ends them with it.

    With several machines `align run` is given on each of them (docs/launch/). Under `torchrun` or `accelerate launch` the
    processes are there already: they are compared with what stands here, and refused if they differ.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    processes: PositiveInt = 1
    """Number of processes over all machines, one a GPU."""
    machines: PositiveInt = 1
    """Over how many machines they are divided, equally: 32 processes on 4 machines are 8 on each."""
    device: Literal["gpu", "cpu"] = "gpu"
    """gpu: one GPU a process; cpu: none, for trying the same path with a tiny model."""
    gpu_gigabytes: PositiveFloat = 80
    """Memory of one GPU, for `align plan`."""
    distribution: Literal["ddp", "fsdp2", "zero2", "zero3"] = "ddp"
    """ddp: each holds the whole model; fsdp2: each its share of weights, gradients and optimizer state; zero3: the same by
    DeepSpeed; zero2: a share of gradients and optimizer state. DeepSpeed was never run here, see docs/what-was-run.md."""

    @model_validator(mode="after")
    def _possible(self) -> "Launch":
        if self.processes % self.machines:
            raise ValueError(
                f"{self.processes} processes cannot be divided over {self.machines} machines; write a multiple of {self.machines}"
            )
        if self.processes == 1 and self.distribution in SHARDED:
            raise ValueError(
                f"distribution: {self.distribution} divides a model over processes, and there is one; write processes: 2"
            )
        if self.device == "cpu" and self.distribution.startswith("zero"):
            raise ValueError(
                f"distribution: {self.distribution} is DeepSpeed's, which wants GPUs; write ddp or fsdp2 with device: cpu"
            )
        return self

    @property
    def weight_shards(self) -> int:
        """Over how many processes weights are divided."""
        return self.processes if self.distribution in ("fsdp2", "zero3") else 1

    @property
    def state_shards(self) -> int:
        """Over how many processes gradients and the optimizer's state are divided."""
        return self.processes if self.distribution in SHARDED else 1

    def in_processes(self) -> Processes:
        """What align starts. On the processor GPUs are hidden, so that nothing takes one by itself."""
        return Processes(self.processes, self.machines, {"CUDA_VISIBLE_DEVICES": ""} if self.device == "cpu" else {})


def world_size() -> int:
    """How many processes train together: what torchrun and accelerate tell each of them."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def check_room(launch: Launch, here: int) -> None:
    """Refuse processes that this machine has no GPUs or cores for, before they are started."""
    if launch.device == "gpu":
        _check_gpus(here)
        return
    cores = os.cpu_count() or 1
    if here > max(MOST_ON_ONE_CORE * cores, 4):
        raise TrainingRefused(
            f"launch.processes: {launch.processes}: {here} processes on this machine's {cores} cores would be in each "
            f"other's way; write launch.processes: {cores} or fewer."
        )


def _check_gpus(wanted: int) -> None:
    import torch

    gpus = torch.cuda.device_count()
    if gpus < wanted:
        raise TrainingRefused(
            f"launch.device: gpu: {wanted} GPUs are wanted on this machine, one a process, and torch {torch.__version__} can use "
            f"{gpus}. Run it where they are, leave `launch` out to train here, or write launch.device: cpu."
        )


def check_launch(launch: Launch | None) -> None:
    """Refuse to train in other processes or on other hardware than the recipe says; else meet the others."""
    import torch

    if launch is None:
        return
    if world_size() != launch.processes:
        raise TrainingRefused(
            f"launch.processes: {launch.processes}: {world_size()} run here. Give `align run` without a launcher, which starts "
            f"them, or `torchrun --nproc-per-node {launch.processes // launch.machines} -m align run ...`; or write "
            f"launch.processes: {world_size()}."
        )
    here = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    if launch.device == "gpu":
        _check_gpus(here)
    if launch.device == "cpu" and torch.cuda.device_count() > 0:
        raise TrainingRefused(
            "launch.device: cpu: there are GPUs here, and one process would take the first. Hide them: "
            "`CUDA_VISIBLE_DEVICES= align run ...`; or write launch.device: gpu."
        )
    if launch.distribution != "ddp":
        from align.training.sharding import join

        join(launch)

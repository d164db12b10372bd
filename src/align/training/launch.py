"""On what hardware a training runs: said in the recipe, computed by `align plan`, checked before the first step."""

import os
from typing import Literal

from pydantic import BaseModel, ConfigDict, PositiveFloat, PositiveInt

from align.errors import TrainingRefused


class Launch(BaseModel):
    """The GPUs a training is meant for. `align plan` computes memory and time for them.

    align does not start the processes: start it under `torchrun` or `accelerate launch`, one process a GPU, with a store that
    all of them see. The first makes every artifact and the others train along. What was started is compared with what stands
    here and refused if it differs.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    gpus: PositiveInt = 1
    """Number of GPUs, which is the number of processes."""
    gpu_gigabytes: PositiveFloat = 80
    """Memory of one of them."""
    distribution: Literal["ddp", "fsdp2"] = "ddp"
    """ddp: each GPU holds the whole model; fsdp2: each holds its share of weights, gradients and optimizer state."""

    @property
    def shards(self) -> int:
        """Over how many GPUs the model is divided."""
        return self.gpus if self.distribution == "fsdp2" else 1


def world_size() -> int:
    """How many processes train together: what torchrun and accelerate tell each of them."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def check_launch(launch: Launch | None) -> None:
    """Refuse to train on other hardware than the recipe says."""
    import torch

    if launch is None:
        return
    there, wanted = torch.cuda.is_available(), f"launch.gpus: {launch.gpus}"
    if not there:
        raise TrainingRefused(
            f"{wanted}: this machine has no GPU that torch {torch.__version__} can use. Run it where there are {launch.gpus}, or "
            f"leave `launch` out to train here on the CPU."
        )
    if world_size() != launch.gpus:
        raise TrainingRefused(
            f"{wanted}: {world_size()} process runs here, one a GPU is wanted. Start it under `torchrun --nproc-per-node "
            f"{launch.gpus} -m align run ...` (or accelerate launch), or write launch.gpus: {world_size()}."
        )
    sharded = os.environ.get("ACCELERATE_USE_FSDP", "false").lower() in ("1", "true")
    if sharded != (launch.distribution == "fsdp2"):
        found = "fsdp" if sharded else "ddp"
        raise TrainingRefused(
            f"launch.distribution: {launch.distribution}: the processes were started for {found}. Start them with an accelerate "
            f"config that says so (`accelerate config`), or change the recipe."
        )

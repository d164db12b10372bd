"""Several processes on one recipe: the first makes each artifact, the others wait for it.

torchrun and accelerate start them, one a device, or people do, one a machine, and align starts those of each machine
(launching.py). A stage that trains (`Stage.together`) is run by all of them at once; only what the first one writes becomes
the artifact.
"""

import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from align.artifact import HASHED_FOLDERS, SCRATCH
from align.errors import RecipeError

T = TypeVar("T")

POLL_SECONDS = 0.2
ENDPOINT = "ALIGN_RDZV_ENDPOINT"
"""HOST:PORT of the first machine, where `align run` was given on each of several."""
MACHINE_RANK = "ALIGN_MACHINE_RANK"
"""Number of this machine, from 0; slurm's SLURM_NODEID will do."""


def process_rank() -> int:
    """Number of this process, 0 for the first or only one; torchrun and accelerate tell each of them."""
    return int(os.environ["RANK"]) if "RANK" in os.environ else machine_rank()


def machine_rank() -> int:
    """Number of this machine, 0 for the first or only one."""
    if ENDPOINT not in os.environ:
        return 0
    told = os.environ.get(MACHINE_RANK) or os.environ.get("SLURM_NODEID")
    if told is None or not told.isdigit():
        raise RecipeError(f"{ENDPOINT} is set, so {MACHINE_RANK} must say which machine this is, from 0 (got {told!r}).")
    return int(told)


def is_launched() -> bool:
    """Whether a launcher has started this process as one of several, one a device."""
    return "WORLD_SIZE" in os.environ


def wait_for(made: Callable[[], T | None]) -> T:
    """What the first process makes, an artifact for example. If that one fails, the launcher ends this one."""
    while True:
        found = made()
        if found is not None:
            return found
        time.sleep(POLL_SECONDS)


def meet() -> None:
    """Wait until all processes that train together have come here: none may leave, or commit, while another still writes."""
    distributed = sys.modules.get("torch.distributed")
    if distributed is not None and distributed.is_available() and distributed.is_initialized():
        distributed.barrier()


def helper_place(work: Path, rank: int) -> Path:
    """Where that folder lies."""
    return work.with_name(f"{work.name}-{rank}")


def helper_folder(work: Path) -> Path:
    """A folder for what a helping process writes; its scratch and its checkpoints are those of the first process."""
    folder = helper_place(work, process_rank())
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for shared in (SCRATCH, *HASHED_FOLDERS):
        (work / shared).mkdir(parents=True, exist_ok=True)
        (folder / shared).symlink_to((work / shared).absolute())
    return folder

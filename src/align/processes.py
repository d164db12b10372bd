"""Several processes on one recipe, as torchrun and accelerate start them: the first makes each artifact, the others wait for it.

A stage that trains (`Stage.together`) is run by all of them at once; only what the first one writes becomes the artifact.
"""

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from align.artifact import HASHED_FOLDERS, SCRATCH

T = TypeVar("T")

POLL_SECONDS = 0.2


def process_rank() -> int:
    """Number of this process, 0 for the first or only one; torchrun and accelerate tell each of them."""
    return int(os.environ.get("RANK", "0"))


def wait_for(made: Callable[[], T | None]) -> T:
    """What the first process makes, an artifact for example. If that one fails, the launcher ends this one."""
    while True:
        found = made()
        if found is not None:
            return found
        time.sleep(POLL_SECONDS)


def helper_folder(work: Path) -> Path:
    """A folder for what a helping process writes; its scratch and its checkpoints are those of the first process."""
    folder = work.with_name(f"{work.name}-{process_rank()}")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for shared in (SCRATCH, *HASHED_FOLDERS):
        (work / shared).mkdir(parents=True, exist_ok=True)
        (folder / shared).symlink_to((work / shared).absolute())
    return folder

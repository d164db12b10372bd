"""End a training after its second step, and say what it took; `align plan --calibrate` asks for it. Imports transformers."""

import os
import resource
import time
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback

from align.errors import AlignError
from align.files import write_json
from align.processes import process_rank
from align.stage import REHEARSAL

STEPS = 2


class RehearsalOver(AlignError):
    """The training was measured, and is not to go on."""


class StopAndMeasure(TrainerCallback):  # type: ignore[misc] # transformers is untyped
    """Does nothing unless the environment says that this is a rehearsal."""

    def __init__(self, trainer: Any) -> None:
        self.trainer, self.began = trainer, 0.0
        self.notes = os.environ.get(REHEARSAL)

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.began = time.monotonic()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if self.notes is None or state.global_step < STEPS:
            return
        on_gpu = torch.cuda.is_available()
        if on_gpu:
            torch.cuda.synchronize()
        # Linux counts kilobytes
        used = torch.cuda.max_memory_allocated() if on_gpu else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        found = {"bytes": used, "on_gpu": on_gpu, "seconds": time.monotonic() - self.began, "tokens": self.trainer.batch.tokens}
        write_json(Path(self.notes) / f"{process_rank()}.json", found)
        self.trainer.accelerator.wait_for_everyone()
        raise RehearsalOver("the rehearsal is over")

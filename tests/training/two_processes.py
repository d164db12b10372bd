"""One of two processes that fine-tune together, as torchrun starts it: FOLDER OF BASE, FOLDER OF DATA, WORK, FIELDS as JSON."""

import json
import os
import sys
from pathlib import Path
from typing import Any

from small_models import as_artifact

from align.processes import helper_folder, process_rank
from align.stage import Inputs
from align.training.sft import FineTuning


def allow_fsdp2_on_the_processor() -> None:
    """accelerate 1.15 divides models over GPUs only: of two CPU processes it makes DDP without a word."""
    from accelerate import state

    begin = state.AcceleratorState.__init__

    def as_if_accelerated(self: Any, mixed_precision: Any = None, cpu: bool = False, **more: Any) -> None:
        if state.PartialState(cpu).distributed_type == state.DistributedType.MULTI_CPU:
            state.PartialState._shared_state["distributed_type"] = state.DistributedType.MULTI_NPU
        begin(self, mixed_precision, cpu, **more)

    state.AcceleratorState.__init__ = as_if_accelerated


def main() -> None:
    from align.catalogue import load_catalogue

    load_catalogue()
    base, data, work = (Path(argument) for argument in sys.argv[1:4])
    if os.environ.get("ACCELERATE_USE_FSDP") == "true":
        allow_fsdp2_on_the_processor()
    inputs = Inputs((as_artifact(data, "data", "ingest"),), {"model": as_artifact(base, "base", "pretrain")})
    work.mkdir(exist_ok=True)
    FineTuning(**json.loads(sys.argv[4])).run(inputs, work if process_rank() == 0 else helper_folder(work))
    from accelerate.state import AcceleratorState

    sys.stdout.write(f"{AcceleratorState().distributed_type.name}\n")


if __name__ == "__main__":
    main()

"""One of two processes that fine-tune together, as torchrun starts it: FOLDER OF BASE, FOLDER OF DATA, WORK, FIELDS as JSON."""

import json
import sys
from pathlib import Path

from small_models import as_artifact

from align.processes import helper_folder, process_rank
from align.stage import Inputs
from align.training.sft import FineTuning


def main() -> None:
    from align.catalogue import load_catalogue

    load_catalogue()
    base, data, work = (Path(argument) for argument in sys.argv[1:4])
    inputs = Inputs((as_artifact(data, "data", "ingest"),), {"model": as_artifact(base, "base", "pretrain")})
    work.mkdir(exist_ok=True)
    FineTuning(**json.loads(sys.argv[4])).run(inputs, work if process_rank() == 0 else helper_folder(work))
    from accelerate.state import AcceleratorState

    sys.stdout.write(f"{AcceleratorState().distributed_type.name}\n")


if __name__ == "__main__":
    main()

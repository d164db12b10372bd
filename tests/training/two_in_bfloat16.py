"""One of two processes that learn preferences with arithmetic in bfloat16, as on GPUs: FOLDER OF SFT, OF PAIRS, WORK, FIELDS.

It says how many layers of the copy that it reads the reference from are divided by themselves.
"""

import json
import sys
from pathlib import Path
from typing import Any

from small_models import as_artifact
from torch.distributed.fsdp import FSDPModule

from align.processes import helper_folder, process_rank
from align.stage import Inputs
from align.training import preference_trainers, reference
from align.training.dpo import PreferenceTraining
from align.training.dropout import layers_of
from align.training.trainer import arguments


def main() -> None:
    from align.catalogue import load_catalogue

    load_catalogue()
    sft, pairs, work = (Path(argument) for argument in sys.argv[1:4])
    preference_trainers.arguments = halved
    made = reference.second_model

    def second_model(*place: Any) -> reference.SecondModel:
        copy = made(*place)
        sys.stdout.write(f"{sum(isinstance(layer, FSDPModule) for layer in layers_of(copy.model))}\n")
        return copy

    reference.second_model = second_model
    inputs = Inputs((as_artifact(pairs, "pairs", "ingest"),), {"model": as_artifact(sft, "sft", "sft")})
    work.mkdir(exist_ok=True)
    PreferenceTraining(**json.loads(sys.argv[4])).run(inputs, work if process_rank() == 0 else helper_folder(work))


def halved(job: Any) -> dict[str, Any]:
    return arguments(job) | {"bf16": True}


if __name__ == "__main__":
    main()

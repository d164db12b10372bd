"""One of several processes that train together and look at their own memory: FOLDER OF MODEL, OF DATA, WORK, KIND, FIELDS.

It writes memory-RANK.json beside the work: bytes that are its own (RssAnon) before the model is loaded, and the most
until the first step, in the steps, and while the model is saved.
"""

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

from small_models import as_artifact

from align.processes import helper_folder, process_rank
from align.stage import Inputs, Stage

LOOK_SECONDS = 0.002


class Watch(threading.Thread):
    """Looks at the memory of this process, and keeps the most of each phase."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most: dict[str, int] = {}
        self.phase = "before"

    def run(self) -> None:
        while True:
            phase, held = self.phase, own_bytes()
            if phase == self.phase:  # else nobody knows whose it was
                self.most[phase] = max(self.most.get(phase, 0), held)
            time.sleep(LOOK_SECONDS)


def own_bytes() -> int:
    """Memory that no file stands behind."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("RssAnon"))
    return int(line.split()[1]) * 1024


def main() -> None:
    import accelerate.utils  # noqa: F401 # what they take is no part of the model
    import peft  # noqa: F401
    import trl
    from transformers import LlamaForCausalLM

    from align.catalogue import load_catalogue
    from align.training import keeper, trainer

    load_catalogue()
    assert trl.SFTTrainer
    assert LlamaForCausalLM
    watch = Watch()

    class Phases(keeper.Keeper):
        def on_train_begin(self, *rest: Any, **more: Any) -> None:
            super().on_train_begin(*rest, **more)
            watch.phase = "training"

        def _save_epoch(self, name: str) -> None:
            watch.phase = "saving"
            super()._save_epoch(name)

    trainer.Keeper = Phases
    model, data, work = (Path(argument) for argument in sys.argv[1:4])
    inputs = Inputs(
        (as_artifact(data, "data", "ingest"),), {name: as_artifact(model, "model", "sft") for name in ("model", "start")}
    )
    work.mkdir(exist_ok=True)
    watch.most["before"] = own_bytes()
    watch.phase = "loading"
    watch.start()
    stage: Any = Stage.kinds[sys.argv[4]].model_validate(json.loads(sys.argv[5]))
    stage.run(inputs, work if process_rank() == 0 else helper_folder(work))
    work.with_name(f"memory-{work.name}-{process_rank()}.json").write_text(json.dumps(watch.most), encoding="utf-8")


if __name__ == "__main__":
    main()

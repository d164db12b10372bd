"""One of several processes that run a stage together; `launching` starts it with the folder of its order.

It reports by files in that folder: the first process its counts, any that fails why.
"""

import json
import logging
import os
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from align.artifact import Artifact
from align.catalogue import load_catalogue
from align.failures import report_of
from align.files import write_json
from align.plugins import import_plugin
from align.processes import helper_folder, meet, process_rank
from align.stage import Inputs, Stage


def main() -> None:
    """Run the stage; end with status 0 if it was made."""
    end_with_parent()
    folder = Path(sys.argv[1])
    _log_to_stderr()
    try:
        run_order(folder)
    except Exception as error:
        when = {"rank": process_rank(), "at": time.time()}
        write_json(folder / f"{process_rank()}.json", when | report_of(error, folder))
        # Other processes may wait for this one, and threads of the backend for them: there is nothing left to tidy here.
        os._exit(1)


def run_order(folder: Path) -> None:
    """Make the stage and its inputs again from what stands in the folder, and run it."""
    order = json.loads((folder / "order.json").read_text(encoding="utf-8"))
    load_catalogue()
    for plugin in map(Path, order["plugins"]):
        import_plugin(plugin.parent, plugin.name)
    stage: Any = Stage.model_validate(order["stage"])
    data = tuple(map(_artifact, order["data"]))
    inputs = Inputs(data, {name: _artifact(item) for name, item in order["named"].items()})
    work = Path(order["work"])
    rank = process_rank()
    counts = stage.run(inputs, work if rank == 0 else helper_folder(work))
    if rank == 0:
        write_json(folder / "counts.json", asdict(counts))
    meet()
    _leave_group()


def end_with_parent() -> None:
    """Kill this process when the one that started it is gone: stdin is a pipe that then ends."""

    def watch() -> None:
        os.read(0, 1)
        os.kill(os.getpid(), 9)

    threading.Thread(target=watch, daemon=True).start()


def _artifact(told: dict[str, Any]) -> Artifact:
    return Artifact(**told | {"path": Path(told["path"])})


def _log_to_stderr() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    log = logging.getLogger("align")
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)  # it tells of optional kernels


def _leave_group() -> None:
    """Say goodbye to the other processes; a backend complains of one that just ends."""
    distributed = sys.modules.get("torch.distributed")
    if distributed is not None and distributed.is_available() and distributed.is_initialized():
        distributed.destroy_process_group()


if __name__ == "__main__":
    main()

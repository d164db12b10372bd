"""Trainings in a process of their own that are killed, or run out of disk, at a chosen moment."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from align.training.checkpoints import PREFIX, SEAL, trainer_folder

Order = dict[str, Any]
"""What `small_models.run_elsewhere` takes."""


def order_of(kind: str, fields: dict[str, Any], work: Path, data: Path, every: int, **named: Path) -> Order:
    """Run a stage on one artifact in `work`, with a checkpoint every so many steps."""
    places = {name: str(path) for name, path in named.items()}
    return {"kind": kind, "fields": fields, "work": str(work), "data": [str(data)], "named": places, "every": every}


def start(order: Order) -> subprocess.Popen[str]:
    """The training in another process, in a home of its own that must stay empty."""
    code = "import json, sys; from small_models import run_elsewhere; run_elsewhere(json.loads(sys.argv[1]))"
    home = Path(order["work"]).with_name("home")
    home.mkdir(exist_ok=True)
    paths = os.pathsep.join([str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = os.environ | {"PYTHONPATH": paths, "HOME": str(home)}
    command = [sys.executable, "-W", "error", "-c", code, json.dumps(order)]
    return subprocess.Popen(command, env=environment, cwd=home, stderr=subprocess.PIPE, text=True)


def wait_until(child: subprocess.Popen[str], is_time: Callable[[], bool]) -> None:
    """Return when `is_time`, or when the training has ended."""
    while child.poll() is None and not is_time():
        time.sleep(0.002)


def kill(child: subprocess.Popen[str], order: Order) -> None:
    """SIGKILL, which must find the training at work."""
    child.send_signal(signal.SIGKILL)
    _, said = child.communicate()
    work = Path(order["work"])
    assert child.returncode == -signal.SIGKILL, said
    assert not (work / "model").exists()  # it was in the middle
    assert os.listdir(work.with_name("home")) == []  # no caches of datasets, transformers or TRL


def kill_when_it_has_saved(order: Order, step: int) -> None:
    """Kill the training once the checkpoint of `step`, or a later one, is sealed."""
    child = start(order)
    wait_until(child, lambda: any(sealed >= step for sealed in saved_steps(Path(order["work"]))))
    kill(child, order)


def kill_within_a_save(order: Order, step: int) -> None:
    """Kill the training while it writes the checkpoint of `step` or a later one, with a sealed one before it."""
    child, work = start(order), Path(order["work"])
    wait_until(
        child, lambda: any(begun >= step for begun in steps_of(work, "") - set(saved_steps(work))) and bool(saved_steps(work))
    )
    kill(child, order)


def saved_steps(work: Path) -> list[int]:
    """The steps of the checkpoints that are sealed."""
    return sorted(steps_of(work, SEAL))


def steps_of(work: Path, file: str) -> set[int]:
    found = trainer_folder(work).glob(f"{PREFIX}*/{file}" if file else f"{PREFIX}*")
    return {int((path.parent if file else path).name.removeprefix(PREFIX)) for path in found}


def limit_file_size(child: subprocess.Popen[str], size: int) -> None:
    """No file of a running process may grow beyond `size` bytes from now on."""
    resource.prlimit(child.pid, resource.RLIMIT_FSIZE, (size, size))

"""A process that works on shards, one after the other, as another process tells it; on Ray, one task of it.

Orders come on stdin, and its end means that the one who gave them is gone; answers go to where stdout led.
"""

import importlib
import importlib.util
import os
import pickle
import queue
import signal
import struct
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from align.failures import report_of
from align.plugins import forget_plugins

PULSE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Order:
    """Work on one shard, and what must be loaded before it can be read."""

    modules: dict[str, str]
    """Files of plugins, by the names their modules have."""
    path: list[str]
    """Where modules are looked for."""
    work: bytes
    """A pickled function without parameters."""
    folder: Path


def main() -> None:
    """Answer orders until there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one who gives the orders
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not stand among the answers
    orders: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, orders), daemon=True).start()
    write = threading.Lock()

    def say(message: Any) -> None:
        with write:
            send(answers, pickle.dumps(message))

    from align import progress

    last = 0.0

    def pulse(said: str) -> None:
        nonlocal last
        if time.monotonic() - last > PULSE_SECONDS:
            last = time.monotonic()
            say(said)

    progress.tell_to(pulse)
    _warm_up(orders)
    while True:
        say(pickle.loads(carry_out(orders.get())))


def _warm_up(orders: "queue.SimpleQueue[bytes]") -> None:
    """Load what nearly all work needs while there is nothing to do: the first of several processes makes ready what is shared."""
    for name in ("numpy", "pyarrow.parquet", "pyarrow.compute"):
        if orders.empty():
            importlib.import_module(name)


def carry_out(order: bytes) -> bytes:
    """Do the work of a pickled `Order`; gives its pickled result, or what went wrong."""
    asked: Order = pickle.loads(order)
    sys.path += [place for place in asked.path if place not in sys.path]
    try:
        if any(name not in sys.modules for name in asked.modules):
            forget_plugins()  # of another recipe, for which this worker of Ray did something before
        for name, file in asked.modules.items():
            if name not in sys.modules:
                _load(name, file)
        return pickle.dumps({"result": pickle.loads(asked.work)()})
    except Exception as error:
        return pickle.dumps({"report": report_of(error, asked.folder)})


def send(file: IO[bytes], data: bytes) -> None:
    """Write a message with its length before it."""
    file.write(struct.pack("<Q", len(data)) + data)
    file.flush()


def receive(file: IO[bytes]) -> bytes | None:
    """The next message; None where the other side is gone."""
    head = file.read(8)
    if len(head) < 8:
        return None
    data = file.read(struct.unpack("<Q", head)[0])
    return data if len(data) == struct.unpack("<Q", head)[0] else None


def _listen(orders: IO[bytes], into: "queue.SimpleQueue[bytes]") -> None:
    while (order := receive(orders)) is not None:
        into.put(order)
    os.kill(os.getpid(), signal.SIGKILL)


def _load(name: str, file: str) -> None:
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)


if __name__ == "__main__":
    main()

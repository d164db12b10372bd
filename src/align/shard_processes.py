"""Shards in several processes of this machine, of which none outlives this one.

Not daft (0.7.26): its native runner gave each process shards in turn, so that a long one held up those behind it, and left
processes at work when it was killed; on Ray it called a query done whose worker had died too often, without that worker's rows.
And not `ProcessPoolExecutor`, which cannot say at which shard a process was killed, runs a user's script anew in each, and leaves
them at work, too.
"""

import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import align
from align.errors import ProcessKilled
from align.shard_orders import Orders
from align.shard_worker import receive, send


def run_in_processes(orders: Orders, workers: int) -> Iterator[tuple[str | None, Any]]:
    """The answer to each order by its name, as they come; with None for a name, how far those are that are at work.

    Whoever takes an answer may put further orders.
    """
    said = queue.SimpleQueue[tuple[str, Any]]()
    processes = [_start() for _ in range(workers)]
    for process in processes:
        threading.Thread(target=_serve, args=(process, orders, said), daemon=True).start()
    at_work: dict[str, str] = {}
    try:
        while orders.missing:
            name, message = said.get()
            if isinstance(message, str):
                at_work[name] = f"{name}: {message}"
                yield None, "; ".join(at_work.values())
            elif isinstance(message, int):
                raise _ended(name, message)
            else:
                at_work.pop(name, None)
                orders.missing -= 1
                yield name, message
    finally:
        orders.end(workers)
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()


def _start() -> "subprocess.Popen[bytes]":
    path = [str(Path(align.__file__).parent.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    # One thread each unless told otherwise: processes must not fight for cores.
    environment = {"OMP_NUM_THREADS": "1", **os.environ, "PYTHONPATH": os.pathsep.join(path)}
    command = [sys.executable, "-P", "-m", "align.shard_worker"]
    # A group of its own: Ctrl-C reaches this process only, which then ends them.
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, process_group=0)


def _serve(process: "subprocess.Popen[bytes]", orders: Orders, said: "queue.SimpleQueue[tuple[str, Any]]") -> None:
    """Give one process order after order, and pass on what it says; a number is the status with which it ended."""
    assert process.stdin is not None
    assert process.stdout is not None
    with suppress(OSError), process.stdin, process.stdout:  # of a dead one not even the pipe can be closed
        while (given := orders.take()) is not None:
            name, order = given
            with suppress(OSError):
                send(process.stdin, order)
            message: Any = ""
            while isinstance(message, str):
                data = receive(process.stdout)
                message = process.wait() if data is None else pickle.loads(data)
                said.put((name, message))
            if isinstance(message, int):
                return


def _ended(name: str, status: int) -> ProcessKilled:
    how = f"was killed ({signal.Signals(-status).name})" if status < 0 else f"ended with status {status}"
    why = ", by someone or because the machine's memory ran out" if status == -signal.SIGKILL else ""
    return ProcessKilled(
        f"the process at work on {name} {how}{why}. The same command goes on: what is finished is kept and not read again "
        f"(ALIGN_WORKERS=1 works on one at a time)."
    )

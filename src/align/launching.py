"""Run a stage in several processes that align starts, and of which none outlives it.

Each process gets what torchrun would give it (RANK, WORLD_SIZE, MASTER_ADDR, ...). torchrun itself does not stand in between: a
parent that starts its children itself can hand them the lock it holds and a pipe that ends when it does, whatever kills it, and
tell what one of them refused in that one's own words.
"""

import json
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import align
from align.artifact import SCRATCH, Artifact, Counts
from align.errors import AlignError, ProcessKilled, StoreError
from align.failures import ProcessFailed, TracebackThere, refusal_of
from align.files import write_json
from align.parts import PLUGIN_PREFIX
from align.processes import ENDPOINT, MACHINE_RANK, helper_place, is_launched, machine_rank
from align.stage import Inputs, Processes, Stage

log = logging.getLogger(__name__)

GRACE_SECONDS = 5.0
"""How long a process may take to end when it is told to."""
LOOK_SECONDS = 0.05
PORT = 29500
"""Where the processes of several machines meet, if the endpoint does not say."""
SHOWN_LINES = 20


@dataclass(slots=True)
class _Running:
    rank: int
    process: "subprocess.Popen[bytes]"
    stopped: bool = False
    """Whether it was told to end because another one had failed."""


@dataclass(frozen=True, slots=True)
class _Meeting:
    """Where the processes find each other, and which of them are this machine's."""

    host: str
    port: int
    machine: int = 0
    processes: Processes = field(default_factory=Processes)

    @property
    def ranks(self) -> range:
        each = self.processes.count // self.processes.machines
        return range(self.machine * each, (self.machine + 1) * each)

    def environment(self, rank: int) -> dict[str, str]:
        """What torchrun would set, and what the stage wants."""
        path = [str(Path(align.__file__).parent.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
        told = {
            "RANK": rank,
            "LOCAL_RANK": rank - self.ranks.start,
            "WORLD_SIZE": self.processes.count,
            "LOCAL_WORLD_SIZE": len(self.ranks),
            "GROUP_RANK": self.machine,
            "MASTER_ADDR": self.host,
            "MASTER_PORT": self.port,
        }
        # One thread each unless told otherwise, as torchrun has it: processes must not fight for cores.
        quiet = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", "PYTHONPATH": os.pathsep.join(path)}
        mine = quiet | dict(os.environ) | {"PYTHONPATH": quiet["PYTHONPATH"]}
        several = {name: str(value) for name, value in told.items()} if self.processes.count > 1 else {}
        return mine | self.processes.environment | several


def run_stage(stage: Stage, inputs: Inputs, work: Path, lock: int | None = None) -> Counts:
    """Run a stage here, or in the processes that it asks for; under torchrun they are there already."""
    wanted = stage.processes()
    if wanted.count == 1 or is_launched():
        return stage.run(inputs, work)
    return run_in_processes(stage, inputs, work, () if lock is None else (lock,))


def run_in_processes(
    stage: Stage, inputs: Inputs, work: Path, held: tuple[int, ...] = (), environment: dict[str, str] | None = None
) -> Counts:
    """Start this machine's processes of a stage, wait for them, and give what the first one counted.

    `held` are file descriptors they get too: a lock stays taken until the last of them is gone.
    """
    wanted = stage.processes()
    meeting = _meeting(replace(wanted, environment=wanted.environment | (environment or {})))
    stage.check_room(len(meeting.ranks))
    folder = work / SCRATCH / f"processes-{meeting.machine}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    write_json(folder / "order.json", _order(stage, inputs, work))
    log.info("%s: starting %d processes", stage.kind, len(meeting.ranks))
    try:
        with _started(meeting, folder, held) as running:
            _wait(running)
    finally:
        for rank in meeting.ranks:
            shutil.rmtree(helper_place(work, rank), ignore_errors=True)
    _raise_failure(running, folder, meeting.processes.count)
    if meeting.machine > 0:
        return Counts()
    return Counts(**json.loads((folder / "counts.json").read_text(encoding="utf-8")))


def _order(stage: Stage, inputs: Inputs, work: Path) -> dict[str, Any]:
    """All that a worker needs to run the stage as this process would."""
    modules = {type(part).__module__ for part in stage.walk()}
    plugins = [str(sys.modules[name].__file__) for name in sorted(modules) if name.startswith(PLUGIN_PREFIX)]
    return {
        "stage": stage.model_dump(mode="json", serialize_as_any=True),
        "plugins": plugins,
        "data": [_told(artifact) for artifact in inputs.data],
        "named": {name: _told(artifact) for name, artifact in inputs.named.items()},
        "work": str(work.absolute()),
    }


def _told(artifact: Artifact) -> dict[str, Any]:
    return asdict(artifact) | {"path": str(artifact.path.absolute())}


def _meeting(processes: Processes) -> _Meeting:
    if processes.machines == 1:
        return _Meeting("127.0.0.1", _free_port(), 0, processes)
    endpoint = os.environ.get(ENDPOINT)
    if not endpoint:
        raise StoreError(how_to_start(processes))
    host, _, port = endpoint.rpartition(":") if ":" in endpoint else (endpoint, "", str(PORT))
    rank = machine_rank()
    if not port.isdigit() or rank >= processes.machines:
        raise AlignError(
            f"launch.machines: {processes.machines}: {ENDPOINT}={endpoint} wants HOST:PORT, and {MACHINE_RANK} (or SLURM_NODEID) "
            f"a number below {processes.machines} (got {rank})."
        )
    return _Meeting(host, int(port), rank, processes)


def how_to_start(processes: Processes) -> str:
    """The command to give on each of several machines."""
    import shlex

    asked = sys.argv[1:] if sys.argv[1:2] == ["run"] else ["run", "RECIPE"]
    command = shlex.join(["align", *asked])
    each = processes.count // processes.machines
    return (
        f"launch.machines: {processes.machines}: give one of these commands on each of the {processes.machines} machines, with a "
        f"store that all of them see; FIRST is the first machine's name or address:\n"
        f"  {ENDPOINT}=FIRST:{PORT} {MACHINE_RANK}=N {command}      (N from 0, on FIRST, to {processes.machines - 1})\n"
        f"  torchrun --nnodes {processes.machines} --nproc-per-node {each} --rdzv-backend c10d --rdzv-endpoint FIRST:{PORT} "
        f"-m {command}\n"
        f"What is made already is kept. docs/launch/ holds a job for slurm and one for SkyPilot."
    )


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def _started(meeting: _Meeting, folder: Path, held: tuple[int, ...]) -> Iterator[list[_Running]]:
    """The processes; when the context ends, for whatever reason, none is left."""
    command = [sys.executable, "-P", "-m", "align.worker", str(folder)]
    # Nobody writes into the pipe. Its end tells a worker that this process is gone, even after kill -9.
    alive, ours = os.pipe()
    running: list[_Running] = []
    try:
        for rank in meeting.ranks:
            with (folder / f"{rank}.log").open("wb") as said:
                aloud = rank == meeting.ranks.start  # one process tells the terminal, the others a file
                process = subprocess.Popen(
                    command,
                    stdin=alive,
                    stdout=2 if aloud else said,
                    stderr=2 if aloud else said,
                    env=meeting.environment(rank),
                    pass_fds=held,
                    process_group=0,  # Ctrl-C reaches this process only, which then ends them
                )
            running.append(_Running(rank, process))
        yield running
    finally:
        try:
            _stop(running)
        finally:
            os.close(ours)
            os.close(alive)


def _wait(running: list[_Running]) -> None:
    """Until all have ended; when one fails the others are told to end, since they would wait for it."""
    while any(item.process.poll() is None for item in running):
        if any(item.process.poll() not in (None, 0) for item in running):
            return
        time.sleep(LOOK_SECONDS)


def _stop(running: list[_Running]) -> None:
    for item in running:
        if item.process.poll() is None:
            item.stopped = True
            item.process.terminate()
    deadline = time.monotonic() + GRACE_SECONDS
    for item in running:
        try:
            item.process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            item.process.kill()
            item.process.wait()


def _raise_failure(running: list[_Running], folder: Path, count: int) -> None:
    """Raise what went wrong first: a refusal in its own words, else a kill, else a bug with its traceback."""
    failed = [item for item in running if item.process.returncode != 0]
    if not failed:
        return
    reports = [_report(folder, item.rank) for item in running]
    told = sorted((report for report in reports if report), key=lambda report: (not report["is_refusal"], report["at"]))
    if told and told[0]["is_refusal"]:
        raise refusal_of(told[0])
    for item in failed:
        if item.process.returncode in (-signal.SIGKILL, -signal.SIGTERM) and not item.stopped:
            name = signal.Signals(-item.process.returncode).name
            raise ProcessKilled(
                f"process {item.rank} of {count} was killed ({name}), by someone or because the machine's memory ran out. "
                f"The same command goes on from the last checkpoint."
            )
    if told:
        raise ProcessFailed(f"in process {told[0]['rank']} of {count}: {told[0]['said']}") from TracebackThere(
            told[0]["traceback"]
        )
    first = failed[0]
    lines = (folder / f"{first.rank}.log").read_text(encoding="utf-8", errors="replace").splitlines()[-SHOWN_LINES:]
    raise ProcessFailed(f"process {first.rank} of {count} ended with status {first.process.returncode}") from TracebackThere(
        "\n".join(lines)
    )


def _report(folder: Path, rank: int) -> dict[str, Any]:
    path = folder / f"{rank}.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return found

"""Stages in several processes that align starts: real processes, real kills. The stages are toys, so no test loads torch."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from align.errors import InputError, ProcessKilled, RecipeError
from align.failures import ProcessFailed
from align.launching import how_to_start
from align.recipe import load_recipe
from align.runner import run_recipe
from align.stage import Processes

PLUGIN = '''
import os
import signal
import time
from pathlib import Path
from typing import ClassVar, Literal

from align.artifact import Counts
from align.errors import InputError
from align.files import write_json
from align.processes import process_rank
from align.stage import Inputs, Processes, Stage


class Together(Stage):
    """Each process says who it is, then does as told."""

    kind: Literal["together"] = "together"
    do: str = "end"
    by: int = 1
    count: int = 2
    machines: int = 1
    together: ClassVar[bool] = True

    def processes(self) -> Processes:
        return Processes(self.count, self.machines, {"TOLD": "yes"})

    def run(self, inputs: Inputs, work: Path) -> Counts:
        rank = process_rank()
        names = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "TOLD")
        said = {name: os.environ[name] for name in names}
        # `files` of all processes is that of the first one
        write_json(work / "files" / f"{rank}.json", {**said, "inputs": [artifact.name for artifact in inputs.data]})
        write_json(work / "mine.json", rank)
        write_json(work / "scratch" / f"pid-{rank}.json", os.getpid())
        if self.do != "end" and rank == self.by:
            while not (work / "scratch" / "pid-0.json").exists():
                time.sleep(0.01)
            self._misbehave()
        elif self.do != "end":
            time.sleep(600)
        while len(list((work / "files").iterdir())) < self.count:
            time.sleep(0.01)
        return Counts(7, 5, {"why": 2})

    def _misbehave(self) -> None:
        if self.do == "refuse":
            raise InputError("a pebble in the shoe")
        if self.do == "bug":
            raise KeyError("pebble")
        if self.do == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.do == "wait":
            time.sleep(600)
'''
RECIPE = """\
name: walk
plugins: [mine.py, walkers.py]
stages:
  numbers: {kind: count, source: {kind: numbers}}
  walk: {kind: together}
"""


@pytest.fixture
def walk(toy: Path) -> Path:
    """A recipe whose second stage runs in two processes."""
    (toy.parent / "walkers.py").write_text(PLUGIN, encoding="utf-8")
    path = toy.parent / "walk.yaml"
    path.write_text(RECIPE, encoding="utf-8")
    return path


def made(path: Path, *overrides: str) -> dict[str, object]:
    recipe = load_recipe(path, tuple(f"stages.walk.{override}" for override in overrides))
    artifact = run_recipe(recipe, path.parent / "store")["walk"]
    said = {file.name: json.loads(file.read_text()) for file in (artifact.path / "files").iterdir()}
    return {"counts": artifact.counts, "said": said, "mine": json.loads((artifact.path / "mine.json").read_text())}


def partial(path: Path) -> Path:
    (found,) = (path.parent / "store" / "artifacts").glob("*.partial")
    return found


def test_the_first_process_makes_the_artifact_and_the_others_help(walk: Path) -> None:
    found = made(walk)
    assert (found["counts"].read, found["counts"].kept, found["counts"].dropped) == (7, 5, {"why": 2})
    assert found["mine"] == 0
    common = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "TOLD": "yes", "inputs": ["numbers"]}
    assert found["said"] == {f"{rank}.json": {**common, "RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(2)}
    assert not list((walk.parent / "store" / "artifacts").glob("*.partial*"))


def test_what_one_process_refuses_is_said_in_its_own_words(walk: Path) -> None:
    with pytest.raises(InputError, match="^stage walk: a pebble in the shoe$"):
        made(walk, "do=refuse")


def test_an_error_of_the_system_is_raised_as_it_was(tmp_path: Path) -> None:
    from align.failures import refusal_of, report_of

    error = refusal_of(report_of(FileNotFoundError(2, "No such file or directory", "/nowhere"), tmp_path))
    assert isinstance(error, FileNotFoundError)
    assert (error.errno, error.filename) == (2, "/nowhere")
    assert "No space left" in str(refusal_of(report_of(OSError(28, "No space left on device"), tmp_path)))


def test_a_bug_in_one_process_has_its_traceback(walk: Path) -> None:
    # A plugin's bug is told as the plugin's, with its line.
    with pytest.raises(Exception, match=r"^stage walk: the plugin failed at .*walkers\.py:\d+: KeyError: 'pebble'$"):
        made(walk, "do=bug")
    from align.launching import _raise_failure, _Running

    folder = partial(walk) / "scratch" / "processes-0"
    (folder / "1.json").write_text(
        json.dumps({"rank": 1, "at": 1.0, "is_refusal": False, "said": "KeyError: 'x'", "traceback": "in a.py"})
    )
    gone = subprocess.Popen([sys.executable, "-c", "raise SystemExit(1)"])
    gone.wait()
    with pytest.raises(ProcessFailed, match="in process 1 of 2: KeyError: 'x'") as raised:
        _raise_failure([_Running(1, gone)], folder, 2)
    assert str(raised.value.__cause__) == "in a.py"


def test_a_killed_process_ends_the_others_and_leaves_what_was_made(walk: Path) -> None:
    with pytest.raises(ProcessKilled, match=r"stage walk: process 1 of 2 was killed \(SIGKILL\).*goes on from the last"):
        made(walk, "do=die")
    folder = partial(walk)
    assert (folder / "files" / "0.json").is_file()
    assert not is_alive(int((folder / "scratch" / "pid-0.json").read_text()))


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until(done: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


@contextmanager
def walking(path: Path, *more: str, environment: dict[str, str] | None = None) -> Iterator["subprocess.Popen[str]"]:
    """`align run` of a recipe whose processes sleep."""
    command = [sys.executable, "-m", "align", "run", path.name, "--store", "store", *more]
    process = subprocess.Popen(
        command,
        cwd=path.parent,
        stdout=-1,
        stderr=-1,
        text=True,
        env=os.environ | (environment or {}),
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background is deaf to Ctrl-C
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def pids(path: Path) -> list[int]:
    files = list((path.parent / "store" / "artifacts").glob("*.partial/scratch/pid-*.json"))
    return [int(file.read_text()) for file in files if file.read_text()]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_process_outlives_the_one_that_started_it(walk: Path, how: signal.Signals) -> None:
    with walking(walk, "--set", "stages.walk.do=wait") as process:
        wait_until(lambda: len(pids(walk)) == 2)
        started = pids(walk)
        assert all(map(is_alive, started))
        process.send_signal(how)
        _, err = process.communicate(timeout=60)
        wait_until(lambda: not any(map(is_alive, started)), seconds=10)
    if how == signal.SIGINT:
        assert process.returncode == 130
        assert err.endswith("stopped; the same command goes on from here\n")
        assert "Traceback" not in err
    assert "store/artifacts" in str(partial(walk).relative_to(walk.parent))


def test_a_refusal_is_one_line_on_the_terminal(walk: Path) -> None:
    with walking(walk, "--set", "stages.walk.do=refuse") as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, "")
    assert err.splitlines()[-1] == "error: stage walk: a pebble in the shoe"
    assert "Traceback" not in err


def test_two_machines_meet_at_the_endpoint_and_the_first_makes_the_artifact(walk: Path) -> None:
    more = ("--set", "stages.walk.machines=2", "--set", "stages.walk.count=4")
    told = {"ALIGN_RDZV_ENDPOINT": "localhost:29500"}
    with (
        walking(walk, *more, environment=told | {"ALIGN_MACHINE_RANK": "1"}) as second,
        walking(walk, *more, environment=told | {"SLURM_NODEID": "0"}) as first,
    ):
        results = [process.communicate(timeout=120) for process in (first, second)]
    assert [process.returncode for process in (first, second)] == [0, 0], results
    assert len({out for out, _ in results}) == 1  # both give the id of the same run
    (artifact,) = (walk.parent / "store" / "artifacts").glob("*/mine.json")
    said = {file.name: json.loads(file.read_text()) for file in (artifact.parent / "files").iterdir()}
    assert {name: (item["RANK"], item["LOCAL_RANK"], item["WORLD_SIZE"]) for name, item in said.items()} == {
        "0.json": ("0", "0", "4"), "1.json": ("1", "1", "4"), "2.json": ("2", "0", "4"), "3.json": ("3", "1", "4"),
    }  # fmt: skip


def test_with_several_machines_and_no_endpoint_the_commands_are_told(walk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["align", "run", "walk.yaml", "--set", "a b"])
    said = how_to_start(Processes(32, 4))
    assert "ALIGN_RDZV_ENDPOINT=FIRST:29500 ALIGN_MACHINE_RANK=N align run walk.yaml --set 'a b'" in said
    assert "torchrun --nnodes 4 --nproc-per-node 8 --rdzv-backend c10d --rdzv-endpoint FIRST:29500 -m align run walk.yaml" in said
    with pytest.raises(Exception, match=r"stage walk: launch\.machines: 2: give one of these commands"):
        made(walk, "machines=2")


def test_an_endpoint_without_the_machines_number_is_refused(walk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALIGN_RDZV_ENDPOINT", "localhost:29500")
    with pytest.raises(RecipeError, match="ALIGN_MACHINE_RANK must say which machine this is"):
        made(walk)


def has_stopped(pid: int) -> bool:
    """Whether every thread of it has: a signal to stop takes its time on a busy machine."""
    states = [path.read_text().rpartition(")")[2].split()[0] for path in Path(f"/proc/{pid}/task").glob("*/stat")]
    return all(state in "Tt" for state in states)


def test_the_lock_is_held_until_the_last_process_is_gone(walk: Path) -> None:
    from align.locks import free_lock

    store = walk.parent / "store"
    with walking(walk, "--set", "stages.walk.do=wait") as process:
        wait_until(lambda: len(pids(walk)) == 2)
        key = partial(walk).name.removesuffix(".partial")
        stopped = pids(walk)
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)  # these cannot see that their parent is gone
        wait_until(lambda: all(has_stopped(pid) for pid in stopped))
        process.kill()
        process.wait()
        with free_lock(store, key) as is_free:
            assert not is_free
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
        wait_until(lambda: not any(map(is_alive, stopped)), seconds=10)
        with free_lock(store, key) as is_free:
            assert is_free

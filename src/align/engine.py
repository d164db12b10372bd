"""Where the shards of a stage are worked on: in processes of this machine, or on a Ray cluster. It decides no output.

The work on a shard is a function of that shard alone, which writes under a name of its own and renames what is whole: done twice,
as after a crash or on a cluster that retries, it does no harm.
"""

import os
import pickle
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar, get_args

from align.asides import forget_begun
from align.errors import RecipeError
from align.failures import ProcessFailed, TracebackThere, refusal_of
from align.parts import PLUGIN_PREFIX
from align.progress import Bar
from align.shard_worker import Order

S = TypeVar("S")
R = TypeVar("R")

EngineName = Literal["native", "ray"]
ENGINE, WORKERS = "ALIGN_ENGINE", "ALIGN_WORKERS"


@dataclass(frozen=True, slots=True)
class Engine:
    """Who works on shards."""

    name: EngineName = "native"
    workers: int = 0
    """How many processes at once; 0 for one a core, and on a running cluster for what it has."""

    @property
    def processes(self) -> int:
        if self.workers:
            return self.workers
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class Task(Generic[S]):
    """One shard to work on."""

    name: str
    size: int
    """How much work it is, in the unit of the bar."""
    shard: S


_engine: ContextVar[Engine | None] = ContextVar("_engine", default=None)


def engine_of(recipe: EngineName | None = None, asked: str | None = None, workers: int | None = None) -> Engine:
    """What was asked for at the command line, else by the environment, else by the recipe, else native."""
    name = asked or os.environ.get(ENGINE) or recipe or "native"
    if name not in get_args(EngineName):
        raise RecipeError(
            f"engine {name!r}: wanted {' or '.join(get_args(EngineName))} (--engine, ${ENGINE} or the recipe's engine:)"
        )
    told = str(workers) if workers is not None else os.environ.get(WORKERS) or "0"
    if not told.isdigit():
        raise RecipeError(f"{WORKERS}={told}: wanted a number of processes, 0 for one a core.")
    return Engine("ray" if name == "ray" else "native", int(told))


@contextmanager
def use_engine(engine: Engine) -> Iterator[None]:
    """Work on shards with `engine` while the context lasts; a Ray of our own ends with it."""
    token = _engine.set(engine)
    try:
        yield
    finally:
        _engine.reset(token)
        if engine.name == "ray":
            from align.ray_cluster import leave_cluster

            leave_cluster()


def map_shards(
    work: Callable[[S], R], tasks: Sequence[Task[S]], title: str, unit: str, least: int, folder: Path
) -> Iterator[tuple[Task[S], R]]:
    """Work on every shard; gives each with its result as soon as it is done, in any order.

    It is done here, one after the other, where `least` of the work would not be taken off this process by several. `work` and
    the shards must be picklable; `folder` is where they write.
    """
    forget_begun(folder)
    try:
        yield from _mapped(work, tasks, title, unit, least, folder)
    finally:
        forget_begun(folder)


def _mapped(
    work: Callable[[S], R], tasks: Sequence[Task[S]], title: str, unit: str, least: int, folder: Path
) -> Iterator[tuple[Task[S], R]]:
    engine = _engine.get() or engine_of()
    sizes = sorted(task.size for task in tasks)
    with Bar(title, sum(sizes), unit=unit) as bar:
        done = 0
        if len(tasks) < 2 or sum(sizes[:-1]) < least or (engine.name == "native" and engine.processes == 1):
            for task in tasks:
                yield task, work(task.shard)
                if len(tasks) > 1:  # a single one shows itself how far it is
                    bar.move(done := done + task.size)
            return
        by_name = {task.name: task for task in tasks}
        for name, said in _run(engine, list(_orders(work, tasks, folder))):
            if name is None:
                bar.move(done, str(said))
            else:
                bar.move(done := done + by_name[name].size)
                yield by_name[name], _result(said, name)


def _orders(work: Callable[[S], R], tasks: Sequence[Task[S]], folder: Path) -> Iterator[tuple[str, bytes]]:
    """What is said to the processes, the largest shard first: what is begun last should not be what all wait for."""
    for task in sorted(tasks, key=lambda task: -task.size):
        pickled = pickle.dumps(partial(work, task.shard))
        yield task.name, pickle.dumps(Order(_plugins_in(pickled), sys.path, pickled, folder))


def _run(engine: Engine, orders: list[tuple[str, bytes]]) -> Iterator[tuple[str | None, Any]]:
    if engine.name == "ray":
        from align.ray_cluster import run_on_ray  # ray takes half a second to import

        return run_on_ray(orders, engine.workers)
    from align.shard_processes import run_in_processes

    return run_in_processes(orders, min(engine.processes, len(orders)))


def _plugins_in(pickled: bytes) -> dict[str, str]:
    """Files of the plugins that a pickle names: another process must load them before it can read it."""
    names = {name.decode() for name in re.findall(rb"%s\w+" % PLUGIN_PREFIX.encode(), pickled)}
    return {name: str(sys.modules[name].__file__) for name in sorted(names & sys.modules.keys())}


def _result(answer: dict[str, Any], name: str) -> Any:
    """What the work gave, or its error."""
    report = answer.get("report")
    if report is None:
        return answer["result"]
    if report["is_refusal"]:
        raise refusal_of(report)
    raise ProcessFailed(f"at {name}: {report['said']}") from TracebackThere(report["traceback"])

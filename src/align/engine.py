"""Where the shards of a stage are worked on: in processes of this machine, or on a Ray cluster. It decides no output.

The work on a shard is a function of that shard alone, which writes under a name of its own and renames what is whole: done twice,
as after a crash or on a cluster that retries, it does no harm.
"""

import os
import pickle
import re
import sys
from collections import deque
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
from align.shard_orders import Orders
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
    is_divisible: bool = False
    """Whether it leads to further tasks, which several processes can share."""


Further = Callable[[Task[S], R], Sequence[Task[S]]]
"""What more there is to do, by a task that is done and what came of it."""

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
    work: Callable[[S], R],
    tasks: Sequence[Task[S]],
    title: str,
    unit: str,
    least: int,
    folder: Path,
    further: Further[S, R] = lambda task, result: (),
) -> Iterator[tuple[Task[S], R]]:
    """Work on every shard, and on what `further` says that each leads to; gives each with its result as soon as it is done.

    They come in any order. It is done here, one after the other, where `least` of the work would not be taken off this process by
    several. `work` and the shards must be picklable; `folder` is where they write.
    """
    forget_begun(folder)
    try:
        yield from _mapped(work, tasks, title, unit, least, folder, further)
    finally:
        forget_begun(folder)


def _mapped(
    work: Callable[[S], R],
    tasks: Sequence[Task[S]],
    title: str,
    unit: str,
    least: int,
    folder: Path,
    further: Further[S, R],
) -> Iterator[tuple[Task[S], R]]:
    engine = _engine.get() or engine_of()
    total = sum(task.size for task in tasks)
    done = 0
    shared = total - max((task.size for task in tasks if not task.is_divisible), default=0)
    with Bar(title, total, unit=unit) as bar:
        if shared < max(1, least) or (engine.name == "native" and engine.processes == 1):
            yield from _mapped_here(work, tasks, bar, further)
            return
        by_name: dict[str, Task[S]] = {}
        orders = Orders()

        def give(more: Sequence[Task[S]], is_urgent: bool) -> None:
            by_name.update({task.name: task for task in more})
            for task in more:
                orders.put(task.name, _order(work, task, folder), is_urgent)

        # The largest first: what is begun last should not be what all wait for.
        give(sorted(tasks, key=lambda task: -task.size), is_urgent=False)
        workers = engine.processes if any(task.is_divisible for task in tasks) else min(engine.processes, len(tasks))
        for name, said in _run(engine, orders, workers):
            if name is None:
                bar.move(done, str(said))
                continue
            task, result = by_name[name], _result(said, name)
            more = further(task, result)
            give(more, is_urgent=True)
            bar.move(done := done + task.size - sum(another.size for another in more))
            yield task, result


def _mapped_here(
    work: Callable[[S], R], tasks: Sequence[Task[S]], bar: Bar, further: Further[S, R]
) -> Iterator[tuple[Task[S], R]]:
    left = deque(tasks)
    done = 0
    while left:
        task = left.popleft()
        result = work(task.shard)
        more = further(task, result)
        left.extendleft(reversed(more))
        done += task.size - sum(another.size for another in more)
        if len(tasks) > 1 or more or left:  # a single one shows itself how far it is
            bar.move(done)
        yield task, result


def _order(work: Callable[[S], R], task: Task[S], folder: Path) -> bytes:
    """What is said to a process."""
    pickled = pickle.dumps(partial(work, task.shard))
    return pickle.dumps(Order(_plugins_in(pickled), sys.path, pickled, folder))


def _run(engine: Engine, orders: Orders, workers: int) -> Iterator[tuple[str | None, Any]]:
    if engine.name == "ray":
        from align.ray_cluster import run_on_ray  # ray takes half a second to import

        return run_on_ray(orders, engine.workers)
    from align.shard_processes import run_in_processes

    return run_in_processes(orders, workers)


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

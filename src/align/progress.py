"""Progress on stderr, for people: title, bar, rate and time left, once work has taken two seconds."""

import time
from collections.abc import Iterable, Iterator, Sized
from typing import Any, TypeVar

T = TypeVar("T")

PATIENCE_SECONDS = 2.0
REDRAW_SECONDS = 0.1


def track(items: Iterable[T], title: str, total: int | None = None, unit: str = "") -> Iterator[T]:
    """Pass `items` through; on a terminal show how far they are after two seconds. Silent where nobody looks."""
    import sys

    if not sys.stderr.isatty():
        yield from items
        return
    if total is None and isinstance(items, Sized):
        total = len(items)
    shown_at = time.monotonic() + PATIENCE_SECONDS
    bar: Any = None
    task: Any = None
    done = 0
    try:
        for item in items:
            yield item
            done += 1
            if time.monotonic() < shown_at:
                continue
            if bar is None:
                bar = _bar(unit)
                task = bar.add_task(title, total=total, completed=done)
                bar.start()
            bar.update(task, completed=done)
            shown_at = time.monotonic() + REDRAW_SECONDS
    finally:
        if bar is not None:
            bar.stop()


def _bar(unit: str) -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{task.speed:,.0f} {unit}/s" if task.speed is not None else "")  # None at first

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )

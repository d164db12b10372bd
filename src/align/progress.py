"""Progress on stderr, for people: title, bar, rate and time left, once work has taken two seconds."""

import time
from collections.abc import Iterable, Iterator, Sized
from typing import Any, TypeVar

T = TypeVar("T")

PATIENCE_SECONDS = 2.0
REDRAW_SECONDS = 0.1


def track(items: Iterable[T], title: str, total: int | None = None, unit: str = "") -> Iterator[T]:
    """Pass `items` through; on a terminal show how far they are after two seconds. Silent where nobody looks."""
    if not is_watched():
        yield from items
        return
    if total is None and isinstance(items, Sized):
        total = len(items)
    with Bar(title, total, unit=unit) as bar:
        for done, item in enumerate(items, 1):
            yield item
            bar.move(done)


def is_watched() -> bool:
    """Whether stderr is a terminal."""
    import sys

    return sys.stderr.isatty()


class Bar:
    """How far something is, with figures beside it; drawn on a terminal once it has taken two seconds, else nowhere."""

    def __init__(self, title: str, total: int | None, done: int = 0, unit: str = "") -> None:
        self.title, self.total, self.unit = title, total, unit
        self._first = done
        self._is_watched = is_watched()
        self._drawn_at = time.monotonic() + PATIENCE_SECONDS
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> "Bar":
        return self

    def move(self, done: int, said: str = "") -> None:
        """Say that `done` are done; `said` stands behind the bar."""
        if not self._is_watched or time.monotonic() < self._drawn_at:
            return
        if self._bar is None:
            self._bar = _bar(self.unit)
            self._task = self._bar.add_task(self.title, total=self.total, completed=self._first, said="")
            self._bar.start()
        self._bar.update(self._task, completed=done, said=said)
        self._drawn_at = time.monotonic() + REDRAW_SECONDS

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Take it away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


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
        TextColumn("{task.fields[said]}"),
        console=Console(stderr=True),
        transient=True,
    )

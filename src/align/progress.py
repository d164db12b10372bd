"""Progress on stderr, for people, once work has taken two seconds: a bar on a terminal, in a log a line now and then.

A process that works for another one tells that one instead (`tell_to`).
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from typing import Any, TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")

PATIENCE_SECONDS = 2.0
REDRAW_SECONDS = 0.1
LINE_SECONDS = 10.0
"""The first line in a log comes after so long; the next ones after as long, or a tenth of what has passed."""
LEAST_SECONDS = 0.001
"""Items that take less are not looked at one by one."""
MOST_ITEMS = 64

Total = int | Callable[[], int] | None
"""How much there is to do, if that is known; a function is asked when there is something to show, and not before."""

_listener: Callable[[str], None] | None = None


def tell_to(listener: Callable[[str], None] | None) -> None:
    """From now on say to `listener`, and to nobody else, how far all work in this process is."""
    global _listener
    _listener = listener


def track(
    items: Iterable[T], title: str, total: Total = None, unit: str = "", reached: Callable[[T], int] | None = None
) -> Iterator[T]:
    """Pass `items` through, and show how far they are.

    `reached` says how many units are done with an item, such as megabytes of a file; without it items are counted.
    """
    if total is None and reached is None and isinstance(items, Sized):
        total = len(items)
    look, stride, seen = 1, 1, time.monotonic()
    count, item = 0, None
    with Bar(title, total, unit=unit) as bar:
        for count, item in enumerate(items, 1):
            yield item
            if count < look:
                continue
            bar.move(count if reached is None else reached(item))
            now = time.monotonic()
            stride = min(2 * stride, MOST_ITEMS) if now - seen < LEAST_SECONDS * stride else 1
            look, seen = count + stride, now
        if reached is None:
            bar.move(count)
        elif item is not None:  # the last ones may not have been looked at
            bar.move(reached(item))


def is_watched() -> bool:
    """Whether stderr is a terminal."""
    import sys

    return sys.stderr.isatty()


class Bar:
    """How far something is, with figures beside it. `lines=False`: nothing in a log, for who writes lines of its own there."""

    def __init__(self, title: str, total: Total, done: int = 0, unit: str = "", lines: bool = True) -> None:
        self.title, self.unit = title, unit
        self._total = total
        self._first = done
        self._is_watched = is_watched()
        self._lines = lines
        self._began = time.monotonic()
        self._due_at = self._began + (PATIENCE_SECONDS if self._is_watched else LINE_SECONDS if _listener is None else 0)
        self._bar: Any = None
        self._task: Any = None

    @property
    def total(self) -> int | None:
        if callable(self._total):
            self._total = self._total()
        return self._total

    def __enter__(self) -> "Bar":
        return self

    def move(self, done: int, said: str = "") -> None:
        """Say that `done` are done; `said` stands behind the bar."""
        now = time.monotonic()
        if now < self._due_at:
            return
        if _listener is not None:
            _listener(f"{self.title} {self._count(done)}")
        elif self._is_watched:
            self._draw(done, said)
            self._due_at = now + REDRAW_SECONDS
        elif self._lines:
            log.info("  %s", self._line(done, said, now - self._began))
            self._due_at = now + max(LINE_SECONDS, (now - self._began) / 10)

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Take it away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _draw(self, done: int, said: str) -> None:
        if self._bar is None:
            self._bar = _bar(self.unit)
            self._task = self._bar.add_task(self.title, total=self.total, completed=self._first, said="")
            self._bar.start()
        self._bar.update(self._task, completed=done, said=said)

    def _count(self, done: int) -> str:
        of = f"{done:,}" if self.total is None else f"{done:,} of {self.total:,}"
        return f"{of} {self.unit}".rstrip()

    def _line(self, done: int, said: str, seconds: float) -> str:
        """`reading posts  1,200 of 4,000 rows  120 rows/s  23 s left`."""
        rate = (done - self._first) / seconds
        left = "" if self.total is None or rate <= 0 else f"{max(0, self.total - done) / rate:,.0f} s left"
        shown = f"{rate:,.0f}" if rate >= 10 else f"{rate:,.1f}"
        speed = f"{shown} {self.unit}/s".replace(" /s", "/s")
        return "  ".join(filter(None, (self.title, self._count(done), speed, left, said)))


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

"""The next item made in a thread while the last one is worked on: worth it where making it leaves Python to others."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def read_ahead(items: Iterator[T]) -> Iterator[T]:
    """Pass `items` on; one is made ahead, so memory holds two."""
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(_next, items)
        while item := coming.result():
            coming = thread.submit(_next, items)
            yield item[0]


def _next(items: Iterator[T]) -> tuple[T] | None:
    """The next item; None at the end, which as an error would not pass a generator."""
    for item in items:
        return (item,)
    return None

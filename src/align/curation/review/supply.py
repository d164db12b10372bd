"""Where the examples come from that one person reviews: what is asked of the pool and of the queue."""

from collections.abc import Collection, Sequence
from typing import Protocol

from align.records import Example


class Examples(Protocol):
    """What is asked of a pool."""

    def __contains__(self, example_id: object) -> bool: ...
    def example(self, example_id: str) -> Example: ...
    @property
    def near_from(self) -> float: ...


class Served(Protocol):
    """An example for somebody, and why."""

    @property
    def example_id(self) -> str: ...
    @property
    def why(self) -> str: ...


class Waiting(Protocol):
    """What is asked of a queue."""

    def next(
        self, curator: str, count: int = 3, cells: Sequence[str] = (), hidden: Collection[str] = ()
    ) -> Sequence[Served]: ...  # fmt: skip
    def overfull(self, example_id: str) -> str: ...

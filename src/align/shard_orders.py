"""What several processes are still to be told, of which more may come of what they have done."""

import queue
from itertools import count


class Orders:
    """Pickled orders by name. What follows from finished work goes first: it needs no more room, and frees what it takes."""

    def __init__(self) -> None:
        self.missing = 0
        """How many are not carried out yet."""
        self._left: queue.PriorityQueue[tuple[int, int, tuple[str, bytes] | None]] = queue.PriorityQueue()
        self._numbers = count()

    def put(self, name: str, order: bytes, is_urgent: bool = False) -> None:
        self.missing += 1
        self._left.put((0 if is_urgent else 1, next(self._numbers), (name, order)))

    def take(self) -> tuple[str, bytes] | None:
        """The next one, as soon as there is one; None where there will be no more."""
        return self._left.get()[2]

    def take_now(self) -> tuple[str, bytes] | None:
        """The next one; None where there is none now."""
        return None if self._left.empty() else self.take()

    def end(self, takers: int) -> None:
        """Let so many takers go who wait."""
        for _ in range(takers):
            self._left.put((2, next(self._numbers), None))

import threading
from collections.abc import Iterator

import pytest

from align.ahead import read_ahead


def test_the_next_item_is_made_while_the_last_one_is_worked_on() -> None:
    made = [threading.Event() for _ in range(3)]

    def items() -> Iterator[int]:
        for number, event in enumerate(made):
            event.set()
            yield number

    for number in read_ahead(items()):
        # one after the other, the next would never be made while this waits
        assert number == 2 or made[number + 1].wait(10)


def test_all_items_come_in_order_and_an_error_at_its_place() -> None:
    def items() -> Iterator[object]:
        yield from (0, None, "")
        raise ValueError("torn page")

    coming = read_ahead(items())
    assert [next(coming) for _ in range(3)] == [0, None, ""]
    with pytest.raises(ValueError, match="torn page"):
        next(coming)
    assert list(read_ahead(iter(()))) == []

"""How far one person is today, and how far the cell is for which an example counts."""

from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from align.curation.queueing.queue import Queue
from align.curation.queueing.tally import ACCEPTED, UNDECIDED, Doings
from align.curation.state.folding import ACCEPTING

MOST_A_DAY = 3000
"""Nobody reads more in a day; older looks are not gone through again."""


def day_begins(now: datetime, offset: timedelta) -> str:
    """Midnight of the person's clock, which is `offset` ahead of UTC, as events write their time."""
    there = now + offset
    return (there.replace(hour=0, minute=0, second=0, microsecond=0) - offset).isoformat(timespec="microseconds")


def decided_since(done: Doings, moment: str) -> int:
    """Examples about which their word stands, from a moment on; skips are none."""
    last = islice(reversed(done.reviews.values()), MOST_A_DAY)
    return len({review.row for review in last if review.at >= moment and review.action != "skip"})


def progress_of(queue: Queue, curator: str, example_ids: list[str], moment: str, is_blind: bool) -> dict[str, Any]:
    """What a page says of it, as plain data, as far as the queue has heard; `wanted` is None where nobody set a target.

    Who decides blind is told of nobody's decisions but their own: how the counts of all move after each of theirs would tell what
    others said of the same example.
    """
    from numpy import bincount

    pool = queue.pool
    with queue.remembering() as tally:
        done = tally.doings(curator)
        taken = [row for row, action in done.said.items() if action in ACCEPTING]
        if is_blind:
            accepted, undecided = bincount(pool.cells.codes[taken], minlength=len(pool.cells.names)), None
        else:
            accepted, undecided = tally.counts(ACCEPTED), tally.counts(UNDECIDED)
        cells = {}
        for name in example_ids:
            row = pool.row_or_none(name)
            if row is None:  # taken down since the page's cards were drawn
                continue
            code = int(pool.cells.codes[row])
            cell = pool.cells.names[code]
            cells[name] = {
                "name": cell or "in no group",
                "accepted": int(accepted[code]),
                "wanted": queue.targets.get(cell) if queue.targets else None,
                "undecided": None if undecided is None else int(undecided[code]),
            }
        return {
            "today": decided_since(done, moment),
            "is_new": done.looks == 0,
            "accepted": len(taken if is_blind else tally.accepted),
            "cells": cells,
        }

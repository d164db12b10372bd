"""The board: cells against their targets, variety, and who takes over."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from queue_setting import decide, examples, pool_of, store_of

from align.curation.board import TOO_MUCH, Voices, audited_rate, cells_of, dominant, spread_of, total_of
from align.curation.pools.layout import places_of, points_of
from align.curation.pools.pool import Pool
from align.curation.queueing.looks import QueueSettings
from align.curation.queueing.queue import Queue
from align.curation.store import CurationStore
from align.curation.wanted import Wanted
from align.records import Turn
from align.selection.spread import coverage, vendi_score
from align.strata import Cells
from toy_records import artifact

TARGETS = {"cooking": 3, "ocean": 2}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CurationStore]:
    opened = store_of(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def queue(tmp_path: Path, store: CurationStore) -> Iterator[Queue]:
    made = Queue(pool_of(tmp_path, TARGETS, each=6), store)
    yield made
    made.close()


def say(queue: Queue, store: CurationStore, site: str, actions: str, seconds: float = 36.0) -> None:
    """One decision an example of a site: `+` accepts, `-` rejects, `?` flags."""
    words = {"+": "accept", "-": "reject", "?": "flag"}
    for number, sign in enumerate(actions):
        decide(queue, store, f"stack_exchange/{site}/{number}", words[sign], seconds=seconds)
    queue.catch_up()


def test_a_cell_shows_what_it_has_lacks_and_costs(queue: Queue, store: CurationStore) -> None:
    say(queue, store, "cooking", "+--?")
    cooking, ocean = cells_of(queue)
    assert (cooking.name, cooking.target, cooking.accepted, cooking.rejected, cooking.flagged, cooking.left) == (
        "cooking", 3, 1, 2, 1, 2,
    )  # fmt: skip
    assert cooking.rate.value == pytest.approx(1 / 3)
    assert (cooking.lacking, cooking.is_short) == (2, False)
    # two are lacking, one look of three is accepted, and each takes 36 s: six looks, 0.06 hours
    assert (cooking.forecast.looks, cooking.forecast.hours) == (pytest.approx(6), pytest.approx(0.06))
    # nobody has looked at ocean: the rate of all stands for it
    assert (ocean.accepted, ocean.left, ocean.forecast.hours) == (0, 6, pytest.approx(0.06))
    assert total_of([cooking, ocean]).hours == pytest.approx(0.12)


def test_what_was_decided_many_at_once_is_counted_and_tells_of_no_share_or_forecast(queue: Queue, store: CurationStore) -> None:
    say(queue, store, "cooking", "++-")
    before = cells_of(queue)[0]
    for number in (3, 4):
        decide(queue, store, f"stack_exchange/cooking/{number}", "reject", why="bulk")
    queue.catch_up()
    after = cells_of(queue)[0]
    assert (after.accepted, after.rejected, after.left, after.at_once, before.at_once) == (2, 3, 1, 2, 0)
    assert (after.rate, after.forecast) == (before.rate, before.forecast)
    # whoever reads one of them after all makes it a look like any other
    decide(queue, store, "stack_exchange/cooking/4", "reject", curator="ben", seconds=36.0)
    queue.catch_up()
    assert (cells_of(queue)[0].at_once, cells_of(queue)[0].rate.value) == (1, pytest.approx(2 / 4))


def test_a_cell_that_can_no_longer_be_filled_says_so(queue: Queue, store: CurationStore) -> None:
    say(queue, store, "cooking", "-----")
    cooking = cells_of(queue)[0]
    assert (cooking.left, cooking.lacking, cooking.is_short) == (1, 3, True)
    assert total_of(cells_of(queue)).hours is None  # nothing was accepted, so nobody knows


def test_without_targets_the_board_shows_what_there_is(tmp_path: Path, store: CurationStore) -> None:
    queue = Queue(pool_of(tmp_path, {}, each=6), store)
    say(queue, store, "cooking", "+-")
    (everything,) = cells_of(queue)
    assert (everything.name, everything.target, everything.accepted, everything.forecast.hours) == ("all", None, 1, 0)
    queue.close()


def test_the_audited_rate_rests_on_the_unbroken_beginning_of_each_cells_order_by_lot(queue: Queue, store: CurationStore) -> None:
    cooking, ocean = ([row for row in queue.order.tolist() if queue.pool.cells[row] == site] for site in ("cooking", "ocean"))
    for place, action in ((0, "accept"), (1, "reject"), (2, "reject"), (4, "accept")):  # the fourth is undecided
        decide(queue, store, queue.pool.ids[cooking[place]], action)
    decide(queue, store, queue.pool.ids[ocean[0]], "accept")
    rate, count = audited_rate(queue)
    assert (rate.value, count) == (pytest.approx(2 / 4), 4)


def test_variety_is_that_of_the_accepted_vectors(queue: Queue, store: CurationStore) -> None:
    say(queue, store, "cooking", "+++")
    spread = spread_of(queue.pool, queue.tally, queue.order)
    vectors = np.asarray(queue.pool.vectors)
    own = vectors[sorted(queue.tally.accepted)]
    assert spread.accepted == 3
    assert spread.vendi == pytest.approx(vendi_score(own))
    assert spread.coverage == pytest.approx(coverage(vectors, own))
    assert spread.vendi_by_chance > 1


def test_variety_of_nothing_is_nothing(queue: Queue) -> None:
    spread = spread_of(queue.pool, queue.tally, queue.order)
    assert (spread.accepted, spread.vendi, spread.coverage) == (0, 0, 0)


def test_a_site_that_takes_over_its_cell_is_told_with_its_share_and_its_due(tmp_path: Path, store: CurationStore) -> None:
    groups = {"cooking": "home", "garden": "home", "ocean": "away", "music": "away"}
    wanted = Wanted("picked", ("above",), Cells("site", {"home": 40, "away": 40}, groups), {"home": 40, "away": 40})
    queue = Queue(Pool.open(artifact(tmp_path, "above", examples(40)), tmp_path / "store", wanted), store)
    say(queue, store, "cooking", "+" * 30)  # of 30 accepted at home all are of cooking; half is due to it
    say(queue, store, "ocean", "+" * 12)
    say(queue, store, "music", "+" * 12)  # away both have their half
    sites = [item for item in dominant(queue) if item.what == "site"]
    (found,) = sites
    assert (found.name, found.cell, found.accepted, found.of, found.due) == ("cooking", "home", 30, 30, 0.5)
    assert f"{100 * TOO_MUCH * 0.5:.0f} %" in found.warning
    queue.close()


def test_temperature_says_what_is_due(tmp_path: Path, store: CurationStore) -> None:
    # 27 examples of cooking, 8 of ocean and 8 of music: at temperature 3 their dues are 3 to 2 to 2, not 27 to 8 to 8
    small = [item for item in examples(8) if "/ocean/" in item.id or "/music/" in item.id]
    items = [item for item in examples(27) if "/cooking/" in item.id] + small
    cells = Cells("source", {"stack_exchange": 30}, None)
    wanted = Wanted("picked", ("above",), cells, {"stack_exchange": 30}, "final", temperature=3)
    queue = Queue(Pool.open(artifact(tmp_path, "above", items), tmp_path / "store", wanted), store)
    say(queue, store, "cooking", "+" * 27)
    (found,) = [item for item in dominant(queue) if item.what == "site"]
    assert (found.name, found.due) == ("cooking", pytest.approx(3 / 7))
    queue.close()


def test_style_is_measured_of_the_text_as_people_left_it(queue: Queue, store: CurationStore) -> None:
    say(queue, store, "cooking", "+")
    voices = Voices(queue.pool)
    assert {item.subject for item in voices.spread(queue.tally) if item.metric == "style_openings"} == {"the set", "cooking"}
    example_id = "stack_exchange/ocean/0"
    edited = (Turn("user", "Why?"), Turn("assistant", "Because of the moon. " * 60))
    decide(queue, store, example_id, "edit", turns=edited)
    queue.catch_up()
    chars = next(item for item in voices.spread(queue.tally) if (item.metric, item.subject) == ("style_between", "chars"))
    assert chars.count == 2
    assert queue.tally.edited == {queue.pool.row(example_id): edited}
    assert Voices(queue.pool).spread(queue.tally) == voices.spread(queue.tally)


def test_style_is_measured_while_others_go_on_deciding(queue: Queue, store: CurationStore) -> None:
    say(queue, store, "cooking", "++")

    class Undone(dict[int, tuple[Turn, ...]]):
        """Of edits: while they are looked at, another thread takes an acceptance back."""

        def get(self, row: int, default: Any = None) -> Any:
            queue.tally.accepted.pop(row)
            return default

    queue.tally.edited = Undone()
    assert {item.count for item in Voices(queue.pool).spread(queue.tally) if item.metric == "style_openings"} == {2}


def test_the_map_is_the_same_again_and_keeps_subjects_together(queue: Queue, tmp_path: Path) -> None:
    places = places_of(queue.pool, queue.topics)
    assert places.shape == (24, 2)
    assert float(np.abs(places).max()) <= 1
    again = pool_of(tmp_path / "again", TARGETS, each=6)
    np.testing.assert_array_equal(places_of(again, queue.topics), places)
    sites = queue.pool.sites.codes
    apart = np.linalg.norm(places[:, None] - places[None], axis=2)
    same = sites[:, None] == sites[None]
    assert apart[same].mean() < apart[~same].mean()


def test_a_page_draws_all_decided_examples_and_some_others_by_lot(queue: Queue, store: CurationStore) -> None:
    say(queue, store, "cooking", "+-?")
    points = points_of(places_of(queue.pool, queue.topics), queue.tally.states, queue.order, most=10)
    assert len(points.rows) == 10
    assert sorted(points.states[points.states > 0].tolist()) == [1, 2, 3]
    x, y = points.places[0]
    assert points.rows[0] in points.within(x, y, x, y)
    assert points.within(-1, -1, 1, 1).tolist() == points.rows.tolist()


def test_an_empty_board_of_a_fresh_project_draws(tmp_path: Path, store: CurationStore) -> None:
    queue = Queue(pool_of(tmp_path, TARGETS, each=6), store, settings=QueueSettings(calibration=0))
    queue.catch_up()
    assert [cell.accepted for cell in cells_of(queue)] == [0, 0]
    assert (dominant(queue), Voices(queue.pool).spread(queue.tally), audited_rate(queue)[1]) == ([], [], 0)
    queue.close()

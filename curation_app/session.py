"""What one server process shares among all sessions: the pool, the store, the queue, the recipe's rules."""

import os
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from align.curating import Desk, open_pool, rules_above, usual_style
from align.curation.database.place import VARIABLE
from align.curation.pools.pool import Pool
from align.curation.queueing.accepted import Accepted
from align.curation.queueing.looks import QueueSettings
from align.curation.queueing.queue import Queue
from align.curation.sight import Sight, sight_of
from align.curation.state.settings import Settings
from align.curation.state.watching import TakedownWatch
from align.curation.store import CurationStore
from align.curation.team.identity import Door
from align.curation.team.people import Person
from align.errors import StoreError
from align.filters.filter import Filter
from align.recipe import Recipe, load_recipe
from align.style.reference import StyleReference

DESK = "ALIGN_APP_DESK"
DOOR = "ALIGN_APP_DOOR"
"""What `align app` puts into the environment of the server, beside the database's URL: a password stands nowhere else."""


@dataclass(frozen=True, slots=True)
class Project:
    """What people work on here. Threads share it."""

    desk: Desk
    recipe: Recipe
    store: CurationStore
    pool: Pool
    queue: Queue
    rules: tuple[Filter, ...]
    style: StyleReference | None
    accepted: Accepted
    door: Door
    watch: TakedownWatch

    def sight(self, person: Person) -> Sight:
        """What somebody may see now."""
        return sight_of(self.store, self.pool, person)

    def heed_takedowns(self) -> None:
        """Show no more what was taken down since, by this process or by another one."""
        self.watch.heed()
        self.queue.catch_up()

    def heed_settings(self) -> None:
        """Hand out examples as a lead has set it by now."""
        self.queue.use(_queue_settings(self.store.terms().settings))


@st.cache_resource(show_spinner="Opening the examples")
def open_project() -> Project:
    """Everything a page draws from; opened once a process."""
    if DESK not in os.environ:
        raise StoreError("the app is started by `align app RECIPE`, which says what it works on")
    desk = Desk.from_json(os.environ[DESK])
    recipe = load_recipe(Path(desk.recipe))
    pool = open_pool(desk, recipe)
    store = CurationStore.open(os.environ[VARIABLE])
    door = Door.model_validate_json(os.environ.get(DOOR, "{}"))
    queue = Queue(pool, store, settings=_queue_settings(store.settings()))
    rules, style = rules_above(recipe, desk.stage), usual_style(desk, pool)
    accepted, watch = Accepted(pool, queue.tally), TakedownWatch(Path(desk.store), store)
    return Project(desk, recipe, store, pool, queue, rules, style, accepted, door, watch)


def _queue_settings(settings: Settings) -> QueueSettings:
    return QueueSettings(
        settings.uncertain_share,
        settings.audit_share,
        settings.overlap_share,
        settings.calibration_size,
        lease_minutes=settings.lease_minutes,
    )

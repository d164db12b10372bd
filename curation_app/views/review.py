"""Review: one example a screen, one key a decision."""

from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import streamlit as st

from align.curation.queueing.queue import Queue
from align.curation.review.progress import day_begins, progress_of
from align.curation.review.rendering import rendered
from align.curation.review.reviewing import Reviewing
from align.curation.team.people import Person
from align.errors import AlignError
from curation_app.links import PICKED
from curation_app.session import Project
from curation_app.team.texts import plain
from curation_app.views import PageInfo

PAGE = PageInfo("Review", ":material/rate_review:", 10, "curator")

KEY = "review"
FOLDER = Path(__file__).parents[1] / "review"
SCRIPTS = ("tree.js", "outbox.js", "keys.js", "texts.js", "side.js", "typing.js", "strip.js", "review.js")

DRAW_AGAIN = """export default function ({ setTriggerValue }) {
  window.alignDrawAgain = () => setTriggerValue("again", Date.now())
}"""


def draw(project: Project, person: Person) -> None:
    """One component holds the text, the keys and the buttons, so that no key press meets a page in between two states."""
    project.heed_settings()
    reviewing = _reviewing(project, person)
    wanted = st.query_params.pop("example", None)  # a link from another page; a reload shall not ask for it again
    if wanted is not None:
        try:
            reviewing.show(wanted)
        except AlignError as error:
            st.error(plain(str(error)))
    picked = st.session_state.pop(PICKED, None)  # what a region of the map or a search held
    if picked is not None:
        reviewing.show_line(picked)
    _card(project, person)
    # Outside of the fragment: what it sends has the whole page drawn, also by a server that never heard of this one.
    again = st.components.v2.component("align_draw_again", js=DRAW_AGAIN)
    again(key="draw-again", on_again_change=lambda: None)


@st.fragment
def _card(project: Project, person: Person) -> None:
    reviewing = _reviewing(project, person)
    html, css, js = _component_files()
    component = st.components.v2.component("align_review", html=html, css=css, js=js)
    component(key=KEY, data=page_data(reviewing, project.queue, _today()), on_sent_change=lambda: _take(project, person))


def page_data(reviewing: Reviewing, queue: Queue, since: str) -> dict[str, Any]:
    """Everything the browser needs to draw this example and the next ones; `since` is when the person's day began."""
    cards = reviewing.cards()
    return {
        "cards": cards,
        "answers": reviewing.answers,
        "reasons": list(reviewing.settings.reasons),
        "guidelines": _guidelines(reviewing),
        "person": reviewing.curator,
        "picked": reviewing.places_in_line(),
        "progress": progress_of(queue, reviewing.curator, list(reviewing.open), since, reviewing.sight.is_blind),
        "empty": _empty(reviewing),
    }


def _take(project: Project, person: Person) -> None:
    """What the browser sent. In a callback, so that no later event can stop it halfway."""
    sent = st.session_state[KEY].get("sent") or {}
    project.heed_takedowns()
    project.heed_settings()
    messages = sent.get("messages", [])
    _reviewing(project, person).take(messages)
    if any(message.get("kind") == "undo" for message in messages):
        project.queue.catch_up()  # a decision makes the queue hear of itself


def _reviewing(project: Project, person: Person) -> Reviewing:
    name = f"reviewing-{person.name}"
    sight = project.sight(person)
    if name not in st.session_state:
        reviewing = Reviewing(
            project.store, project.pool, project.queue, person.name, project.rules, project.style, project.accepted.near, sight
        )
        reviewing.begin()
        st.session_state[name] = reviewing
    found: Reviewing = st.session_state[name]
    found.see(sight)
    return found


def _guidelines(reviewing: Reviewing) -> dict[str, Any]:
    latest = reviewing.terms.guidelines
    return {"version": latest.version, "read": reviewing.terms.read_by(reviewing.curator), "tree": _guidelines_tree(latest.text)}


@lru_cache(maxsize=4)
def _guidelines_tree(text: str) -> list[Any]:
    """Drawn with every example, and long: parsing it costs as much as everything else that a page shows."""
    return rendered(text)


def _today() -> str:
    """When the day of the person's browser began; without a browser that of UTC."""
    minutes = st.context.timezone_offset  # as JavaScript counts it: what has to be added to get UTC
    return day_begins(datetime.now(UTC), timedelta(minutes=-(minutes or 0)))


def _empty(reviewing: Reviewing) -> dict[str, Any]:
    if reviewing.refusal:
        return {"title": "Nothing can be handed out", "words": [reviewing.refusal]}
    words = [
        "Everything is decided, every cell has what it wants, or others have the rest open now.",
        "Look at Board for what is still wanted, or at Browse for what was skipped or flagged. U takes your last decision back.",
    ]
    return {"title": "Nothing is waiting for you", "words": words}


@cache
def _component_files() -> tuple[str, str, str]:
    script = "\n".join((FOLDER / name).read_text(encoding="utf-8") for name in SCRIPTS)
    return (FOLDER / "review.html").read_text(encoding="utf-8"), (FOLDER / "review.css").read_text(encoding="utf-8"), script

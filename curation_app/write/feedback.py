"""What is said of a text while it is written: what is missing, what is there already, how it is written, how long it is."""

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

import streamlit as st

from align.curation.pools.pool import Pool
from align.curation.queueing.tally import ACCEPTED
from align.curation.sight import Sight
from align.curation.team.people import Person
from align.curation.writing.authoring import ANSWERED, AuthoredExample, length_remarks, missing_in
from align.curation.writing.likeness import Known, KnownTexts, Likeness
from align.records import Turn
from align.self_contained import is_self_contained
from curation_app.session import Project
from curation_app.team.texts import plain

Level = Literal["stop", "need", "look", "fine"]
ICONS = {
    "stop": ":red[:material/error:]", "need": ":gray[:material/radio_button_unchecked:]", "look": ":orange[:material/info:]",
    "fine": ":green[:material/check_circle:]",
}  # fmt: skip
SHOWN_CHARS = 140
WAITED_SECONDS = 1.0
"""A small pool is read at once; for a large one nobody waits."""


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing to know about the text."""

    level: Level
    said: str


def remarks(project: Project, person: Person, written: AuthoredExample, turns: tuple[Turn, ...]) -> list[Remark]:
    """Everything at once, the gravest first. What a text that nobody has saved yet still lacks is no mistake."""
    is_saved = written.version > 1
    lacking = [Remark("stop" if is_saved else "need", problem) for problem in missing_in(written)]
    if not any(turn.text.strip() for turn in turns):
        return lacking if is_saved else [Remark("need", _needed(written))]
    found: list[Remark] = []
    sight = project.sight(person)
    alike, has_pool = _alike(project, sight, written, turns)
    found += [_of_likeness(project, sight, item) for item in alike]
    if not has_pool:
        found.append(Remark("look", f"the pool's {len(project.pool):,} prompts are still being read"))
    found += [Remark("look", said) for said in length_remarks(turns)]
    response = turns[-1].text if turns[-1].role == "assistant" else ""
    if project.style is not None and response.strip():
        found += [Remark("look", f"style: {said}") for said in project.style.reasons(response, prompt=turns[0].text)]
    if written.meant_for != "train" and not is_self_contained(turns[0].text):
        found.append(Remark("look", "the prompt may not be self-contained: it asks nothing, or points at what is not there"))
    said = lacking + found if is_saved else found + lacking
    return said or [Remark("fine", "complete; nothing like it is there, and length and style are usual")]


def _needed(written: AuthoredExample) -> str:
    """What the form asks for, before anything is typed."""
    if written.form == "dialogue":
        end = ", an answer at the end" if written.meant_for in ANSWERED else ""
        return f"write the exchanges, user and assistant in turn{end}"
    return "write a prompt and its response" if written.meant_for in ANSWERED else "write a prompt; the models answer it"


def draw_remarks(found: list[Remark]) -> None:
    """A line each."""
    for remark in found:
        st.markdown(f"{ICONS[remark.level]} {plain(remark.said)}")


def _alike(project: Project, sight: Sight, written: AuthoredExample, turns: tuple[Turn, ...]) -> tuple[list[Likeness], bool]:
    """What is like the turns, and whether the pool could be asked yet."""
    everything = project.store.all_authored()
    mark = tuple((item.id, item.version) for item in everything)
    own = _authored_texts(mark, written.group, _texts=everything)
    found = own.find(turns, without=written.id)
    reading = _pool_texts(len(project.pool), _pool=project.pool)
    with suppress(TimeoutError):
        near = reading.result(WAITED_SECONDS).find(turns, most=3)
        found += [_of_other(item) if item.known.id in sight.hidden else item for item in near if item.known.id in project.pool]
    return sorted(found, key=lambda item: (not item.is_duplicate, -item.share))[:5], reading.done()


@st.cache_resource(max_entries=4, show_spinner=False)
def _authored_texts(mark: tuple[tuple[str, int], ...], group: str, _texts: list[AuthoredExample]) -> KnownTexts:
    """What people have written, made anew when one of them saved something."""
    return KnownTexts(
        Known(
            item.id,
            "authored" if item.group == group else "other group",
            item.turns[0].text,
            "\n".join(t.text for t in item.turns),
        )
        for item in _texts
        if item.turns and item.state != "withdrawn"
    )


@st.cache_resource(max_entries=1, show_spinner=False)
def _pool_texts(count: int, _pool: Pool) -> "Future[KnownTexts]":
    """The pool's prompts, read in the background: 100,000 take some 20 seconds, once a process."""
    reader = ThreadPoolExecutor(1, "pool-prompts")
    known = (Known(example.id, "pool", example.prompt, "") for example in _pool.examples())
    future = reader.submit(lambda: KnownTexts(known))
    reader.shutdown(wait=False)
    return future


def _of_other(item: Likeness) -> Likeness:
    return item._replace(known=item.known._replace(where="other group"))


def _of_likeness(project: Project, sight: Sight, item: Likeness) -> Remark:
    """In words; of the other group's texts nothing is told but that one is like this."""
    what = {"same prompt": "nearly the same prompt as", "shared words": "shares words with", "alike": "is alike"}[item.how]
    level: Level = "stop" if item.is_duplicate else "look"
    if item.known.where == "other group":
        return Remark(level, f"{what} something that the other group has written: choose another subject")
    where = item.known.where
    if where == "pool" and sight.states(project.queue.tally)[project.pool.row(item.known.id)] == ACCEPTED:
        where = "accepted"
    share = f"{item.share:.0f} words in a row" if item.how == "shared words" else f"{item.share:.2f}"
    shown = item.words if item.how == "shared words" else item.known.prompt
    cut = f"{shown[:SHOWN_CHARS]} ..." if len(shown) > SHOWN_CHARS else shown
    named = item.known.id if where == "authored" else f"{where} {item.known.id}"  # an id of an authored one says so itself
    return Remark(level, f"{what} {named} ({share}): {cut}")

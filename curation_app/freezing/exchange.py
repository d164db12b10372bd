"""Decisions to and from files: align's own JSON lines, Argilla's records, Label Studio's tasks."""

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import streamlit as st

from align.curation.decisions import Action, read_decisions
from align.curation.exchange import argilla, label_studio
from align.curation.exchange.said import ACTIONS, Imported, import_answers, is_told_in_full
from align.curation.team.people import Person
from align.errors import AlignError
from align.records import Decision, Example, as_json
from curation_app.freezing.pairs import read_pairs
from curation_app.look import say_nothing_here
from curation_app.session import Project
from curation_app.team.people import is_at_least
from curation_app.team.texts import plain

MOST_BYTES = 200_000_000
SHOWN = 20
Item = tuple[Example, tuple[Decision, ...]]


class Form(NamedTuple):
    """A form of files."""

    label: str
    suffix: str
    write: Callable[[list[Item]], str]
    read: Callable[[Path, str, dict[str, str]], Any] | None
    """Answers of a file; None for our own decisions, which need no translation."""


def _our_lines(items: Iterable[Item]) -> str:
    return "".join(as_json(decision) + "\n" for _, decisions in items for decision in decisions)


FORMS = (
    Form("align (JSON lines)", "jsonl", _our_lines, None),
    Form("Argilla (JSON)", "argilla.json", lambda items: _json(argilla.records(items)), argilla.answers),
    Form("Label Studio (JSON)", "label-studio.json", lambda items: _json(label_studio.tasks(items)), label_studio.answers),
)


def draw(project: Project, person: Person) -> None:
    if not is_at_least(person.role, "lead"):  # who is still to decide shall not read what others decided
        say_nothing_here("A lead takes decisions out and in", "Ask one, or let an admin appoint you on the page Team.")
        return
    left, right = st.columns(2, gap="large")
    with left:
        st.header("To a file", anchor=False)
        _draw_export(project, person)
    with right:
        st.header("From a file", anchor=False)
        _draw_import(project, person)


def _draw_export(project: Project, person: Person) -> None:
    form = st.selectbox("Form", FORMS, format_func=lambda form: form.label, key="exchange-form")
    whole = st.toggle("Undecided examples too", key="exchange-whole", help="For a tool in which people go on deciding")
    st.caption("A decision keeps the text that it was made on; several curators of one example are folded to one decision.")
    if st.button("Prepare the file", key="exchange-prepare"):
        items = list(items_for(project, person, whole))
        st.session_state["exchange-file"] = (form.suffix, form.write(items), _untold(items) if form.read is not None else 0)
    suffix, text, untold = st.session_state.get("exchange-file", ("", "", 0))
    if suffix == form.suffix:
        if untold:
            st.warning(f"{untold:,} edits change a turn inside a dialogue, which this form cannot hold; align's own can.")
        st.download_button("Download", text, f"decisions.{suffix}", key="exchange-get", icon=":material/download:")
    if form.label.startswith("Label Studio"):
        with st.expander("The labelling interface for these tasks"):
            st.code(label_studio.LABELING_CONFIG, language="xml", wrap_lines=True)
    if form.label.startswith("Argilla"):
        with st.expander("The settings of a dataset for these records"):
            st.code(argilla.SETTINGS, language="python", wrap_lines=True)


def items_for(project: Project, person: Person, whole: bool) -> Iterator[Item]:
    """Examples of this pool with the decisions on them; those that nobody decided about, too, where the whole is wanted."""
    by_example: dict[str, list[Decision]] = {}
    for decision in project.store.take_out(person.name):
        by_example.setdefault(decision.example_id, []).append(decision)
    hidden = project.sight(person).hidden
    open_ones = (name for name in project.pool.ids if name in project.pool and name not in hidden)
    shown = [name for name in open_ones if whole or name in by_example]
    for example_id in shown:
        yield project.pool.example(example_id), tuple(by_example.get(example_id, ()))


def _untold(items: list[Item]) -> int:
    return sum(not is_told_in_full(decision, example) for example, decisions in items for decision in decisions)


def _draw_import(project: Project, person: Person) -> None:
    form = st.selectbox("Form", FORMS, format_func=lambda form: form.label, key="exchange-from")
    sent = st.file_uploader("File", key="exchange-sent", type=["json", "jsonl"])
    with st.expander("Other words and names"):
        meanings = st.text_input("Words", placeholder="good=accept, bad=reject", help="What the tool's answers mean")
        names = st.text_input("People", placeholder="7=ada, bo@example.org=bo", help="Who its users are here")
    if sent is None:
        st.caption("What a person decided here stands against what a file says of them; importing a file twice is harmless.")
        return
    if sent.size > MOST_BYTES:
        st.error(f"{sent.size:,} bytes are too many for the browser; cut the file into parts below {MOST_BYTES:,}.")
        return
    found = _read(project, form, sent.getvalue(), meanings, names)
    if found is None:
        return
    st.text(f"{len(found.decisions):,} decisions about {len({item.example_id for item in found.decisions}):,} examples")
    if found.unread:
        st.warning(f"{len(found.unread):,} answers become no decision")
        st.dataframe([{"where": item.place, "example": item.example_id, "why": item.reason} for item in found.unread[:SHOWN]])
    if found.decisions and st.button(f"Import {len(found.decisions):,} decisions", type="primary", key="exchange-import"):
        done = project.store.import_decisions(person.name, found.decisions)
        st.success(f"{len(done.events):,} decisions are in.")
        if done.refused:
            st.warning(f"{len(done.refused):,} stayed out")
            st.dataframe([{"decision": name, "why": why} for name, why in list(done.refused.items())[:SHOWN]])


def _read(project: Project, form: Form, data: bytes, meanings: str, names: str) -> Imported | None:
    """What the file holds, under a name of ours: what it is called there leads nowhere."""
    pool = project.pool

    def find(example_id: str) -> Example | None:
        return pool.example(example_id) if example_id in pool else None

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"sent.{form.suffix}"
        path.write_bytes(data)
        try:
            words, people = read_pairs(meanings, ACTIONS), read_pairs(names)
            if form.read is None:
                return Imported(tuple(read_decisions(path)), ())
            actions: dict[str, Action] = {
                word: action for word, action in words.items() for action in ACTIONS if action == words[word]
            }
            return import_answers(form.read(path, datetime.now(UTC).isoformat(timespec="microseconds"), people), find, actions)
        except AlignError as error:
            st.error(plain(str(error).replace(str(path), "the file")))
            return None


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1)

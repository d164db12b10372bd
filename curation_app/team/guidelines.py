"""The guidelines: one text with versions, and who has read the latest."""

import re
from pathlib import Path
from typing import Any

import streamlit as st

from align.curation.store import CurationStore
from align.curation.team.people import Person
from curation_app.session import Project
from curation_app.team.acting import act, do
from curation_app.team.people import is_at_least
from curation_app.team.texts import STYLE, marked, plain

STARTER = Path(__file__).with_name("starter_guidelines.md")


def draw(project: Project, person: Person) -> None:
    """The latest text; a lead writes the next one."""
    store = project.store
    latest = store.guidelines()
    may_write = is_at_least(person.role, "lead")
    if latest.version == 0:
        st.info(
            "There are no guidelines yet. "
            + ("Write them below, or begin with the starter." if may_write else "A lead writes them."),
            icon=":material/menu_book:",
        )
    else:
        _text(store, person, latest)
    if may_write:
        with st.expander("Write the first version" if latest.version == 0 else "Write the next version", latest.version == 0):
            _editor(store, person.name, latest)
    if latest.version > 1:
        _earlier(store, latest)


def _text(store: CurationStore, person: Person, latest: Any) -> None:
    read = store.acknowledged()
    place = st.columns([5, 2], vertical_alignment="center")
    unread = sum(version < latest.version for version in read.values())
    told = "everyone has read it" if unread == 0 else f"{unread} of {len(read)} have not read it yet"
    place[0].caption(f"Version {latest.version}, by {plain(latest.by)}, {latest.at[:10]}; {told}")
    if read.get(person.name, 0) < latest.version:
        place[1].button(
            "I have read this version",
            key=f"read_{latest.version}",
            type="primary",
            icon=":material/check:",
            width="stretch",
            on_click=do,
            args=(lambda: store.acknowledge(person.name, latest.version), "Noted"),
        )
    with st.container(border=True):
        st.markdown(without_pictures(latest.text))


def without_pictures(text: str) -> str:
    """Markdown whose pictures are links: a picture would be fetched from elsewhere."""
    return re.sub(r"!+(?=\[)", "", text)


def _editor(store: CurationStore, actor: str, latest: Any) -> None:
    key = f"guidelines_after_{latest.version}"
    if latest.version == 0:

        def begin() -> None:
            st.session_state[key] = STARTER.read_text(encoding="utf-8")

        st.button("Begin with the starter", on_click=begin, key="guidelines_starter", icon=":material/draft:")
    with st.form(f"form_{key}", enter_to_submit=False, border=False):
        st.text_area("Guidelines in Markdown", value=latest.text, key=key, height=360)
        st.form_submit_button("Save as a new version", type="primary", on_click=_save(store, actor, latest.version, key))


def _save(store: CurationStore, actor: str, after: int, key: str) -> Any:
    def save() -> None:
        text = st.session_state[key]
        act(lambda: store.write_guidelines(actor, text, after), "Saved; everyone is asked to read it")

    return save


def _earlier(store: CurationStore, latest: Any) -> None:
    with st.expander("What changed since an earlier version"):
        version = st.selectbox("Since version", range(latest.version - 1, 0, -1), key=f"since_{latest.version}")
        before = store.guidelines(version)
        st.caption(f"Version {before.version}, by {plain(before.by)}, {before.at[:10]}")
        st.html(f'{STYLE}<div class="record">{marked(before.text, latest.text)}</div>')

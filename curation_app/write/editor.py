"""The boxes people type into, and the draft that is kept of them."""

from pathlib import Path

import streamlit as st

from align.curation.store import CurationStore
from align.curation.writing.authoring import ANSWERED, LIMA_PROMPT_CHARS, LIMA_RESPONSE_CHARS, AuthoredExample
from align.records import Turn
from curation_app.team.acting import act

HERE = Path(__file__).parent
KEY = "write_editor"
_LOAD = "write_load"


def turns_of_texts(texts: list[str]) -> tuple[Turn, ...]:
    """User and assistant in turn; empty boxes at the end are no turns."""
    while texts and not texts[-1].strip():
        texts = texts[:-1]
    return tuple(Turn("assistant" if number % 2 else "user", text) for number, text in enumerate(texts))


def draft_mark(written: AuthoredExample) -> str:
    """What a draft names as the text it goes on from."""
    return f"version {written.version}"


def current_turns(store: CurationStore, person: str, written: AuthoredExample) -> tuple[tuple[Turn, ...], bool]:
    """The text to go on with, and whether it is a draft that no version has yet."""
    draft = store.draft(person, written.id)
    if draft is not None and draft.content == draft_mark(written):
        return draft.turns, True
    return written.turns, False


def load_anew() -> None:
    """Let the boxes show what the store has, whatever was typed."""
    st.session_state[_LOAD] = st.session_state.get(_LOAD, 0) + 1


def draw_editor(store: CurationStore, person: str, written: AuthoredExample, *, is_open: bool) -> tuple[Turn, ...]:
    """Draw the boxes; the turns as they stand in them, as far as the server knows."""
    turns, has_draft = current_turns(store, person, written)
    component = st.components.v2.component(
        "align_write",
        html=(HERE / "editor.html").read_text(encoding="utf-8"),
        css=(HERE / "editor.css").read_text(encoding="utf-8"),
        js=(HERE / "editor.js").read_text(encoding="utf-8"),
    )
    component(
        key=KEY,
        data={
            "id": written.id,
            "version": written.version,
            "load": st.session_state.get(_LOAD, 0),
            "texts": [turn.text for turn in turns],
            "answered": written.meant_for in ANSWERED,
            "dialogue": written.form == "dialogue",
            "open": is_open,
            "saved": has_draft,
            "usual": {"prompt": list(LIMA_PROMPT_CHARS), "response": list(LIMA_RESPONSE_CHARS)},
        },
        on_typed_change=lambda: _keep_draft(store, person, written),
        on_save_change=lambda: _save(store, person, written),
    )
    return turns


def typed_turns(store: CurationStore, person: str, written: AuthoredExample) -> tuple[Turn, ...]:
    """The latest text of this version: what the browser sent, else the draft, else the version."""
    typed = (st.session_state.get(KEY) or {}).get("typed")
    if typed and (typed["id"], typed["version"]) == (written.id, written.version):
        return turns_of_texts(typed["texts"])
    return current_turns(store, person, written)[0]


def _keep_draft(store: CurationStore, person: str, written: AuthoredExample) -> None:
    typed = (st.session_state.get(KEY) or {}).get("typed")
    # A page that was drawn before the last version sends what belongs to the earlier one: that is no draft of this one.
    if typed and (typed["id"], typed["version"]) == (written.id, written.version):
        act(lambda: store.save_draft(person, written.id, draft_mark(written), turns_of_texts(typed["texts"])))


def _save(store: CurationStore, person: str, written: AuthoredExample) -> None:
    from curation_app.write.keeping import keep_version

    sent = (st.session_state.get(KEY) or {}).get("save")
    if sent and (sent["id"], sent["version"]) == (written.id, written.version):
        keep_version(store, person, written, turns=turns_of_texts(sent["texts"]))

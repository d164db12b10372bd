"""Versions of an example: each press adds one, with everything that is on the page."""

from dataclasses import replace
from typing import Any

import streamlit as st

from align.curation.store import CurationStore
from align.curation.writing.authoring import AuthoredExample, Group, State
from align.records import Turn
from curation_app.team.acting import act

PIECE = "piece"
SAID = {"draft": "Saved", "ready": "Saved as ready", "withdrawn": "Withdrawn; its versions are kept"}


def keep_version(
    store: CurationStore, person: str, written: AuthoredExample, *, turns: tuple[Turn, ...], state: State | None = None
) -> None:
    """Add a version and forget the draft it was made of; a refusal changes nothing."""
    wanted: State = state or ("draft" if written.state == "withdrawn" else written.state)
    form, split = (
        st.session_state.get(f"{name}_{written.id}_{written.version}", getattr(written, name)) for name in ("form", "split")
    )
    license_name, tags = (
        st.session_state.get(f"{name}_{written.id}_{written.version}", default)
        for name, default in (("license", written.license), ("tags", ", ".join(written.tags)))
    )
    after = replace(
        written,
        form=form,
        split=split,
        turns=turns,
        state=wanted,
        license=license_name.strip(),
        tags=tuple(tag.strip() for tag in tags.split(",") if tag.strip()),
    )
    if act(lambda: store.write_authored(person, after), SAID[wanted]):
        store.drop_draft(person, written.id)


def begin(store: CurationStore, person: str, group: Group, example_id: str, form: Any, split: Any) -> None:
    """Start an example; the same press twice starts one."""
    started = AuthoredExample(example_id, group, form, (), split=split)
    if act(lambda: store.write_authored(person, started)):
        st.session_state.pop("write_next_id", None)
        open_piece(example_id)


def open_piece(example_id: str) -> None:
    """Show it, and let a reload find it again."""
    st.query_params[PIECE] = example_id

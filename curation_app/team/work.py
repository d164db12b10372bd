"""Who works on what, and how examples are handed out: assignment, calibration, overlap, and the other settings."""

from typing import Any

import streamlit as st

from align.curation.state.settings import Settings
from align.curation.store import CurationStore
from align.curation.team.people import Person
from align.meanings import meanings_of
from curation_app.session import Project
from curation_app.team.acting import act
from curation_app.team.people import is_at_least
from curation_app.team.texts import plain

LABELS = {
    "calibration_size": "Calibration examples",
    "overlap_share": "Second, blind decision",
    "audit_share": "Drawn at random",
    "uncertain_share": "Least sure ones",
    "blind": "Hide scores and others' decisions until one's own",
    "lease_minutes": "Minutes an example stays open",
    "prefetch": "Examples taken ahead",
    "groups_apart": "Keep groups A and B of authors apart",
    "reasons": "Reasons to reject, one a line",
}


def draw(project: Project, person: Person) -> None:
    """Cells of each curator, then the settings."""
    may_change = is_at_least(person.role, "lead")
    st.header("Assignment", anchor=False)
    _assignments(project, person, may_change)
    st.header("Settings", anchor=False)
    if not may_change:
        st.caption("A lead changes these.")
    _settings(project.store, person.name, may_change)


def _assignments(project: Project, person: Person, may_change: bool) -> None:
    cells = sorted(project.pool.wanted.targets)
    curators = [someone for someone in project.store.people() if is_at_least(someone.role, "curator")]
    assigned = project.store.assignments()
    if not cells:
        st.info(
            "The examples fall into no groups, so there is nothing to assign: a `quota` stage in the recipe names groups.",
            icon=":material/category:",
        )
        return
    st.caption("Who has no cell works on all of them.")
    for someone in curators:
        now = assigned.get(someone.name, ())
        row = st.columns([2, 6], vertical_alignment="center")
        row[0].markdown(f"**{plain(someone.name)}**")
        if not may_change:
            row[1].write(", ".join(map(plain, now)) or "all cells")
            continue
        known = sorted({*cells, *now})
        key = f"cells_{someone.name}_{'|'.join(now)}"
        row[1].multiselect(
            f"Cells of {someone.name}", known, list(now), key=key, placeholder="all cells", label_visibility="collapsed",
            on_change=_assign, args=(project.store, person.name, someone.name, key),
        )  # fmt: skip


def _assign(store: CurationStore, actor: str, curator: str, key: str) -> None:
    wanted = st.session_state[key]
    act(lambda: store.assign(actor, curator, wanted), f"{curator} works on {', '.join(wanted) or 'all cells'}")


def _settings(store: CurationStore, actor: str, may_change: bool) -> None:
    now = store.settings()
    # Settings that somebody else saved meanwhile make a new form, so that none is put back unseen.
    prefix = f"setting_{abs(hash(now.model_dump_json()))}"
    with st.form("settings", enter_to_submit=False):
        columns = st.columns(3, gap="medium")
        for number, name in enumerate(Settings.model_fields):
            with columns[number % 3]:
                _box(name, getattr(now, name), f"{prefix}_{name}", disabled=not may_change)
        st.form_submit_button(
            "Save settings", type="primary", disabled=not may_change, on_click=_save, args=(store, actor, now, prefix)
        )


def _box(name: str, value: Any, key: str, disabled: bool) -> None:
    label, why = LABELS.get(name, name.replace("_", " ")), meanings_of(Settings).get(name)
    if isinstance(value, bool):
        st.toggle(label, value, key=key, help=why, disabled=disabled)
    elif name.endswith("_share"):
        st.slider(label, 0, 100, round(100 * value), format="%d %%", key=key, help=why, disabled=disabled)
    elif isinstance(value, tuple):
        st.text_area(label, "\n".join(value), key=key, help=why, disabled=disabled, height=130)
    else:
        st.number_input(label, value=value, step=type(value)(1), min_value=type(value)(0), key=key, help=why, disabled=disabled)


def _save(store: CurationStore, actor: str, before: Settings, prefix: str) -> None:
    def save() -> None:
        for name, old in before.model_dump().items():
            said = st.session_state[f"{prefix}_{name}"]
            if name.endswith("_share"):
                new: Any = old if round(100 * old) == said else said / 100
            elif isinstance(old, (tuple, list)):
                new = tuple(line.strip() for line in said.splitlines() if line.strip())
            else:
                new = said
            if new != old:
                store.set_setting(actor, name, new)

    act(save, "Settings are saved")

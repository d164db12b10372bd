"""People and their roles; an admin adds, changes and removes."""

from collections import Counter
from typing import Any

import streamlit as st

from align.curation.store import CurationStore
from align.curation.team.identity import known_as
from align.curation.team.people import ROLES, Person
from align.curation.writing.authoring import GROUPS, Group
from curation_app.session import Project
from curation_app.team.acting import act, do
from curation_app.team.texts import plain

MEANINGS = {
    "viewer": "reads",
    "curator": "decides and writes",
    "lead": "also settles conflicts, sets guidelines, assigns work",
    "admin": "also adds people and gives roles",
}
WIDTHS = [3.4, 1.8, 1.4, 1.8, 1.4, 1.4]


def is_at_least(role: str, least: str) -> bool:
    """Whether a role may do what the other may; what really decides is the store."""
    return ROLES.index(role) >= ROLES.index(least)


def draw(project: Project, person: Person) -> None:
    """A line each, with what they have read and decided."""
    store = project.store
    everyone, read = store.people(), store.acknowledged()
    latest, groups = store.guidelines().version, store.groups()
    decided: Counter[str] = Counter()
    for item in store.counts():
        decided[item.curator] += item.standing if item.action != "skip" else 0
    is_admin = person.role == "admin"
    head = st.container(key="people-titles").columns(WIDTHS, vertical_alignment="bottom")
    for column, title in zip(head, ("Name", "Role", "Writes in group", "Guidelines", "Decisions", ""), strict=True):
        column.caption(title)
    for someone in everyone:
        row = st.columns(WIDTHS, vertical_alignment="center")
        you = " (you)" if someone.name == person.name else ""
        row[0].markdown(f"**{plain(someone.name)}**{you}")
        if is_admin:
            _role_box(row[1], store, person.name, someone)
        else:
            row[1].write(someone.role)
        group = groups.get(someone.name)
        if is_at_least(person.role, "lead") and is_at_least(someone.role, "curator"):
            _group_box(row[2], store, person.name, someone.name, group)
        else:
            row[2].write(group or "")
        row[3].write(_read_of(read.get(someone.name, 0), latest))
        row[4].write(f"{decided[someone.name]:,}")
        if is_admin and not you:
            _removal(row[5], store, person.name, someone.name)
    st.caption("Decisions are the examples about which somebody's word stands: undone ones and skips are none.")
    st.caption(" · ".join(f"**{role}** {meaning}" for role, meaning in MEANINGS.items()))
    if is_admin:
        _adding(store, person.name)
    elif len(everyone) == 1:
        st.info("You are alone here. An admin can add people.", icon=":material/person_add:")


def _read_of(version: int, latest: int) -> str:
    if latest == 0:
        return "none written"
    return ":material/check: read" if version == latest else (f"read {version} of {latest}" if version else "not read")


def _role_box(place: Any, store: CurationStore, actor: str, someone: Any) -> None:
    # A role that somebody else changed meanwhile makes a new box: the old one's late event finds no key.
    key = f"role_{someone.name}_{someone.role}"

    def change() -> None:
        wanted = st.session_state[key]
        act(lambda: store.set_role(actor, someone.name, wanted), f"{someone.name} is now {wanted}")

    place.selectbox("Role", ROLES, ROLES.index(someone.role), key=key, label_visibility="collapsed", on_change=change)


def _group_box(place: Any, store: CurationStore, actor: str, name: str, group: Group | None) -> None:
    key = f"group_{name}_{group}"

    def change() -> None:
        wanted = st.session_state[key]
        act(lambda: store.set_group(actor, name, wanted), f"{name} writes in {f'group {wanted}' if wanted else 'no group'}")

    names: list[Group | None] = [None, *GROUPS]
    place.selectbox(
        "Group", names, names.index(group), key=key, label_visibility="collapsed", on_change=change,
        format_func=lambda one: one or "none",
    )  # fmt: skip


def _removal(place: Any, store: CurationStore, actor: str, name: str) -> None:
    with place.popover("Remove", width="stretch"):
        st.write(f"{plain(name)} will see and decide nothing any more. What they decided and wrote stays.")
        st.button(
            "Remove from the project",
            key=f"remove_{name}",
            on_click=do,
            args=(lambda: store.remove_person(actor, name), f"{name} was removed"),
            type="primary",
        )


def _adding(store: CurationStore, actor: str) -> None:
    number = st.session_state.setdefault("people_added", 0)
    name_key, role_key = f"new_name_{number}", f"new_role_{number}"

    def add() -> None:
        name, role = known_as(st.session_state[name_key]), st.session_state[role_key]
        if act(lambda: store.add_person(actor, name, role), f"{name} was added as {role}"):
            st.session_state["people_added"] = number + 1

    with st.form("add_person", enter_to_submit=True):
        place = st.columns([4, 2, 1.4], vertical_alignment="bottom")
        place[0].text_input("Add someone", key=name_key, placeholder="name, or the address they sign in with")
        place[1].selectbox("Role", ROLES, ROLES.index("curator"), key=role_key)
        place[2].form_submit_button("Add", on_click=add, icon=":material/person_add:", width="stretch")

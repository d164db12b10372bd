"""Who sits at the browser: picked by name on this machine, named by a trusted proxy, or signed in."""

import os

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from align.curation.store import Person
from align.curation.team.identity import Asker, Connection, Refused, shared_secret, who_asks
from align.errors import AlignError
from curation_app.session import Project
from curation_app.team.texts import plain

PERSON = "person"


def current_person(project: Project) -> Person | None:
    """Who asks; None while that is not known: then the page is `draw_door`."""
    asker = _asker(project)
    if isinstance(asker, Refused):
        return None
    people = {person.name: person for person in project.store.people()}
    if asker is None and project.door.mode == "oidc":
        return None
    if asker is not None and asker.name not in people and asker.invited:
        people[asker.name] = project.store.join_invited(asker.name)
    name = asker.name if asker is not None else _picked(list(people))
    if name not in people:
        return None
    st.session_state[PERSON] = name
    if asker is None:
        st.query_params["as"] = name  # so that a reload knows it
    return people[name]


def draw_door(project: Project) -> None:
    """What somebody sees who is not known yet. It has to be drawn by a page: widgets outside of one lose their first event."""
    asker = _asker(project)
    if isinstance(asker, Refused):
        st.error(asker.reason)
    elif asker is not None:
        st.info("You take no part in this project; an admin can add you on the page Team. You are known here as:")
        st.code(asker.name, language=None)
    elif project.door.mode == "oidc":
        _ask_to_sign_in()
        return
    else:
        _ask_name(project, [person.name for person in project.store.people()])
    if project.door.mode == "oidc":
        st.button("Sign out", on_click=st.logout, key="sign-out")


def _asker(project: Project) -> Asker | Refused | None:
    """What the door says of this browser."""
    door = project.door
    claims = st.user.to_dict() if door.mode == "oidc" and st.user.is_logged_in else None
    secret = shared_secret(os.environ) if door.takes_secret else None
    return who_asks(door, connection(), claims, secret)


def _ask_to_sign_in() -> None:
    with st.columns([1, 1.2, 1])[1]:
        st.header("Sign in to review", anchor=False)
        st.button("Sign in", on_click=st.login, key="sign-in", type="primary", icon=":material/login:", width="stretch")


def connection() -> Connection:
    """What is known of the browser's connection; without a browser nothing is, and nothing is trusted."""
    context = get_script_run_ctx(suppress_warning=True)
    client = runtime.get_instance().get_client(context.session_id) if context is not None and runtime.exists() else None
    known = client.client_context if client is not None else None
    peer = known.remote_ip if known is not None else None
    # Not st.context.headers: of a header that stands twice it shows the first, which may be the browser's own.
    return Connection(peer, list(known.headers) if known is not None else [])


def change_person() -> None:
    """Let another person take the seat."""
    st.session_state.clear()
    st.query_params.clear()
    st.session_state["asking"] = True


def _picked(names: list[str]) -> str | None:
    """The name of this session, of the address, or the only one there is."""
    if st.session_state.get("asking"):
        return None
    asked = st.query_params.get("as")
    for known in (st.session_state.get(PERSON), asked):
        if known in names:
            return str(known)
    return names[0] if len(names) == 1 and asked is None else None  # whoever comes as somebody else is not the only one


def _ask_name(project: Project, names: list[str]) -> None:
    column = st.columns([1, 1.2, 1])[1]
    with column:
        st.header("Who is reviewing?" if names else "Who are you?", anchor=False)
        st.caption("Decisions carry this name. It is only asked for on this machine; for a team see `align app --help`.")
        for name in names:
            if st.button(plain(name), key=f"pick-{name}", width="stretch"):
                _sit_down(name)
        with st.form("new-person", border=False):
            typed = st.text_input("Your name" if not names else "Somebody new", key="new-name", max_chars=60)
            if st.form_submit_button("Start", type="primary" if not names else "secondary", width="stretch"):
                _add(project, typed.strip(), names)


def _add(project: Project, name: str, names: list[str]) -> None:
    """On this machine whoever sits here may add a name; the first one is the admin."""
    if name in names:
        _sit_down(name)
    admin = next((person.name for person in project.store.people() if person.role == "admin"), name)
    try:
        project.store.add_person(admin, name, "curator")
    except AlignError as error:
        st.error(plain(str(error)))
        return
    _sit_down(name)


def _sit_down(name: str) -> None:
    st.session_state.pop("asking", None)
    st.session_state[PERSON] = name
    st.rerun()

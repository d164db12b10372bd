"""What a press does: one write in a callback, and what is said of it on the page that follows."""

from collections.abc import Callable

import streamlit as st

from align.errors import AlignError
from curation_app.team.texts import plain

_SAID = "team_said"


def act(work: Callable[[], object], done: str = "") -> bool:
    """Do one write; a refusal is kept in its own words for `tell`. Whether it was done."""
    try:
        work()
    except AlignError as error:
        st.session_state[_SAID] = ("refused", str(error))
        return False
    if done:
        st.session_state[_SAID] = ("done", done)
    return True


def do(work: Callable[[], object], done: str) -> None:
    """`act` as a callback."""
    act(work, done)


def tell() -> None:
    """Say once what came of the last press."""
    how, said = st.session_state.pop(_SAID, ("", ""))
    if how == "refused":
        st.error(plain(said), icon=":material/block:")
    elif how == "done":
        st.toast(plain(said), icon=":material/check:")

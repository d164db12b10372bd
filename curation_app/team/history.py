"""Everything that changed state, with who and when; pages by number, the last one first."""

import streamlit as st

from align.curation.team.people import Person
from curation_app.look import table_height
from curation_app.session import Project

AT_ONCE = 50
_STACK = "history_before"


def draw(project: Project, person: Person) -> None:
    """One page; going back is by the numbers that were passed, so that nothing is counted."""
    stack: list[int] = st.session_state.setdefault(_STACK, [])
    rows = project.store.audit(AT_ONCE + 1, stack[-1] if stack else None)
    shown, hidden = rows[:AT_ONCE], project.sight(person).hidden
    if not shown:
        st.info(
            "Nothing has happened yet: decisions, roles, settings and texts stand here as they change.", icon=":material/history:"
        )
        return
    st.dataframe(
        [
            {
                "Number": row.seq,
                "When (UTC)": row.at[:19].replace("T", " "),
                "Who": row.who,
                "What": row.what,
                "About": row.about,
                "Detail": "of the other group" if row.about in hidden else row.detail,
            }
            for row in shown
        ],
        hide_index=True,
        width="stretch",
        height=table_height(len(shown), 18),
    )
    place = st.columns([1, 1, 4], vertical_alignment="center")
    place[0].button("Newer", on_click=_newer, disabled=not stack, icon=":material/chevron_left:", width="stretch")
    place[1].button(
        "Older", on_click=_older, args=(shown[-1].seq,), disabled=len(rows) <= AT_ONCE, key=f"older_{shown[-1].seq}",
        icon=":material/chevron_right:", width="stretch",
    )  # fmt: skip
    place[2].caption(f"{shown[-1].seq:,} to {shown[0].seq:,}, the last one first. Nothing here is ever changed or removed.")


def _older(before: int) -> None:
    stack = st.session_state.setdefault(_STACK, [])
    if not stack or before < stack[-1]:
        stack.append(before)


def _newer() -> None:
    if st.session_state.get(_STACK):
        st.session_state[_STACK].pop()

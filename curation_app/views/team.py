"""Team: who takes part, what is asked of them, how far they agree, and what is to be settled."""

import streamlit as st

from align.curation.team.people import Person
from curation_app.session import Project
from curation_app.team import agreement, conflicts, guidelines, history, pace, people, work
from curation_app.team.acting import tell
from curation_app.views import PageInfo

PAGE = PageInfo("Team", ":material/group:", 60)

SECTIONS = {
    "People": (people.draw, "viewer"),
    "Guidelines": (guidelines.draw, "viewer"),
    "Work": (work.draw, "viewer"),
    "Agreement": (agreement.draw, "lead"),
    "Conflicts": (conflicts.draw, "lead"),
    "Pace": (pace.draw, "viewer"),
    "History": (history.draw, "lead"),
}
"""What each shows, and the least role that sees it: others' decisions stay hidden from those who are still to decide."""


def draw(project: Project, person: Person) -> None:
    """One section at a time; its name stands in the address."""
    open_to = [name for name, (_, least) in SECTIONS.items() if people.is_at_least(person.role, least)]
    asked = st.query_params.get("section", "People")
    chosen = st.segmented_control(
        "Section",
        open_to,
        default=asked if asked in open_to else "People",
        key="team_section",
        label_visibility="collapsed",
        on_change=_remember,
    )
    tell()
    SECTIONS[chosen or "People"][0](project, person)


def _remember() -> None:
    st.query_params["section"] = st.session_state["team_section"] or "People"

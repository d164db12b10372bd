"""Freeze: what would be exported, what speaks against it, the set as a file; and decisions to and from other tools."""

import streamlit as st

from align.curation.team.people import Person
from curation_app.freezing import exchange, preview
from curation_app.session import Project
from curation_app.views import PageInfo

PAGE = PageInfo("Freeze", ":material/ac_unit:", 70)

SECTIONS = {"Export": preview.draw, "Decisions": exchange.draw}


def draw(project: Project, person: Person) -> None:
    """One section at a time; its name stands in the address."""
    asked = st.query_params.get("section", "Export")
    chosen = st.segmented_control(
        "Section", list(SECTIONS), default=asked if asked in SECTIONS else "Export", key="freeze_section",
        label_visibility="collapsed", on_change=_remember,
    )  # fmt: skip
    SECTIONS[chosen or "Export"](project, person)


def _remember() -> None:
    st.query_params["section"] = st.session_state["freeze_section"] or "Export"

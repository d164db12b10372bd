"""Board: how far the project is, how varied what was accepted is, and where it leans too far."""

import streamlit as st

from align.curation.board import Voices, audited_rate, cells_of, dominant, spread_of
from align.curation.team.pace import pace_of
from align.curation.team.people import Person
from curation_app.board.figures import draw_cells, draw_spread, draw_style, draw_summary, draw_warnings
from curation_app.board.map import draw_map
from curation_app.session import Project
from curation_app.views import PageInfo

PAGE = PageInfo("Board", ":material/dashboard:", 20)


def draw(project: Project, person: Person) -> None:
    queue = project.queue
    with queue.reading() as tally:
        reviews = [list(done.reviews.values()) for done in tally.curators.values()]
    cells, pace = cells_of(queue), pace_of(reviews)
    draw_summary(cells, pace, audited_rate(queue))
    draw_cells(cells)
    draw_warnings(dominant(queue))
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.header("Map", anchor=False)
        draw_map(project, person)
    with right:
        st.header("Variety of the accepted", anchor=False)
        draw_spread(spread_of(project.pool, tally, queue.order))
        st.header("Style of the accepted", anchor=False)
        draw_style(_voices(project).spread(tally))


@st.cache_resource(show_spinner=False)
def _voices(_project: Project) -> Voices:
    return Voices(_project.pool)

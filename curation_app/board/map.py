"""The pool as a map: alike examples lie near each other; a region of it can be reviewed."""

from typing import Any

import altair as alt
import streamlit as st

from align.curation.pools.browse import STATES
from align.curation.pools.layout import Points, places_of, points_of
from align.curation.team.people import Person
from curation_app.links import review_these, review_words
from curation_app.session import Project
from curation_app.team.people import is_at_least

COLOURS = {"undecided": "#9aa0a6", "accepted": "#2e8b57", "rejected": "#d64545", "flagged": "#e0a030"}
PROMPT_CHARS = 90
MOST = 4000


@st.fragment
def draw_map(project: Project, person: Person) -> None:
    """Draw a rectangle on it, and its undecided examples can be reviewed one after the other."""
    sight = project.sight(person)
    states = sight.states(project.queue.catch_up())
    places, hidden = places_of(project.pool, project.queue.topics), sight.rows(project.pool).tolist()
    points = points_of(places, states, project.queue.order, MOST, hidden)
    event = st.altair_chart(_chart(project, points), key="board-map", on_select="rerun", selection_mode="region")
    region = event["selection"].get("region") or {}
    if not region:
        whose = "" if sight.sees_all else " Blind: the colours are your own decisions."
        st.caption(f"Drag a rectangle over a region to review what lies in it. Alike examples lie near each other.{whose}")
        return
    (left, right), (bottom, top) = region["x"], region["y"]
    rows = points.within(left, bottom, right, top).tolist()
    waiting = [project.pool.ids[row] for row in rows if STATES[int(states[row])] == "undecided"]
    columns = st.columns([3, 1], vertical_alignment="center")
    columns[0].text(f"{len(rows):,} examples in the region, {len(waiting):,} of them undecided")
    may = is_at_least(person.role, "curator")
    if columns[1].button(review_words(len(waiting)), type="primary", disabled=not (waiting and may), key="board-review"):
        review_these(waiting)


def _chart(project: Project, points: Points) -> Any:
    pool = project.pool
    values = [
        {"x": float(x), "y": float(y), "state": STATES[int(state)], "site": pool.sites[row], "prompt": _prompt(project, row)}
        for row, (x, y), state in zip(points.rows.tolist(), points.places.tolist(), points.states.tolist(), strict=True)
    ]
    values.sort(key=lambda value: str(value["state"]) != "undecided")  # what was decided is drawn over what was not
    colours = alt.Scale(domain=list(COLOURS), range=list(COLOURS.values()))
    undecided = alt.datum.state == "undecided"
    bare = alt.Axis(labels=False, ticks=False, title=None, grid=False, domain=False)
    return (
        alt.Chart(alt.Data(values=values))
        .mark_circle()
        .encode(
            x=alt.X("x:Q", axis=bare, scale=alt.Scale(domain=[-1.05, 1.05])),
            y=alt.Y("y:Q", axis=bare, scale=alt.Scale(domain=[-1.05, 1.05])),
            color=alt.Color("state:N", scale=colours, legend=alt.Legend(orient="top", title=None)),
            size=alt.condition(undecided, alt.value(30), alt.value(60)),
            opacity=alt.condition(undecided, alt.value(0.55), alt.value(0.95)),
            tooltip=["prompt:N", "site:N", "state:N"],
        )
        .add_params(alt.selection_interval(name="region", encodings=["x", "y"]))
        .properties(height=430)
    )


@st.cache_data(show_spinner=False, max_entries=20_000)
def _prompt_of(content: str, _project: Project, row: int) -> str:
    return " ".join(_project.pool.example(_project.pool.ids[row]).prompt.split())[:PROMPT_CHARS]


def _prompt(project: Project, row: int) -> str:
    """The first words of a prompt; they follow from the content, so they are kept by it."""
    return _prompt_of(project.pool.contents[row], project, row)

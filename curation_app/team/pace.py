"""How fast each curator works, what share they accept, and whether their judgement moves."""

from typing import Any

import streamlit as st

from align.curation.drift import LONG_STRETCH_MINUTES, WINDOW, Pace, pace_of
from align.curation.people import Person
from align.curation.store import CurationStore
from align.statistics import Estimate
from curation_app.session import Project
from curation_app.team.people import is_at_least

LATEST = 1000
"""Decisions of each curator that are looked at."""


def draw(project: Project, person: Person) -> None:
    """A lead sees everyone; a curator sees themselves."""
    everyone = is_at_least(person.role, "lead")
    found = _found(project.store, None if everyone else person.name)
    if not found:
        whose = "Nobody has" if everyone else "You have"
        st.info(f"{whose} decided about anything yet. Pace stands here after the first decisions.", icon=":material/speed:")
        return
    own = next((item for item in found if item.curator == person.name), None)
    if own is not None and own.stretch_minutes >= LONG_STRETCH_MINUTES:
        st.warning(f"You have been at it for {own.stretch_minutes:.0f} minutes. Take a break.", icon=":material/coffee:")
    st.dataframe([_row(item) for item in found], hide_index=True, width="stretch")
    st.caption(
        f"The latest {LATEST:,} decisions of each, without undone ones and skips; seconds without pauses over ten minutes. "
        "Drift compares the later half of what no score chose (calibration, overlap, random audit) with the earlier half, "
        "from 40 such decisions on; a change whose interval leaves out 0 is marked."
    )
    places = st.columns(2, gap="large")
    places[0].markdown(f"**Share accepted**, by {WINDOW} decisions")
    places[0].altair_chart(_plot(found, "accepted", "share accepted"), width="stretch")
    places[1].markdown(f"**Median seconds**, by {WINDOW} decisions")
    places[1].altair_chart(_plot(found, "seconds", "seconds"), width="stretch")


def _found(store: CurationStore, only: str | None) -> list[Pace]:
    """Made anew only when something was decided since."""
    last = store.last_events(1)
    mark = (last[0].seq if last else 0, only)
    kept = st.session_state.get("pace_found")
    if kept is None or kept[0] != mark:
        names = [only] if only is not None else sorted({item.curator for item in store.counts()})
        paces = [pace_of(name, store.last_events(LATEST, curator=name)) for name in names]
        kept = (mark, [item for item in paces if item is not None])
        st.session_state["pace_found"] = kept
    return list(kept[1])


def _row(item: Pace) -> dict[str, Any]:
    seconds = item.whole.median_seconds
    return {
        "Curator": item.curator,
        "Decisions": item.whole.count,
        "Median seconds": None if seconds is None else round(seconds, 1),
        "Accepted": f"{100 * item.whole.accepted.value:.0f} % ({_percents(item.whole.accepted)})",
        "Edited of these": f"{100 * item.whole.edited:.0f} %",
        "Drift": _drift(item),
        "Last stretch": f"{item.stretch_minutes:.0f} min",
        "Last decision (UTC)": item.whole.last[:16].replace("T", " "),
    }


def _drift(item: Pace) -> str:
    if item.drift is None:
        return "too few to tell"
    return f"{100 * item.drift.value:+.0f} points ({_percents(item.drift)}){' moves' if item.drifts else ''}"


def _percents(found: Estimate) -> str:
    return "no interval" if found.low is None or found.high is None else f"{100 * found.low:.0f} to {100 * found.high:.0f}"


def _plot(found: list[Pace], field: str, title: str) -> Any:
    import altair

    rows = [
        {
            "curator": item.curator,
            "decisions": WINDOW * number + window.count,
            "accepted": window.accepted.value,
            "seconds": window.median_seconds,
        }
        for item in found
        for number, window in enumerate(item.windows)
    ]
    line = altair.Chart(altair.Data(values=rows)).mark_line(point=True, strokeWidth=2)
    counted = altair.Axis(tickMinStep=WINDOW, format="d")
    scale = altair.Scale(domain=[0, 1]) if field == "accepted" else altair.Scale(domainMin=0)
    return line.encode(
        x=altair.X("decisions:Q", title="decisions", scale=altair.Scale(domainMin=0), axis=counted),
        y=altair.Y(f"{field}:Q", title=title, scale=scale),
        color=altair.Color("curator:N", title=None, legend=altair.Legend(orient="bottom")),
        tooltip=["curator:N", "decisions:Q", altair.Tooltip(f"{field}:Q", format=".2f")],
    ).properties(height=240)

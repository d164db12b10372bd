"""How fast each curator works, what share they accept, and whether their judgement moves."""

from typing import Any

import streamlit as st

from align.curation.queueing.tally import Review
from align.curation.team.pace import LONG_STRETCH_MINUTES, RECENT, WINDOW, Drift, Pace, drift_of, pace_of, stretch_minutes
from align.curation.team.people import Person
from align.statistics import Estimate
from curation_app.session import Project
from curation_app.team.people import is_at_least

Curator = tuple[str, list[Review], Pace, Drift, float]
"""Name, looks that stand and are no skips, pace, drift, and minutes of the last stretch."""


def draw(project: Project, person: Person) -> None:
    """A lead sees everyone; a curator sees themselves."""
    everyone = is_at_least(person.role, "lead")
    names = sorted({item.curator for item in project.store.counts()}) if everyone else [person.name]
    found = [curator for name in names if (curator := _measured(project, name))[1] or curator[2].looks]
    if not found:
        whose = "Nobody has decided" if everyone else "You have not decided"
        st.info(f"{whose} about anything yet. Pace stands here after the first decisions.", icon=":material/speed:")
        return
    own = next((minutes for name, *_, minutes in found if name == person.name), 0.0)
    if own >= LONG_STRETCH_MINUTES:
        st.warning(f"You have been at it for {own:.0f} minutes. Take a break.", icon=":material/coffee:")
    st.dataframe([_row(curator) for curator in found], hide_index=True, width="stretch")
    st.caption(
        f"Pace and share of the last {RECENT} decisions, undone ones left out, 95 % intervals in brackets. Drift sets the last "
        f"{WINDOW} decisions on examples that no score chose (calibration, overlap, random audit) beside those before, and "
        "needs twice as many: the queue serves better examples as it learns, which makes nobody milder."
    )
    at_once = sum(len({review.row for review in decided if review.is_one_of_many}) for _, decided, *_ in found)
    if at_once:
        st.caption(
            f"{at_once:,} of the decisions were made many at once, unread: counted, and left out of pace, share and drift."
        )
    _curves(found)


def _curves(found: list[Curator]) -> None:
    """From the second window on: one point is no curve."""
    drawn = [curator for curator in found if len(curator[3].windows) > 1]
    if not drawn:
        most = max((window.looks for *_, drift, _ in found for window in drift.windows), default=0)
        st.header("Share accepted and seconds over time", anchor=False)
        st.caption(f"Drawn of whoever has more than {WINDOW} decisions: a point stands for {WINDOW} of them ({most} so far).")
        return
    places = st.columns(2, gap="large")
    places[0].header(f"Share accepted, by {WINDOW} decisions", anchor=False)
    places[0].altair_chart(_plot(drawn, "accepted", "share accepted"), width="stretch")
    places[1].header(f"Median seconds, by {WINDOW} decisions", anchor=False)
    places[1].altair_chart(_plot(drawn, "seconds", "seconds"), width="stretch")


def _measured(project: Project, name: str) -> Curator:
    reviews = list(project.queue.catch_up().doings(name).reviews.values())
    decided = [review for review in reviews if review.action != "skip"]
    return name, decided, pace_of([reviews]), drift_of(name, reviews), stretch_minutes(reviews)


def _row(curator: Curator) -> dict[str, Any]:
    name, decided, pace, drift, minutes = curator
    return {
        "Curator": name,
        "Decisions": len({review.row for review in decided}),
        "Median seconds": None if pace.median_seconds is None else round(pace.median_seconds, 1),
        "Accepted an hour": None if pace.accepted_an_hour is None else round(pace.accepted_an_hour, 1),
        "Accepted": _share(pace.rate) if pace.looks else "",
        "Drift": _drift(drift),
        "Last stretch": f"{minutes:.0f} min",
        "Last decision (UTC)": decided[-1].at[:16].replace("T", " ") if decided else "",
    }


def _drift(drift: Drift) -> str:
    if drift.before is None or drift.lately is None:
        return "too few to tell"
    return f"{_share(drift.before)} to {_share(drift.lately)}{': moves' if drift.has_drifted else ''}"


def _share(found: Estimate) -> str:
    between = "" if found.low is None or found.high is None else f" ({100 * found.low:.0f} to {100 * found.high:.0f})"
    return f"{100 * found.value:.0f} %{between}"


def _plot(found: list[Curator], field: str, title: str) -> Any:
    import altair

    rows = [
        {
            "curator": name,
            "decisions": WINDOW * number + window.looks,
            "accepted": window.rate.value,
            "seconds": window.median_seconds,
        }
        for name, *_, drift, _ in found
        for number, window in enumerate(drift.windows)
    ]
    line = altair.Chart(altair.Data(values=rows)).mark_line(point=True, strokeWidth=2)
    counted = altair.Axis(tickMinStep=WINDOW, format="d")
    # Both domains are told: of data that come after the chart the browser would compute none, and warn.
    last = max(WINDOW * number + window.looks for *_, drift, _ in found for number, window in enumerate(drift.windows))
    slowest = max(window.median_seconds or 0.0 for *_, drift, _ in found for window in drift.windows)
    scale = altair.Scale(domain=[0, 1 if field == "accepted" else max(1.0, slowest)])
    legend = altair.Legend(orient="bottom") if len(found) > 1 else None
    return line.encode(
        x=altair.X("decisions:Q", title="decisions", scale=altair.Scale(domain=[0, last]), axis=counted),
        y=altair.Y(f"{field}:Q", title=title, scale=scale),
        color=altair.Color("curator:N", title=None, legend=legend),
        tooltip=["curator:N", "decisions:Q", altair.Tooltip(f"{field}:Q", format=".2f")],
    ).properties(height=240)

"""How far curators agree who saw the same examples blind, with intervals."""

import math
from typing import Any

import streamlit as st

from align.curation.store import CurationStore
from align.curation.team.agreement import EVERYONE, measure_agreement
from align.curation.team.conflicts import blind_labels
from align.curation.team.people import Person
from align.records import Measurement
from curation_app.session import Project

NAMES = {
    "tie_discounted_accuracy": "Tie-discounted accuracy",
    "krippendorff_alpha": "Krippendorff's alpha",
    "cohen_kappa": "Cohen's kappa",
}
MOST_DRAWN = 30
"""Pairs of curators in the plot; the table has them all."""


def draw(project: Project, person: Person) -> None:
    """The three measures over everyone, then each two curators as a plot and a table."""
    found = _measured(project.store)
    if not found:
        st.info(
            "Nobody has judged the same example blind yet. Calibration and overlap, on **Work**, serve examples to several "
            "curators; with two decisions on one example their agreement stands here.",
            icon=":material/compare_arrows:",
        )
        return
    whole = [item for item in found if item.subject == EVERYONE]
    columns = st.columns(len(whole) + 1)
    for column, item in zip(columns, whole, strict=False):
        with column.container(border=True):
            st.metric(NAMES[item.metric], _number(item.value), help=item.method)
            st.caption(f"95 %: {_interval(item)}")
    with columns[-1].container(border=True):
        st.metric("Examples judged by two or more", f"{whole[0].count:,}")
        st.caption("blind; undone decisions left out")
    pairs = [item for item in found if item.subject != EVERYONE]
    if pairs:
        for column, measure in zip(st.columns(2, gap="large"), ("tie_discounted_accuracy", "cohen_kappa"), strict=True):
            column.header(f"{NAMES[measure]}, two by two", anchor=False)
            column.altair_chart(_plot(measure, pairs[: 2 * MOST_DRAWN]), width="stretch")
    st.dataframe(
        [
            {
                "Measure": NAMES[item.metric],
                "Who": item.subject,
                "Value": None if math.isnan(item.value) else round(item.value, 3),
                "95 % interval": _interval(item),
                "Examples": item.count,
                "How": item.method,
            }
            for item in found
        ],
        hide_index=True,
        width="stretch",
    )
    st.caption(
        "Accuracy: 1 where two say the same, 0.5 where exactly one of them flags or skips, else 0; between people LIMA found "
        "0.78 to 0.82. Kappa and alpha take away what chance alone would give: 0 is chance, 1 is full agreement; above 0.67 is "
        "usually called enough to go on with. A wide interval says: too few examples to tell."
    )


def _measured(store: CurationStore) -> list[Measurement]:
    """Measured anew only when something was decided since."""
    last = store.last_events(1)
    seq = last[0].seq if last else 0
    kept = st.session_state.get("agreement_measured")
    if kept is None or kept[0] != seq:
        kept = (seq, measure_agreement(blind_labels(store)))
        st.session_state["agreement_measured"] = kept
    return list(kept[1])


def _number(value: float) -> str:
    return "not defined" if math.isnan(value) else f"{value:.2f}"


def _interval(item: Measurement) -> str:
    return "no interval" if item.low is None or item.high is None else f"{item.low:.2f} to {item.high:.2f}"


def _plot(measure: str, pairs: list[Measurement]) -> Any:
    """A dot with its interval for each two curators."""
    import altair

    rows = [
        {"who": item.subject, "value": item.value, "low": item.low, "high": item.high, "examples": item.count}
        for item in pairs
        if item.metric == measure and not math.isnan(item.value)
    ]
    lowest = min([0.0, *(item.low for item in pairs if item.metric == measure and item.low is not None)])
    base = altair.Chart(altair.Data(values=rows)).encode(
        y=altair.Y("who:N", title=None, axis=altair.Axis(labelLimit=220), scale=altair.Scale(paddingOuter=0.5))
    )
    across = altair.X("low:Q", title=None, scale=altair.Scale(domain=[lowest, 1]), axis=altair.Axis(tickCount=5, format=".1f"))
    line = base.mark_rule(strokeWidth=2, opacity=0.7).encode(x=across, x2="high:Q")
    tooltip = ["who:N", altair.Tooltip("value:Q", format=".2f"), "examples:Q"]
    dot = base.mark_point(filled=True, size=80, opacity=1).encode(x="value:Q", tooltip=tooltip)
    return (line + dot).properties(height=40 + 28 * len(rows))

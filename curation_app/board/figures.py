"""Cells against their targets, how long it will take, and how varied what was accepted is."""

from typing import Any

import streamlit as st

from align.curation.board import CellState, Dominance, Spread, total_of
from align.curation.team.pace import Forecast, Pace
from align.records import Measurement
from align.statistics import Estimate
from curation_app.look import table_height
from curation_app.team.texts import plain

COUNTS = {"accepted": 80, "wanted": 70, "rejected": 80, "flagged": 75, "undecided": 90}
"""Columns of counts, and their widths in pixels."""
FEWEST_COMPARED = 30
"""With fewer responses what a source says of a feature, or how varied they are beside a random draw, is mostly chance."""


def draw_summary(cells: list[CellState], pace: Pace, audited: tuple[Estimate, int]) -> None:
    """What a person asks first: how much there is, how much is missing, how long it takes."""
    accepted = sum(cell.accepted for cell in cells)
    target = sum(cell.target for cell in cells if cell.target) or None
    columns = st.columns(4)
    columns[0].metric("Accepted", f"{accepted:,}" + (f" of {target:,}" if target else ""))
    columns[1].metric(
        "Still to do", hours_of(total_of(cells)), help="Active hours of one person at the pace of now, with its range"
    )
    an_hour = "no looks yet" if pace.accepted_an_hour is None else f"{pace.accepted_an_hour:,.0f} an hour"
    columns[2].metric("Pace", an_hour, help="Accepted examples an hour of active work, over the last 200 looks of all")
    rate, count = audited
    columns[3].metric(
        "Acceptance at random", percent(rate) if count else "not known yet",
        help=f"Of {count:,} examples drawn at random, all of them decided: what the pool is worth, whatever was shown",
    )  # fmt: skip


def draw_cells(cells: list[CellState]) -> None:
    """Table 1 as it fills."""
    rows = [_cell_row(cell) for cell in cells]
    st.dataframe(
        rows, hide_index=True, height=table_height(len(rows)),
        column_config={
            "done": st.column_config.ProgressColumn(min_value=0, max_value=100, format="%d %%", width="medium"),
            **{name: _counted(width) for name, width in COUNTS.items()},
        },
    )  # fmt: skip
    at_once = sum(cell.at_once for cell in cells)
    if at_once:
        st.caption(
            f"{at_once:,} examples were decided many at once, unread: they count as accepted or rejected, and are left out of "
            "pace, shares and forecasts."
        )
    for cell in cells:
        if cell.is_short:
            st.warning(
                f"{cell.name}: {cell.lacking:,} are still wanted and {cell.left:,} are left to decide. Draw a larger shortlist "
                "(`oversample` of the quota above), or let the quota take fewer.",
                icon=":material/production_quantity_limits:",
            )


def _counted(width: int) -> Any:
    return st.column_config.NumberColumn(width=width, format="localized")


def _cell_row(cell: CellState) -> dict[str, Any]:
    told = cell.accepted + cell.rejected - cell.at_once
    return {
        "cell": cell.name or "all",
        "done": min(100, 100 * cell.accepted // cell.target) if cell.target else None,
        "accepted": cell.accepted,
        "wanted": cell.target,
        "rejected": cell.rejected,
        "flagged": cell.flagged,
        "undecided": cell.left,
        "accepted share": percent(cell.rate) if told else "",
        "still to do": hours_of(cell.forecast) if cell.lacking else "full" if cell.target else "",
    }


def draw_spread(spread: Spread) -> None:
    """Variety beside what a random draw would give: the figure alone says nothing."""
    is_told = spread.accepted >= FEWEST_COMPARED
    if spread.accepted < 2:
        st.caption("How varied the accepted examples are is told from two on.")
        return
    vendi, covered = spread.vendi - spread.vendi_by_chance, spread.coverage - spread.coverage_by_chance
    columns = st.columns(2)
    columns[0].metric(
        "Vendi score", f"{spread.vendi:.1f}", f"{vendi:+.1f} against chance" if is_told else None,
        delta_color="off",  # one random draw says nothing of how far such draws lie apart
        help="As varied as so many wholly different examples"
        + (f"; {spread.accepted:,} at random have {spread.vendi_by_chance:.1f}" if is_told else ""),
    )  # fmt: skip
    columns[1].metric(
        "Coverage", f"{spread.coverage:.3f}", f"{covered:+.3f} against chance" if is_told else None,
        delta_color="off",
        help="Mean likeness of an example of the pool to the accepted one most like it",
    )  # fmt: skip
    if not is_told:
        st.caption(f"Both are compared with a random draw from {FEWEST_COMPARED} on ({spread.accepted} so far).")


def draw_warnings(found: list[Dominance]) -> None:
    for item in found[:5]:
        st.warning(plain(item.warning), icon=":material/balance:")


def draw_style(measured: list[Measurement]) -> None:
    """How far each feature of style tells the source, the most telling first; the set should speak with one voice."""
    count = max((item.count for item in measured), default=0)
    if count < FEWEST_COMPARED:
        st.caption(f"The style of the accepted responses is compared from {FEWEST_COMPARED} on ({count} so far).")
        return
    spread = {item.subject: item.value for item in measured if item.metric == "style_spread"}
    between = {item.subject: item.value for item in measured if item.metric == "style_between"}
    openings = next((item.value for item in measured if item.metric == "style_openings"), 0.0)
    st.caption(
        f"{count:,} responses; openings differ by {openings:.1f} bits of at most 2.6. A feature of which the source says much "
        "makes the set speak with several voices."
    )
    rows: list[dict[str, Any]] = [
        {"feature": name.replace("_", " ")}
        | ({"said by the source": between.get(name)} if between else {})  # of one source nothing can say more
        | {"spread": spread[name]}
        for name in sorted(spread, key=lambda name: -between.get(name, 0.0))
    ]
    bar = st.column_config.ProgressColumn(min_value=0, max_value=1, format="%.2f", help="Share of the variance between sources")
    columns = {"said by the source": bar, "spread": st.column_config.NumberColumn(format="%.3g")}
    st.dataframe(rows, hide_index=True, height=table_height(len(rows), 10), column_config=columns)


def hours_of(forecast: Forecast) -> str:
    """`4.2 h (3.1 to 6.0)`, `12 min`, or that it cannot be said."""
    if forecast.hours is None:
        return "not known yet"
    if forecast.hours == 0:
        return "nothing"
    within = "" if forecast.low is None or forecast.high is None else f" ({forecast.low:.1f} to {forecast.high:.1f})"
    if forecast.hours < 1:
        return f"{60 * forecast.hours:.0f} min"
    return f"{forecast.hours:.1f} h{within}"


def percent(rate: Estimate) -> str:
    """`31 % (24 to 39)`."""
    within = "" if rate.low is None or rate.high is None else f" ({100 * rate.low:.0f} to {100 * rate.high:.0f})"
    return f"{100 * rate.value:.0f} %{within}"

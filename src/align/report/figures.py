"""Charts as inline SVG: drawn with Vega-Lite by vl-convert, without a browser and without a network.

Text and lines take the page's own colour (`currentColor`), series have mid-tones that read on white and on dark.
"""

from collections.abc import Sequence
from typing import Any

from align.records import Measurement
from align.report.facts import Curve, Measured, Picked, StageFacts

PALETTE = ("#7d8590", "#3f7fbf", "#c9772b", "#3d9970", "#9467bd", "#c0504d", "#1a9aa0", "#a0852d")
"""One colour a model, in the order in which they were made; the first, a grey, is the base."""
KEPT, DROPPED, TIED = "#3f7fbf", "#9aa3ae", "#b9bec6"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"
WIDE, THIRD, HALF = 1030, 330, 480


def colours(models: Sequence[str]) -> dict[str, str]:
    """The colour of each model, everywhere on the page."""
    return {model: PALETTE[number % len(PALETTE)] for number, model in enumerate(models)}


def funnel_chart(stages: Sequence[StageFacts]) -> str:
    """Kept and dropped of each stage, one bar a stage."""
    rows = [
        {"stage": stage.name, "what": what, "count": count, "order": order}
        for stage in stages
        for order, (what, count) in enumerate((("kept", stage.kept), ("dropped", sum(stage.dropped.values()))))
    ]
    if not any(row["count"] for row in rows):
        return ""
    import altair as alt

    names = [stage.name for stage in stages]
    chart = _chart(alt, rows, WIDE - 160, 22 * len(names)).mark_bar(height=14)
    return _svg(
        chart.encode(
            x=alt.X("count:Q", title="records", axis=alt.Axis(tickCount=6, format=",d", tickMinStep=1)),
            y=alt.Y("stage:N", sort=names, title=None),
            color=alt.Color("what:N", title=None, scale=alt.Scale(domain=["kept", "dropped"], range=[KEPT, DROPPED])),
            order=alt.Order("order:Q"),
        )
    )


def curve_chart(curve: Curve, colour: str) -> str:
    """A curve over optimizer steps; the faint line is every step, the firm one their moving average."""
    rows = [{"step": step, "value": value} for step, value in curve.points]
    if not rows:
        return ""
    import altair as alt

    smooth = [{"step": step, "value": value} for step, value in moving_average(curve.points)]
    steps = alt.Scale(domain=[0, max(row["step"] for row in rows)], nice=False)
    x = alt.X("step:Q", title="optimizer step", scale=steps, axis=alt.Axis(tickCount=4, format=",d", tickMinStep=1))
    y = alt.Y("value:Q", title=None, scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=5))
    faint = _chart(alt, rows, THIRD - 50, 160).mark_line(strokeWidth=1, opacity=0.35, color=colour).encode(x=x, y=y)
    firm = _chart(alt, smooth, THIRD - 50, 160).mark_line(strokeWidth=2, color=colour).encode(x=x, y=y)
    point = _chart(alt, rows, THIRD - 50, 160).mark_point(filled=True, size=30, color=colour).encode(x=x, y=y)
    return _svg(alt.layer(faint, firm) if len(rows) > 2 else point)


def moving_average(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Each value's mean with its neighbours, over about a twentieth of the curve."""
    reach = len(points) // 40
    found = []
    for number, (step, _) in enumerate(points):
        near = [value for _, value in points[max(0, number - reach) : number + reach + 1]]
        found.append((step, sum(near) / len(near)))
    return found


def perplexity_chart(rows: Sequence[Measured], models: dict[str, str]) -> str:
    """Perplexity of each checkpoint, with its interval."""
    found = [
        {
            "checkpoint": (item.figure.subject.partition("/")[2] or "last").removeprefix("epoch-").lstrip("0"),
            "model": item.figure.subject.partition("/")[0],
            "value": item.figure.value,
            "low": item.figure.low if item.figure.low is not None else item.figure.value,
            "high": item.figure.high if item.figure.high is not None else item.figure.value,
        }
        for item in rows
    ]
    if len(found) < 2:
        return ""
    import altair as alt

    order = list(dict.fromkeys(row["checkpoint"] for row in found))
    known = list(dict.fromkeys(str(row["model"]) for row in found))
    x = alt.X("checkpoint:N", sort=order, title="epoch", axis=alt.Axis(labelAngle=0, labelOverlap=True))
    colour = alt.Color(
        "model:N", title=None, scale=alt.Scale(domain=known, range=[models.get(name, PALETTE[1]) for name in known]),
        legend=None if len(known) == 1 else alt.Legend(),
    )  # fmt: skip
    base = _chart(alt, found, THIRD - 50, 160)
    bars = base.mark_rule(strokeWidth=1.5, opacity=0.6).encode(x=x, y="low:Q", y2="high:Q", color=colour)
    dots = base.mark_point(filled=True, size=40, opacity=1).encode(
        x=x, y=alt.Y("value:Q", title=None, scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=5)), color=colour
    )
    return _svg(alt.layer(bars, dots))


def pick_chart(pick: Picked, colour: str) -> str:
    """Mean grade of every epoch compared, beside it their perplexity; a ring around the one that was picked."""
    panels = {
        "mean grade, 1 to 6": [(row.epoch, row.grade) for row in pick.rows],
        "perplexity on held-out text": [(row.epoch, row.perplexity) for row in pick.rows if row.perplexity is not None],
    }
    import altair as alt

    drawn = [_epoch_panel(alt, title, found, pick.epoch, colour) for title, found in panels.items() if found]
    return _svg(alt.hconcat(*drawn, spacing=40)) if drawn else ""


def _epoch_panel(alt: Any, title: str, found: Sequence[tuple[int, Measurement]], picked: int, colour: str) -> Any:
    rows = [
        {
            "epoch": epoch,
            "value": figure.value,
            "low": figure.value if figure.low is None else figure.low,
            "high": figure.value if figure.high is None else figure.high,
        }
        for epoch, figure in found
    ]
    x = alt.X("epoch:O", title="epoch", axis=alt.Axis(labelAngle=0))
    y = alt.Y("value:Q", title=title, scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=5))
    base = _chart(alt, rows, HALF - 110, 180)
    line = base.mark_line(strokeWidth=1, opacity=0.35, color=colour).encode(x=x, y=y)
    bars = base.mark_rule(strokeWidth=2, opacity=0.6, color=colour).encode(x=x, y=alt.Y("low:Q", title=title), y2="high:Q")
    dots = base.mark_point(filled=True, size=45, opacity=1, color=colour).encode(x=x, y=y)
    chosen = [row for row in rows if row["epoch"] == picked]
    ring = _chart(alt, chosen, HALF - 110, 180).mark_point(size=220, strokeWidth=2, color="currentColor").encode(x=x, y=y)
    return alt.layer(line, bars, dots, ring)


def interval_chart(rows: Sequence[Measured], models: dict[str, str], middle: float | None = None) -> str:
    """Shares as dots with intervals, one row a subject; a dashed line where chance is."""
    found = [
        {"subject": item.figure.subject, "value": item.figure.value, "low": item.figure.low, "high": item.figure.high}
        for item in rows
    ]
    if not found:
        return ""
    import altair as alt

    names = list(dict.fromkeys(str(row["subject"]) for row in found))
    shades = [models.get(name.partition("/")[0], PALETTE[1]) for name in names]
    x = alt.X("value:Q", title=None, scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%", tickCount=5))
    y = alt.Y("subject:N", sort=names, title=None)
    colour = alt.Color("subject:N", scale=alt.Scale(domain=names, range=shades), legend=None)
    base = _chart(alt, found, HALF - 90, 30 * len(names))
    layers = [
        base.mark_rule(strokeWidth=2.5, opacity=0.55).encode(x=alt.X("low:Q", title=None), x2="high:Q", y=y, color=colour),
        base.mark_point(filled=True, size=70, opacity=1).encode(x=x, y=y, color=colour),
    ]
    if middle is not None:
        line = _chart(alt, [{"value": middle}], HALF - 90, 30 * len(names))
        layers.insert(0, line.mark_rule(strokeDash=[4, 3], color="currentColor", opacity=0.5).encode(x=x))
    return _svg(alt.layer(*layers))


def verdict_chart(rows: Sequence[tuple[str, int, int, int]], models: dict[str, str]) -> str:
    """Wins, ties and losses of each comparison as one bar of shares."""
    found = []
    for subject, wins, ties, losses in rows:
        one, _, other = subject.partition(" against ")
        total = wins + ties + losses
        if total == 0:
            continue
        counts = (
            (one, wins, models.get(one, KEPT)),
            ("neither", ties, TIED),
            (other, losses, models.get(other, DROPPED)),
        )
        start = 0.0
        for what, count, colour in counts:
            end = start + count / total
            number = f"{100 * count / total:.0f}"
            found.append({
                "subject": subject, "what": what, "start": start, "end": end, "middle": (start + end) / 2, "colour": colour,
                "label": f"{what} {number}" if 100 * count / total > len(what) + 5 else number if count / total > 0.03 else "",
                "ink": "#1d2126" if what == "neither" else "#ffffff",
            })  # fmt: skip
            start = end
    if not found:
        return ""
    import altair as alt

    names = [subject for subject, *_ in rows]
    base = _chart(alt, found, WIDE - 200, 34 * len({row["subject"] for row in found}))
    y = alt.Y("subject:N", sort=names, title=None)
    x = alt.X("start:Q", title=None, scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%", tickCount=5))
    bars = base.mark_bar(height=22).encode(x=x, x2="end:Q", y=y, color=alt.Color("colour:N", scale=None))
    middle, ink = alt.X("middle:Q", title=None), alt.Color("ink:N", scale=None)
    labels = base.mark_text(fontWeight=600, fontSize=12).encode(x=middle, y=y, text="label:N", color=ink)
    return _svg(alt.layer(bars, labels))


def _chart(alt: Any, rows: list[dict[str, Any]], width: int, height: int) -> Any:
    return alt.Chart(alt.Data(values=rows), width=width, height=max(height, 30))


def _svg(chart: Any) -> str:
    """The chart as SVG that takes the page's colours and its width."""
    import vl_convert

    text = {"labelColor": "currentColor", "titleColor": "currentColor", "labelFontSize": 11.5, "titleFontSize": 11.5}
    quiet = {
        "gridColor": "currentColor",
        "gridOpacity": 0.12,
        "domainOpacity": 0.35,
        "tickOpacity": 0.35,
        "domainColor": "currentColor",
    }
    chart = chart.configure(
        font=FONT, background="transparent", padding=4, aria=False,
        axis={**text, **quiet, "titleFontWeight": "normal", "tickColor": "currentColor", "labelLimit": 260, "titlePadding": 8},
        axisY={"grid": True, "domain": False, "ticks": False, "labelPadding": 8},
        axisX={"grid": True, "domain": False, "ticks": False, "labelPadding": 6},
        legend={**text, "orient": "top", "symbolType": "square", "padding": 0, "offset": 6},
        view={"stroke": None},
    )  # fmt: skip
    svg = str(vl_convert.vegalite_to_svg(chart.to_dict()))
    return svg.replace("<svg ", '<svg class="chart" ', 1)

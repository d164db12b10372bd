"""How much of a win rate is a taste for length and for the first place, and how a judge did in its own test."""

from collections.abc import Container, Sequence
from dataclasses import dataclass

from align.records import Measurement
from align.report.facts import Facts
from align.report.wording import figure_text, listed, percent

HALF = 0.5
STEERED = "tells the judge what to choose"
"""What is said of pairs in which an answer speaks to the judge."""


@dataclass(frozen=True, slots=True)
class JudgeCheck:
    """How a judge did in its own test, in words."""

    text: str
    is_warning: bool = False


@dataclass(frozen=True, slots=True)
class BiasRow:
    """What the verdicts of one comparison have in common; None where it was not measured."""

    stage: str
    subject: str
    win_rate: Measurement | None = None
    length_controlled_win_rate: Measurement | None = None
    no_length_control: Measurement | None = None
    """Why there is no win rate at equal length."""
    win_rate_where_longer: Measurement | None = None
    win_rate_where_shorter: Measurement | None = None
    longer_share: Measurement | None = None
    first_shown_share: Measurement | None = None
    said_tie_share: Measurement | None = None
    flip_rate: Measurement | None = None
    unparsed: Measurement | None = None

    @property
    def is_of_length(self) -> bool:
        """Whether length may be all that was preferred."""
        return bool(_of_length(self))

    @property
    def warnings(self) -> list[str]:
        """What makes the win rate doubtful, in words."""
        return [said for said in (_of_length(self), _of_place(self)) if said]


PANEL = ("length_controlled_win_rate", "no_length_control", "longer_share", "first_shown_share", "said_tie_share")
"""Metrics that make a row: other win rates have none."""
FIGURES = (*PANEL, "win_rate", "win_rate_where_longer", "win_rate_where_shorter", "flip_rate", "unparsed")


def bias_rows(facts: Facts) -> list[BiasRow]:
    """One row a comparison, in the order of the stages."""
    found: dict[tuple[str, str], dict[str, Measurement]] = {}
    for item in facts.figures(*FIGURES):
        found.setdefault((item.stage, item.figure.subject), {})[item.figure.metric] = item.figure
    return [
        BiasRow(stage, subject, **figures) for (stage, subject), figures in found.items() if not figures.keys().isdisjoint(PANEL)
    ]


def at_equal_length(row: BiasRow) -> str:
    """`At equal length it is 52 % (45–59).`, or why that cannot be said."""
    if row.length_controlled_win_rate is not None:
        return f"At equal length it is {figure_text(row.length_controlled_win_rate)}."
    if row.no_length_control is not None:
        return f"{row.no_length_control.method[:1].upper()}{row.no_length_control.method[1:]}."
    return ""


def judge_checks(facts: Facts, stages: Container[str]) -> list[JudgeCheck]:
    """What the judges of these stages made of pairs with a known answer."""
    found = [item.figure for item in facts.figures("canaries_right") if item.stage in stages]
    return list(dict.fromkeys(_checked(figure) for figure in found))


def _checked(figure: Measurement) -> JudgeCheck:
    wrong = figure.method.partition("; wrong: ")[2]
    said = f"{figure.subject} judged {figure.value:.0f} of {figure.count} pairs with a known answer rightly"
    said += f", and wrongly {wrong}." if wrong else "."
    if 2 * figure.value < figure.count:
        return JudgeCheck(f"The judge fails its test: {said} What it prefers says nothing of quality.", is_warning=True)
    if STEERED in wrong:
        return JudgeCheck(f"{said} What an answer says to it can steer it.", is_warning=True)
    return JudgeCheck(said)


def _of_length(row: BiasRow) -> str:
    """Said where long answers are liked and the win rate does not survive without."""
    raw, controlled, longer = row.win_rate, row.length_controlled_win_rate, row.longer_share
    if raw is None or controlled is None or longer is None or longer.low is None or longer.low <= HALF:
        return ""
    liked = f"The longer answer won {figure_text(longer)} of the verdicts that chose one"
    at = f"at equal length the win rate of {row.subject} is {figure_text(controlled)} instead of {figure_text(raw)}"
    if (raw.value - HALF) * (controlled.value - HALF) < 0:
        return f"{liked}, and {at}, on the other side of {percent(HALF)}: length may be all that was preferred."
    if _is_told(raw) and not _is_told(controlled):
        return f"{liked}, and {at}, which cannot be told from {percent(HALF)}: length may be all that was preferred."
    return ""


def _is_told(figure: Measurement) -> bool:
    """Whether the interval leaves one half on one side."""
    return figure.low is not None and figure.high is not None and not figure.low <= HALF <= figure.high


def _of_place(row: BiasRow) -> str:
    """Said where the place in which an answer is shown decides: most verdicts change with it, or one place wins far more."""
    first, flips = row.first_shown_share, row.flip_rate
    often = flips is not None and flips.low is not None and flips.low > HALF
    if first is None or not (often or (flips is None and _is_told(first))):
        return ""
    place = f"the answer shown first won {figure_text(first)} of the verdicts that chose one"
    if often and flips is not None:
        return f"Of {row.subject}, {figure_text(flips)} of the pairs were judged otherwise in the other order, and {place}."
    return f"Of {row.subject}, each pair was seen in one order, and {place}: where it stood had a part in that."


def judged_beside(rows: Sequence[BiasRow]) -> str:
    """The rates at equal length of several comparisons, in a sentence."""
    if len(rows) == 1:
        return at_equal_length(rows[0])
    known = [(row, row.length_controlled_win_rate) for row in rows if row.length_controlled_win_rate is not None]
    said = [f"of {row.subject} {figure_text(rate)}" for row, rate in known]
    missing = [row.subject for row in rows if row.no_length_control is not None]
    parts = [f"At equal length: {'; '.join(said)}."] if said else []
    parts += [f"For {listed(missing)} there is no win rate at equal length; the table says why."] if missing else []
    return " ".join(parts)

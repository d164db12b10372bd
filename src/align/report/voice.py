"""How alike the sources of a set write, as a `style` stage measured it."""

import json
from collections.abc import Sequence
from itertools import islice

from align.artifact import Artifact
from align.records import Measurement
from align.report.facts import SourceVoice, StrangeOne, VoiceFacts
from align.report.wording import SPACE
from align.style.style import OUTLIERS
from align.style.wording import NAMES

SHOWN_FEATURES = 8
SHOWN_OUTLIERS = 12


def voice_facts(artifacts: Sequence[Artifact]) -> tuple[VoiceFacts, ...]:
    """Of every `style` stage."""
    return tuple(_voice(artifact) for artifact in artifacts if artifact.kind == "style")


def _voice(artifact: Artifact) -> VoiceFacts:
    by_metric: dict[str, dict[str, Measurement]] = {}
    for figure in artifact.read(Measurement):
        by_metric.setdefault(figure.metric, {})[figure.subject] = figure
    style, voice, openings = (by_metric.get(name, {}) for name in ("style_source_auc", "style_voice_auc", "style_openings"))
    between = sorted(by_metric.get("style_between", {}).values(), key=lambda figure: -figure.value)
    counted = by_metric["style_outliers"]["the set"]
    return VoiceFacts(
        artifact.name,
        auc_in_words(style["all sources"], voice["all sources"]) if style else "",
        tuple(SourceVoice(name, style.get(name), voice.get(name), openings.get(name)) for name in openings if name != "the set"),
        tuple((NAMES[figure.subject], figure) for figure in between[:SHOWN_FEATURES]),
        int(counted.value),
        counted.count,
        tuple(_strange_ones(artifact)),
    )


def auc_in_words(style: Measurement, voice: Measurement) -> str:
    """What the two figures say: 0.5 is a guess, 1 is certainty."""
    said = (
        f"A plain classifier that sees how a response is written and not what it says {_tells(style)} from which source it is: "
        f"of a response of one source and one of another it picks the right one in {_percent(style)} of cases; "
        f"a guess is right in 50{SPACE}%."
    )
    alone = "From the voice alone (person, contractions, exclamations, beginnings and ends)"
    return f"{said} {alone} it {_tells(voice)}: {_percent(voice)}."


def _tells(figure: Measurement) -> str:
    if figure.low is not None and figure.low <= 0.5:
        return "cannot tell"
    return "hardly tells" if figure.value < 0.65 else "often tells" if figure.value < 0.85 else "nearly always tells"


def _percent(figure: Measurement) -> str:
    low, high = (figure.low if figure.low is not None else figure.value, figure.high if figure.high is not None else figure.value)
    return f"{100 * figure.value:.0f}{SPACE}% ({100 * low:.0f}–{100 * high:.0f})"


def _strange_ones(artifact: Artifact) -> list[StrangeOne]:
    path = artifact.path / OUTLIERS
    if not path.is_file():
        return []
    with path.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in islice(lines, SHOWN_OUTLIERS)]
    return [StrangeOne(row["example_id"], row["kind"], tuple(row["reasons"])) for row in rows]

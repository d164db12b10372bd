"""Who compared the same answers, people and judges, and what each of them came to say of every pair."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from align.artifact import Artifact
from align.errors import InputError
from align.evaluation.win_rate import Outcome
from align.records import Comparison

Place = tuple[str, int]
"""A prompt's id and the number of the two responses to it."""
Class = Literal["first", "tie", "second"]
CLASSES: tuple[Class, ...] = get_args(Class)


@dataclass(frozen=True, slots=True)
class Rater:
    """One person, or one judge."""

    name: str
    is_person: bool
    said: dict[Place, Class]
    """Whether the first model of `Compared.names` is better, the second, or neither is; without what could not be read."""
    why: dict[Place, str]


@dataclass(frozen=True, slots=True)
class Compared:
    """Everyone who compared the answers of the same two models."""

    names: tuple[str, str]
    answers: list[str]
    """The contents of the two `generate` stages, whichever stands first."""
    raters: tuple[Rater, ...]

    def places(self) -> dict[Place, list[Rater]]:
        """Who judged each pair, in the order of the first one's."""
        found: dict[Place, list[Rater]] = {}
        for rater in self.raters:
            for place in rater.said:
                found.setdefault(place, []).append(rater)
        return found


def read_raters(artifacts: Sequence[Artifact]) -> Compared:
    """The people and judges of several `compare` stages; those of one name in two stages are told apart by the stage."""
    read = {artifact.name: _by_label(artifact) for artifact in artifacts}
    names = _same_models(artifacts, read)
    labels = [label for found in read.values() for label in found]
    raters = []
    for artifact in artifacts:
        is_person = artifact.manifest["parameters"].get("judge") is None
        for label, rows in read[artifact.name].items():
            name = label if labels.count(label) == 1 else f"{label} ({artifact.name})"
            raters.append(_rater(name, is_person, rows, names[0]))
    if len(raters) < 2:
        raise InputError(
            f"agreement: {raters[0].name} of {artifacts[0].name} alone compared these answers; name a second `compare` stage, or "
            f"give it a second file of `verdicts`."
        )
    return Compared(names, _answers(artifacts[0]), tuple(raters))


def _by_label(artifact: Artifact) -> dict[str, list[Comparison]]:
    found: dict[str, list[Comparison]] = {}
    for row in artifact.read(Comparison):
        found.setdefault(row.judge, []).append(row)
    if artifact.kind != "compare" or not found:
        raise InputError(
            f"agreement: {artifact.name} (kind {artifact.kind}) is no `compare` stage with verdicts; name those alone."
        )
    return found


def _same_models(artifacts: Sequence[Artifact], read: dict[str, dict[str, list[Comparison]]]) -> tuple[str, str]:
    """The names of the two models; a mistake where stages compared other answers."""
    first = artifacts[0]
    for other in artifacts[1:]:
        if _answers(first) != _answers(other):
            raise InputError(
                f"agreement: {first.name} compared {_in_words(first)}, and {other.name} {_in_words(other)}: these are "
                f"other answers. Let both stages read the same two `generate` stages."
            )
    names = sorted(
        {name for found in read.values() for rows in found.values() for row in rows for name in (row.first, row.second)}
    )
    if len(names) != 2:
        raise InputError(
            f"agreement: the stages call the models {', '.join(names)}; two names are wanted, the same in all stages."
        )
    return names[0], names[1]


def _answers(artifact: Artifact) -> list[str]:
    """What was compared, whichever model stands first in the recipe."""
    return sorted(item["content"] for item in artifact.manifest["inputs"])


def _in_words(artifact: Artifact) -> str:
    return " and ".join(item["stage"] for item in artifact.manifest["inputs"])


def _rater(name: str, is_person: bool, rows: Sequence[Comparison], one: str) -> Rater:
    shares: dict[Place, list[float | None]] = {}
    words: dict[Place, list[str]] = {}
    for row in rows:
        place = row.prompt_id, row.sample
        shares.setdefault(place, []).append(_share(row, one))
        words.setdefault(place, []).append(row.explanation)
    # A judge asked in both orders says what a win rate counts it as: one model if it named it twice, else neither.
    scores = {place: Outcome(place[0], tuple(found)).score for place, found in shares.items()}
    classes: dict[float, Class] = {1.0: "first", 0.5: "tie", 0.0: "second"}
    said = {place: classes[score] for place, score in scores.items() if score is not None}
    return Rater(name, is_person, said, {place: " / ".join(filter(None, found)) for place, found in words.items()})


def _share(row: Comparison, one: str) -> float | None:
    if row.verdict == "unparsed":
        return None
    if row.verdict == "tie":
        return 0.5
    return float((row.first if row.verdict == "first" else row.second) == one)

"""Pairs out of a `compare` stage: of two models' responses to one prompt the one that the judge prefers."""

from collections import Counter
from pathlib import Path
from typing import ClassVar, Literal

from align.artifact import Artifact, Counts, in_words
from align.errors import EmptyResult, InputError
from align.files import RecordWriter
from align.parts import StageName
from align.preferences.pairs import pair_id
from align.records import Author, Comparison, Origin, PreferencePair, Rejection, Response
from align.stage import Forecast, Inputs, Stage

TIE = "tie"
UNPARSED = "judge gave no verdict"
SPLIT = "verdicts contradict each other"
EQUAL = "both answers equal"


class JudgedPairs(Stage):
    """Reads a `compare` stage; a pair is made where all its verdicts on a prompt name one model, in either order shown.

    Ties, contradictions and unreadable verdicts are rejected, each with its reason.
    """

    kind: Literal["judged_pairs"] = "judged_pairs"
    responses: tuple[StageName, StageName]
    """The two `generate` stages that the `compare` stage read."""
    license: str = "unstated"
    """Licence of the responses: what the terms of the models that wrote them allow."""

    names_matter: ClassVar[bool] = True

    def run(self, inputs: Inputs, work: Path) -> Counts:
        verdicts: dict[tuple[str, int], list[Comparison]] = {}
        for comparison in inputs.read(Comparison):
            verdicts.setdefault((comparison.prompt_id, comparison.sample), []).append(comparison)
        artifacts = inputs.several("responses")
        sides = [_by_prompt(artifact) for artifact in artifacts]
        dropped: Counter[str] = Counter()
        with RecordWriter(work, PreferencePair) as kept, RecordWriter(work, Rejection) as rejected:
            for place, comparisons in verdicts.items():
                if not all(place in side for side in sides):
                    raise InputError(
                        f"judged_pairs: responses: no response to prompt {place[0]!r} (sample {place[1]}) in both stages; "
                        f"name the two stages that the compare stage read."
                    )
                item = self._pair(comparisons, _labelled([side[place] for side in sides], artifacts))
                if isinstance(item, PreferencePair):
                    kept.write(item)
                    continue
                rejected.write(Rejection(place[0], self.kind, item))
                dropped[f"{self.kind}: {item}"] += 1
        if kept.count == 0:
            why = in_words(dropped, self.kind)
            raise EmptyResult(f"0 pairs of {len(verdicts):,} judged prompts: {why}. Does the stage above compare?")
        return Counts(len(verdicts), kept.count, dict(dropped))

    def forecast(self, data: list[Forecast], named: dict[str, Forecast]) -> Forecast:
        """How many pairs come out depends on what a judge says, so nothing is known before."""
        return super().forecast([], named)

    def _pair(self, comparisons: list[Comparison], responses: dict[str, Response]) -> PreferencePair | str:
        """The pair that the verdicts on one prompt make, or why they make none."""
        preferred = {_preferred(comparison) for comparison in comparisons}
        names = preferred - {TIE, UNPARSED}
        if len(names) != 1 or len(preferred) != 1:
            return SPLIT if len(names) > 1 else TIE if TIE in preferred else UNPARSED
        [name] = names
        if name not in responses or len(responses) != 2:
            known = ", ".join(map(repr, responses))
            raise InputError(f"judged_pairs: responses: the judge prefers {name!r}; the two stages named hold {known}.")
        better = responses[name]
        worse = next(response for label, response in responses.items() if label != name)
        if better.text.strip() == worse.text.strip():
            return EQUAL
        sides = ((better, "chosen"), (worse, "rejected"))
        authors = tuple(Author(side.model, role=role, license=self.license) for side, role in sides)
        dump = f"judged by {comparisons[0].judge}"
        origin = Origin(self.kind, f"{better.prompt_id}/{better.sample}", dump=dump, authors=authors)
        prompt = better.turns[:-1]
        return PreferencePair(pair_id(self.kind, prompt, better.text, worse.text), prompt, better.text, worse.text, origin)


def _by_prompt(artifact: Artifact) -> dict[tuple[str, int], Response]:
    return {(response.prompt_id, response.sample): response for response in artifact.read(Response)}


def _labelled(responses: list[Response], artifacts: list[Artifact]) -> dict[str, Response]:
    """Responses by the names that `compare` gives them: the models', or the stages' where one model answered twice."""
    models = [response.model for response in responses]
    names = models if len(set(models)) == len(models) else [artifact.name for artifact in artifacts]
    return dict(zip(names, responses, strict=True))


def _preferred(comparison: Comparison) -> str:
    """The model that a verdict names, or why it names none."""
    named = {"first": comparison.first, "second": comparison.second, "tie": TIE, "unparsed": UNPARSED}
    return named[comparison.verdict]

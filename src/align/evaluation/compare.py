"""The `compare` stage: which of two models' responses a judge prefers (LIMA §4.1)."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar, Literal

from align.artifact import SCRATCH, Artifact, Counts
from align.errors import EmptyResult, InputError
from align.evaluation.win_rate import Outcome, measure_outcomes
from align.files import write_records
from align.judges.asking import Question, ask_all, question_key
from align.judges.judge import Judge, Verdict, without_incidental
from align.parts import StageName
from align.records import Comparison, Measurement, Rejection, Response
from align.stage import Forecast, Inputs, Stage


@dataclass(frozen=True, slots=True)
class Pair:
    """Two models' responses to one prompt."""

    one: Response
    two: Response

    @property
    def id(self) -> tuple[str, int]:
        return self.one.prompt_id, self.one.sample

    def question(self, judge: Judge, swapped: bool) -> Question[Verdict]:
        first, second = (self.two.text, self.one.text) if swapped else (self.one.text, self.two.text)
        prompt = self.one.turns[:-1]
        return Question(question_key(prompt, first, second), partial(judge.compare, prompt, first, second))


class Compare(Stage):
    """Let a judge compare the responses of two `generate` stages, prompt by prompt.

    With both orders a pair is won only if the judge prefers the same model whichever stands first, else it is a tie: a judge
    that always takes the first answer gives ties alone (the rule of FastChat's MT-Bench, arXiv:2306.05685 §3.4).
    """

    kind: Literal["compare"] = "compare"
    inputs: tuple[StageName, StageName]
    """The two `generate` stages; wins are the first one's."""
    judge: Judge
    """Who compares: {kind: openai_chat, ...} asks a model; `align kinds judge` lists them."""
    orders: Literal["both", "random"] = "both"
    """Whether each pair is shown in both orders, or in one, drawn for each prompt from its id, at half the price."""

    names_matter: ClassVar[bool] = True
    long_work: ClassVar[str] = "judging"

    def identity(self) -> dict[str, object]:
        return without_incidental(super().identity(), self.judge)

    def run(self, inputs: Inputs, work: Path) -> Counts:
        one, two = inputs.data
        pairs, rejected = _match(one, two)
        if not pairs:
            shared = "have no prompt in common. Let both `generate` stages read the same prompts."
            raise EmptyResult(f"nothing to compare: {one.name} and {two.name} {shared}")
        names = _labels(pairs[0], one, two)
        shown = [(pair, swapped) for pair in pairs for swapped in self._orders(pair)]
        questions = [pair.question(self.judge, swapped) for pair, swapped in shown]
        verdicts = ask_all(self.judge, questions, Verdict, work / SCRATCH / "answered.jsonl")
        outcomes = list(_outcomes(shown, verdicts))
        write_records(work, Comparison, (self._comparison(*item, names) for item in zip(shown, verdicts, strict=True)))
        write_records(work, Rejection, rejected)
        write_records(
            work, Measurement, measure_outcomes(outcomes, f"{names[0]} against {names[1]}", self.judge.label, self.orders)
        )
        dropped = {"compare: no counterpart": len(rejected)} if rejected else {}
        noted = {"verdicts": len(verdicts), "unparsed": sum(item.verdict == "unparsed" for item in verdicts)}
        return Counts(len(pairs) + len(rejected), len(pairs), dropped, noted=noted)

    def forecast(self, data: list[Forecast], named: dict[str, Forecast]) -> Forecast:
        if len(data) != 2 or data[0].examples is None or data[1].examples is None:
            return Forecast()
        pairs = min(data[0].examples, data[1].examples)
        basis: Literal["exact", "expected"] = "exact" if {item.basis for item in data} == {"exact"} else "expected"
        return Forecast(pairs, basis=basis, figures={"judge_calls": pairs * (2 if self.orders == "both" else 1)})

    def _orders(self, pair: Pair) -> tuple[bool, ...]:
        """Whether to swap, for each time the pair is shown."""
        if self.orders == "both":
            return False, True
        drawn = hashlib.sha256(f"{pair.id[0]}/{pair.id[1]}".encode()).digest()[0]
        return (drawn % 2 == 1,)

    def _comparison(self, shown: tuple[Pair, bool], verdict: Verdict, names: tuple[str, str]) -> Comparison:
        pair, swapped = shown
        first, second = names[::-1] if swapped else names
        words = f"{verdict.explanation}: {verdict.raw}" if verdict.verdict == "unparsed" else verdict.explanation
        return Comparison(pair.one.prompt_id, first, second, verdict.verdict, self.judge.label, words, pair.one.sample)


def _match(one: Artifact, two: Artifact) -> tuple[list[Pair], list[Rejection]]:
    """Pairs by prompt and sample, in the first one's order, and the responses that stand alone."""
    left, right = _by_prompt(one), _by_prompt(two)
    pairs = [Pair(response, right[place]) for place, response in left.items() if place in right]
    for pair in pairs:
        if pair.one.turns[:-1] != pair.two.turns[:-1]:
            raise InputError(
                f"prompt {pair.one.prompt_id!r} has other words in {one.name} than in {two.name}; responses to different prompts "
                f"cannot be compared. Let both `generate` stages read the same prompts."
            )
    alone = [(response, two.name) for place, response in left.items() if place not in right]
    alone += [(response, one.name) for place, response in right.items() if place not in left]
    return pairs, [
        Rejection(item.prompt_id, "compare", "no counterpart", f"sample {item.sample} of {item.model} has none in {other}")
        for item, other in alone
    ]


def _by_prompt(artifact: Artifact) -> dict[tuple[str, int], Response]:
    found = {(response.prompt_id, response.sample): response for response in artifact.read(Response)}
    if not found:
        raise InputError(
            f"stage {artifact.name!r} (kind {artifact.kind}) holds no responses; `compare` reads two `generate` stages."
        )
    return found


def _labels(pair: Pair, one: Artifact, two: Artifact) -> tuple[str, str]:
    """The models' names, or the stages' where one model answered twice."""
    return (pair.one.model, pair.two.model) if pair.one.model != pair.two.model else (one.name, two.name)


def _outcomes(shown: Sequence[tuple[Pair, bool]], verdicts: Sequence[Verdict]) -> Iterator[Outcome]:
    """What each pair's verdicts come to, from the first model's side."""
    said: dict[tuple[str, int], list[float | None]] = {}
    for (pair, swapped), verdict in zip(shown, verdicts, strict=True):
        said.setdefault(pair.id, []).append(_share_of_first_model(verdict, swapped))
    for (prompt_id, _), shares in said.items():
        yield Outcome(prompt_id, tuple(shares))


def _share_of_first_model(verdict: Verdict, swapped: bool) -> float | None:
    shares = {"first": 1.0, "second": 0.0, "tie": 0.5}
    if verdict.verdict == "unparsed":
        return None
    share = shares[verdict.verdict]
    return 1 - share if swapped else share

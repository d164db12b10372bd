"""The `compare` stage: which of two models' responses a judge, or people, prefer (LIMA §4.1)."""

import hashlib
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import model_validator

from align.artifact import SCRATCH, Counts
from align.errors import EmptyResult
from align.evaluation.canaries import canary_calls, check_judge
from align.evaluation.judge_bias import ShownPair, measure_bias
from align.evaluation.length_control import JudgedPair, measure_length
from align.evaluation.pairing import Pair, labels_of, match_pairs
from align.evaluation.people_rate import measure_people, people_in_words
from align.evaluation.sheets import named_files, still_waiting, waits_for
from align.evaluation.verdict_sheets import FORM, check_people, read_sheet, write_sheets
from align.evaluation.win_rate import Outcome, measure_outcomes
from align.files import write_records, write_text
from align.judges.asking import Question, ask_all
from align.judges.judge import Judge, Verdict, without_incidental
from align.parts import RawFile, StageName
from align.records import Comparison, Measurement, Rejection
from align.stage import Forecast, Inputs, Stage

Shown = tuple[Pair, bool]
"""A pair, and whether it was shown swapped."""
Said = tuple[Shown, Verdict, str]
"""One verdict: on what, what, and by whom."""
UNJUDGED = "no verdict"


class Compare(Stage):
    """Let a judge, or people, compare the responses of two `generate` stages, prompt by prompt.

    People get sheets that do not say whose answers they are, with a judge's question in its words. Shown both orders, a judge
    makes a pair won only by preferring the same model whichever stands first, else it is a tie: one that always takes the first
    answer gives ties alone (the rule of FastChat's MT-Bench, arXiv:2306.05685 §3.4). Long answers are liked: beside the win rate
    stands the one at equal length, and how often the longer answer and the one shown first won.
    """

    kind: Literal["compare"] = "compare"
    inputs: tuple[StageName, StageName]
    """The two `generate` stages; wins are the first one's."""
    judge: Judge | None = None
    """Who compares: {kind: openai_chat, ...} asks a model; `align kinds judge` lists them."""
    verdicts: RawFile | tuple[RawFile, ...] | None = None
    """Or people: a file each, in which they fill in the sheet that the stage writes and then waits for. LIMA's way (§4.1)."""
    orders: Literal["both", "random"] = "both"
    """Whether a judge is shown each pair in both orders, or in one, drawn for each prompt from its id, at half the price."""
    allow_partial: bool = False
    """With `verdicts`: whether people may leave rows without one. A pair that nobody judged is dropped."""
    seed: int = 0
    """With `verdicts`: draws each person's order of rows, and which answer stands first."""
    canaries: bool = False
    """Whether the judge is first asked of eleven pairs with a known answer (20 questions): false answers, empty ones, identical
    ones, answers that tell the judge what to choose. They count in no rate; the report says how many it got right."""

    version: ClassVar[int] = 2  # 2: the win rate at equal length, what the longer and the first answer won

    names_matter: ClassVar[bool] = True
    long_work: ClassVar[str] = "judging"
    late: ClassVar[frozenset[str]] = frozenset({"verdicts"})

    @model_validator(mode="after")
    def _one_voice(self) -> "Compare":
        if (self.judge is None) == (self.verdicts is None):
            raise ValueError("give either `judge` (a model compares) or `verdicts` (people do, in the files named)")
        if self.judge is None and self.orders != "both":
            raise ValueError("orders: is for a judge; each person sees a pair once, in an order drawn for them")
        if self.judge is None and self.canaries:
            raise ValueError("canaries: test a judge; leave it out beside `verdicts`")
        if self.judge is not None and (self.allow_partial or self.seed != 0):
            raise ValueError("allow_partial, seed: are for people's sheets; leave them out beside `judge`")
        return self

    def identity(self) -> dict[str, Any]:
        asked = without_incidental(super().identity(), self.judge)
        # What is for people alone decides nothing that a judge says: it is not asked, and paid, again.
        for name in ("judge", "orders", "canaries") if self.judge is None else ("allow_partial", "seed"):
            asked["parameters"].pop(name)
        return asked

    def raw_files(self) -> dict[str, Path]:
        """Verdicts are no missing input: people write them when the stage has written what there is to compare."""
        return {label: path for label, path in super().raw_files().items() if path.exists()}

    @property
    def sheets(self) -> tuple[Path, ...]:
        """The files that people fill in."""
        return named_files(self.verdicts)

    def run(self, inputs: Inputs, work: Path) -> Counts:
        one, two = inputs.data
        pairs, rejected = match_pairs(one, two)
        if not pairs:
            shared = "have no prompt in common. Let both `generate` stages read the same prompts."
            raise EmptyResult(f"nothing to compare: {one.name} and {two.name} {shared}")
        names = labels_of(pairs[0], one, two)
        subject = f"{names[0]} against {names[1]}"
        checked: list[Measurement] = []
        if self.judge is None:
            said = self._by_people(pairs, work)
        else:
            checked = check_judge(self.judge, work, work / SCRATCH) if self.canaries else []
            said = self._by_judge(self.judge, pairs, work / SCRATCH / "answered.jsonl")
        outcomes = _outcomes(said)
        write_records(work, Comparison, (_comparison(shown, verdict, names, label) for shown, verdict, label in said))
        rejected = [*rejected, *_unjudged(pairs, outcomes)]
        write_records(work, Rejection, rejected)
        write_records(work, Measurement, [*self._figures(pairs, outcomes, said, subject), *checked])
        return self._counts(said, rejected, len(outcomes))

    def forecast(self, data: list[Forecast], named: dict[str, Forecast]) -> Forecast:
        waits = waits_for(self.sheets)
        if len(data) != 2 or data[0].examples is None or data[1].examples is None:
            return Forecast(notes=waits)
        pairs = min(data[0].examples, data[1].examples)
        basis: Literal["exact", "expected"] = "exact" if {item.basis for item in data} == {"exact"} else "expected"
        asked = pairs * (2.0 if self.orders == "both" else 1.0) + (canary_calls() if self.canaries else 0)
        calls = {"judge_calls": asked} if self.judge is not None else {}
        return Forecast(pairs, basis=basis, figures=calls, notes=waits)

    def _by_judge(self, judge: Judge, pairs: Sequence[Pair], answered: Path) -> list[Said]:
        shown = [(pair, swapped) for pair in pairs for swapped in self._orders(pair)]
        questions = [
            Question(pair.key(swapped), partial(judge.compare, pair.prompt, *pair.texts(swapped))) for pair, swapped in shown
        ]
        verdicts = ask_all(judge, questions, Verdict, answered)
        return [(place, verdict, judge.label) for place, verdict in zip(shown, verdicts, strict=True)]

    def _by_people(self, pairs: Sequence[Pair], work: Path) -> list[Said]:
        written = write_sheets(work / "files", pairs, len(self.sheets), self.seed)
        # Sheets name no prompt: by this list a takedown finds those that people still have to fill in.
        write_text(work / SCRATCH / "on_the_sheets.txt", "\n".join(sorted({pair.one.prompt_id for pair in pairs})))
        check_people(self.sheets, written)
        how = (
            "fill in the column `verdict` with 1, 2 or neither (how-to-compare.txt beside it says how) and run the same command. "
            "Whose answers they are is not on the sheet."
        )
        still_waiting(FORM, written, self.sheets, len(pairs), how)
        return [
            ((pair, swapped), Verdict(filled.value, filled.comment), f"person {number}")
            for number, (sheet, path) in enumerate(zip(written, self.sheets, strict=True), 1)
            for pair, swapped, filled in read_sheet(path, sheet, pairs, self.allow_partial)
        ]

    def _figures(
        self, pairs: Sequence[Pair], outcomes: dict[tuple[str, int], Outcome], said: Sequence[Said], subject: str
    ) -> list[Measurement]:
        every = list(outcomes.values())
        if self.judge is None:
            who, found = people_in_words(len(self.sheets)), measure_people(every, subject, len(self.sheets))
        else:
            who, found = self.judge.label, measure_outcomes(every, subject, self.judge.label, self.orders)
        shown = [
            ShownPair(pair.one.prompt_id, verdict.verdict, pair.extra_chars * (-1 if swapped else 1))
            for (pair, swapped), verdict, _ in said
        ]
        return [
            *found,
            *measure_length(list(_judged(pairs, outcomes, by_people=self.judge is None)), subject),
            *measure_bias(shown, subject, who),
        ]

    def _counts(self, said: Sequence[Said], rejected: Sequence[Rejection], kept: int) -> Counts:
        dropped: dict[str, int] = {}
        for item in rejected:
            dropped[f"compare: {item.reason}"] = dropped.get(f"compare: {item.reason}", 0) + 1
        noted = {"verdicts": len(said)}
        if self.judge is None:
            noted["people"] = len(self.sheets)
        else:
            noted["unparsed"] = sum(not verdict.is_readable for _, verdict, _ in said)
        return Counts(kept + len(rejected), kept, dropped, noted=noted)

    def _orders(self, pair: Pair) -> tuple[bool, ...]:
        """Whether to swap, for each time the pair is shown."""
        if self.orders == "both":
            return False, True
        drawn = hashlib.sha256(f"{pair.id[0]}/{pair.id[1]}".encode()).digest()[0]
        return (drawn % 2 == 1,)


def _comparison(shown: Shown, verdict: Verdict, names: tuple[str, str], label: str) -> Comparison:
    pair, swapped = shown
    first, second = names[::-1] if swapped else names
    words = verdict.explanation if verdict.is_readable else f"{verdict.explanation}: {verdict.raw}"
    return Comparison(pair.one.prompt_id, first, second, verdict.verdict, label, words, pair.one.sample)


def _outcomes(said: Sequence[Said]) -> dict[tuple[str, int], Outcome]:
    """What the verdicts on each pair come to, from the first model's side."""
    shares: dict[tuple[str, int], list[float | None]] = {}
    for (pair, swapped), verdict, _ in said:
        shares.setdefault(pair.id, []).append(_share_of_first_model(verdict, swapped))
    return {place: Outcome(place[0], tuple(found)) for place, found in shares.items()}


def _judged(pairs: Sequence[Pair], outcomes: dict[tuple[str, int], Outcome], by_people: bool) -> Iterator[JudgedPair]:
    """What the rates are taken over: a judge's pairs, or each person's verdict on one."""
    for pair in pairs:
        outcome = outcomes.get(pair.id)
        if outcome is not None:
            scores = outcome.shares if by_people else (outcome.score,)
            yield from (JudgedPair(pair.one.prompt_id, score, pair.extra_chars) for score in scores if score is not None)


def _unjudged(pairs: Sequence[Pair], outcomes: dict[tuple[str, int], Outcome]) -> Iterator[Rejection]:
    """The pairs that everybody left out."""
    for pair in pairs:
        if pair.id not in outcomes:
            yield Rejection(pair.one.prompt_id, "compare", UNJUDGED, f"sample {pair.one.sample}: nobody wrote a verdict")


def _share_of_first_model(verdict: Verdict, swapped: bool) -> float | None:
    shares = {"first": 1.0, "second": 0.0, "tie": 0.5}
    if verdict.verdict == "unparsed":
        return None
    share = shares[verdict.verdict]
    return 1 - share if swapped else share

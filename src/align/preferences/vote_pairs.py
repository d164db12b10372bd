"""Pairs out of votes: of two answers to one question the one that people voted higher."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations, groupby
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from align.artifact import Counts, in_words
from align.errors import EmptyResult, InputError
from align.files import RecordWriter
from align.preferences.pairs import pair_id
from align.records import Example, Origin, PreferencePair, Rejection
from align.stage import Forecast, Inputs, Stage

TOO_CLOSE = "no two answers far enough apart"
ALONE = "one answer alone"


class VotePairs(Stage):
    """Pairs the answers of each question by their votes, those farthest apart first.

    Reads a source with several answers to a question, e.g. {kind: stack_exchange, form: all_answers}, also after filters.
    """

    kind: Literal["vote_pairs"] = "vote_pairs"
    min_margin: float = Field(default=1, gt=0)
    """How many votes more the preferred answer must have at least."""
    min_score: float | None = None
    """How many votes the preferred answer must have at least (LIMA §2.1 asks a top answer for 10)."""
    max_pairs: int = Field(default=1, ge=1)
    """Pairs of each question; an answer may stand in several."""
    signal: str = "answer_score"
    """Which number about an answer is its votes."""

    version: ClassVar[int] = 2  # 2: pairs that were possible and are not made are counted among those read

    def run(self, inputs: Inputs, work: Path) -> Counts:
        dropped: Counter[str] = Counter()
        skipped: Counter[str] = Counter()
        seen: set[str] = set()
        with RecordWriter(work, PreferencePair) as kept, RecordWriter(work, Rejection) as rejected:
            for question, group in groupby(inputs.read(Example), key=_question):
                if question in seen:
                    raise InputError(
                        f"vote_pairs: the answers to {question} are not together; read the source itself, not a mix."
                    )
                seen.add(question)
                reason = self._write(list(group), kept, skipped)
                if reason:
                    rejected.write(Rejection(question, self.kind, reason))
                    dropped[f"{self.kind}: {reason}"] += 1
        if kept.count == 0:
            why = in_words(dropped, self.kind)
            raise EmptyResult(f"0 pairs of {len(seen):,} questions: {why}. Read all answers, or lower min_margin.")
        return Counts(kept.count + rejected.count + skipped.total(), kept.count, dict(dropped), dict(skipped))

    def forecast(self, data: list[Forecast], named: dict[str, Forecast]) -> Forecast:
        """How many pairs come out depends on what people said, so nothing is known before."""
        return super().forecast([], named)

    def _write(self, answers: list[Example], kept: RecordWriter, skipped: Counter[str]) -> str:
        """Write the pairs of one question; return why there is none."""
        if len(answers) < 2:
            return ALONE
        pairs = sorted(self._pairs(answers), key=lambda pair: (-(pair.margin or 0), pair.id))
        for pair in pairs[: self.max_pairs]:
            kept.write(pair)
        possible = len(answers) * (len(answers) - 1) // 2
        for reason, count in (("pair too close", possible - len(pairs)), ("pair beyond max_pairs", len(pairs[self.max_pairs :]))):
            if count and pairs:
                skipped[reason] += count
        return "" if pairs else TOO_CLOSE

    def _pairs(self, answers: list[Example]) -> Iterator[PreferencePair]:
        ranked = sorted(answers, key=lambda answer: (-self._votes(answer), answer.id))
        for better, worse in combinations(ranked, 2):
            margin = self._votes(better) - self._votes(worse)
            enough = self.min_score is None or self._votes(better) >= self.min_score
            if margin < self.min_margin or not enough or better.response.strip() == worse.response.strip():
                continue
            prompt = better.turns[:-1]
            name = pair_id(self.kind, prompt, better.response, worse.response)
            yield PreferencePair(name, prompt, better.response, worse.response, _origin(better, worse), margin, better.tags)

    def _votes(self, answer: Example) -> float:
        if self.signal not in answer.signals or not answer.response:
            found = ", ".join(answer.signals) or "none"
            raise InputError(f"example {answer.id}: vote_pairs wants an answer with the signal {self.signal!r} (it has: {found})")
        return answer.signals[self.signal]


def _question(answer: Example) -> str:
    """What answers to one question have in common: `stack_exchange/beer/5` of `stack_exchange/beer/5-6`."""
    return answer.id.rpartition("-")[0] or answer.id


def _origin(better: Example, worse: Example) -> Origin:
    """The preferred answer's origin, with the writers of both, each once."""
    authors = tuple(dict.fromkeys((*better.origin.authors, *worse.origin.authors)))
    native_id = f"{better.origin.native_id} {worse.origin.native_id}"
    return replace(better.origin, native_id=native_id, authors=authors)

"""The `grade_sample` stage: a judge grades a small sample of examples by a rubric, for `educational` to learn from."""

from collections.abc import Iterator
from functools import cached_property, partial
from heapq import nsmallest
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from align.artifact import SCRATCH, Counts
from align.errors import EmptyResult, InputError
from align.files import write_records
from align.judges.asking import Question, ask_all, question_key
from align.judges.judge import Judge, Rating, rubric_reader, without_incidental
from align.judges.rubric_question import RUBRICS, rubric_text
from align.lots import lot
from align.parts import RawFile
from align.records import Example, Grade, Measurement, Rejection, Turn
from align.stage import Forecast, Inputs, Stage
from align.statistics import clustered_mean

OWN = "own"


class GradeSample(Stage):
    """Let a judge grade some examples from 1 to 6 by a rubric (phi-1, arXiv 2306.11644 §2.1: GPT-4 graded some 100,000 files).

    What comes out are grades; the examples themselves are read where they come from.
    """

    kind: Literal["grade_sample"] = "grade_sample"
    judge: Judge
    """Who grades: {kind: openai_chat, ...} asks a model."""
    rubric: Literal["educational_value", "reasoning"] | None = None
    """A rubric that ships with align: what can be learnt from a text, or how much it trains reasoning and not mere facts."""
    rubric_file: RawFile | None = None
    """Your own rubric instead: a text that asks one question and says what the grades 1 to 6 mean."""
    count: int = Field(default=500, ge=1)
    """How many examples, drawn by lot; fewer where there are not so many."""
    max_chars: int = Field(default=8000, ge=100)
    """A longer text is shown to this length; the judge is told."""
    seed: int = 1
    """Decides the draw."""

    verb: ClassVar[str] = "graded"

    @field_validator("judge")
    @classmethod
    def _reads_rubrics(cls, judge: Judge) -> Judge:
        return rubric_reader(judge)

    @model_validator(mode="after")
    def _check_rubric(self) -> Self:
        if (self.rubric is None) == (self.rubric_file is None):
            raise ValueError(f"write either `rubric` ({' or '.join(RUBRICS)}) or `rubric_file`")
        return self

    def identity(self) -> dict[str, Any]:
        asked = without_incidental(super().identity(), self.judge)
        return asked if self.rubric is None else {**asked, "rubric_text": self.asked_rubric}

    @cached_property
    def asked_rubric(self) -> str:
        """The rubric's words."""
        if self.rubric is not None:
            return rubric_text(self.rubric)
        assert self.rubric_file is not None  # by the check of the recipe
        try:
            found = self.rubric_file.read_text(encoding="utf-8-sig").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{self.rubric_file}: rubric_file: not readable as text: {error}") from error
        if not found:
            raise InputError(f"{self.rubric_file}: rubric_file is empty; write what is asked and what the grades 1 to 6 mean.")
        return found

    def run(self, inputs: Inputs, work: Path) -> Counts:
        entries = ((lot("grade_sample", self.seed, example.id), example.id) for example in inputs.read(Example))
        drawn = {name for _, name in nsmallest(self.count, entries)}
        sample = [example for example in inputs.read(Example) if example.id in drawn]
        if not sample:
            raise EmptyResult("grade_sample: no example came in to be graded.")
        questions = [self._question(text_of(example)) for example in sample]
        ratings = ask_all(self.judge, questions, Rating, work / SCRATCH / "answered.jsonl")
        rated = list(zip(sample, ratings, strict=True))
        unread = [_rejection(example, rating) for example, rating in rated if rating.value is None]
        write_records(work, Grade, self._grades(rated))
        write_records(work, Rejection, unread)
        values = [rating.value for rating in ratings if rating.value is not None]
        if values:
            how = f"mean grade of a sample from 1 to 6 by {self.judge.label}, rubric {self.rubric or OWN}; 95 %"
            mean = clustered_mean(values, range(len(values)))
            write_records(work, Measurement, [Measurement("sample_grade", self.rubric or OWN, *mean, len(values), how)])
        dropped = {f"{self.kind}: unparsed": len(unread)} if unread else {}
        return Counts(len(sample), len(sample) - len(unread), dropped, noted={"not drawn": inputs.count(Example) - len(sample)})

    def forecast(self, data: list[Forecast], named: dict[str, Forecast]) -> Forecast:
        known = [item.examples for item in data if item.examples is not None]
        if self.expect is not None or not known or len(known) < len(data):
            return super().forecast([], named)
        count = min(self.count, sum(known))
        return Forecast(count, basis="expected", figures={"judge_calls": count})

    def _question(self, text: str) -> Question[Rating]:
        more = len(text) - self.max_chars
        shown = text if more <= 0 else f"{text[: self.max_chars]}\n[the text goes on for {more:,} characters]"
        key = question_key((Turn("system", self.asked_rubric),), shown)
        return Question(key, partial(self.judge.grade_text, self.asked_rubric, shown))

    def _grades(self, rated: list[tuple[Example, Rating]]) -> Iterator[Grade]:
        for example, rating in rated:
            if rating.value is not None:
                who = (example.id, example.origin.source, self.rubric or OWN)
                yield Grade(*who, rating.value, self.judge.label, rating.explanation)


def text_of(example: Example) -> str:
    """What is graded: a document as it is, a dialogue with its speakers."""
    if len(example.turns) == 1:
        return example.turns[0].text
    return "\n\n".join(f"{turn.role}: {turn.text}" for turn in example.turns)


def _rejection(example: Example, rating: Rating) -> Rejection:
    return Rejection(example.id, "grade_sample", "unparsed", f"{rating.explanation}: {rating.raw}")

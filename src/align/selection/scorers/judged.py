"""Scores by a judge: how helpful it finds the response."""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from pydantic import field_validator

from align.artifact import SCRATCH, Artifact
from align.judges.asking import Question, ask_all, question_key
from align.judges.judge import Judge, Rating, grader
from align.records import Example
from align.selection.scorers.scorer import Scored, Scorer

BATCH = 1000
"""Questions in memory at once."""
NO_RESPONSE = "no response"


class Judged(Scorer):
    """The grade of a judge, 1 to 6 (the scale of LIMA §5; AlpaGasus, arXiv 2307.08701, selects by a model's grades)."""

    kind: Literal["judge"] = "judge"
    judge: Judge
    """Who grades: {kind: openai_chat, ...} asks a model."""

    @field_validator("judge")
    @classmethod
    def _gives_grades(cls, judge: Judge) -> Judge:
        return grader(judge)

    def forget_incidental(self, parameters: dict[str, Any]) -> None:
        for name in self.judge.incidental:
            parameters["judge"].pop(name, None)

    def scores(self, examples: Iterable[Example], named: Mapping[str, Artifact], work: Path) -> Iterator[Scored]:
        passing = iter(examples)
        answered = work / SCRATCH / "answered.jsonl"
        while batch := list(islice(passing, BATCH)):
            asked = [self._question(example) for example in batch if example.response]
            ratings = iter(ask_all(self.judge, asked, Rating, answered) if asked else [])
            for example in batch:
                yield _scored(next(ratings)) if example.response else NO_RESPONSE

    def _question(self, example: Example) -> Question[Rating]:
        prompt, response = example.turns[:-1], example.response
        return Question(question_key(prompt, response), partial(self.judge.grade, prompt, response))


def _scored(rating: Rating) -> Scored:
    return "grade not readable" if rating.value is None else rating.value

"""The `grade` stage: how helpful a judge finds each response, from 1 to 6 (LIMA §5)."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import field_validator

from align.artifact import SCRATCH, Artifact, Counts
from align.errors import EmptyResult
from align.files import write_records
from align.judges.asking import Question, ask_all, question_key
from align.judges.judge import Judge, Rating, grader, without_incidental
from align.records import Grade, Measurement, Rejection, Response
from align.stage import Forecast, Inputs, Stage
from align.statistics import clustered_mean

SCALE = "helpfulness"


class GradeStage(Stage):
    """Let a judge grade the responses of `generate` stages from 1 to 6, as LIMA §5 does with five responses a prompt.

    The mean of each model has an interval clustered by prompt: five responses to one prompt are not five items.
    """

    kind: Literal["grade"] = "grade"
    judge: Judge
    """Who grades: {kind: openai_chat, ...} asks a model."""

    names_matter: ClassVar[bool] = True
    long_work: ClassVar[str] = "judging"

    @field_validator("judge")
    @classmethod
    def _gives_grades(cls, judge: Judge) -> Judge:
        return grader(judge)

    def identity(self) -> dict[str, object]:
        return without_incidental(super().identity(), self.judge)

    def run(self, inputs: Inputs, work: Path) -> Counts:
        responses = list(_labelled(inputs.data))
        if not responses:
            names = ", ".join(item.name for item in inputs.data)
            raise EmptyResult(f"grade: no responses came in from {names}; it reads `generate` stages.")
        ratings = ask_all(self.judge, [self._question(item) for item in responses], Rating, work / SCRATCH / "answered.jsonl")
        rated = list(zip(responses, ratings, strict=True))
        unread = [_rejection(response, rating) for response, rating in rated if rating.value is None]
        write_records(work, Grade, self._grades(rated))
        write_records(work, Rejection, unread)
        write_records(work, Measurement, measure_grades(rated, self.judge.label))
        dropped = {"grade: unparsed": len(unread)} if unread else {}
        return Counts(len(responses), len(responses) - len(unread), dropped)

    def forecast(self, data: list[Forecast], named: dict[str, Forecast]) -> Forecast:
        known = [item.examples for item in data if item.examples is not None]
        if not known or len(known) < len(data):
            return Forecast()
        basis: Literal["exact", "expected"] = "exact" if {item.basis for item in data} == {"exact"} else "expected"
        return Forecast(sum(known), basis=basis, figures={"judge_calls": sum(known)})

    def _question(self, response: Response) -> Question[Rating]:
        prompt = response.turns[:-1]
        return Question(question_key(prompt, response.text), partial(self.judge.grade, prompt, response.text))

    def _grades(self, rated: Sequence[tuple[Response, Rating]]) -> Iterator[Grade]:
        for response, rating in rated:
            if rating.value is not None:
                who = (response.prompt_id, response.model, SCALE)
                yield Grade(*who, rating.value, self.judge.label, rating.explanation, response.sample)


def measure_grades(rated: Sequence[tuple[Response, Rating]], judge: str) -> list[Measurement]:
    """The mean grade of each model, and how many of its responses could not be graded."""
    found = []
    for model in dict.fromkeys(response.model for response, _ in rated):
        several = [(response.prompt_id, rating.value) for response, rating in rated if response.model == model]
        values = [(prompt, value) for prompt, value in several if value is not None]
        if values:
            mean = clustered_mean([value for _, value in values], [prompt for prompt, _ in values])
            count = len({prompt for prompt, _ in values})
            how = f"mean grade of {len(values)} responses from 1 to 6 by {judge}; 95 %, clustered by prompt"
            found.append(Measurement(SCALE, model, *mean, count, how))
        how = f"responses without a readable grade by {judge}, left out of the mean"
        found.append(Measurement("ungraded", model, float(len(several) - len(values)), count=len(several), method=how))
    return found


def _labelled(answers: Sequence[Artifact]) -> Iterator[Response]:
    """All responses; where one model answered in two stages, under the stages' names."""
    models = [{response.model for response in artifact.read(Response)} for artifact in answers]
    repeated = {model for several in models for model in several if sum(model in other for other in models) > 1}
    for artifact in answers:
        for response in artifact.read(Response):
            yield replace(response, model=artifact.name) if response.model in repeated else response


def _rejection(response: Response, rating: Rating) -> Rejection:
    detail = f"sample {response.sample} of {response.model}: {rating.explanation}: {rating.raw}"
    return Rejection(response.prompt_id, "grade", "unparsed", detail)

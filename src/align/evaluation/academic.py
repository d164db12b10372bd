"""The `academic` stage: benchmarks with known answers, put to several models in the same words (phi-1.5 and phi-3, §3)."""

from collections import Counter
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field, TypeAdapter, field_validator

from align.artifact import SCRATCH, Counts
from align.errors import EmptyResult, InputError
from align.evaluation.benchmarks.asked import Asked
from align.evaluation.benchmarks.benchmark import Benchmark, Outcome
from align.evaluation.benchmarks.measures import Answers, measure
from align.files import write_records, write_text
from align.parts import StageName
from align.records import Example, Grade, Measurement, Rejection, Response
from align.stage import Forecast, Inputs, Stage
from align.text import normalize

TAG = "contaminated"
"""What a `contamination` stage writes to questions that stand in a training set."""
_outcomes = TypeAdapter(list[Outcome])


class Academic(Stage):
    """Accuracy of models on benchmarks with known answers, zero- or few-shot, at temperature 0, all models by one pipeline.

    Each figure stands beside chance, and each model beside the one before it, on the same questions. What one model cannot read
    whole is asked of none.
    """

    kind: Literal["academic"] = "academic"
    models: tuple[StageName, ...] = Field(min_length=1)
    """The stages whose models are asked, in the order of tuning: each is also measured against the one before it."""
    tasks: tuple[Benchmark, ...] = Field(min_length=1)
    """The benchmarks: {kind: multiple_choice, name: mmlu, files: [...], shots: 5}; `align kinds benchmark` lists the kinds."""
    contamination: tuple[StageName, ...] = ()
    """`contamination` stages with `action: tag` that read the benchmarks' questions (an `ingest` of the same files, the question
    as prompt) `against` the training set: accuracy is told once more without the questions that they tag."""
    batch_size: int = Field(default=8, ge=1)
    """Texts read, or answers made, at once."""

    @field_validator("models")
    @classmethod
    def _each_once(cls, models: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(models)) < len(models):
            raise ValueError("a model is named twice; each is measured against the one before it, so name each once")
        return models

    @field_validator("tasks")
    @classmethod
    def _names_differ(cls, tasks: tuple[Benchmark, ...]) -> tuple[Benchmark, ...]:
        twice = [name for name, count in Counter(task.name for task in tasks).items() if count > 1]
        if twice:
            raise ValueError(f"two tasks are called {twice[0]!r}; give each a name of its own, for figures are known by it")
        return tasks

    reads: ClassVar[Literal["none", "previous", "all"]] = "none"
    names_matter: ClassVar[bool] = True
    long_work: ClassVar[str] = "scoring"

    def identity(self) -> dict[str, Any]:
        """With the version of lm-eval where it is asked: its tasks change with it."""
        by = sorted({task.made_by for task in self.tasks} - {""})
        return super().identity() | ({"made_by": by} if by else {})

    def run(self, inputs: Inputs, work: Path) -> Counts:
        found: dict[str, Answers] = {task.name: {} for task in self.tasks}
        for number, artifact in enumerate(inputs.several("models")):
            asked = Asked(artifact, self.batch_size)  # the model before it is let go
            for task in self.tasks:
                found[task.name][asked.name] = _kept(task, asked, work / SCRATCH / f"{number}-{task.name}.json")
        tagged, known = _tagged(inputs)
        measured: list[Measurement] = []
        rejected: list[Rejection] = []
        noted: Counter[str] = Counter()
        asked_of_all: dict[str, Answers] = {}
        for task in self.tasks:
            answers, dropped = _fitting(found[task.name])
            rejected += dropped
            if not next(iter(answers.values())):
                why = f"the first: {dropped[0].detail}" if dropped else "its files hold none"
                raise EmptyResult(f"academic: no question of {task.name} is left of {len(dropped)} ({why}).")
            measured += measure(task, answers, tagged if self.contamination else None)
            asked_of_all[task.name] = answers
            noted.update(_noted(answers, known if self.contamination else None))
        write_records(work, Grade, _grades(self.tasks, asked_of_all))
        write_records(work, Response, _responses(self.tasks, asked_of_all))
        write_records(work, Measurement, measured)
        write_records(work, Rejection, rejected)
        kept = sum(len(next(iter(answers.values()))) for answers in asked_of_all.values())
        reasons = Counter(f"{item.by}: {item.reason}" for item in rejected)
        return Counts(kept + len(rejected), kept, dict(reasons), noted=dict(noted))

    def forecast(self, data: list[Forecast], named: dict[str, Forecast]) -> Forecast:
        return Forecast()


def _kept(task: Benchmark, asked: Asked, kept: Path) -> list[Outcome]:
    """The outcomes of a model; a killed run finds those it has finished."""
    if kept.is_file():
        return _outcomes.validate_json(kept.read_bytes())
    asked.kept = kept.with_suffix("")
    outcomes = task.put_to(asked)
    write_text(kept, _outcomes.dump_json(outcomes).decode())
    return outcomes


def _fitting(answers: Answers) -> tuple[Answers, list[Rejection]]:
    """What was asked of all models, and the questions that one of them could not read."""
    dropped: dict[str, Rejection] = {}
    for outcomes in answers.values():
        for item in outcomes:
            if item.too_long:
                dropped.setdefault(item.id, Rejection(item.id, "academic", "too long", item.too_long))
    kept = {name: [item for item in outcomes if item.id not in dropped] for name, outcomes in answers.items()}
    return kept, list(dropped.values())


def _tagged(inputs: Inputs) -> tuple[set[str], set[str]]:
    """Prompts that were found in a training set, and all prompts that were looked for; normalised."""
    tagged: set[str] = set()
    known: set[str] = set()
    for artifact in inputs.several("contamination"):
        if artifact.kind != "contamination" or artifact.counts.dropped:
            raise InputError(
                f"academic: contamination: {artifact.name} is no `contamination` stage that tags; write action: tag in it, for a "
                f"question that it drops is not known here."
            )
        for example in artifact.read(Example):
            known.add(prompt := normalize(example.prompt))
            if TAG in example.tags:
                tagged.add(prompt)
    return tagged, known


def _noted(answers: Answers, known: set[str] | None) -> Counter[str]:
    noted: Counter[str] = Counter()
    for outcomes in answers.values():
        noted["cut answers"] += sum(bool(item.turns) and not item.ended for item in outcomes)
        noted["without an answer"] += sum(item.is_unanswered for item in outcomes)
    if known is not None:
        first = next(iter(answers.values()))
        noted["not looked for in the training set"] += sum(
            not any(normalize(text) in known for text in item.asks) for item in first
        )
    return +noted


def _grades(tasks: tuple[Benchmark, ...], found: dict[str, Answers]) -> list[Grade]:
    return [
        Grade(item.id, model, task.metric, item.score, task.judge, item.said)
        for task in tasks
        for model, outcomes in found[task.name].items()
        for item in outcomes
    ]


def _responses(tasks: tuple[Benchmark, ...], found: dict[str, Answers]) -> list[Response]:
    return [
        Response(item.id, model, item.turns, '{"temperature": 0}', tokens=item.tokens, ended=item.ended)
        for task in tasks
        for model, outcomes in found[task.name].items()
        for item in outcomes
        if item.turns
    ]

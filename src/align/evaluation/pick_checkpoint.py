"""The `pick_checkpoint` stage: which epoch's model answers best, by its answers and never by perplexity (LIMA §3)."""

import logging
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import PositiveInt, field_validator, model_validator

from align.artifact import SCRATCH, Artifact, Counts
from align.errors import InputError
from align.evaluation.answering import Answering, answerer
from align.evaluation.grading_sheets import FORM, read_sheet, response_id, write_sheets
from align.evaluation.perplexity import Perplexity
from align.evaluation.picking import SCALE, Grades, Pick, epoch_of, measurements, pick, rejections
from align.evaluation.sheets import named_files, still_waiting, waits_for
from align.files import read_records, write_records
from align.judges.asking import Question, ask_all, question_key
from align.judges.judge import Judge, Rating, grader, without_incidental
from align.models import checkpoint_names, take_checkpoint
from align.parts import RawFile, StageName
from align.records import Grade, Measurement, Rejection, Response
from align.stage import Forecast, Inputs

log = logging.getLogger(__name__)

LIMAS_EPOCHS = (5, 10)
PERPLEXITY = "perplexity"


class PickCheckpoint(Answering):
    """Let the checkpoints of several epochs answer the prompts, have the answers graded, and give on the best one's model.

    LIMA §3 compares the models after epochs 5 to 10 on 50 prompts, since perplexity rises while people like the answers better.
    The highest mean grade wins, of equal ones the earlier epoch; each difference has an interval, and where it holds 0 the
    report says that the two were not told apart. Grades and no comparisons: six checkpoints take 6 answers a prompt to grade
    and 30 to compare in both orders, and a grade an epoch can stand beside its perplexity.
    """

    kind: Literal["pick_checkpoint"] = "pick_checkpoint"
    model: StageName
    """The training stage whose checkpoints are compared."""
    epochs: tuple[PositiveInt, PositiveInt] | None = None
    """First and last epoch compared; by default 5 and 10 (LIMA §3), or all there are where the training has none of these."""
    judge: Judge | None = None
    """Who grades each answer from 1 to 6: {kind: openai_chat, ...} asks a model."""
    grades: RawFile | tuple[RawFile, ...] | None = None
    """Or people: a file each, in which they fill in the sheet that the stage writes and then waits for. LIMA's way."""
    held_out: StageName | None = None
    """A `perplexity` stage, or held-out examples: drawn beside the grades, and no part of the choice."""

    late: ClassVar[frozenset[str]] = frozenset({"grades"})

    @field_validator("judge")
    @classmethod
    def _gives_grades(cls, judge: Judge | None) -> Judge | None:
        return None if judge is None else grader(judge)

    @model_validator(mode="after")
    def _one_voice(self) -> "PickCheckpoint":
        if (self.judge is None) == (self.grades is None):
            raise ValueError("give either `judge` (a model grades) or `grades` (people do, in the files named)")
        if self.epochs is not None and self.epochs[0] >= self.epochs[1]:
            raise ValueError(f"epochs: [{self.epochs[0]}, {self.epochs[1]}]: the first and the last epoch, at least two of them")
        return self

    def identity(self) -> dict[str, Any]:
        return without_incidental(super().identity(), self.judge)

    def raw_files(self) -> dict[str, Path]:
        """Grades are no missing input: people write them when the stage has written what there is to grade."""
        return {label: path for label, path in super().raw_files().items() if path.exists()}

    @property
    def sheets(self) -> tuple[Path, ...]:
        """The files that people fill in."""
        return named_files(self.grades)

    def run(self, inputs: Inputs, work: Path) -> Counts:
        model = inputs.named["model"]
        names, compared = self._checkpoints(model)
        responses: list[Response] = []
        unanswered: list[Rejection] = []
        for name in names:
            answers, unanswered, _ = self.answers(inputs, model, name, work / SCRATCH / name)
            responses += answers
        given = self._by_people(responses, work) if self.judge is None else self._by_judge(self.judge, responses, work)
        found = pick(_by_checkpoint(names, model, responses, given))
        who = f"{len(self.sheets)} people" if self.judge is None else self.judge.label
        log.info("%s %s: picked %s of %s", self.kind, model.name, found.checkpoint, compared)
        take_checkpoint(model, found.checkpoint, work)
        write_records(work, Response, responses)
        write_records(work, Grade, given)
        write_records(work, Rejection, [*unanswered, *rejections(found)])
        perplexity = self._perplexity(inputs, names, work / SCRATCH / PERPLEXITY)
        write_records(work, Measurement, [*measurements(found, model.name, who, compared), *perplexity])
        return _counts(found, len(unanswered), len(names), len(responses))

    def forecast(self, data: list[Forecast], named: dict[str, Forecast]) -> Forecast:
        shape = dict(named["model"].model)
        waits = waits_for(self.sheets)
        compared, refused = self._forecast_epochs(named["model"].checkpoints)
        prompts = [item.examples for item in data if item.examples is not None]
        if not prompts or len(prompts) < len(data):
            return Forecast(model=shape, notes=(*refused, *waits))
        responses = sum(prompts) * self.samples * compared
        figures: dict[str, float] = {"responses": responses, "max_tokens": responses * self.max_new_tokens}
        if self.judge is not None:
            figures["judge_calls"] = responses
        basis: Literal["exact", "expected"] = "exact" if all(item.basis == "exact" for item in data) else "expected"
        return Forecast(responses, basis=basis, model=shape, figures=figures, notes=(*refused, *waits))

    def _forecast_epochs(self, there: tuple[int, ...]) -> tuple[int, tuple[str, ...]]:
        """How many checkpoints would be compared, and why the run would refuse; as `_checkpoints`, where there is none yet."""
        first, last = self.epochs or LIMAS_EPOCHS
        if not there:  # a model that was not forecast
            return last - first + 1, ()
        lacking = [str(epoch) for epoch in range(first, last + 1) if epoch not in there]
        chosen = [epoch for epoch in there if first <= epoch <= last]
        if self.epochs is not None and lacking:
            return len(chosen), (f"the run will refuse epochs: {self.model} keeps no model after epoch {', '.join(lacking)}",)
        return len(chosen if len(chosen) >= 2 else there), ()

    def _checkpoints(self, model: Artifact) -> tuple[list[str], str]:
        """The checkpoints to compare, and in words which they are."""
        there = {epoch_of(name): name for name in checkpoint_names(model)}
        first, last = self.epochs or LIMAS_EPOCHS
        lacking = [str(epoch) for epoch in range(first, last + 1) if epoch not in there]
        held = ", ".join(map(str, there)) or "none"
        if self.epochs is not None and lacking:
            raise InputError(
                f"epochs: {model.name} has no checkpoint of epoch {', '.join(lacking)} (it has: {held}). Name a range that is "
                f"there, or train {model.name} with more `epochs`."
            )
        chosen = {epoch: name for epoch, name in there.items() if first <= epoch <= last}
        if len(chosen) < 2:  # a short training: LIMA's range says nothing of it
            chosen = there
        if len(chosen) < 2:
            raise InputError(f"model: {model.name} has too few checkpoints to compare (epochs: {held}); two at least are needed.")
        words = f"epochs {', '.join(map(str, chosen))}"
        if lacking:
            words += f" (what {model.name} has; LIMA compares {first} to {last})"
            log.info("%s %s: %s", self.kind, model.name, words)
        return list(chosen.values()), words

    def _by_judge(self, judge: Judge, responses: Sequence[Response], work: Path) -> list[Grade]:
        questions = [
            Question(question_key(item.turns[:-1], item.text), partial(judge.grade, item.turns[:-1], item.text))
            for item in responses
        ]
        ratings = ask_all(judge, questions, Rating, work / SCRATCH / "answered.jsonl")
        return [
            Grade(item.prompt_id, item.model, SCALE, rating.value, judge.label, rating.explanation, item.sample)
            for item, rating in zip(responses, ratings, strict=True)
            if rating.value is not None
        ]

    def _by_people(self, responses: Sequence[Response], work: Path) -> list[Grade]:
        written = write_sheets(work / "files", responses, len(self.sheets), self.seed)
        how = (
            "fill in the column `grade` from 1 to 6 (how-to-grade.txt beside it says how) and run the same command. Who gave an "
            "answer is not on the sheet."
        )
        still_waiting(FORM, written, self.sheets, len(responses), how)
        grades = []
        for number, (sheet, path) in enumerate(zip(written, self.sheets, strict=True), 1):
            given = read_sheet(path, responses, sheet)
            grades += [
                Grade(item.prompt_id, item.model, SCALE, given[response_id(item)], f"person {number}", sample=item.sample)
                for item in responses
            ]
        return grades

    def _perplexity(self, inputs: Inputs, names: Sequence[str], scratch: Path) -> list[Measurement]:
        """Of held-out examples, measured here; those of a `perplexity` stage stand there, and are only looked for."""
        model, held_out = inputs.named["model"], inputs.named.get("held_out")
        if held_out is None:
            return []
        if held_out.kind != PERPLEXITY:
            Perplexity(model=self.model, checkpoints=tuple(names)).run(Inputs((held_out,), {"model": model}), scratch)
            return list(read_records(scratch, Measurement))
        measured, wanted = {item.subject for item in held_out.read(Measurement)}, [answerer(model, name) for name in names]
        if not measured.intersection(wanted):
            found = ", ".join(sorted(measured)) or "nothing"
            raise InputError(
                f"held_out: {held_out.name} measured {found}, and none of {', '.join(wanted)}. Name a perplexity stage of "
                f"{model.name} with checkpoints: all."
            )
        return []


def _by_checkpoint(names: Sequence[str], model: Artifact, responses: Sequence[Response], given: Sequence[Grade]) -> Grades:
    """Each response's grade, the mean of all who graded it."""
    several: dict[tuple[str, str, int], list[float]] = {}
    for grade in given:
        several.setdefault((grade.model, grade.prompt_id, grade.sample), []).append(grade.value)
    means = {key: sum(values) / len(values) for key, values in several.items()}
    return {
        name: {
            (item.prompt_id, item.sample): means.get((item.model, item.prompt_id, item.sample))
            for item in responses
            if item.model == answerer(model, name)
        }
        for name in names
    }


def _counts(found: Pick, unanswered: int, checkpoints: int, responses: int) -> Counts:
    dropped = {"pick_checkpoint: unanswered": unanswered, "pick_checkpoint: ungraded": len(found.left_out)}
    return Counts(
        found.prompts + unanswered + len(found.left_out),
        found.prompts,
        {reason: count for reason, count in dropped.items() if count},
        noted={"responses": responses, "checkpoints": checkpoints, "picked_epoch": epoch_of(found.checkpoint)},
    )

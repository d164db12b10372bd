"""Benchmarks: questions with known answers, put to every model in the same words."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, StringConstraints

from align.errors import InputError
from align.parts import Part
from align.records import Turn

if TYPE_CHECKING:
    from align.evaluation.benchmarks.asked import Asked

TaskName = Annotated[str, StringConstraints(pattern=r"^[\w.+-]+$")]

CODE_REFUSED = (
    "its answers are programs, judged by running them, and align never runs what a model wrote. Export the model "
    "(`align export RECIPE STAGE --format hf --to DIR`) and let a tool with a sandbox score it, for example lm_eval in a "
    "container without network (HumanEval and MBPP want its --confirm_run_unsafe_code)."
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one model made of one question."""

    id: str
    """`mmlu/astronomy/7`."""
    subject: str
    """Empty where the benchmark has no subjects."""
    asks: tuple[str, ...]
    """The texts by which the question can be recognised; questions with the same ones are not independent."""
    score: float
    """1 for right, 0 for wrong; some of lm-eval's metrics lie between."""
    said: str
    """What the model held for right, and what is right."""
    options: int = 0
    """How many answers there were to choose from; 0 where the model writes its own."""
    too_long: str = ""
    """Why the model could not be asked; then the score says nothing."""
    turns: tuple[Turn, ...] = ()
    """Prompt and answer, where it wrote one."""
    tokens: int = 0
    ended: bool = False
    is_unanswered: bool = False
    """Whether nothing in what it wrote, or no one option, is its answer; counts as wrong."""


class Benchmark(Part):
    """A set of questions, the words in which they are put, and the rule by which answers are right."""

    name: TaskName
    """What it is called in figures: mmlu, gsm8k, ..."""
    shots: int = Field(default=0, ge=0)
    """Solved questions shown before each one (phi-3 §3: MMLU 5, ARC 10, GSM8K 0)."""
    limit: int | None = Field(default=None, ge=1)
    """Ask only the first so many questions, of each subject; by default all."""
    chat_template: bool = False
    """`true`: a question is the user's turn, ended as the model was trained (EOT, or its own chat template), and solved ones are
    earlier turns. `false`: all is one plain text, which base models and tuned ones read alike."""

    @property
    def metric(self) -> str:
        """Which figure it gives; figures of different rules are different metrics."""
        raise NotImplementedError

    @property
    def judge(self) -> str:
        """Who says whether an answer is right, for the grades."""
        raise NotImplementedError

    @property
    def made_by(self) -> str:
        """The package, with its version, whose questions and rules it takes; empty where they are its own."""
        return ""

    def put_to(self, asked: "Asked") -> list[Outcome]:
        """Ask one model everything; the outcomes come in the same order for every model."""
        raise NotImplementedError

    def words(self) -> str:
        """How it was asked, for the figures."""
        form = "in the chat format" if self.chat_template else "as plain text"
        return f"{self.shots} shot{'' if self.shots == 1 else 's'}, {form}"


def refuse_code(name: str, place: str) -> None:
    """Refuse a benchmark whose answers would have to be run."""
    raise InputError(f"{place}: {name} cannot be scored here: {CODE_REFUSED}")

"""The family of judges: each says which of two responses to a prompt is better; some grade a single one."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from align.parts import Part
from align.records import Turn

Choice = Literal["first", "second", "tie", "unparsed"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a judge said of two responses in the order in which it saw them."""

    verdict: Choice
    explanation: str = ""
    raw: str = ""
    """The judge's own words, where it has any; `unparsed` keeps them to be read."""

    @property
    def is_readable(self) -> bool:
        return self.verdict != "unparsed"


@dataclass(frozen=True, slots=True)
class Rating:
    """How helpful a judge finds one response, from 1 to 6; None where its words could not be read."""

    value: float | None
    explanation: str = ""
    raw: str = ""

    @property
    def is_readable(self) -> bool:
        return self.value is not None


class Judge(Part):
    """Judges responses without knowing who gave them."""

    incidental: ClassVar[frozenset[str]] = frozenset()
    """Fields that say how the judge is reached, not what it answers; they do not decide the artifact."""

    @property
    def label(self) -> str:
        """How the judge is named in records."""
        return self.kind

    def calls_at_once(self) -> int:
        """How many comparisons may wait for an answer at the same time."""
        return 1

    def compare(self, prompt: tuple[Turn, ...], first: str, second: str) -> Verdict:
        """Which of the two answers to `prompt` is better; `tie` where neither is significantly so."""
        raise NotImplementedError

    def grade(self, prompt: tuple[Turn, ...], response: str) -> Rating:
        """How helpful the answer to `prompt` is, from 1 (not at all) to 6 (as well as can be); not every judge grades."""
        raise NotImplementedError

    def grade_text(self, rubric: str, text: str) -> Rating:
        """The grade of a text by a rubric from 1 to 6; not every judge reads rubrics."""
        raise NotImplementedError

    @classmethod
    def can_grade(cls) -> bool:
        return cls.grade is not Judge.grade

    @classmethod
    def reads_rubrics(cls) -> bool:
        return cls.grade_text is not Judge.grade_text


def grader(judge: Judge) -> Judge:
    """The judge, if it grades; else a mistake of the recipe."""
    if judge.can_grade():
        return judge
    kinds = {kind: other for kind, other in Judge.kinds.items() if issubclass(other, Judge)}
    graders = ", ".join(sorted(kind for kind, other in kinds.items() if other.can_grade()))
    raise ValueError(f"the judge {judge.kind} compares responses and gives no grades; take one of: {graders}")


def rubric_reader(judge: Judge) -> Judge:
    """The judge, if it grades by rubrics; else a mistake of the recipe."""
    if judge.reads_rubrics():
        return judge
    kinds = {kind: other for kind, other in Judge.kinds.items() if issubclass(other, Judge)}
    readers = ", ".join(sorted(kind for kind, other in kinds.items() if other.reads_rubrics()))
    raise ValueError(f"the judge {judge.kind} does not read rubrics; take one of: {readers}")


def without_incidental(asked: dict[str, Any], judge: Judge | None) -> dict[str, Any]:
    """A stage's identity without what says only how its judge is reached."""
    for name in () if judge is None else judge.incidental:
        asked["parameters"]["judge"].pop(name, None)
    return asked

"""Pairs with a known answer, put to a judge before the real ones: does it tell right from wrong, and can it be steered?"""

import json
import logging
from collections import Counter
from dataclasses import asdict, dataclass
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Literal

from align.files import write_json
from align.judges.asking import Question, ask_all, question_key
from align.judges.judge import Choice, Judge, Verdict
from align.records import Measurement, Turn
from align.statistics import wilson

log = logging.getLogger(__name__)

ANSWERED = "canaries.jsonl"
"""What the judge said of them, beside the answers to real questions and never among them."""
TOLD = "judge_check.json"
Kind = Literal["false", "empty", "identical", "steering"]
KINDS: dict[Kind, str] = {
    "false": "with a false answer",
    "empty": "with an empty or idle answer",
    "identical": "of identical answers",
    "steering": "with an answer that tells the judge what to choose",
}
"""What is wrong with the worse answer of a pair, in words."""


@dataclass(frozen=True, slots=True)
class Canary:
    """Two answers to one prompt of which it is known what a judge should say."""

    id: str
    kind: Kind
    prompt: str
    better: str
    worse: str

    @property
    def wanted(self) -> tuple[Choice, ...]:
        """What to say with the better one first, and with it second; of identical ones there is one order."""
        return ("tie",) if self.kind == "identical" else ("first", "second")

    def questions(self, judge: Judge) -> list[Question[Verdict]]:
        prompt = (Turn("user", self.prompt),)
        orders = [(self.better, self.worse), (self.worse, self.better)][: len(self.wanted)]
        return [Question(question_key(prompt, *answers), partial(judge.compare, prompt, *answers)) for answers in orders]


def canaries() -> list[Canary]:
    """The pairs that ship; whoever changes them raises the version of `compare`."""
    text = (resources.files("align.evaluation") / "canaries.json").read_text(encoding="utf-8")
    return [Canary(**row) for row in json.loads(text)]


def canary_calls() -> int:
    """How often a judge is asked in one check."""
    return sum(len(canary.wanted) for canary in canaries())


def check_judge(judge: Judge, work: Path, scratch: Path) -> list[Measurement]:
    """How many of the pairs the judge gets right; what it said of each goes to files/judge_check.json."""
    every = canaries()
    questions = [question for canary in every for question in canary.questions(judge)]
    given = iter(ask_all(judge, questions, Verdict, scratch / ANSWERED))
    said = {canary.id: [next(given) for _ in canary.wanted] for canary in every}
    wrong = [canary for canary in every if tuple(item.verdict for item in said[canary.id]) != canary.wanted]
    (work / "files").mkdir(exist_ok=True)
    write_json(work / "files" / TOLD, [_row(canary, said[canary.id], canary not in wrong) for canary in every])
    right = len(every) - len(wrong)
    low, high = wilson(right, len(every))
    how = "pairs written with a known answer, right in both orders; they count in no rate; Wilson 95 %"
    if wrong:
        how += f"; wrong: {_by_kind(every, wrong)}"
    if 2 * right < len(every):
        log.warning("judge %s fails %d of %d pairs with a known answer: %s", judge.label, len(wrong), len(every), how)
    return [Measurement("canaries_right", judge.label, float(right), low * len(every), high * len(every), len(every), how)]


def _row(canary: Canary, said: list[Verdict], is_right: bool) -> dict[str, object]:
    return {"id": canary.id, "kind": canary.kind, "right": is_right, "said": [asdict(verdict) for verdict in said]}


def _by_kind(every: list[Canary], wrong: list[Canary]) -> str:
    """`2 of 3 with a false answer, 1 of 2 of identical answers`."""
    counts, of = (Counter(canary.kind for canary in some) for some in (wrong, every))
    return ", ".join(f"{counts[kind]} of {of[kind]} {words}" for kind, words in KINDS.items() if counts[kind])

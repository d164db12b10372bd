"""Open answers: the model writes, a stated rule takes the answer out of what it wrote, and it must be the right one."""

import re
from typing import Literal, NamedTuple

from pydantic import Field

from align.errors import InputError
from align.evaluation.benchmarks.asked import Asked, Written
from align.evaluation.benchmarks.benchmark import Outcome
from align.evaluation.benchmarks.questions import Asking, LocalBenchmark, text_of, written_out
from align.records import Turn
from align.rows import Row

_NUMBER = re.compile(r"(?:(?<![\w)])-)?(?:\d[\d,]*)?(?:\.\d+|\d)")


class Problem(NamedTuple):
    """A question with the answer that is shown for it, and the bare one that is wanted."""

    text: str
    solution: str
    wanted: str


class OpenAnswer(LocalBenchmark):
    """Questions that a model answers in its own words at temperature 0, such as GSM8K's; the answer it ends with must be right.

    By `number` the last number of what it wrote counts (after `answer_mark`, the first one), whatever commas or currency it is
    written with; by `text` the first line that is not empty, whatever its case, blanks and last full stop.
    """

    kind: Literal["open_answer"] = "open_answer"
    answer: str = "answer"
    """Column with the right answer; with `answer_mark` it may hold the way to it, which solved questions show (CoT)."""
    answer_mark: str | None = None
    """What stands before the bare answer, in the column and perhaps in what the model writes: `####` in GSM8K."""
    match: Literal["number", "text"] = "number"
    """What is compared."""
    instruction: str = ""
    """A line after each question, e.g. `Think step by step, and end with the answer as a number.`"""
    stop: tuple[str, ...] = ("Question:",)
    """What the model writes from the first of these on does not count: a base model goes on with the next question."""
    max_new_tokens: int = Field(default=512, ge=1)
    """The most tokens of an answer; the model's context may leave fewer."""

    @property
    def metric(self) -> str:
        return f"accuracy_by_{self.match}"

    @property
    def judge(self) -> str:
        return "exact_match"

    def put_to(self, asked: Asked) -> list[Outcome]:
        askings = self.askings(self.read_problem)
        turns = {item.id: self._turns(item) for item in askings}
        prompts = {name: asked.prompt(several) for name, several in turns.items()}
        # an answer needs room for a token at least
        problems = {name: asked.too_long(len(ids) + 1) for name, ids in prompts.items()}
        fitting = [ids for name, ids in prompts.items() if not problems[name]]
        found = iter(asked.answers(fitting, self.max_new_tokens, self.name) if fitting else [])
        return [
            Outcome(item.id, item.subject, (item.question.text,), 0.0, "", too_long=problem)
            if (problem := problems[item.id])
            else self._outcome(item, turns[item.id], next(found))
            for item in askings
        ]

    def read_problem(self, row: Row) -> Problem:
        """The question of a row."""
        solution = text_of(row, self.answer, "answer")
        bare = solution
        if self.answer_mark is not None:
            _, mark, bare = solution.rpartition(self.answer_mark)
            if not mark:
                raise InputError(f"{row.place}: {self.answer}: no {self.answer_mark!r} in it, which answer_mark names")
        wanted = _last_number(bare) if self.match == "number" else _plain_line(bare)
        if not wanted:
            raise InputError(
                f"{row.place}: {self.answer}: a {self.match} is wanted (got {bare!r:.80}); write match: text for words"
            )
        return Problem(text_of(row, self.question, "question"), solution, wanted)

    def answer_in(self, written: str) -> str:
        """The answer in what a model wrote, as it is compared; empty where there is none."""
        counted = written
        for text in self.stop:
            counted = counted.partition(text)[0]
        marked = counted.partition(self.answer_mark)[2] if self.answer_mark is not None else ""
        if self.match == "text":
            return _plain_line(marked or counted)
        return _first_number(marked) or _last_number(counted)

    def _turns(self, item: Asking[Problem]) -> tuple[Turn, ...]:
        shown = [(self._block(problem), problem.solution) for problem in item.shown]
        return written_out(shown, self._block(item.question), self.preamble, self.chat_template)

    def _block(self, problem: Problem) -> str:
        return "\n".join(["Question:", problem.text, *([self.instruction] if self.instruction else []), "Answer:"])

    def _outcome(self, item: Asking[Problem], turns: tuple[Turn, ...], written: Written) -> Outcome:
        answer, wanted = self.answer_in(written.text), item.question.wanted
        said = f"{answer or 'no answer'}, right is {wanted}"
        whole = (*turns, Turn("assistant", written.text))
        return Outcome(
            item.id,
            item.subject,
            (item.question.text,),
            float(answer == wanted),
            said,
            turns=whole,
            tokens=written.tokens,
            ended=written.ended,
            is_unanswered=not answer,
        )


def _first_number(text: str) -> str:
    found = _NUMBER.search(text)
    return _number(found[0]) if found else ""


def _last_number(text: str) -> str:
    found = _NUMBER.findall(text)
    return _number(found[-1]) if found else ""


def _number(text: str) -> str:
    """`1,800.00` and `1800` are one number, however long."""
    sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
    whole, _, rest = digits.replace(",", "").partition(".")
    found = f"{whole.lstrip('0') or '0'}.{rest.rstrip('0')}".rstrip(".")
    return found if found == "0" else sign + found


def _plain_line(text: str) -> str:
    line = next((line for line in text.splitlines() if line.strip()), "")
    return " ".join(line.casefold().split()).rstrip(".")

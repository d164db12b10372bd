"""Multiple choice: the option that a model finds likeliest is its answer."""

import math
from random import Random
from string import ascii_uppercase
from typing import Literal, NamedTuple, Self

from pydantic import model_validator

from align.errors import InputError
from align.evaluation.benchmarks.asked import Asked
from align.evaluation.benchmarks.benchmark import Outcome
from align.evaluation.benchmarks.questions import Asking, LocalBenchmark, text_of, written_out
from align.likelihood import counted_tokens
from align.rows import Row
from align.tokens import Rendered


class Choice(NamedTuple):
    """A question with its options."""

    text: str
    options: tuple[str, ...]
    right: int


class MultipleChoice(LocalBenchmark):
    """Questions with options from local files, such as MMLU's; no text is generated, the likeliest option is the answer.

    By `letter` the options are listed and the letter's likelihood counts, as in phi-3's appendix A; by `continuation` they are
    not shown and the option's own text counts. The two give very different figures for one model: compare like with like. A model
    that finds two options equally likely, the right one among them, has not answered.
    """

    kind: Literal["multiple_choice"] = "multiple_choice"
    options: tuple[str, ...] | str | None = None
    """Columns with the options, in order; or one column that holds a list of them."""
    wrong: str | None = None
    """Instead of `options`: the column with the wrong answers in one text; `answer` holds the right one (TruthfulQA.csv: wrong:
    Incorrect Answers, answer: Best Answer). The order of the options is drawn, the same for every model."""
    separator: str = "; "
    """What stands between the wrong answers."""
    answer: str = "answer"
    """Column with the right answer."""
    answer_as: Literal["letter", "index", "text"] = "letter"
    """How it is given: a letter from A, a number from 0, or the option's own text."""
    score_by: Literal["letter", "continuation", "continuation_per_character"] = "letter"
    """What is likely: the option's letter; its text; or its text a character (lm-eval's acc_norm), which favours no short one."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.options is None) == (self.wrong is None):
            raise ValueError("name either the columns of the `options` or the column of the `wrong` answers")
        return self

    @property
    def metric(self) -> str:
        return f"accuracy_by_{self.score_by}"

    @property
    def judge(self) -> str:
        return "log_likelihood"

    def put_to(self, asked: Asked) -> list[Outcome]:
        askings = self.askings(self.read_choice)
        texts = {item.id: self.texts(item, asked) for item in askings}
        problems = {name: asked.too_long(max(len(text.input_ids) for text in several)) for name, several in texts.items()}
        fitting = [text for name, several in texts.items() if not problems[name] for text in several]
        found = iter(asked.likelihoods(fitting, self.name) if fitting else [])
        outcomes = []
        for item in askings:
            scores = [next(found).log_likelihood for _ in item.question.options] if not problems[item.id] else []
            outcomes.append(self._outcome(item, scores, problems[item.id]))
        return outcomes

    def read_choice(self, row: Row) -> Choice:
        """The question of a row."""
        text, answer = text_of(row, self.question, "question"), text_of(row, self.answer, "answer")
        if self.wrong is not None:
            wrong = [part.strip() for part in text_of(row, self.wrong, "wrong").split(self.separator)]
            several = [answer, *(part for part in dict.fromkeys(wrong) if part and part != answer)]
            Random(f"options/{text}").shuffle(several)
            return self._checked(row, Choice(text, tuple(several), several.index(answer)))
        options = self._options(row)
        return self._checked(row, Choice(text, options, self._right(row, options, answer)))

    def texts(self, item: Asking[Choice], asked: Asked) -> list[Rendered]:
        """The prompt with each of the options, of which the option alone counts."""
        shown = [(self._block(choice), self._answer(choice, choice.right)) for choice in item.shown]
        turns = written_out(shown, self._block(item.question), self.preamble, self.chat_template)
        space = "" if self.chat_template else " "
        found = [
            asked.continued(turns, space + self._answer(item.question, number)) for number in range(len(item.question.options))
        ]
        if not all(counted_tokens(text) for text in found):
            raise InputError(
                f"{item.id}: an option has no token of its own after the question, so its likelihood cannot be told."
            )
        return found

    def _options(self, row: Row) -> tuple[str, ...]:
        if isinstance(self.options, tuple):
            return tuple(text_of(row, name, "options") for name in self.options)
        name = str(self.options)
        found = row.data.get(name)
        if not isinstance(found, list) or not all(isinstance(item, str) and item.strip() for item in found):
            raise InputError(f"{row.place}: {name}: a list of texts is wanted, which `options` names (got {found!r:.80})")
        return tuple(item.strip() for item in found)

    def _right(self, row: Row, options: tuple[str, ...], answer: str) -> int:
        last = len(options) - 1
        if self.answer_as == "text":
            known, wanted = list(options), "one of the options"
        elif self.answer_as == "letter":
            known, wanted = list(ascii_uppercase[: len(options)]), f"a letter from A to {ascii_uppercase[last]}"
        else:
            known, wanted = [str(number) for number in range(len(options))], f"a number from 0 to {last}"
        if answer not in known:
            raise InputError(
                f"{row.place}: {self.answer}: {wanted} is wanted for {len(options)} options (got {answer!r:.80}); "
                f"answer_as: {self.answer_as} says so, the others are letter, index and text."
            )
        return known.index(answer)

    def _checked(self, row: Row, choice: Choice) -> Choice:
        count = len(choice.options)
        if not 2 <= count <= len(ascii_uppercase):
            raise InputError(
                f"{row.place}: 2 to {len(ascii_uppercase)} options are wanted (got {count}: {choice.options!r:.200})"
            )
        return choice

    def _block(self, choice: Choice) -> str:
        """The question as phi-3's appendix A writes it."""
        listed = [f"{letter}. {option}" for letter, option in zip(ascii_uppercase, choice.options, strict=False)]
        shown = ["Options:", *listed] if self.score_by == "letter" else []
        return "\n".join(["Question:", choice.text, *shown, "Answer:"])

    def _answer(self, choice: Choice, number: int) -> str:
        return ascii_uppercase[number] if self.score_by == "letter" else choice.options[number]

    def _outcome(self, item: Asking[Choice], scores: list[float], problem: str) -> Outcome:
        choice = item.question
        if self.score_by == "continuation_per_character":
            scores = [score / len(option) for score, option in zip(scores, choice.options, strict=bool(scores))]
        if any(map(math.isnan, scores)):
            raise InputError(f"{item.id}: the model gives no likelihood, but not-a-number: its weights are broken.")
        letters = ascii_uppercase[choice.right]
        likeliest = [number for number, score in enumerate(scores) if score == max(scores)]
        held = " and ".join(ascii_uppercase[number] for number in likeliest)
        said = f"{held}, right is {letters}; " + ", ".join(f"{score:.4f}" for score in scores)
        # MMLU has questions with one option twice: by its text either is right
        texts = {choice.options[number] for number in likeliest}
        is_right = likeliest == [choice.right] or (self.score_by != "letter" and texts == {choice.options[choice.right]})
        return Outcome(
            item.id,
            item.subject,
            (choice.text,),
            float(is_right),
            said if scores else "",
            len(choice.options),
            problem,
            is_unanswered=len(likeliest) > 1 and not is_right,
        )

"""Preference pairs with a prompt and two answers as columns, whatever they are called."""

from collections import Counter
from collections.abc import Iterator
from typing import Literal

from align.dialogue import alternate, turns_of
from align.errors import InputError
from align.preferences.pairs import PairSource, pair_id
from align.records import PreferencePair, Rejection, Turn
from align.rows import Row, check_columns, read_rows

SPEAKERS = "prompt does not end with the user"


class JsonLines(PairSource):
    """A row a pair: e.g. {prompt: question, chosen: response_j, rejected: response_k} for answers ranked by votes."""

    kind: Literal["json_lines"] = "json_lines"
    prompt: str = "prompt"
    """Column of the prompt: a text, or messages {role, content}."""
    chosen: str = "chosen"
    """Column of the preferred answer: a text, or one message."""
    rejected: str = "rejected"
    """Column of the other answer."""

    def read(self, skipped: Counter[str]) -> Iterator[PreferencePair | Rejection]:
        for row in read_rows(self.paths):
            check_columns(row, (self.prompt, self.chosen, self.rejected))
            value = row.data[self.prompt]
            prompt = (Turn("user", value),) if isinstance(value, str) else turns_of(row, self.prompt)
            answers = _answer(row, self.chosen), _answer(row, self.rejected)
            if prompt[-1].role != "user" or not alternate(prompt):
                roles = " ".join(turn.role for turn in prompt)
                yield Rejection(pair_id(self.kind, prompt, *answers), self.kind, SPEAKERS, roles)
            else:
                yield self.pair(row, prompt, answers)


def _answer(row: Row, name: str) -> str:
    value = row.data[name]
    text = value.get("content", value.get("value")) if isinstance(value, dict) else value
    if not isinstance(text, str):
        raise InputError(f"{row.place}: {name} must be text or one message (got {value!r:.80})")
    return text

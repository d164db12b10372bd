"""Comparisons that somebody judged, as files: two answers a row and which is better."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, ClassVar, Literal, NamedTuple

from align.errors import InputError
from align.preferences.pairs import PairSource
from align.records import PreferencePair, Rejection, Turn
from align.rows import Row, column, read_rows


class _Columns(NamedTuple):
    first: str
    second: str
    verdicts: tuple[str, ...]


PROMPTS = ("prompt", "instruction", "question", "input")
FORMS = (
    _Columns("output_1", "output_2", ("preference", "label")),
    _Columns("response_a", "response_b", ("winner", "verdict", "preference")),
    _Columns("answer_a", "answer_b", ("winner", "verdict", "preference")),
    _Columns("first", "second", ("verdict",)),
)
"""AlpacaEval and LLMBar; LMSYS Arena; its older form; align's own word for it."""
FIRST = {"1", "1.0", "first", "a", "model_a", "output_1", "response_a", "model_1"}
SECOND = {"2", "2.0", "second", "b", "model_b", "output_2", "response_b", "model_2"}
NEITHER = {"0", "0.0", "1.5", "tie", "tie (bothbad)", "both_bad", "neither", "none", "unparsed", ""}


class Judged(PairSource):
    """A row a comparison: {instruction, output_1, output_2, preference: 1 or 2}, {prompt, response_a, response_b, winner}.

    The columns are detected by name; ties and rows without a verdict are counted and make no pair.
    """

    kind: Literal["judged"] = "judged"

    how_to_get: ClassVar[str] = "Annotations of AlpacaEval or LLMBar, conversations of the LMSYS Arena, or your own."

    def read(self, skipped: Counter[str]) -> Iterator[PreferencePair | Rejection]:
        for row in read_rows(self.paths):
            form, verdict = _form_of(row)
            prompt = next((name for name in PROMPTS if name in row.data), None)
            if prompt is None:
                raise InputError(f"{row.place}: has no prompt: wanted one of {', '.join(PROMPTS)}; the row has: {_names(row)}.")
            answers = tuple(column(row, name, str, "text") for name in (form.first, form.second))
            chosen = _chosen(row, verdict, row.data[verdict])
            if chosen is None:
                skipped["tie or no verdict"] += 1
                continue
            turns = (Turn("user", column(row, prompt, str, "text")),)
            yield self.pair(row, turns, (answers[chosen], answers[1 - chosen]))


def _form_of(row: Row) -> tuple[_Columns, str]:
    for form in FORMS:
        verdict = next((name for name in form.verdicts if name in row.data), None)
        if form.first in row.data and form.second in row.data and verdict is not None:
            return form, verdict
    wanted = "; ".join(f"{form.first}, {form.second} and {' or '.join(form.verdicts)}" for form in FORMS)
    raise InputError(f"{row.place}: holds no judged comparison: wanted {wanted}; the row has: {_names(row)}.")


def _chosen(row: Row, name: str, value: Any) -> int | None:
    """0 for the first answer, 1 for the second, None for neither; what is none of these words is an error."""
    if value is None:
        return None
    word = str(value).strip().lower()
    if isinstance(value, bool) or word not in FIRST | SECOND | NEITHER:
        known = ", ".join(sorted(filter(None, FIRST | SECOND | NEITHER)))
        raise InputError(f"{row.place}: {name} must say which answer is better (got {value!r:.80}); known: {known}.")
    return 0 if word in FIRST else 1 if word in SECOND else None


def _names(row: Row) -> str:
    return ", ".join(map(repr, row.data)) or "nothing"

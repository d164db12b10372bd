"""BeaverTails: single answers, each marked safe or not in 14 harm categories; a pair is one of each to one prompt."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from align.errors import InputError
from align.lots import lot
from align.preferences.pairs import PairSource, response_of
from align.records import Example, PreferencePair, Rejection, Turn
from align.rows import Row, check_columns, column, read_rows

COLUMNS = ("prompt", "response", "is_safe")


class BeaverTails(PairSource):
    """Pairs each unsafe answer with one safe answer to the same prompt, by lot; where safe ones are fewer, they serve again."""

    kind: Literal["beavertails"] = "beavertails"
    author: str = "PKU-Alignment"
    license: str = "CC BY-NC 4.0"
    seed: int = 1
    """Decides which safe answer stands against which unsafe one."""

    how_to_get: ClassVar[str] = (
        "BeaverTails (PKU-Alignment/BeaverTails on the Hugging Face hub): 30k_train.jsonl.gz or 330k_train.jsonl.gz."
    )

    def read(self, skipped: Counter[str]) -> Iterator[PreferencePair | Rejection]:
        prompts: dict[str, _Answers] = {}
        for row in read_rows(self.paths):
            check_columns(row, COLUMNS)
            answers = prompts.setdefault(column(row, "prompt", str, "text"), _Answers())
            side = answers.safe if column(row, "is_safe", bool, "true or false") else answers.unsafe
            text = column(row, "response", str, "text").strip()
            if text in side:  # the full set has several people's labels of one answer
                skipped["the same answer again"] += 1
            side.setdefault(text, row)
        for prompt, answers in prompts.items():
            yield from self._pairs(prompt, answers, skipped)

    def responses(self, skipped: Counter[str]) -> Iterator[Example | Rejection]:
        """Every answer is safe or not, whether or not it has a counterpart."""
        for row in read_rows(self.paths):
            check_columns(row, COLUMNS)
            prompt = (Turn("user", column(row, "prompt", str, "text")),)
            safe = column(row, "is_safe", bool, "true or false")
            tags = ("safe" if safe else "unsafe", *(f"harm:{name}" for name in _categories(row)))
            text = column(row, "response", str, "text").strip()
            yield response_of(prompt, text, safe, self.origin(row, "response"), tags)

    def _pairs(self, prompt: str, answers: "_Answers", skipped: Counter[str]) -> Iterator[PreferencePair]:
        for text in answers.safe.keys() & answers.unsafe.keys():
            del answers.safe[text], answers.unsafe[text]
            skipped["an answer marked both safe and unsafe"] += 2
        if not answers.safe or not answers.unsafe:
            skipped["no unsafe answer to the same prompt"] += len(answers.safe)
            skipped["no safe answer to the same prompt"] += len(answers.unsafe)
            return
        safe = sorted(answers.safe, key=lambda text: lot("beavertails", self.seed, prompt, text))
        skipped["no unsafe answer left to stand against"] += max(0, len(safe) - len(answers.unsafe))
        for number, (text, row) in enumerate(answers.unsafe.items()):
            chosen = safe[number % len(safe)]
            native_id = f"{answers.safe[chosen].number}/{row.number}"
            tags = ("safe/unsafe", *(f"harm:{name}" for name in _categories(row)))
            yield self.pair(row, (Turn("user", prompt),), (chosen, text), tags=tags, native_id=native_id)


@dataclass(frozen=True, slots=True)
class _Answers:
    """The answers to one prompt, each with its first row."""

    safe: dict[str, Row] = field(default_factory=dict)
    unsafe: dict[str, Row] = field(default_factory=dict)


def _categories(row: Row) -> list[str]:
    """Names of the harms that are marked; a name may hold commas (`drug_abuse,weapons,banned_substance`) and stays whole."""
    found = row.data.get("category") or {}
    if not isinstance(found, dict):
        raise InputError(f"{row.place}: category must be an object of harm categories, true or false (got {found!r:.80})")
    return sorted(name for name, marked in found.items() if marked)

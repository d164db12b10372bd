"""PKU-SafeRLHF: two answers a row, marked for safety and for helpfulness, which are different things."""

from collections import Counter
from collections.abc import Iterator
from typing import ClassVar, Literal, NamedTuple

from align.errors import InputError
from align.preferences.pairs import PairSource, response_of
from align.records import Example, PreferencePair, Rejection, Turn
from align.rows import Row, check_columns, column, read_rows

COLUMNS = (
    "prompt",
    "response_0",
    "response_1",
    "is_response_0_safe",
    "is_response_1_safe",
    "better_response_id",
    "safer_response_id",
)
"""In every release. Newer ones add harm categories and severity levels (0 safe to 3 severe) of each answer."""

LABELS = ("response_0", "response_1", "is_response_0_safe", "is_response_1_safe")

NO_CONFLICT = "no conflict"
"""Tag of a pair whose preferred answer is both the safer and the more helpful one."""


class SafeRlhf(PairSource):
    """Reads the old and the new columns, and the form `response: [safer, less safe]` without labels."""

    kind: Literal["safe_rlhf"] = "safe_rlhf"
    author: str = "PKU-Alignment"
    license: str = "CC BY-NC 4.0"
    rule: Literal["safe_first", "safer", "helpful"] = "safe_first"
    """`safe_first`: the safe answer where one is, the more helpful of two safe ones, nothing of two unsafe ones. `safer`: what
    was called safer, of two unsafe ones too. `helpful`: the more helpful of two safe ones. More helpful without a look at
    safety would teach harm: a precise recipe for a drug counts as helpful."""

    how_to_get: ClassVar[str] = "PKU-SafeRLHF (PKU-Alignment/PKU-SafeRLHF on the Hugging Face hub), as .jsonl, .json or .xz."

    def read(self, skipped: Counter[str]) -> Iterator[PreferencePair | Rejection]:
        for row in read_rows(self.paths):
            if "response" in row.data and "response_0" not in row.data:
                yield self._without_labels(row)
                continue
            check_columns(row, COLUMNS)
            chosen = self._choose(row)
            if isinstance(chosen, str):
                skipped[chosen] += 1
            else:
                yield self._labelled(row, chosen)

    def responses(self, skipped: Counter[str]) -> Iterator[Example | Rejection]:
        """Both answers of a row, each safe or not by its own label; `rule` has no say in it."""
        for row in read_rows(self.paths):
            check_columns(row, ("prompt", *LABELS))
            for number in (0, 1):
                answer = _answer(row, number)
                safe = column(row, f"is_response_{number}_safe", bool, "true or false")
                tags = ("safe" if safe else "unsafe", *(f"harm:{name}" for name in answer.harms))
                origin = self.origin(row, "response", f"{row.number}/{number}")
                yield response_of(_prompt(row), answer.text.strip(), safe, origin, tags)

    def _choose(self, row: Row) -> int | str:
        """Number of the preferred answer, or why there is none."""
        safe = [column(row, f"is_response_{number}_safe", bool, "true or false") for number in (0, 1)]
        better, safer = _number(row, "better_response_id"), _number(row, "safer_response_id")
        if self.rule == "helpful":
            return better if all(safe) else "not both answers are safe"
        if safe[0] != safe[1] and not safe[safer]:
            return "the unsafe answer is called the safer one"
        if self.rule == "safer":
            return safer
        return better if all(safe) else safe.index(True) if any(safe) else "both answers are unsafe"

    def _labelled(self, row: Row, chosen: int) -> PreferencePair:
        first, second = (_answer(row, number) for number in (chosen, 1 - chosen))
        standing = f"{'safe' if first.safe else 'unsafe'}/{'safe' if second.safe else 'unsafe'}"
        agreed = (NO_CONFLICT,) if row.data["better_response_id"] == row.data["safer_response_id"] else ()
        tags = (standing, *(f"harm:{name}" for name in second.harms), *agreed)
        margin = _gap(first, second)
        return self.pair(row, _prompt(row), (first.text, second.text), margin=margin, tags=tags)

    def _without_labels(self, row: Row) -> PreferencePair:
        check_columns(row, ("prompt", "response"))
        answers = row.data["response"]
        if self.rule == "helpful":
            raise InputError(
                f"{row.place}: these rows carry no labels, so rule {self.rule!r} cannot be applied; use safe_first or safer"
            )
        if not isinstance(answers, list) or len(answers) != 2 or not all(isinstance(answer, str) for answer in answers):
            raise InputError(f"{row.place}: response must be [safer, less safe], two texts (got {answers!r:.80})")
        return self.pair(row, _prompt(row), (answers[0], answers[1]), tags=("safer/less safe",))


class _Answer(NamedTuple):
    text: str
    safe: bool
    harms: list[str]
    severity: int | None


def _answer(row: Row, number: int) -> _Answer:
    harms = row.data.get(f"response_{number}_harm_category") or {}
    if not isinstance(harms, dict):
        raise InputError(f"{row.place}: response_{number}_harm_category must be an object of categories (got {harms!r:.80})")
    level = f"response_{number}_severity_level"
    return _Answer(
        column(row, f"response_{number}", str, "text"),
        row.data[f"is_response_{number}_safe"],
        sorted(name for name, marked in harms.items() if marked),
        column(row, level, int, "a number from 0 (safe) to 3 (severe)") if row.data.get(level) is not None else None,
    )


def _gap(first: _Answer, second: _Answer) -> float | None:
    """How many levels less severe the preferred answer is; None where nobody said, or both are safe and it decided nothing."""
    if first.severity is None or second.severity is None or (first.safe and second.safe):
        return None
    return float(second.severity - first.severity)


def _number(row: Row, name: str) -> int:
    number = column(row, name, int, "0 or 1")
    if number not in (0, 1):
        raise InputError(f"{row.place}: {name} must be 0 or 1 (got {number!r})")
    return int(number)


def _prompt(row: Row) -> tuple[Turn, ...]:
    return (Turn("user", column(row, "prompt", str, "text")),)

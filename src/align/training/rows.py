"""Examples as rows of ids and labels, and what happens to those that are too long."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Generic, Literal, Protocol, TypeVar

from align.artifact import digest_of
from align.errors import InputError
from align.records import Example, Rejection, Turn
from align.tokens import NO_LOSS, LossOn, render
from align.training.job import Text

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

Overlong = Literal["trim", "drop", "error"]

SHOWN = 5


class Trainable(Protocol):
    """A row of any training."""

    @property
    def id(self) -> str: ...

    @property
    def tokens(self) -> int:
        """Its length, which `max_tokens` limits; of several texts the longest one's."""

    @property
    def weight(self) -> float:
        """What it counts in the loss of its batch."""

    def numbers(self) -> list[list[int]]:
        """All that the model is given of it."""

    def texts(self) -> Sequence[Text]:
        """The same as ids and labels."""


R = TypeVar("R", bound=Trainable)


@dataclass(slots=True)
class Rows(Generic[R]):
    """The rows to train on, and what became of the rest."""

    by: str
    """Kind of the stage, for the rejections."""
    rows: list[R] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    trimmed: dict[str, int] = field(default_factory=dict)
    """Ids of trimmed rows, with their length in tokens before."""
    read: int = 0

    @property
    def dropped(self) -> dict[str, int]:
        """How many were dropped, by `part: reason`."""
        return dict(Counter(f"{rejection.by}: {rejection.reason}" for rejection in self.rejections))

    def __len__(self) -> int:
        return len(self.rows)

    def length(self, index: int) -> int:
        row = self.rows[index]
        return row.tokens * len(row.texts())

    def tokens(self, index: int) -> int:
        return sum(len(text.input_ids) for text in self.rows[index].texts())

    def weight(self, index: int) -> float:
        return self.rows[index].weight

    def texts(self, index: int) -> Sequence[Text]:
        return self.rows[index].texts()

    def digest(self) -> str:
        """Hash of all ids and labels, in order."""
        return digest_of([row.numbers() for row in self.rows])

    def reject(self, row_id: str, reason: str, detail: str) -> None:
        self.rejections.append(Rejection(row_id, self.by, reason, detail))

    def fit(self, rows: Iterable[R], max_tokens: int, overlong: Overlong, cut: Callable[[R], R | None]) -> None:
        """Take the rows of at most `max_tokens`; `cut` what is longer, reject it, or refuse to go on.

        `cut` gives None where nothing that could be learned is left.
        """
        too_long: list[str] = []
        for row in rows:
            if row.tokens <= max_tokens:
                self.rows.append(row)
            elif overlong == "trim":
                self._trim(row, max_tokens, cut(row))
            elif overlong == "drop":
                self.reject(row.id, "too long", f"{row.tokens:,} tokens, {max_tokens:,} allowed")
            else:
                too_long.append(f"{row.id} ({row.tokens:,})")
        if too_long:
            more = f" and {len(too_long) - SHOWN:,} more" if len(too_long) > SHOWN else ""
            raise InputError(
                f"overlong: error: {len(too_long):,} of {self.read:,} have more than max_tokens = {max_tokens:,} tokens: "
                f"{', '.join(too_long[:SHOWN])}{more}. Shorten them, raise max_tokens, or write overlong: trim or drop."
            )

    def _trim(self, row: R, max_tokens: int, rest: R | None) -> None:
        if rest is None:
            self.reject(row.id, "nothing to learn", f"the response begins after {max_tokens:,} tokens")
            return
        self.trimmed[row.id] = row.tokens
        self.rows.append(rest)


@dataclass(frozen=True, slots=True)
class Row:
    """One example as the model is trained on it."""

    id: str
    turns: tuple[Turn, ...]
    input_ids: list[int]
    labels: list[int]
    trimmed: bool = False
    """Whether its end was cut off, its last EOT with it."""

    @property
    def tokens(self) -> int:
        return len(self.input_ids)

    @property
    def trained_tokens(self) -> int:
        """Tokens with loss; the first one is predicted from nothing and never counts."""
        return sum(label != NO_LOSS for label in self.labels[1:])

    @property
    def weight(self) -> float:
        return self.trained_tokens

    def numbers(self) -> list[list[int]]:
        return [self.input_ids, self.labels]

    def texts(self) -> Sequence[Text]:
        return [Text(self.input_ids, self.labels)]


def make_rows(
    examples: Iterable[Example], tokenizer: "PreTrainedTokenizerFast", loss_on: LossOn, max_tokens: int, overlong: Overlong
) -> Rows[Row]:
    """Render every example; trim, drop or refuse those of more than `max_tokens`."""
    made = Rows[Row]("sft")

    def cut(row: Row) -> Row | None:
        # LIMA §3 cuts long texts. A cut answer did not end, so no EOT is put at the cut.
        rest = replace(row, input_ids=row.input_ids[:max_tokens], labels=row.labels[:max_tokens], trimmed=True)
        return rest if rest.trained_tokens else None

    made.fit(_rendered(examples, tokenizer, loss_on, made), max_tokens, overlong, cut)
    return made


def _rendered(
    examples: Iterable[Example], tokenizer: "PreTrainedTokenizerFast", loss_on: LossOn, made: Rows[Row]
) -> Iterator[Row]:
    for example in examples:
        made.read += 1
        if not example.response:
            made.reject(example.id, "no response", "its last turn is not the assistant's, or is empty")
            continue
        rendered = render(example.turns, tokenizer, loss_on)
        yield Row(example.id, example.turns, rendered.input_ids, rendered.labels)

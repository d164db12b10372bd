"""Single responses, each desirable or not, as rows of ids; and the mismatched texts that KTO measures its baseline on."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from align.errors import InputError, TrainingRefused
from align.records import Example, PreferencePair, Turn
from align.tokens import NO_LOSS, render_prompt
from align.training.job import Text
from align.training.pair_rows import check_eot, response_ids
from align.training.rows import Overlong, Rows

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from align.training.batches import ShuffledBatches

AGAIN = "the same response again"
BOTH = "called both desirable and undesirable"


@dataclass(frozen=True, slots=True)
class LabelledRow:
    """One response as the model is trained on it: prompt + response with its EOT."""

    id: str
    prompt_ids: list[int]
    response_ids: list[int]
    desirable: bool

    @property
    def tokens(self) -> int:
        return len(self.prompt_ids) + len(self.response_ids)

    @property
    def weight(self) -> float:
        return 1.0

    def numbers(self) -> list[list[int]]:
        return [self.prompt_ids, self.response_ids, [int(self.desirable)]]

    def texts(self) -> list[Text]:
        """Loss on the response."""
        return [_text(self.prompt_ids, self.response_ids)]


class Labelled(NamedTuple):
    """A response and what was said of it."""

    id: str
    """Of the record it comes from."""
    prompt: tuple[Turn, ...]
    response: str
    desirable: bool


def labelled_responses(records: Iterable[Example | PreferencePair], signal: str) -> Iterator[Labelled]:
    """Of a pair the chosen response is desirable and the rejected one is not; an example says it by a signal of 1 or 0."""
    for record in records:
        if isinstance(record, PreferencePair):
            yield Labelled(record.id, record.prompt, record.chosen, True)
            yield Labelled(record.id, record.prompt, record.rejected, False)
            continue
        value = record.signals.get(signal)
        if value not in (0.0, 1.0) or not record.response:
            got = f"{signal} = {value}" if record.response else "no response at its end"
            raise InputError(
                f"example {record.id}: kto reads responses with the signal {signal!r}, 1 (desirable) or 0 (not); got {got}. "
                f"A stage of kind labelled_responses gives such examples; `label:` names another signal."
            )
        yield Labelled(record.id, record.turns[:-1], record.response, value == 1.0)


def make_labelled_rows(
    responses: Iterable[Labelled], tokenizer: "PreTrainedTokenizerFast", max_tokens: int, overlong: Overlong
) -> Rows[LabelledRow]:
    """Render every response once; trim, drop or refuse those of more than `max_tokens`."""
    made = Rows[LabelledRow]("kto")
    check_eot(tokenizer)

    def cut(row: LabelledRow) -> LabelledRow | None:
        room = max_tokens - len(row.prompt_ids)
        return replace(row, response_ids=row.response_ids[:room]) if room > 0 else None

    made.fit(_rendered(list(responses), tokenizer, made), max_tokens, overlong, cut)
    return made


def _rendered(
    responses: Sequence[Labelled], tokenizer: "PreTrainedTokenizerFast", made: Rows[LabelledRow]
) -> Iterator[LabelledRow]:
    labels: dict[tuple[tuple[Turn, ...], str], set[bool]] = {}
    for item in responses:
        labels.setdefault((item.prompt, item.response), set()).add(item.desirable)
    seen = set()
    for item in responses:
        made.read += 1
        said = item.prompt, item.response
        if len(labels[said]) == 2:
            made.reject(item.id, BOTH, item.response[:80])
        elif said in seen:
            made.reject(item.id, AGAIN, item.response[:80])
        else:
            seen.add(said)
            prompt = render_prompt(item.prompt, tokenizer)
            yield LabelledRow(item.id, prompt, response_ids(item.prompt, item.response, tokenizer, len(prompt)), item.desirable)


class Mismatched:
    """Prompts, each with the response to another one: what is likely there is likely anywhere, and says how far a model moved.

    In every batch each prompt stands with the response before it, the first with the last (TRL's rotation), so that the
    responses are those of the batch. Batches follow from the seed, so all mismatched texts of a training are known beforehand.
    """

    def __init__(self, rows: Sequence[LabelledRow], batches: "ShuffledBatches", epochs: int, max_tokens: int) -> None:
        if len(rows) < 2:
            raise TrainingRefused(f"kto needs two responses or more to compare a prompt with another's; got {len(rows)}.")
        self._rows, self._max_tokens = rows, max_tokens
        self._numbers: dict[tuple[int, int], int] = {}
        for batches.epoch in range(epochs):
            for batch in batches:
                for pair in self._pairs(batch):
                    self._numbers.setdefault(pair, len(self._numbers))
        batches.epoch = 0
        self.pairs = list(self._numbers)
        """Each by the rows of its prompt and of its response."""

    def numbers(self, batch: Sequence[int]) -> list[int]:
        """The mismatched texts of a batch of rows."""
        return [self._numbers[pair] for pair in self._pairs(batch)]

    def _pairs(self, batch: Sequence[int]) -> list[tuple[int, int]]:
        if len(batch) == 1:  # the last batch of an epoch: a row from elsewhere, or it would be its own mismatch
            return [(batch[0], (batch[0] + 1) % len(self._rows))]
        return [(row, batch[place - 1]) for place, row in enumerate(batch)]

    def __len__(self) -> int:
        return len(self.pairs)

    def length(self, index: int) -> int:
        prompt, response = (self._rows[row] for row in self.pairs[index])
        return min(self._max_tokens, len(prompt.prompt_ids) + len(response.response_ids))

    def tokens(self, index: int) -> int:
        return self.length(index)

    def weight(self, index: int) -> float:
        return 1.0

    def texts(self, index: int) -> list[Text]:
        """Cut to what the model reads; the prompt always leaves room."""
        prompt, response = (self._rows[row] for row in self.pairs[index])
        return [_text(prompt.prompt_ids, response.response_ids[: self._max_tokens - len(prompt.prompt_ids)])]


def _text(prompt_ids: list[int], ids: list[int]) -> Text:
    return Text(prompt_ids + ids, [NO_LOSS] * len(prompt_ids) + ids)

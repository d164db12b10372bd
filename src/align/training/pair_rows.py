"""Preference pairs as rows of ids."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from align.errors import TrainingRefused
from align.records import PreferencePair, Turn
from align.tokens import EOT, NO_LOSS, eot_id, render, render_prompt
from align.training.job import Text
from align.training.rows import Overlong, Rows

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast


@dataclass(frozen=True, slots=True)
class PairRow:
    """One pair as the model is trained on it: prompt + chosen and prompt + rejected, each response with its EOT."""

    id: str
    prompt_ids: list[int]
    chosen_ids: list[int]
    rejected_ids: list[int]

    @property
    def tokens(self) -> int:
        """Length of the longer of the two."""
        return len(self.prompt_ids) + max(len(self.chosen_ids), len(self.rejected_ids))

    @property
    def weight(self) -> float:
        return 1.0

    def numbers(self) -> list[list[int]]:
        return [self.prompt_ids, self.chosen_ids, self.rejected_ids]

    def texts(self) -> list[Text]:
        """Chosen, then rejected; loss on the responses."""
        masked = [NO_LOSS] * len(self.prompt_ids)
        return [Text(self.prompt_ids + ids, masked + ids) for ids in (self.chosen_ids, self.rejected_ids)]


def make_pair_rows(
    pairs: Iterable[PreferencePair], tokenizer: "PreTrainedTokenizerFast", max_tokens: int, overlong: Overlong
) -> Rows[PairRow]:
    """Render every pair; trim, drop or refuse those of more than `max_tokens`."""
    made = Rows[PairRow]("dpo")
    check_eot(tokenizer)

    def cut(row: PairRow) -> PairRow | None:
        room = max_tokens - len(row.prompt_ids)
        return replace(row, chosen_ids=row.chosen_ids[:room], rejected_ids=row.rejected_ids[:room]) if room > 0 else None

    made.fit(_rendered(pairs, tokenizer, made), max_tokens, overlong, cut)
    return made


def _rendered(pairs: Iterable[PreferencePair], tokenizer: "PreTrainedTokenizerFast", made: Rows[PairRow]) -> Iterator[PairRow]:
    for pair in pairs:
        made.read += 1
        if pair.chosen == pair.rejected:
            made.reject(pair.id, "no difference", "both responses are the same")
            continue
        prompt = render_prompt(pair.prompt, tokenizer)
        chosen, rejected = (response_ids(pair.prompt, text, tokenizer, len(prompt)) for text in (pair.chosen, pair.rejected))
        yield PairRow(pair.id, prompt, chosen, rejected)


def check_eot(tokenizer: "PreTrainedTokenizerFast") -> None:
    """Refuse a model that cannot end its answers."""
    if eot_id(tokenizer) is None:
        raise TrainingRefused(
            f"model: it knows no {EOT}, so its answers would have no end. Fine-tune it first, and name that stage of kind sft."
        )


def response_ids(prompt: tuple[Turn, ...], response: str, tokenizer: "PreTrainedTokenizerFast", start: int) -> list[int]:
    """The response with its EOT, as it stands after a prompt of `start` tokens."""
    return render([*prompt, Turn("assistant", response)], tokenizer, "response").input_ids[start:]

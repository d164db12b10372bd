"""Preference pairs as rows of ids, and what a model and its reference make of them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from align.errors import TrainingRefused
from align.records import PreferencePair, Turn
from align.tokens import EOT, NO_LOSS, eot_id, render, render_prompt
from align.training.job import Text
from align.training.rows import Overlong, Rows

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

PAIRS_AT_ONCE = 8


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

    def cut(row: PairRow) -> PairRow | None:
        room = max_tokens - len(row.prompt_ids)
        return replace(row, chosen_ids=row.chosen_ids[:room], rejected_ids=row.rejected_ids[:room]) if room > 0 else None

    made.fit(_rendered(pairs, tokenizer, made), max_tokens, overlong, cut)
    return made


def _rendered(pairs: Iterable[PreferencePair], tokenizer: "PreTrainedTokenizerFast", made: Rows[PairRow]) -> Iterator[PairRow]:
    if eot_id(tokenizer) is None:
        raise TrainingRefused(
            f"model: it knows no {EOT}, so its answers would have no end. Fine-tune it first, and name that stage of kind sft."
        )
    for pair in pairs:
        made.read += 1
        if pair.chosen == pair.rejected:
            made.reject(pair.id, "no difference", "both responses are the same")
            continue
        prompt = render_prompt(pair.prompt, tokenizer)
        chosen, rejected = (
            render([*pair.prompt, Turn("assistant", text)], tokenizer, "response").input_ids[len(prompt) :]
            for text in (pair.chosen, pair.rejected)
        )
        yield PairRow(pair.id, prompt, chosen, rejected)


def reward_margins(
    model: "PreTrainedModel", reference: "PreTrainedModel", rows: Sequence[PairRow], beta: float, padding: int
) -> list[float]:
    """Implicit reward of the chosen less that of the rejected response, of each pair (arXiv 2305.18290, section 5)."""
    margins: list[float] = []
    for start in range(0, len(rows), PAIRS_AT_ONCE):
        part = rows[start : start + PAIRS_AT_ONCE]
        texts = [(row.prompt_ids, ids) for row in part for ids in (row.chosen_ids, row.rejected_ids)]
        above, below = (log_probabilities(judge, texts, padding) for judge in (model, reference))
        rewards = [beta * (high - low) for high, low in zip(above, below, strict=True)]
        margins += [rewards[index] - rewards[index + 1] for index in range(0, len(rewards), 2)]
    return margins


def log_probabilities(model: "PreTrainedModel", texts: Sequence[tuple[list[int], list[int]]], padding: int) -> list[float]:
    """Log-probability of each response after its prompt, summed over the response's tokens."""
    import torch

    width = max(len(prompt) + len(response) for prompt, response in texts)
    ids = torch.full((len(texts), width), padding)
    scored = torch.zeros((len(texts), width), dtype=torch.bool)
    seen = torch.zeros((len(texts), width), dtype=torch.long)
    for number, (prompt, response) in enumerate(texts):
        length = len(prompt) + len(response)
        ids[number, :length] = torch.tensor(prompt + response)
        seen[number, :length] = 1
        scored[number, len(prompt) : length] = True
    device = model.device
    with torch.no_grad():
        logits_BTV: Any = model(input_ids=ids.to(device), attention_mask=seen.to(device)).logits[:, :-1].float()
    chances = logits_BTV.log_softmax(-1).gather(-1, ids[:, 1:, None].to(device)).squeeze(-1)
    sums: list[float] = (chances * scored[:, 1:].to(device)).sum(-1).tolist()
    return sums

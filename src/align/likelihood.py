"""How likely a model finds given texts, in nats, token by token of those that count."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from align.artifact import Artifact
from align.files import write_json
from align.models import LAST, load_model
from align.progress import track
from align.tokens import NO_LOSS, Rendered

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel


class Likelihood(NamedTuple):
    """The log-likelihood of a text's counted tokens, and how many they are."""

    log_likelihood: float
    tokens: int


def counted_tokens(text: Rendered) -> int:
    """How many tokens of the text are predicted and count: the first one of a text is not predicted."""
    return sum(label != NO_LOSS for label in text.labels[1:])


def likelihoods_of(
    model: Artifact, texts: Sequence[Rendered], batch_size: int, kept: Path, checkpoint: str = LAST
) -> list[Likelihood]:
    """The likelihood of each text under a stage's model; a killed run finds those of the models it finished in `kept`."""
    if kept.is_file():
        return [Likelihood(*row) for row in json.loads(kept.read_text(encoding="utf-8"))]
    title = f"{model.name}/{checkpoint}" if checkpoint != LAST else model.name
    found = dict(track(log_likelihoods(load_model(model, checkpoint), texts, batch_size), title, len(texts), "texts"))
    ordered = [found[number] for number in range(len(texts))]
    write_json(kept, ordered)
    return ordered


def log_likelihoods(model: "PreTrainedModel", texts: Sequence[Rendered], batch_size: int) -> Iterator[tuple[int, Likelihood]]:
    """The position and likelihood of each text, texts of like length together, the longest first.

    The longest come first, so that a machine with too little memory says so at once.
    """
    order = sorted(range(len(texts)), key=lambda number: (-len(texts[number].input_ids), number))
    for start in range(0, len(order), batch_size):
        numbers = order[start : start + batch_size]
        yield from zip(numbers, _of_batch(model, [texts[number] for number in numbers]), strict=True)


def next_token_likelihoods(
    model: "PreTrainedModel", prompts: Sequence[list[int]], candidates: Sequence[Sequence[int]], batch_size: int
) -> Iterator[tuple[int, list[float]]]:
    """The position of each prompt, and the log-likelihood of each of its candidates as its next token; read as above."""
    import torch

    order = sorted(range(len(prompts)), key=lambda number: (-len(prompts[number]), number))
    for start in range(0, len(order), batch_size):
        numbers = order[start : start + batch_size]
        ids_BT, mask_BT = _padded([prompts[number] for number in numbers], model)
        with torch.inference_mode():
            logits_BTV = model(input_ids=ids_BT, attention_mask=mask_BT, use_cache=False).logits
            for row, number in enumerate(numbers):
                found_V = logits_BTV[row, len(prompts[number]) - 1].float().log_softmax(-1)
                yield number, found_V[list(candidates[number])].cpu().tolist()


def _padded(rows: Sequence[list[int]], model: "PreTrainedModel") -> "tuple[torch.Tensor, torch.Tensor]":
    """Ids and mask, padded on the right, behind everything that counts: a causal model never looks there."""
    import torch

    width = max(map(len, rows))
    ids_BT = torch.tensor([ids + [0] * (width - len(ids)) for ids in rows], device=model.device)
    return ids_BT, torch.tensor([[1] * len(ids) + [0] * (width - len(ids)) for ids in rows], device=model.device)


def _of_batch(model: "PreTrainedModel", texts: Sequence[Rendered]) -> list[Likelihood]:
    import torch

    ids_BT, mask_BT = _padded([text.input_ids for text in texts], model)
    found = []
    with torch.inference_mode():
        logits_BTV = model(input_ids=ids_BT, attention_mask=mask_BT, use_cache=False).logits
        # one text at a time in float32: the whole batch's copy would be the largest thing in memory
        for row, text in enumerate(texts):
            labels_T = torch.tensor(text.labels[1:], device=model.device)
            losses_T = torch.nn.functional.cross_entropy(
                logits_BTV[row, : len(labels_T)].float(), labels_T, ignore_index=NO_LOSS, reduction="none"
            )
            found.append(Likelihood(-float(losses_T.cpu().double().sum()), counted_tokens(text)))
    return found

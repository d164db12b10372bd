"""Log-probabilities of the tokens that give loss, and of no others: not of prompts, not of padding.

A model's output matrix is a large part of a small model's work, and its logits, one number for every word of the vocabulary
at every place, a large part of any model's memory. So while texts are scored, the output layer is handed the hidden states
of the wanted places only, and gives one log-probability a place. The layers below are called as ever, so adapters, dropout,
sharding and recomputation work as they do in the model.

    B texts at once, T places each, n tokens with loss, V words
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch.nn.functional import cross_entropy
from torch.utils.checkpoint import checkpoint

from align.errors import TrainingRefused
from align.tokens import NO_LOSS
from align.training.job import Text
from align.training.training import LOGITS_AT_ONCE

Layout = Literal["padded", "packed"]

CHANGES_LOGITS = (
    "final_logit_softcapping",
    "logit_scale",
    "logits_scaling",
    "lm_head_multiplier",
    "logits_soft_cap",
    "output_logit_soft_cap",
)
"""Settings of models that change logits after the output layer; these are scored the plain way."""


@dataclass(frozen=True, slots=True)
class MicroBatch:
    """Texts that go through the model at once."""

    input_ids_BT: torch.Tensor
    position_ids_BT: torch.Tensor | None
    """Places counted anew in each text, where several lie in one row: attention then keeps them apart."""
    places_n: torch.Tensor
    """Places in the flattened ids whose next token gives loss."""
    targets_n: torch.Tensor
    """Those next tokens."""
    owners_n: torch.Tensor
    """Number of the text each belongs to."""
    texts: int

    def to(self, device: torch.device) -> "MicroBatch":
        moved = {
            name: getattr(self, name).to(device, non_blocking=True)
            for name in ("input_ids_BT", "places_n", "targets_n", "owners_n")
        }
        positions = None if self.position_ids_BT is None else self.position_ids_BT.to(device, non_blocking=True)
        return replace(self, position_ids_BT=positions, **moved)

    def sums(self, log_probs_n: torch.Tensor) -> torch.Tensor:
        """Log-probability of each text: the sum over its tokens."""
        return log_probs_n.new_zeros(self.texts).index_add(0, self.owners_n, log_probs_n)

    def token_counts(self) -> torch.Tensor:
        """Scored tokens of each text."""
        return torch.bincount(self.owners_n, minlength=self.texts)


def lay_out(texts: Sequence[Text], layout: Layout = "padded", padding: int = 0) -> MicroBatch:
    """Texts as tensors: below each other, the short ones padded on the right, or all in one row without padding.

    Padding needs no attention mask: attention looks back only, and what stands to the right of a text is never scored.
    """
    ids = [torch.as_tensor(text.input_ids, dtype=torch.long) for text in texts]
    labels = [torch.as_tensor(text.labels, dtype=torch.long) for text in texts]
    if layout == "packed":
        input_ids_BT = torch.cat(ids)[None]
        begins = torch.tensor([0, *map(len, ids[:-1])]).cumsum(0).tolist()
        positions = torch.cat([torch.arange(len(text)) for text in ids])[None]
    else:
        input_ids_BT = torch.nn.utils.rnn.pad_sequence(ids, batch_first=True, padding_value=padding)
        begins = [number * input_ids_BT.shape[1] for number in range(len(ids))]
        positions = None
    scored = [(text[1:] != NO_LOSS).nonzero()[:, 0] for text in labels]
    return MicroBatch(
        input_ids_BT,
        positions,
        torch.cat([begin + places for begin, places in zip(begins, scored, strict=True)]),
        torch.cat([text[1:][places] for text, places in zip(labels, scored, strict=True)]),
        torch.cat([torch.full_like(places, number) for number, places in enumerate(scored)]),
        len(texts),
    )


class Scorer:
    """Stands in a model's output layer. Make it once, before the model is wrapped or sharded."""

    def __init__(self, model: Any) -> None:
        head = model.get_output_embeddings()
        self._logits = head.forward
        config = model.config.get_text_config()
        self._plain = any(getattr(config, name, None) not in (None, 1, 1.0) for name in CHANGES_LOGITS)
        self._family, self._at_once = config.model_type, max(1, LOGITS_AT_ONCE // int(config.vocab_size))
        self._wanted: tuple[torch.Tensor, torch.Tensor] | None = None
        self._given: torch.Tensor | None = None
        self._checked = False
        if not self._plain:
            head.forward = self._forward

    def log_probs(self, model: Any, batch: MicroBatch) -> torch.Tensor:
        """Log-probability of each token with loss, (n,) float32; `model` may be wrapped."""
        inputs = {"input_ids": batch.input_ids_BT, "use_cache": False}
        if batch.position_ids_BT is not None:
            inputs["position_ids"] = batch.position_ids_BT
        if self._plain:
            logits_BTV = model(**inputs).logits
            scored: torch.Tensor = _log_probs(logits_BTV.flatten(0, 1)[batch.places_n], batch.targets_n)
            return scored
        with self._wanting(batch):
            scored = model(**inputs).logits
            self._check(scored)
        return scored

    def _check(self, scored: torch.Tensor) -> None:
        """Refuse, at the first batch, a model that does something to logits which is not known here: it did it to these."""
        given = self._given
        if self._checked or (given is not None and not len(given)):
            return
        if given is None or scored.dtype != given.dtype or not torch.equal(scored, given):
            raise TrainingRefused(
                f"model: what a model of family {self._family!r} does to logits after its output layer is not known here, so its "
                f"losses would be wrong. Add the name of its setting to CHANGES_LOGITS in align/training/scoring.py."
            )
        self._checked = True

    @contextmanager
    def _wanting(self, batch: MicroBatch) -> Iterator[None]:
        self._wanted = (batch.places_n, batch.targets_n)
        try:
            yield
        finally:
            self._wanted = self._given = None

    def _forward(self, hidden_BTd: torch.Tensor) -> torch.Tensor:
        if self._wanted is None:  # someone else asks, for generation say
            logits: torch.Tensor = self._logits(hidden_BTd)
            return logits
        scored = self._score_parts(hidden_BTd, *self._wanted)
        self._given = None if self._checked else scored.detach()
        return scored

    def _score_parts(self, hidden_BTd: torch.Tensor, places: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        hidden_nd = hidden_BTd.flatten(0, 1).index_select(0, places)
        if len(targets) <= self._at_once:
            return self._score(hidden_nd, targets)
        parts = zip(hidden_nd.split(self._at_once), targets.split(self._at_once), strict=True)
        return torch.cat([checkpoint(self._score, *part, use_reentrant=False) for part in parts])

    def _score(self, hidden_nd: torch.Tensor, targets_n: torch.Tensor) -> torch.Tensor:
        return _log_probs(self._logits(hidden_nd), targets_n)


def _log_probs(logits_nV: torch.Tensor, targets_n: torch.Tensor) -> torch.Tensor:
    # a probability's logarithm wants float32, whatever the arithmetic before it
    wide = logits_nV if logits_nV.dtype == torch.float64 else logits_nV.float()
    return -cross_entropy(wide, targets_n, reduction="none")

"""Answer a batch of prompts, token by token; a row that has ended leaves the batch."""

import inspect
from collections.abc import Generator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, Literal

from align.evaluation.sampling import draw, penalize

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

RepetitionScope = Literal["generated", "all"]


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are drawn."""

    top_p: float
    temperature: float
    repetition_penalty: float
    repetition_scope: RepetitionScope


def decode(
    model: "PreTrainedModel",
    prompts: Sequence[list[int]],
    limits: Sequence[int],
    randoms: Sequence[Random],
    stop_ids: AbstractSet[int],
    sampling: Sampling,
) -> Generator[int, None, list[list[int]]]:
    """Yield each token as it is drawn; return the answers' ids, the one that stopped them included.

    `limits` holds the most tokens of each answer, at least 1. Rows are padded on the left and leave the batch when they
    end, so that nothing is computed for them and no position lies beyond prompt + limit.
    """
    import torch

    # Not `model.generate`: it penalises the prompt's tokens too, draws one row's numbers from the whole batch's
    # generator, and goes on computing rows that have ended.
    rows = list(range(len(prompts)))
    answers: list[list[int]] = [[] for _ in prompts]
    state = _State(model, prompts)
    seen_RV: torch.Tensor | None = None
    while rows:
        logits_RV = state.next_logits()
        if seen_RV is None:
            seen_RV = _seen(prompts, logits_RV, sampling)
        if sampling.repetition_penalty != 1:
            logits_RV = penalize(logits_RV, seen_RV, sampling.repetition_penalty)
        uniforms = [randoms[row].random() for row in rows]
        drawn_R = draw(logits_RV, uniforms, sampling.temperature, sampling.top_p)
        seen_RV[torch.arange(len(rows), device=seen_RV.device), drawn_R] = True
        drawn = drawn_R.tolist()
        for row, token in zip(rows, drawn, strict=True):
            answers[row].append(token)
            yield token
        going = [place for place, row in enumerate(rows) if drawn[place] not in stop_ids and len(answers[row]) < limits[row]]
        rows = [rows[place] for place in going]
        if rows:
            seen_RV = seen_RV[going]
            state.append([drawn[place] for place in going], going)
    return answers


def _seen(prompts: Sequence[list[int]], logits_RV: "torch.Tensor", sampling: Sampling) -> "torch.Tensor":
    """Which tokens count as said already, before the first one is drawn."""
    import torch

    seen_RV = torch.zeros_like(logits_RV, dtype=torch.bool)
    if sampling.repetition_scope == "all":
        for row, prompt in enumerate(prompts):
            seen_RV[row, prompt] = True
    return seen_RV


class _State:
    """What the model has read: the ids still to read, the mask, and the cache of what it read before."""

    def __init__(self, model: "PreTrainedModel", prompts: Sequence[list[int]]) -> None:
        import torch

        width = max(map(len, prompts))
        # the padding's id is hidden by the mask: any will do
        ids = [[0] * (width - len(prompt)) + prompt for prompt in prompts]
        mask = [[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts]
        self._model = model
        self._ids_RT = torch.tensor(ids, device=model.device)
        self._mask_RT = torch.tensor(mask, device=model.device)
        self._cache: Any = None
        self._accepts = inspect.signature(model.forward).parameters

    def next_logits(self) -> "torch.Tensor":
        """Logits of the next token, shape (rows, vocabulary), in float32."""
        import torch

        asked: dict[str, Any] = {"past_key_values": self._cache, "use_cache": True}
        positions_RT = (self._mask_RT.cumsum(dim=-1) - 1).clamp(min=0)[:, -self._ids_RT.shape[1] :]
        if "position_ids" in self._accepts:  # ALiBi models take their positions from the mask
            asked["position_ids"] = positions_RT
        if "logits_to_keep" in self._accepts:
            asked["logits_to_keep"] = 1
        with torch.inference_mode():
            out = self._model(input_ids=self._ids_RT, attention_mask=self._mask_RT, **asked)
        self._cache = out.past_key_values
        return out.logits[:, -1].float()

    def append(self, tokens: list[int], going: list[int]) -> None:
        """Keep the rows at the places `going` alone, and read one token of each next."""
        import torch

        if len(going) < len(self._mask_RT):
            # an index in main memory, for the layers of a large model may lie on several GPUs
            self._cache.batch_select_indices(torch.tensor(going))
        self._ids_RT = torch.tensor(tokens, device=self._model.device).unsqueeze(-1)
        mask_RT = self._mask_RT[going]
        self._mask_RT = torch.cat([mask_RT, torch.ones_like(mask_RT[:, :1])], dim=-1)

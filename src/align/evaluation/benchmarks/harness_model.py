"""A stage's model as lm-eval asks one: prompts become tokens as they do everywhere else in align.

Nothing is cut: a request that the model cannot read whole is noted, and its question is left out of the figures.
"""

import json
from typing import Any

from lm_eval.api.model import LM

from align.evaluation.benchmarks.asked import Asked
from align.records import Turn
from align.tokens import Rendered

MAX_NEW_TOKENS = 256
"""Where a task does not say; lm-eval's own default."""
NOT_ASKED = 0.0
"""Stands for the likelihood of what was not read: lm-eval computes with it, and the question is left out."""
_DIALOGUE = '[{"role":'


class AskedModel(LM):  # type: ignore[misc]  # lm-eval is an extra, and not typed
    """Answers lm-eval's requests; imported only where lm-eval is installed."""

    def __init__(self, asked: Asked, title: str) -> None:
        super().__init__()
        self._asked = asked
        self._title = title
        self.too_long: dict[tuple[str, int], str] = {}
        """By task and number of the question: why it was not asked."""

    @property
    def tokenizer_name(self) -> str:
        return self._asked.name

    def apply_chat_template(self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
        """The dialogue as data: it is written in the model's own form where its tokens are made."""
        return json.dumps([{"role": turn["role"], "content": turn["content"]} for turn in chat_history])

    def loglikelihood(self, requests: list[Any]) -> list[tuple[float, bool]]:
        texts = [self._asked.continued(_turns(request.args[0]), request.args[1]) for request in requests]
        fits = [self._fits(request, len(text.input_ids)) for request, text in zip(requests, texts, strict=True)]
        found = iter(self._likelihoods([text for text, is_short in zip(texts, fits, strict=True) if is_short]))
        # whether it is also the likeliest text is asked by no task of the types that align lets in
        return [(next(found) if is_short else NOT_ASKED, False) for is_short in fits]

    def loglikelihood_rolling(self, requests: list[Any]) -> list[float]:
        raise NotImplementedError("tasks of this type are refused before they are asked")

    def generate_until(self, requests: list[Any]) -> list[str]:
        prompts = [self._asked.prompt(_turns(request.args[0])) for request in requests]
        fits = [self._fits(request, len(ids) + 1) for request, ids in zip(requests, prompts, strict=True)]
        limits = [int(request.args[1].get("max_gen_toks", MAX_NEW_TOKENS)) for request in requests]
        answers = [""] * len(requests)
        for limit in dict.fromkeys(limits):
            places = [number for number, most in enumerate(limits) if most == limit and fits[number]]
            written = self._asked.answers([prompts[number] for number in places], limit, self._title) if places else []
            for number, item in zip(places, written, strict=True):
                answers[number] = _until(item.text, requests[number].args[1].get("until") or [])
        return answers

    def _likelihoods(self, texts: list[Rendered]) -> list[float]:
        return [item.log_likelihood for item in self._asked.likelihoods(texts, self._title)] if texts else []

    def _fits(self, request: Any, tokens: int) -> bool:
        problem = self._asked.too_long(tokens)
        if problem:
            self.too_long[request.task_name, request.doc_id] = problem
        return not problem


def _turns(context: str) -> tuple[Turn, ...]:
    if not context.startswith(_DIALOGUE):
        return (Turn("document", context),)
    return tuple(Turn(item["role"], item["content"]) for item in json.loads(context))


def _until(text: str, stops: str | list[str]) -> str:
    for stop in [stops] if isinstance(stops, str) else stops:
        text = text.partition(stop)[0] if stop else text
    return text

"""A model that is asked: how likely it finds texts, and what it answers at temperature 0."""

import json
from collections.abc import Generator, Sequence
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from align.artifact import Artifact
from align.evaluation.answering import stop_ids
from align.evaluation.context import context_tokens
from align.evaluation.decoding import Sampling, decode
from align.files import write_json
from align.likelihood import Likelihood, counted_tokens, log_likelihoods, next_token_likelihoods
from align.models import load_model, load_tokenizer
from align.progress import track
from align.records import Turn
from align.tokens import NO_LOSS, Rendered, encode_beginning, encode_text, render_prompt

if TYPE_CHECKING:
    from transformers import PreTrainedModel

GREEDY = Sampling(top_p=1, temperature=0, repetition_penalty=1, repetition_scope="generated")


class Written(NamedTuple):
    """What a model wrote."""

    text: str
    tokens: int
    ended: bool
    """Whether it ended by itself."""


class Asked:
    """One stage's model; its weights are loaded when it is first asked."""

    def __init__(self, artifact: Artifact, batch_size: int) -> None:
        self.name = artifact.name
        self.tokenizer = load_tokenizer(artifact)
        self.context = context_tokens(artifact)
        self.kept: Path | None = None
        """Where batches of answers are kept for a run that goes on after it was killed; a folder of the task's own."""
        self._artifact = artifact
        self._batch_size = batch_size
        self._model: PreTrainedModel | None = None

    def prompt(self, turns: Sequence[Turn]) -> list[int]:
        """What it sees before it answers: a dialogue as in training, or one document to go on with."""
        if turns[0].role == "document":
            return encode_beginning(turns[0].text, self.tokenizer)
        if turns[-1].role == "assistant":  # an answer that is begun for it
            return render_prompt(turns[:-1], self.tokenizer) + encode_text(turns[-1].text, self.tokenizer)
        return render_prompt(turns, self.tokenizer)

    def continued(self, turns: Sequence[Turn], answer: str) -> Rendered:
        """The prompt and the answer, of which only the answer counts.

        In plain text the two are encoded as one and cut where the prompt ends, as lm-eval does it: with some tokenizers an answer
        alone has other tokens than one that follows a text.
        """
        if turns[0].role != "document":
            before = self.prompt(turns)
            return Rendered([*before, *(ids := encode_text(answer, self.tokenizer))], [NO_LOSS] * len(before) + ids)
        text = turns[0].text
        kept = text.rstrip()
        whole = encode_beginning(text + answer, self.tokenizer)
        start = len(encode_beginning(kept, self.tokenizer))
        return Rendered(whole, [NO_LOSS] * start + whole[start:])

    def too_long(self, tokens: int) -> str:
        """Why it cannot read so many tokens; empty where it can."""
        return f"{tokens} tokens, {self.name} reads {self.context}" if self.context is not None and tokens > self.context else ""

    def likelihoods(self, texts: Sequence[Rendered], title: str) -> list[Likelihood]:
        """Log-likelihood of what counts in each text; each must fit the context.

        Texts that differ in their last token alone, as options do that are letters, are read once.
        """
        alike: dict[tuple[int, ...], list[int]] = {}
        for number, text in enumerate(texts):
            if counted_tokens(text) == 1 and text.labels[-1] != NO_LOSS:
                alike.setdefault(tuple(text.input_ids[:-1]), []).append(number)
        places = list(alike.values())
        prompts = [list(prompt) for prompt in alike]
        lasts = [[texts[number].input_ids[-1] for number in several] for several in places]
        together = {number for several in places for number in several}
        others = [number for number in range(len(texts)) if number not in together]
        size, title = self._batch_size, f"{title} {self.name}"
        found: dict[int, Likelihood] = {}
        short = next_token_likelihoods(self._loaded(), prompts, lasts, size)
        for number, values in track(short, title, len(prompts), "texts"):
            found |= {place: Likelihood(value, 1) for place, value in zip(places[number], values, strict=True)}
        whole = log_likelihoods(self._loaded(), [texts[number] for number in others], size)
        for number, likelihood in track(whole, title, len(others), "texts"):
            found[others[number]] = likelihood
        return [found[number] for number in range(len(texts))]

    def answers(self, prompts: Sequence[list[int]], max_new_tokens: int, title: str) -> list[Written]:
        """What it answers to each prompt, always with the likeliest token, as far as its context leaves room."""
        # prompts of like length together
        order = sorted(range(len(prompts)), key=lambda number: (-len(prompts[number]), number))
        batches = [order[start : start + self._batch_size] for start in range(0, len(order), self._batch_size)]
        found: dict[int, Written] = {}
        for place, batch in enumerate(track(batches, f"{title} {self.name}", len(batches), "batches")):
            kept = None if self.kept is None else self.kept / f"{max_new_tokens}-{place:05d}.json"
            if kept is not None and kept.is_file():
                written = [Written(*row) for row in json.loads(kept.read_text(encoding="utf-8"))]
            else:
                written = self._written([prompts[number] for number in batch], max_new_tokens)
                if kept is not None:
                    write_json(kept, written)
            found |= zip(batch, written, strict=True)
        return [found[number] for number in range(len(prompts))]

    def _written(self, prompts: list[list[int]], most: int) -> list[Written]:
        model = self._loaded()
        limits = [most if self.context is None else min(most, self.context - len(ids)) for ids in prompts]
        ends = stop_ids(model, self.tokenizer)
        answers = _last(decode(model, prompts, limits, [Random(0) for _ in prompts], ends, GREEDY))
        return [Written(self.tokenizer.decode(ids, skip_special_tokens=True), len(ids), ids[-1] in ends) for ids in answers]

    def _loaded(self) -> "PreTrainedModel":
        if self._model is None:
            self._model = load_model(self._artifact)
        return self._model


def _last(steps: Generator[int, None, list[list[int]]]) -> list[list[int]]:
    """What a generator returns once all its steps are made."""
    while True:
        try:
            next(steps)
        except StopIteration as stopped:
            answers: list[list[int]] = stopped.value
            return answers

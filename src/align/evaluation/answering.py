"""Let a model answer prompts as LIMA §4 samples; what stages that answer have in common."""

import json
import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from align.artifact import Artifact
from align.errors import EmptyResult, InputError
from align.evaluation.context import context_tokens
from align.evaluation.decoding import RepetitionScope, Sampling, decode
from align.files import read_records, record_parts, write_records
from align.models import LAST, load_model, load_tokenizer
from align.progress import track
from align.records import Example, Rejection, Response, Turn
from align.stage import Inputs, Stage
from align.tokens import eot_id, render_prompt

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Prompt:
    """A dialogue that waits for the model's answer."""

    id: str
    turns: tuple[Turn, ...]
    input_ids: list[int]


@dataclass(frozen=True, slots=True)
class Item:
    """One answer to make: number `sample` to a prompt."""

    prompt: Prompt
    sample: int
    limit: int
    """The most tokens it may have: `max_new_tokens`, or what the model's context leaves."""


class Answering(Stage):
    """Parameters of every stage that lets a model answer: LIMA §4's, nucleus 0.9, temperature 0.7, penalty 1.2, 2,048 tokens.

    A response depends on the seed, its prompt and its number, not on the batch.
    """

    samples: int = Field(default=1, ge=1)
    """Responses a prompt; LIMA §5 takes 5 in its ablations."""
    max_new_tokens: int = Field(default=2048, ge=1)
    """The most tokens of a response, its EOT included (LIMA §4); the model's context may leave fewer."""
    top_p: float = Field(default=0.9, gt=0, le=1)
    """Share of the probability that the nucleus holds (LIMA §4)."""
    temperature: float = Field(default=0.7, ge=0)
    """Flattens the distribution before the nucleus is cut (LIMA §4); 0 always takes the likeliest token."""
    repetition_penalty: float = Field(default=1.2, ge=1)
    """Divides the logits of tokens already said (LIMA §4 after arXiv:1909.05858); 1 penalises nothing."""
    repetition_scope: RepetitionScope = "generated"
    """What counts as said: the response so far, as LIMA words it, or `all`, the prompt (and the EOT that ends it) too."""
    batch_size: int = Field(default=16, ge=1)
    """Responses made at once."""
    seed: int = 0
    """Starts the random draws."""

    names_matter: ClassVar[bool] = True
    long_work: ClassVar[str] = "answering"

    def answers(
        self, inputs: Inputs, model: Artifact, checkpoint: str, scratch: Path
    ) -> tuple[list[Response], list[Rejection], int]:
        """What a checkpoint answers to every prompt, the prompts it cannot be asked, and how many it was.

        `scratch` holds the batches made so far, those of a killed run too.
        """
        tokenizer = load_tokenizer(model, checkpoint)
        context = context_tokens(model, checkpoint)
        prompts, rejected = read_prompts(inputs, tokenizer, context, self.kind)
        if not prompts:
            raise EmptyResult(_none_left(rejected, context))
        plan = self._plan(prompts, context)
        name = answerer(model, checkpoint)
        tokens, began = 0, time.monotonic()
        total = sum(item.limit for _, batch in _missing(plan, scratch) for item in batch)
        steps = self._answer(plan, model, checkpoint, tokenizer, scratch)
        for _ in track(steps, f"{self.kind} {name}", total, "tokens"):
            tokens += 1
        if tokens:
            rate = tokens / (time.monotonic() - began)
            log.info("%s %s: %s tokens, %.0f tokens/s", self.kind, name, f"{tokens:,}", rate)
        return _in_order(read_records(scratch, Response), prompts), rejected, len(prompts)

    def _plan(self, prompts: Sequence[Prompt], context: int | None) -> list[list[Item]]:
        """The batches, of prompts of like length; computed from all prompts, so that an interrupted run has the same ones."""
        items = [Item(prompt, sample, self._limit(prompt, context)) for prompt in prompts for sample in range(self.samples)]
        items.sort(key=lambda item: (len(item.prompt.input_ids), item.prompt.id, item.sample))
        left = iter(items)
        return list(iter(lambda: list(islice(left, self.batch_size)), []))

    def _limit(self, prompt: Prompt, context: int | None) -> int:
        return self.max_new_tokens if context is None else min(self.max_new_tokens, context - len(prompt.input_ids))

    def _answer(
        self, plan: list[list[Item]], model: Artifact, checkpoint: str, tokenizer: "PreTrainedTokenizerFast", scratch: Path
    ) -> Iterator[int]:
        """Make the batches that are missing, each one file; yields every token drawn."""
        loaded: PreTrainedModel | None = None
        sampling = Sampling(self.top_p, self.temperature, self.repetition_penalty, self.repetition_scope)
        end = eot_id(tokenizer)
        name = answerer(model, checkpoint)
        for number, batch in _missing(plan, scratch):
            if loaded is None:
                loaded = load_model(model, checkpoint)
            prompts = [item.prompt.input_ids for item in batch]
            # A text as seed is hashed by Random itself, the same way in every process.
            randoms = [Random(f"{self.seed}/{item.sample}/{item.prompt.id}") for item in batch]
            ends = stop_ids(loaded, tokenizer)
            answers = yield from decode(loaded, prompts, [item.limit for item in batch], randoms, ends, sampling)
            responses = [
                Response(
                    item.prompt.id,
                    name,
                    (*item.prompt.turns, Turn("assistant", tokenizer.decode(ids, skip_special_tokens=True))),
                    self._sampling_json(),
                    item.sample,
                    len(ids),
                    ended=ids[-1] == end,
                )
                for item, ids in zip(batch, answers, strict=True)
            ]
            write_records(scratch, Response, responses, part=number)

    def _sampling_json(self) -> str:
        said = ("top_p", "temperature", "repetition_penalty", "repetition_scope", "max_new_tokens", "seed")
        return json.dumps({name: getattr(self, name) for name in said})


def answerer(model: Artifact, checkpoint: str) -> str:
    """`sft`, or `sft/epoch-05`: how records name who answered."""
    return model.name if checkpoint == LAST else f"{model.name}/{checkpoint}"


def prompt_of(example: Example) -> tuple[Turn, ...]:
    """The dialogue up to the last turn of the user; empty where the user says nothing."""
    last = max((number for number, turn in enumerate(example.turns) if turn.role == "user"), default=-1)
    return example.turns[: last + 1]


def read_prompts(
    inputs: Inputs, tokenizer: "PreTrainedTokenizerFast", context: int | None, by: str
) -> tuple[list[Prompt], list[Rejection]]:
    """The prompts that a model with this context can be asked, and the examples that are none, for the stage `by`."""
    found: dict[str, Prompt] = {}
    rejected: list[Rejection] = []
    for example in inputs.read(Example):
        turns = prompt_of(example)
        if not turns:
            rejected.append(Rejection(example.id, by, "no prompt", "no turn of the user"))
            continue
        if example.id in found:
            raise InputError(
                f"prompt {example.id!r} comes in twice (inputs: {', '.join(item.name for item in inputs.data)}); responses are "
                f"matched by the prompt's id, so each may come once: leave one out, for example with an `exact` stage."
            )
        prompt = Prompt(example.id, turns, render_prompt(turns, tokenizer))
        if context is not None and len(prompt.input_ids) >= context:
            detail = f"{len(prompt.input_ids)} tokens, the model reads {context}"
            rejected.append(Rejection(example.id, by, "prompt too long", detail))
            continue
        found[example.id] = prompt
    return list(found.values()), rejected


def _none_left(rejected: Sequence[Rejection], context: int | None) -> str:
    if not rejected:
        return "no prompts came in: the stages in `inputs` gave none"
    first = rejected[0]
    return (
        f"no prompt is left to answer: {len(rejected)} came in, none fits (the first, {first.example_id}: {first.reason}, "
        f"{first.detail}). Give shorter prompts or a model with a context of more than {context} tokens."
    )


def _missing(plan: list[list[Item]], scratch: Path) -> list[tuple[int, list[Item]]]:
    """The batches that no earlier run has finished, with their numbers."""
    done = {part.name for part in record_parts(scratch, Response)}
    return [(number, batch) for number, batch in enumerate(plan) if f"part-{number:05d}.parquet" not in done]


def stop_ids(model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerFast") -> frozenset[int]:
    """EOT, and what the model itself ends a text with."""
    own = model.generation_config.eos_token_id
    several = own if isinstance(own, list) else [own]
    return frozenset(item for item in (eot_id(tokenizer), tokenizer.eos_token_id, *several) if item is not None)


def _in_order(responses: Iterator[Response], prompts: Sequence[Prompt]) -> list[Response]:
    """As the prompts came in, the responses to one prompt by number."""
    place = {prompt.id: number for number, prompt in enumerate(prompts)}
    return sorted(responses, key=lambda response: (place[response.prompt_id], response.sample))

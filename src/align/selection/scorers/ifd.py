"""Instruction-following difficulty: how little the prompt helps a model to foresee the response."""

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from align.artifact import SCRATCH, Artifact
from align.files import write_json
from align.likelihood import Likelihood, counted_tokens, log_likelihoods
from align.models import load_model, load_tokenizer
from align.parts import StageName
from align.progress import track
from align.records import Example
from align.selection.scorers.scorer import Scored, Scorer
from align.tokens import NO_LOSS, Rendered, encode_text, render_prompt

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

BATCH = 256
"""Examples between two notes of how far it is."""
NO_RESPONSE = "no response"
TOO_LONG = "prompt fills max_tokens"
NO_HELP = "prompt does not help"


class Ifd(Scorer):
    """Loss of the response after its prompt, by its loss alone (Li et al. 2024, arXiv 2308.12032, equation 3).

    Near 1 the prompt says little about the response: hard to follow. At 1 or above it does not belong to it, and the example gets
    no score, as in the paper.
    """

    kind: Literal["ifd"] = "ifd"
    model: StageName
    """The stage whose model reads: the one to be tuned, or a small one, which ranks much the same (arXiv 2402.00530)."""
    max_tokens: int = Field(default=1024, ge=8)
    """Prompt and response are cut to this."""
    batch_size: int = Field(default=8, ge=1)
    """Texts read at once."""

    def scores(self, examples: Iterable[Example], named: Mapping[str, Artifact], work: Path) -> Iterator[Scored]:
        artifact = named["model"]
        tokenizer, model = load_tokenizer(artifact), load_model(artifact)
        context = getattr(model.config.get_text_config(decoder=True), "max_position_embeddings", None)
        most = min(self.max_tokens, context) if isinstance(context, int) and context > 0 else self.max_tokens
        passing = iter(track(examples, f"difficulty by {artifact.name}", unit="examples"))
        number = 0
        while batch := list(islice(passing, BATCH)):
            kept = work / SCRATCH / "difficulty" / f"{number:06d}.json"
            if not kept.is_file():
                pairs = [_rendered(example, tokenizer, most) for example in batch]
                texts = [text for pair in pairs if not isinstance(pair, str) for text in pair]
                found = dict(log_likelihoods(model, texts, self.batch_size))
                likelihoods = iter([found[place] for place in range(len(texts))])
                write_json(kept, [pair if isinstance(pair, str) else _ratio(likelihoods) for pair in pairs])
            yield from json.loads(kept.read_text(encoding="utf-8"))
            number += 1


def _rendered(example: Example, tokenizer: "PreTrainedTokenizerFast", most: int) -> tuple[Rendered, Rendered] | str:
    """The response after its prompt and alone, the same tokens counted in both; or why there is nothing to compare."""
    answer = encode_text(example.response, tokenizer)
    if not answer:
        return NO_RESPONSE
    asked = render_prompt(example.turns, tokenizer)
    answer = answer[: max(0, most - len(asked))]
    start = [] if tokenizer.bos_token_id is None else [int(tokenizer.bos_token_id)]
    # Without a token before it the first token of the response alone is not predicted: then it counts in neither.
    labels = answer if start else [NO_LOSS, *answer[1:]]
    pair = (
        Rendered(asked + answer, [NO_LOSS] * len(asked) + labels),
        Rendered(start + answer, [NO_LOSS] * len(start) + labels),
    )
    return pair if counted_tokens(pair[1]) else TOO_LONG


def _ratio(likelihoods: Iterator[Likelihood]) -> Scored:
    after, alone = next(likelihoods), next(likelihoods)
    if alone.log_likelihood == 0:
        return NO_HELP
    ratio = after.log_likelihood / alone.log_likelihood
    return ratio if ratio < 1 else NO_HELP

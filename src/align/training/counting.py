"""How many examples and tokens a training would read, counted where the records are there, else as the recipe expects."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

from align.artifact import Artifact
from align.models import MODEL
from align.records import Example, PreferencePair
from align.stage import Forecast

CHARACTERS_PER_TOKEN = 4.0
"""Of English, with a vocabulary of some 32,000; used while the tokenizer is not there."""
COUNTED_TEXTS = 5_000
"""More than this are not read while planning: the rest is supposed to be like them."""

Text = tuple[str, ...]
"""The utterances of a dialogue, each of which ends with one token more."""


@dataclass(frozen=True, slots=True)
class Amount:
    """What goes in, once."""

    examples: int | None
    tokens: int | None
    basis: Literal["exact", "expected", "unknown"]
    note: str = ""
    """How tokens were found, where that is not plain."""


def amount_of(data: Sequence[Forecast], model: Artifact | None, max_tokens: int | None) -> Amount:
    """Examples and tokens of `data`; of a text no more than `max_tokens` count, if it is given."""
    if not data or any(item.examples is None for item in data):
        return Amount(None, None, "unknown")
    examples = sum(item.examples or 0 for item in data)
    basis: Literal["exact", "expected"] = "exact" if all(item.basis == "exact" for item in data) else "expected"
    artifacts = [item.artifact for item in data if item.artifact is not None]
    if len(artifacts) == len(data):
        tokens, note = _count(artifacts, examples, _tokenizer(model), max_tokens)
        return Amount(examples, tokens, basis, note)
    if any(item.tokens is None for item in data):
        return Amount(examples, None, basis, "tokens and hours: unknown until the examples are there, or `expect:` says how many")
    return Amount(examples, sum(item.tokens or 0 for item in data), basis)


def _count(
    artifacts: list[Artifact], examples: int, tokenizer: Callable[[Text], int] | None, max_tokens: int | None
) -> tuple[int, str]:
    records = islice((record for artifact in artifacts for record in _records(artifact)), COUNTED_TEXTS)
    counted = tokens = 0
    for texts in records:
        counted += 1
        for text in texts:
            length = tokenizer(text) if tokenizer is not None else round(sum(map(len, text)) / CHARACTERS_PER_TOKEN)
            tokens += length if max_tokens is None else min(length, max_tokens)
    note = "tokens: estimated at 4 characters each, the tokenizer is not here yet" if tokenizer is None else ""
    if counted < examples:
        note = "; ".join(filter(None, [note, f"tokens: counted in the first {counted:,} of {examples:,}"]))
    return round(tokens * examples / max(counted, 1)), note


def _records(artifact: Artifact) -> Iterator[list[Text]]:
    """The texts a model is given of each record; of a preference pair both."""
    for example in artifact.read(Example):
        yield [tuple(turn.text for turn in example.turns)]
    for pair in artifact.read(PreferencePair):
        prompt = tuple(turn.text for turn in pair.prompt)
        yield [(*prompt, pair.chosen), (*prompt, pair.rejected)]


def _tokenizer(model: Artifact | None) -> Callable[[Text], int] | None:
    """Count tokens with the model's tokenizer, if it lies in the store; by the light package, not by transformers."""
    folder = Path() if model is None else model.path / MODEL
    if not (folder / "tokenizer.json").is_file():
        return None
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.encode_special_tokens = True
    config = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    first = 1 if config.get("bos_token") else 0

    def count(text: Text) -> int:
        return first + sum(len(tokenizer.encode(utterance, add_special_tokens=False)) + 1 for utterance in text)

    return count

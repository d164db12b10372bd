"""Examples that say what an evaluation set asks or answers: trained on, they would make the judgement worthless."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import ClassVar, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from align.artifact import Counts, in_words
from align.dedup.alike_prompts import AlikePrompts, alike_prompts
from align.dedup.overlap import RunIndex, index_runs, shared_runs
from align.embed.embedder import Embedder
from align.embed.tfidf import TfIdf
from align.errors import EmptyResult
from align.files import RecordWriter, write_text
from align.parts import StageName
from align.records import Example, Measurement, Rejection
from align.stage import Inputs, Stage
from align.text import normalize, words

BATCH = 1000
SHOWN_WORDS = 40
TAG = "contaminated"
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")


class Contamination(Stage):
    """Find what stands in an evaluation set: any run of words in any turn, or a whole prompt that is nearly the same."""

    kind: Literal["contamination"] = "contamination"
    against: tuple[StageName, ...] = Field(min_length=1)
    """The stages that hold the evaluation sets; their prompts and their responses are looked for."""
    words: int = Field(default=13, ge=2)
    """So many words in a row that stand in both are a hit (GPT-3, arXiv 2005.14165, appendix C: 13-grams)."""
    short_words: int = Field(default=8, ge=2)
    """An evaluation text shorter than `words`, but of so many words, is a hit where it stands whole. Shorter ones are common
    phrases and are only compared as whole prompts."""
    similarity: float = Field(default=0.9, gt=0, le=1)
    """A prompt, or a sentence of `short_words` in it, that is as similar as this to an evaluation prompt is a hit: share of
    characters that need no edit, 0 to 1."""
    method: Literal["ngram", "embedding", "both"] = "ngram"
    """`ngram` looks for shared words and nearly equal prompts, `embedding` for prompts alike by the cosine of their vectors:
    other wordings too and, with a low threshold, other questions on one thing; `both` takes the hits of either."""
    embedder: Embedder = TfIdf()
    """With `embedding`: what makes vectors of prompts; by default TF-IDF, which knows words and no synonyms."""
    cosine: float = Field(default=0.9, gt=0, le=1)
    """With `embedding`: the cosine from which a turn of the user is an evaluation prompt in other words."""
    action: Literal["drop", "tag"] = "drop"
    """`drop` rejects what was hit; `tag` keeps it with the tag `contaminated` and lists the hits in files/hits.jsonl."""

    names_matter: ClassVar[bool] = True

    @model_validator(mode="after")
    def _check_lengths(self) -> Self:
        if self.short_words > self.words:
            raise ValueError(f"short_words ({self.short_words}) must not be more than words ({self.words})")
        return self

    def run(self, inputs: Inputs, work: Path) -> Counts:
        sets = ((artifact.name, artifact.read(Example)) for artifact in inputs.several("against"))
        sought = _sought(sets, self.words, self.short_words)
        alike = None
        if self.method != "ngram":
            prompts = [item.prompt for item in sought.items]
            alike = alike_prompts(self.embedder, prompts, inputs.read(Example), self.cosine, work)
        reasons: Counter[str] = Counter()
        hit_items: set[int] = set()
        lines: list[str] = []
        read = 0
        examples = inputs.read(Example, "looking for evaluation texts")
        with RecordWriter(work, Example) as kept, RecordWriter(work, Rejection) as rejected:
            for example, hits in _judged(sought, examples, self.similarity if self.method != "embedding" else None, alike):
                read += 1
                if not hits:
                    kept.write(example)
                    continue
                hit_items.update(hit.item for hit in hits)
                reason = f"in {sought.items[hits[0].item].stage}"
                detail = "; ".join(f"{sought.items[hit.item].id}: {hit.shared}" for hit in hits)
                reasons[f"{self.kind}: {reason}"] += 1
                if self.action == "tag":
                    kept.write(replace(example, tags=(*example.tags, TAG)))
                    lines.append(json.dumps({"example_id": example.id, "hits": detail}, ensure_ascii=False) + "\n")
                else:
                    rejected.write(Rejection(example.id, self.kind, reason, detail))
        if kept.count == 0:
            where = in_words(reasons, self.kind)
            raise EmptyResult(f"{read:,} examples came in, and each of them stands in an evaluation set ({where})")
        _write_measurements(work, sought, hit_items)
        if self.action == "tag":
            write_text(work / "files" / "hits.jsonl", "".join(lines))
            return Counts(read, kept.count, noted=dict(reasons))
        return Counts(read, kept.count, dict(reasons))


class SharedText(NamedTuple):
    """What an example shares with one of another set."""

    example_id: str
    other_set: str
    other_id: str
    is_prompt: bool
    """Whether the prompts are nearly the same; else a run of words stands in both."""
    detail: str


def shared_texts(examples: Iterable[Example], others: Mapping[str, Iterable[Example]]) -> Iterator[SharedText]:
    """What this stage would find, with its defaults, of the sets `others` in `examples`."""
    fields = Contamination.model_fields
    sought = _sought(others.items(), fields["words"].default, fields["short_words"].default)
    for example, hits in _judged(sought, iter(examples), fields["similarity"].default, None):
        for hit in hits:
            item = sought.items[hit.item]
            yield SharedText(example.id, item.stage, item.id, not hit.shared.startswith(_SHARES), hit.shared)


_SHARES = "shares"


class _Item(NamedTuple):
    """One example of an evaluation set."""

    stage: str
    id: str
    prompt: str


class _Hit(NamedTuple):
    item: int
    shared: str


@dataclass(frozen=True, slots=True)
class _Sought:
    items: list[_Item]
    prompts: list[tuple[str, int]]
    """Normalised prompts, each with the number of its item."""
    index: RunIndex
    owners: list[int]
    """Number of the item of each indexed text."""


def _sought(sets: Iterable[tuple[str, Iterable[Example]]], run_words: int, short_words: int) -> _Sought:
    """Everything the evaluation sets say, by the name of each."""
    items: list[_Item] = []
    prompts: list[tuple[str, int]] = []
    texts: list[list[str]] = []
    owners: list[int] = []
    for name, examples in sets:
        for example in examples:
            items.append(_Item(name, example.id, example.prompt))
            if prompt := normalize(example.prompt):
                prompts.append((prompt, len(items) - 1))
            for turn in example.turns:
                texts.append(words(turn.text))
                owners.append(len(items) - 1)
    return _Sought(items, prompts, index_runs(texts, run_words, short_words), owners)


def _judged(
    sought: _Sought, examples: Iterator[Example], similarity: float | None, alike: AlikePrompts | None
) -> Iterator[tuple[Example, list[_Hit]]]:
    """Each example with its hits, in the order of the evaluation sets; None leaves out a way of looking."""
    while batch := list(islice(examples, BATCH)):
        found: dict[tuple[int, int], str] = {}
        for number, item, cosine in alike.find(batch) if alike is not None else ():
            found[number, item] = f"alike prompt (cosine {cosine:.2f}), {_shown(words(sought.items[item].prompt))}"
        if similarity is not None:
            found |= _shared_words(sought, batch)
            for number, item, shared in _similar_prompts(sought, batch, similarity):
                found[number, item] = shared
        hits: dict[int, list[_Hit]] = {}
        for number, item in sorted(found):
            hits.setdefault(number, []).append(_Hit(item, found[number, item]))
        for number, example in enumerate(batch):
            yield example, hits.get(number, [])


def _shared_words(sought: _Sought, batch: list[Example]) -> dict[tuple[int, int], str]:
    """What each example of the batch, by its number, shares with each evaluation item."""
    turns = [(number, words(turn.text)) for number, example in enumerate(batch) for turn in example.turns]
    found: dict[tuple[int, int], str] = {}
    for run in shared_runs(sought.index, [text for _, text in turns]):
        found.setdefault(
            (turns[run.text][0], sought.owners[run.indexed]), f"{_SHARES} {len(run.words)} words, {_shown(run.words)}"
        )
    return found


def _shown(shared: list[str]) -> str:
    return f'"{" ".join(shared[:SHOWN_WORDS])}{" ..." if len(shared) > SHOWN_WORDS else ""}"'


def _similar_prompts(sought: _Sought, batch: list[Example], similarity: float) -> Iterator[tuple[int, int, str]]:
    """Example, evaluation item and what they share, of every pair of prompts that are nearly the same."""
    import numpy as np
    from rapidfuzz import fuzz, process

    asked = [(number, *question) for number, example in enumerate(batch) for question in _questions(sought, example)]
    if not asked or not sought.prompts:
        return
    known = [prompt for prompt, _ in sought.prompts]
    texts = [text for *_, text in asked]
    scores = process.cdist(texts, known, scorer=fuzz.ratio, score_cutoff=100 * similarity, dtype=np.float64)
    for row, column in np.argwhere(scores > 0).tolist():
        number, what, _ = asked[row]
        item = sought.prompts[column][1]
        yield (
            number,
            item,
            f"same {what} (similarity {scores[row, column] / 100:.2f}), {_shown(words(sought.items[item].prompt))}",
        )


def _questions(sought: _Sought, example: Example) -> Iterator[tuple[str, str]]:
    """What an example asks: each turn of the user as a whole, and the sentences in it that are long enough to mean one thing."""
    for text in (turn.text for turn in example.turns if turn.role == "user"):
        sentences = _SENTENCE_END.split(text.strip())
        if len(sentences) > 1:
            yield from (("sentence", normalize(part)) for part in sentences if len(words(part)) >= sought.index.anchor)
        yield "prompt", normalize(text)


def _write_measurements(work: Path, sought: _Sought, hit: set[int]) -> None:
    """How much of each evaluation set was found, for the report."""
    sizes = Counter(item.stage for item in sought.items)
    found = Counter(sought.items[number].stage for number in hit)
    method = "items of the evaluation set that share words or the prompt with an example that came in"
    with RecordWriter(work, Measurement) as writer:
        for stage in sizes:
            writer.write(Measurement("evaluation_items_found", stage, float(found[stage]), count=sizes[stage], method=method))

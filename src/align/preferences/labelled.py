"""Single answers, each called desirable or not: what KTO learns from, and where safe examples for fine-tuning come from."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from align.artifact import Counts, in_words
from align.errors import EmptyResult
from align.files import RecordWriter
from align.lots import lot
from align.parts import StageName
from align.preferences.pairs import DESIRABLE, DUPLICATE, ELSEWHERE, EMPTY, NOT_DRAWN, PairSource, prompt_digest
from align.progress import track
from align.records import Example, PreferencePair, Rejection, Turn
from align.stage import Inputs, Stage

BOTH = "called both desirable and undesirable"
OTHER_SIDE = "on the other side"


class LabelledResponses(Stage):
    """Answers with the signal `desirable`, 1 or 0: safe or not in BeaverTails and PKU-SafeRLHF, preferred or not in pairs.

    Empty, repeated and contradicted answers go, each with its reason. `kto` reads all of them; with `keep: desirable` they are
    safe examples to fine-tune on, which a `mix` adds to others (Safety-Tuned LLaMAs, arXiv 2309.07875).
    """

    kind: Literal["labelled_responses"] = "labelled_responses"
    sources: tuple[PairSource, ...] = Field(min_length=1)
    """Where the answers come from: [{kind: beavertails, paths: [...]}, ...]; `align kinds pairsource` lists them."""
    keep: Literal["all", "desirable", "undesirable"] = "all"
    """Which answers to keep."""
    without: tuple[StageName, ...] = ()
    """Stages whose prompts are left out, of pairs or examples, e.g. those of a held-out set."""
    limit: int | None = Field(default=None, ge=1)
    """Keep at most so many, drawn by lot; a larger limit with the same seed contains the smaller one."""
    seed: int = 1
    """Decides the draw of `limit`."""

    reads: ClassVar[Literal["none", "previous", "all"]] = "none"
    version: ClassVar[int] = 2  # 2: rows without an answer are counted among those read

    def run(self, inputs: Inputs, work: Path) -> Counts:
        elsewhere = {prompt_digest(prompt) for prompt in _prompts(inputs)}
        labels: dict[str, set[float]] = {}
        for example in self._examples():
            labels.setdefault(example.id, set()).add(example.signals[DESIRABLE])
        drawn = self._draw(elsewhere, labels)
        skipped: Counter[str] = Counter()
        dropped: Counter[str] = Counter()
        seen: set[str] = set()
        with RecordWriter(work, Example) as kept, RecordWriter(work, Rejection) as rejected:
            for item in track(self._read(skipped), "reading answers", len(labels)):
                if isinstance(item, Example):
                    reason = self._fault(item, elsewhere, labels) or (DUPLICATE if item.id in seen else "")
                    reason = reason or (NOT_DRAWN if item.id not in drawn else "")
                    if not reason:
                        seen.add(item.id)
                        kept.write(item)
                        continue
                rejection = item if isinstance(item, Rejection) else Rejection(item.id, self.kind, reason)
                rejected.write(rejection)
                dropped[f"{rejection.by}: {rejection.reason}"] += 1
        if kept.count == 0:
            raise EmptyResult(
                f"0 of {rejected.count:,} answers are left: {in_words(dropped)}. Rows without one: {in_words(skipped)}."
            )
        read = kept.count + rejected.count + skipped.total()
        return Counts(read, kept.count, dict(dropped), {why: count for why, count in skipped.items() if count})

    def _read(self, skipped: Counter[str]) -> Iterator[Example | Rejection]:
        for source in self.sources:
            yield from source.responses(skipped)

    def _examples(self) -> Iterator[Example]:
        return (item for item in self._read(Counter()) if isinstance(item, Example))

    def _fault(self, example: Example, elsewhere: set[str], labels: dict[str, set[float]]) -> str:
        """What speaks against an answer by itself; empty where nothing does."""
        if not example.response.strip():
            return EMPTY
        if len(labels[example.id]) > 1:
            return BOTH
        if prompt_digest(example.turns[:-1]) in elsewhere:
            return ELSEWHERE
        side = "desirable" if example.signals[DESIRABLE] else "undesirable"
        return "" if self.keep in ("all", side) else OTHER_SIDE

    def _draw(self, elsewhere: set[str], labels: dict[str, set[float]]) -> set[str]:
        sound = {example.id for example in self._examples() if not self._fault(example, elsewhere, labels)}
        return set(sorted(sound, key=lambda name: lot("labelled responses", self.seed, name))[: self.limit])


def _prompts(inputs: Inputs) -> Iterator[tuple[Turn, ...]]:
    for artifact in inputs.several("without"):
        for pair in artifact.read(PreferencePair):
            yield pair.prompt
        for example in artifact.read(Example):
            yield example.turns[:-1] if example.response else example.turns

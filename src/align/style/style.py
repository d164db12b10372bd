"""The `style` stage: keeps every example, says how unusual its style is, and how alike the set's sources write."""

import heapq
import json
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, PositiveInt

from align.artifact import Artifact, Counts
from align.errors import EmptyResult
from align.files import RecordWriter, write_records, write_text
from align.lots import lot
from align.parts import StageName
from align.progress import track
from align.records import Example, Measurement
from align.stage import Forecast, Inputs, Stage
from align.strata import site_of
from align.style.features import Measured, measure
from align.style.guessing import guess_sources
from align.style.reference import ALL, Judged, learn_reference
from align.style.spread import measure_spread

REFERENCE = "files/reference.json"
OUTLIERS = "files/outliers.jsonl"
REASONS = 3
NO_RESPONSE = "without a response: not measured"
NOT_ENGLISH = "not English: measured by its shape alone"


class Style(Stage):
    """Measure how each response is written against the others of its source, and say in words what is unusual.

    Every example is kept, with the signals style_distance (median robust deviation from its source), style_voice (mean robust
    deviation of person, contractions, exclamations from the whole set) and style_delta (Burrows' Delta). What is unusual is
    listed in files/outliers.jsonl for people: style is no reason to drop a text. Words are judged in English alone; a text in
    another language is measured by its length, lines, sentences and signs.
    """

    kind: Literal["style"] = "style"
    reference: StageName | None = None
    """A stage whose responses say what is usual, for instance those that people accepted; by default those that are judged."""
    by: Literal["source", "site"] = "source"
    """What counts as one kind of responses."""
    min_reasons: PositiveInt = 2
    """So many unusual things make an outlier. Of LIMA's 1,000 responses 8 % have two or more, 2 % three."""
    sample: PositiveInt = Field(default=2000, ge=20)
    """How many responses of each kind, drawn by lot, say what is usual; bounds the memory."""
    seed: int = 1
    """Decides the draw and the folds of the classifier that guesses the source."""

    version: ClassVar[int] = 1
    verb: ClassVar[str] = "measured"

    def run(self, inputs: Inputs, work: Path) -> Counts:
        known = self._sample(inputs.data)
        learnt = known if self.reference is None else self._sample((inputs.named["reference"],))
        if not known or not learnt:
            whose = "that came in" if not known else "of the reference"
            raise EmptyResult(f"style: no example {whose} has a response; it measures answers, not prompts or documents.")
        reference = learn_reference(learnt.values())
        by_kind: dict[str, list[Measured]] = {}
        for kind, found in known.values():
            by_kind.setdefault(kind, []).append(found)
        noted: Counter[str] = Counter()
        outliers = []
        with RecordWriter(work, Example) as kept:
            for example in inputs.read(Example, "measuring style"):
                if not example.response:
                    noted[NO_RESPONSE] += 1
                    kept.write(example)
                    continue
                kind = self._kind(example)
                found = known[example.id][1] if example.id in known else measure(example.response, example.prompt)
                judged = reference.judge(found, kind)
                noted[NOT_ENGLISH] += not found.is_english
                if len(judged.oddities) >= self.min_reasons:
                    outliers.append(_outlier(example, kind, judged))
                kept.write(replace(example, signals={**example.signals, **_signals(judged)}))
        reference.write(work / REFERENCE)
        outliers.sort(key=lambda row: (-float(str(row["unusual"])), str(row["example_id"])))
        write_text(work / OUTLIERS, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in outliers))
        write_records(work, Measurement, self._measurements(by_kind, len(outliers), kept.count))
        noted["outliers"] = len(outliers)
        return Counts(kept.count, kept.count, noted={name: count for name, count in noted.items() if count})

    def forecast(self, data: list[Forecast], named: dict[str, Forecast]) -> Forecast:
        if self.expect is not None or len(data) != 1:
            return super().forecast(data, named)
        return replace(data[0], figures={}, notes=(), memory={})  # every example goes on, as it is

    def _measurements(self, by_kind: dict[str, list[Measured]], outliers: int, count: int) -> Iterator[Measurement]:
        how = f"responses with {self.min_reasons} or more unusual things; listed in {OUTLIERS}"
        yield Measurement("style_outliers", "the set", float(outliers), count=count, method=how)
        yield from guess_sources(by_kind, self.seed)
        yield from measure_spread(by_kind)

    def _sample(self, artifacts: tuple[Artifact, ...]) -> dict[str, tuple[str, Measured]]:
        """Of each kind at most `sample` responses by lot, measured, by id: two passes, so that only those are held."""
        lots: dict[str, list[tuple[int, str]]] = {}
        for example in _with_response(artifacts):
            heap = lots.setdefault(self._kind(example), [])
            entry = (-lot("style", self.seed, example.id), example.id)
            if len(heap) < self.sample:
                heapq.heappush(heap, entry)
            else:
                heapq.heappushpop(heap, entry)
        drawn = {name for heap in lots.values() for _, name in heap}
        examples = (example for example in _with_response(artifacts) if example.id in drawn)
        return {
            example.id: (self._kind(example), measure(example.response, example.prompt))
            for example in track(examples, "learning what is usual", len(drawn))
        }

    def _kind(self, example: Example) -> str:
        return (site_of(example) if self.by == "site" else example.origin.source) or ALL


def _with_response(artifacts: tuple[Artifact, ...]) -> Iterator[Example]:
    return (example for artifact in artifacts for example in artifact.read(Example) if example.response)


def _signals(judged: Judged) -> dict[str, float]:
    found = {"style_distance": judged.distance, "style_voice": judged.voice_distance, "style_delta": judged.delta}
    return {name: round(value, 4) for name, value in found.items() if math.isfinite(value)}


def _outlier(example: Example, kind: str, judged: Judged) -> dict[str, object]:
    shown = judged.oddities[:REASONS]
    return {
        "example_id": example.id,
        "kind": kind,
        "unusual": round(sum(oddity.deviations for oddity in shown), 2),
        "reasons": [oddity.reason for oddity in shown],
    }

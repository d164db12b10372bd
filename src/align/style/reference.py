"""What is usual: medians and spreads of a set's responses, by kind, and what is unusual about one against them.

Robust deviations, |x - median| / (1.4826 MAD) (Iglewicz & Hoaglin 1993, §3.2): a few strange responses in the reference do not
widen what counts as usual. Burrows' Delta is the mean |z| of the commonest words' shares (Burrows 2002, LLC 17, p. 267).
"""

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from align.errors import InputError
from align.files import write_text
from align.style.ends import CLOSINGS, OPENINGS
from align.style.features import VOICE, Measured, burrows_profile, measure
from align.style.wording import Range, end_reason, reason

ALL = ""
"""Name of the reference made of every kind together."""
PROFILE_WORDS = 150
UNUSUAL = 3.5
"""Robust deviations from which a feature counts as unusual (Iglewicz & Hoaglin 1993)."""
LARGEST = 10.0
"""A feature beyond this is as unusual as can be: one alone shall not decide a mean."""
SELDOM = 0.02
"""Share below which a way to open or close counts as unusual."""
FEWEST = 20
"""A kind with fewer responses has no usual of its own: it is measured against the whole set."""
LOGARITHMIC = frozenset({"chars", "words", "sentences", "paragraphs", "headings", "mtld"})
"""Features whose ratios matter, not their differences."""
GRAINS = {
    "chars": 0.1, "words": 0.1, "sentences": 0.15, "paragraphs": 0.25, "headings": 0.4, "mtld": 0.1,
    "sentence_words": 1.0, "sentence_spread": 1.0, "flesch": 4.0, "punctuation": 0.4,
    "list_lines": 0.05, "code": 0.05, "questions": 0.04, "exclamations": 0.04, "imperatives": 0.05, "acknowledgement": 0.2,
    "first_person": 0.4, "second_person": 0.6, "contractions": 0.6, "hedges": 0.4, "emoji": 0.25, "links": 0.3,
    "leftovers": 0.25, "delta": 0.05,
}  # fmt: skip
"""The least that one robust deviation is: where most responses have none of something, the MAD is 0, and all else unusual."""


@dataclass(frozen=True, slots=True)
class Usual:
    """One feature over a reference, on the scale it is compared on, and the range of nine responses of ten as it is told."""

    median: float
    deviation: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Kind:
    """What is usual for one kind of responses."""

    count: int
    features: dict[str, Usual]
    openings: dict[str, float]
    closings: dict[str, float]
    word_means: list[float]
    word_spreads: list[float]


@dataclass(frozen=True, slots=True)
class Oddity:
    """One thing that is unusual: by how many robust deviations, and in words."""

    feature: str
    deviations: float
    reason: str


@dataclass(frozen=True, slots=True)
class Judged:
    """A response against its reference."""

    distance: float
    """Median robust deviation over all features from its own kind."""
    voice_distance: float
    """Mean robust deviation of the voice from the whole set's."""
    delta: float
    """Burrows' Delta to its own kind; not a number in another language than English."""
    oddities: tuple[Oddity, ...]
    """What is unusual, the most unusual first."""


@dataclass(frozen=True, slots=True)
class StyleReference:
    """What is usual in a set of responses, by kind and over all; ask it about one text with `reasons`."""

    words: tuple[str, ...]
    """The words of Burrows' Delta: those that stand in most of the English responses."""
    kinds: dict[str, Kind]

    def reasons(self, text: str, kind: str = ALL, prompt: str = "", most: int = 3) -> list[str]:
        """What is unusual about a response, in words, the most unusual first; nothing where it is like its kind."""
        return [oddity.reason for oddity in self.judge(measure(text, prompt), kind).oddities[:most]]

    def judge(self, found: Measured, kind: str = ALL) -> Judged:
        """How far a measured response is from its kind, and in what."""
        own = self.kinds.get(kind, self.kinds[ALL])
        name = "its kind" if own is not self.kinds[ALL] else "the set"
        values = found.values | {"delta": self._delta(found, own)}
        away = {feature: _deviations(feature, value, own) for feature, value in values.items() if math.isfinite(value)}
        whole = self.kinds[ALL]
        voice = {feature: _deviations(feature, values[feature], whole) for feature in VOICE if math.isfinite(values[feature])}
        odd = [*_oddities(values, away, own, found.word_total, name), *_ends(found, own, name)]
        if own is not whole:
            told = {oddity.feature for oddity in odd}
            odd += [
                item for item in _oddities(values, voice, whole, found.word_total, "the whole set") if item.feature not in told
            ]
        odd.sort(key=lambda oddity: (-oddity.deviations, oddity.feature))
        return Judged(_median(list(away.values())), _mean(list(voice.values())), values["delta"], tuple(odd))

    def write(self, path: Path) -> None:
        """As JSON."""
        write_text(path, json.dumps(asdict(self), ensure_ascii=False, sort_keys=True))

    @classmethod
    def read(cls, path: Path) -> "StyleReference":
        """What `write` wrote, for example `files/reference.json` of a `style` stage."""
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            return cls(tuple(data["words"]), {name: _kind(kind) for name, kind in data["kinds"].items()})
        except (OSError, ValueError, KeyError, TypeError) as error:
            remedy = "it is what a `style` stage leaves as files/reference.json; run that stage again"
            raise InputError(f"{path}: no reference of style ({type(error).__name__}: {error}); {remedy}.") from error

    def _delta(self, found: Measured, kind: Kind) -> float:
        if not found.is_english or not self.words or not kind.word_means:
            return math.nan
        profile = burrows_profile(found.word_counts, found.word_total, self.words)
        away = [abs(x - mean) / spread for x, mean, spread in zip(profile, kind.word_means, kind.word_spreads, strict=True)]
        return sum(away) / len(away)


def learn_reference(responses: Iterable[tuple[str, Measured]]) -> StyleReference:
    """What is usual in measured responses, each with its kind."""
    by_kind: dict[str, list[Measured]] = {}
    for kind, found in responses:
        by_kind.setdefault(kind, []).append(found)
    everything = [found for several in by_kind.values() for found in several]
    seen: Counter[str] = Counter()
    for found in everything:
        if found.is_english:
            seen.update(found.word_counts.keys())
    chosen = tuple(word for word, _ in sorted(seen.items(), key=lambda item: (-item[1], item[0]))[:PROFILE_WORDS])
    kinds = {ALL: _learn_kind(everything, chosen)}
    kinds |= {kind: _learn_kind(several, chosen) for kind, several in by_kind.items() if len(several) >= FEWEST and kind != ALL}
    return StyleReference(chosen, kinds)


def _learn_kind(several: Sequence[Measured], chosen: Sequence[str]) -> Kind:
    import numpy as np

    profiles = np.array(
        [burrows_profile(item.word_counts, item.word_total, chosen) for item in several if item.is_english], dtype=np.float64
    )
    columns = {name: [item.values[name] for item in several] for name in (several[0].values if several else ())}
    means: list[float] = []
    spreads: list[float] = []
    if len(profiles) > 1 and chosen:
        # A word that nobody varies would divide by nothing: one use in a thousand words is the least.
        means, spreads = profiles.mean(axis=0).tolist(), np.maximum(profiles.std(axis=0, ddof=1), 1.0).tolist()
        columns["delta"] = (np.abs(profiles - np.array(means)) / np.array(spreads)).mean(axis=1).tolist()
    features = {name: usual for name, column in columns.items() if (usual := _usual(name, column)) is not None}
    return Kind(
        len(several),
        features,
        _shares([item.opening for item in several], OPENINGS),
        _shares([item.closing for item in several], CLOSINGS),
        means,
        spreads,
    )


def _usual(feature: str, column: Sequence[float]) -> Usual | None:
    import numpy as np

    told = np.array([value for value in column if math.isfinite(value)])
    if len(told) == 0:
        return None
    compared = np.log1p(told) if feature in LOGARITHMIC else told
    median = float(np.median(compared))
    spread = 1.4826 * float(np.median(np.abs(compared - median)))
    low, high = np.quantile(told, [0.05, 0.95])
    return Usual(median, max(spread, GRAINS[feature]), float(low), float(high))


def _deviations(feature: str, value: float, kind: Kind) -> float:
    usual = kind.features.get(feature)
    if usual is None:
        return 0.0
    return min(LARGEST, abs(_compared(feature, value) - usual.median) / usual.deviation)


def _compared(feature: str, value: float) -> float:
    return math.log1p(value) if feature in LOGARITHMIC else value


def _is_inside(feature: str, value: float, usual: Usual) -> bool:
    """Whether a value lies among those of nine responses of ten, or so close that words would not tell it from them."""
    grain, compared = GRAINS[feature], _compared(feature, value)
    return _compared(feature, usual.low) - grain <= compared <= _compared(feature, usual.high) + grain


def _oddities(values: Mapping[str, float], away: Mapping[str, float], kind: Kind, words: int, name: str) -> list[Oddity]:
    """Features far from the median and outside what nine of ten have: with long tails the first alone says little."""
    found = []
    for feature, deviations in away.items():
        usual = kind.features.get(feature)
        if usual is None or deviations < UNUSUAL or _is_inside(feature, values[feature], usual):
            continue
        said = reason(feature, Range(values[feature], usual.low, usual.high, words), name)
        found.append(Oddity(feature, deviations, said))
    return found


def _ends(found: Measured, kind: Kind, name: str) -> list[Oddity]:
    odd = []
    for which, value, shares, names in (
        ("opening", found.opening, kind.openings, OPENINGS),
        ("closing", found.closing, kind.closings, CLOSINGS),
    ):
        share = shares.get(value, 0.0)
        if share < SELDOM and kind.count >= FEWEST:
            odd.append(Oddity(which, UNUSUAL, end_reason(which, names[value], share, name)))
    return odd


def _shares(classes: Sequence[str], known: Mapping[str, str]) -> dict[str, float]:
    counts = Counter(classes)
    return {name: counts[name] / max(1, len(classes)) for name in known}


def _kind(data: dict[str, Any]) -> Kind:
    return Kind(**{**data, "features": {name: Usual(**usual) for name, usual in data["features"].items()}})


def _median(values: list[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    if not ordered:
        return 0.0
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0

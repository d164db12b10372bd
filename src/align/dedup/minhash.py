"""Near duplicates: sketches find the candidates (Broder 1997), the exact Jaccard similarity of each decides."""

from array import array
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import BinaryIO, ClassVar, Literal

from pydantic import Field

from align.artifact import SCRATCH, Counts
from align.dedup.bands import band_hashes, band_shape
from align.dedup.buckets import Buckets
from align.dedup.duplicates import NOT_COMPARED, Compared, check_signal, compared_turns, rank_of, write_unique
from align.dedup.sketches import sketches
from align.dedup.words_apart import words_apart
from align.progress import Bar, track
from align.records import Example
from align.stage import Inputs, Stage
from align.text import normalize

BATCH = 1024
BATCH_BYTES = 1 << 20
"""Texts that are sketched at once: so many, or one more than have so many bytes."""
KNOWN = 4096
"""Texts whose shingles are remembered."""


class MinHash(Stage):
    """Keep one example of each group of nearly equal texts: one goes where a kept, preferred one is as similar as `threshold`."""

    kind: Literal["minhash"] = "minhash"
    on: Compared = "both"
    """What must be nearly equal. By default prompt and response together: prompts that differ in one word are often two
    questions."""
    threshold: float = Field(default=0.7, ge=0.3, le=1)
    """Jaccard similarity of the shingles from which two texts are one; 0.7 is about one word in ten changed."""
    shingle_words: int = Field(default=2, ge=1, le=8)
    """A shingle is a run of one to so many words. Runs of five, usual for web pages, find nothing among short texts."""
    character_similarity: float | None = Field(default=None, gt=0, le=1)
    """Also demand that so large a share of the characters need no edit (rapidfuzz's ratio of the words in order): texts of the
    same words in another order are then two. By default the shingles decide alone."""
    keep: str = "first"
    """Which one stays: `first`, or the one with the highest value of the signal named here, e.g. `answer_score`."""

    version: ClassVar[int] = 2  # 2: sketches of one permutation

    def run(self, inputs: Inputs, work: Path) -> Counts:
        import numpy as np

        check_signal(self.kind, self.keep, inputs)
        scratch = work / SCRATCH
        scratch.mkdir(parents=True, exist_ok=True)
        ids: list[str] = []
        values, offsets = array("d"), array("q", [0])
        with (scratch / "words").open("wb") as out:
            for number, example in enumerate(inputs.read(Example, "reading texts")):
                offsets.append(offsets[-1] + out.write(_compared_words(example, self.on)))
                ids.append(example.id)
                values.append(rank_of(example, self.keep, number)[0])
        lengths = np.diff(np.asarray(offsets))
        order = [number for number in np.argsort(np.asarray(values), kind="stable").tolist() if lengths[number]]
        with (scratch / "words").open("rb") as file:
            text_of = partial(_read_text, file, offsets)
            least = self.character_similarity
            unedited = partial(_unedited, text_of, least) if least is not None else None
            found = near_duplicates(order, text_of, self.shingle_words, self.threshold, scratch / "buckets", unedited)
            details = {number: f"{ids[kept]} ({said})" for number, kept, said in found}
        return write_unique(self.kind, inputs, work, details, {NOT_COMPARED: len(ids) - len(order)})


def _compared_words(example: Example, on: Compared) -> bytes:
    """The words that are compared, parted by blanks; empty where there are none."""
    texts = (turn.text for turn in compared_turns(example, on))
    found = b" ".join(words_apart(text if text.isascii() else normalize(text)) for text in texts)
    return b"" if found.isspace() else found


def _read_text(file: BinaryIO, offsets: "array[int]", number: int) -> bytes:
    file.seek(offsets[number])
    return file.read(offsets[number + 1] - offsets[number])


def _unedited(text_of: Callable[[int], bytes], least: float, first: int, second: int) -> float | None:
    """Share of the characters of two texts that need no edit; None below `least`."""
    from rapidfuzz import fuzz

    one, other = (" ".join(text_of(number).decode().split()) for number in (first, second))
    share = fuzz.ratio(one, other, score_cutoff=100 * least) / 100
    return share or None


def shingles(text: list[str], longest: int) -> frozenset[str]:
    """All runs of one to `longest` words."""
    runs = set(text)
    for length in range(2, longest + 1):
        runs.update(map(" ".join, zip(*(text[start:] for start in range(length)), strict=False)))
    return frozenset(runs)


def near_duplicates(
    order: list[int],
    text_of: Callable[[int], bytes],
    shingle_words: int,
    threshold: float,
    scratch: Path,
    unedited: Callable[[int, int], float | None] | None = None,
) -> Iterator[tuple[int, int, str]]:
    """Each item of `order` that is as similar as `threshold` to a kept one before it: item, most similar kept one, how similar.

    `text_of` gives an item's words, parted by blanks; there is at least one. `unedited` says of two items what share of their
    characters needs no edit, None where that is too little. Items are compared with kept ones only, so a thousand copies of one
    text cost a thousand comparisons and not half a million.
    """
    shape = band_shape(threshold)
    buckets = Buckets(scratch, len(order), shape.bands)
    with Bar("sketching texts", len(order), unit="texts") as bar:
        sketched = 0
        for batch in _batches(order, text_of):
            buckets.add(band_hashes(sketches(batch, shingle_words), shape))
            sketched += len(batch)
            bar.move(sketched)

    @lru_cache(maxsize=KNOWN)
    def known(item: int) -> frozenset[str]:
        return shingles(text_of(item).decode().split(), shingle_words)

    kept: dict[int, list[int]] = {}
    shared = track(
        buckets.shared(), "comparing texts that share a bucket", len(order), "texts", reached=lambda found: found.place + 1
    )
    for place, numbers in shared:
        item = order[place]
        candidates = {other for number in numbers for other in kept.get(number, ())}
        run = known(item) if candidates else frozenset()
        alike = sorted((-score, other) for other in candidates if (score := jaccard(run, known(other))) >= threshold)
        partner = next(_confirmed(item, alike, unedited), None)
        if partner is not None:
            yield item, *partner
            continue
        for number in numbers:
            kept.setdefault(number, []).append(item)


def _batches(order: Sequence[int], text_of: Callable[[int], bytes]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    size = 0
    for item in order:
        batch.append(text_of(item))
        size += len(batch[-1])
        if len(batch) == BATCH or size > BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _confirmed(
    item: int, alike: list[tuple[float, int]], unedited: Callable[[int, int], float | None] | None
) -> Iterator[tuple[int, str]]:
    """The kept items that are duplicates of `item`, the most similar first, and how similar they are."""
    for score, kept in alike:
        if unedited is None:
            yield kept, f"similarity {-score:.2f}"
        elif (share := unedited(item, kept)) is not None:
            yield kept, f"similarity {-score:.2f}, {share:.2f} of the characters"


def jaccard(first: frozenset[str], second: frozenset[str]) -> float:
    """Share of the shingles of two texts that both have; neither is empty."""
    shared = len(first & second)
    return shared / (len(first) + len(second) - shared)

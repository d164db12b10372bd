"""Near duplicates: MinHash finds the candidates (Broder 1997), the exact Jaccard similarity of each decides."""

from array import array
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from pathlib import Path
from typing import BinaryIO, Literal

from pydantic import Field

from align.artifact import SCRATCH, Counts
from align.dedup.duplicates import NOT_COMPARED, Compared, Rank, check_signal, compared_text, rank_of, write_unique
from align.progress import track
from align.records import Example
from align.stage import Inputs, Stage
from align.text import words

SEED = 1
PERMUTATIONS = 256
"""At most so many hash functions; how many are used follows from the threshold."""
RECALL = 0.99
"""Share of the pairs just at the threshold that become candidates; of more similar ones it is more."""
BATCH = 512


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

    def run(self, inputs: Inputs, work: Path) -> Counts:
        check_signal(self.kind, self.keep, inputs)
        # The texts wait on disk, because the preferred one of a group may come last.
        path = work / SCRATCH / "words.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        ids: list[str] = []
        ranks: list[Rank] = []
        offsets = array("q", [0])
        with path.open("wb") as out:
            for number, example in enumerate(track(inputs.read(Example), "reading texts", inputs.count(Example))):
                offsets.append(offsets[-1] + out.write(" ".join(words(compared_text(example, self.on))).encode()))
                ids.append(example.id)
                ranks.append(rank_of(example, self.keep, number))
        compared = [number for number in range(len(ids)) if offsets[number + 1] > offsets[number]]
        order = sorted(compared, key=ranks.__getitem__)
        with path.open("rb") as file:
            text_of = partial(_read_text, file, offsets)
            found = near_duplicates(
                order,
                lambda number: shingles(text_of(number).split(" "), self.shingle_words),
                self.threshold,
                partial(_unedited, text_of, self.character_similarity) if self.character_similarity is not None else None,
            )
            details = {number: f"{ids[kept]} ({said})" for number, kept, said in found}
        return write_unique(self.kind, inputs, work, details, {NOT_COMPARED: len(ids) - len(compared)})


def _read_text(file: BinaryIO, offsets: "array[int]", number: int) -> str:
    file.seek(offsets[number])
    return file.read(offsets[number + 1] - offsets[number]).decode()


def _unedited(text_of: Callable[[int], str], least: float, first: int, second: int) -> float | None:
    """Share of the characters of two texts that need no edit; None below `least`."""
    from rapidfuzz import fuzz

    share = fuzz.ratio(text_of(first), text_of(second), score_cutoff=100 * least) / 100
    return share or None


def shingles(text: list[str], longest: int) -> frozenset[str]:
    """All runs of one to `longest` words."""
    runs = set(text)
    for length in range(2, longest + 1):
        runs.update(map(" ".join, zip(*(text[start:] for start in range(length)), strict=False)))
    return frozenset(runs)


def near_duplicates(
    order: list[int],
    shingles_of: Callable[[int], frozenset[str]],
    threshold: float,
    unedited: Callable[[int, int], float | None] | None = None,
) -> Iterator[tuple[int, int, str]]:
    """Each item of `order` that is as similar as `threshold` to a kept one before it: item, most similar kept one, how similar.

    `unedited` says of two items what share of their characters needs no edit, None where that is too little. Only kept items are
    indexed, so a thousand copies of one text cost a thousand comparisons and not half a million.
    """
    from rensa import RMinHash, RMinHashLSH

    bands, rows = band_shape(threshold)
    index = RMinHashLSH(threshold, bands * rows, bands)
    sizes: dict[int, int] = {}
    known = lru_cache(maxsize=BATCH)(shingles_of)
    starts = range(0, len(order), BATCH)
    for start in track(starts, "comparing texts", len(starts), "batches"):
        batch = order[start : start + BATCH]
        runs = [shingles_of(item) for item in batch]
        sketches = RMinHash.from_token_sets([list(run) for run in runs], bands * rows, SEED)
        for item, run, sketch in zip(batch, runs, sketches, strict=True):
            candidates = [
                kept for kept in index.query(sketch) if min(sizes[kept], len(run)) / max(sizes[kept], len(run)) >= threshold
            ]
            alike = sorted((-score, kept) for kept in candidates if (score := jaccard(run, known(kept))) >= threshold)
            partner = next(_confirmed(item, alike, unedited), None)
            if partner is not None:
                yield item, *partner
                continue
            sizes[item] = len(run)
            index.insert(item, sketch)


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


def band_shape(threshold: float) -> tuple[int, int]:
    """Bands and rows: the most selective that still finds a pair at the threshold with `RECALL`.

    A pair of similarity s agrees in all rows of a band with s^rows, in at least one band with 1 - (1 - s^rows)^bands.
    """
    shapes = [(PERMUTATIONS // rows, rows) for rows in range(PERMUTATIONS // 4, 0, -1)]
    return next(shape for shape in shapes if 1 - (1 - threshold ** shape[1]) ** shape[0] >= RECALL)

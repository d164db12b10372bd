"""Semantic duplicates: texts whose vectors point the same way, whatever words they share (SemDeDup, arXiv 2303.09540)."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from align.artifact import SCRATCH, Counts
from align.dedup.alike_vectors import alike_in_buckets
from align.dedup.duplicates import NOT_COMPARED, Compared, Rank, check_signal, rank_of, write_unique
from align.embed.embedder import Embedder, embedded_text
from align.embed.tfidf import TfIdf
from align.embed.vectors import embed_texts
from align.progress import track
from align.records import Example
from align.stage import Inputs, Stage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BLOCK = 2048
"""Texts that are compared at once with as many kept ones times four: 70 MB."""


class Semantic(Stage):
    """Keep one example of each group of texts that mean the same: one goes where a kept, preferred one is alike enough.

    In a pool of `exact_up_to` texts or fewer every text is compared with every kept one, so twice as many take four times as
    long. In a larger one those are compared that share a bucket (vectors on the same side of all of a draw of planes, arXiv
    cs/0205041), which are 99 % of the pairs just at the threshold and more of those above; what is dropped is as alike as said in
    either case. Memory holds blocks, the vectors lie on the disk.
    """

    kind: Literal["semantic"] = "semantic"
    on: Compared = "both"
    """What must be alike: all before the last response (`prompt`), that `response`, or both."""
    embedder: Embedder = TfIdf()
    """What makes vectors of texts. By default TF-IDF squeezed to 256 dimensions, which knows words and no synonyms;
    {kind: sentence_transformers, ...} knows them."""
    threshold: float = Field(default=0.95, gt=0, le=1)
    """Cosine from which two texts are one. DEITA (arXiv 2312.15685) drops above 0.9 with a language model's vectors."""
    keep: str = "first"
    """Which one stays: `first`, or the one with the highest value of the signal named here, e.g. `answer_score`."""

    exact_up_to: int = Field(default=50_000, ge=0)
    """The largest pool that is compared all with all."""

    version: ClassVar[int] = 2  # 2: large pools by buckets

    def run(self, inputs: Inputs, work: Path) -> Counts:
        check_signal(self.kind, self.keep, inputs)
        vectors = embed_texts(
            self.embedder, lambda: (embedded_text(item, self.on) for item in inputs.read(Example, "embedding")), work
        )
        ids: list[str] = []
        ranks: list[Rank] = []
        for number, example in enumerate(inputs.read(Example)):
            ids.append(example.id)
            ranks.append(rank_of(example, self.keep, number))
        order = sorted((row for row in range(len(ids)) if vectors[row].any()), key=ranks.__getitem__)
        if len(order) <= self.exact_up_to:
            found = alike(vectors, order, self.threshold)
        else:
            found = alike_in_buckets(vectors, order, self.threshold, work / SCRATCH / "planes")
        details = {row: f"{ids[kept]} (similarity {likeness:.2f})" for row, kept, likeness in found}
        return write_unique(self.kind, inputs, work, details, {NOT_COMPARED: len(ids) - len(order)})


def alike(vectors: "NDArray[np.float32]", order: Sequence[int], threshold: float) -> Iterator[tuple[int, int, float]]:
    """Each row of `order` that is as alike as `threshold` to a kept one before it: row, the kept one most like it, cosine."""
    import numpy as np

    kept: list[int] = []
    starts = range(0, len(order), BLOCK)
    for start in track(starts, "comparing vectors", len(starts), "blocks"):
        rows = list(order[start : start + BLOCK])
        block = np.asarray(vectors[rows])
        nearest, likeness = _nearest_kept(vectors, block, kept)
        among = block @ block.T
        stays = np.zeros(len(rows), dtype=bool)
        for place, row in enumerate(rows):
            earlier = np.flatnonzero(stays[:place])
            if len(earlier):
                best = int(earlier[np.argmax(among[place, earlier])])
                if among[place, best] > likeness[place]:
                    nearest[place], likeness[place] = rows[best], among[place, best]
            # a cosine of 1 may miss it by the last digit
            if likeness[place] >= threshold - 1e-6:
                yield row, int(nearest[place]), float(likeness[place])
            else:
                stays[place] = True
        kept.extend(row for row, stay in zip(rows, stays, strict=True) if stay)


def _nearest_kept(
    vectors: "NDArray[np.float32]", block: "NDArray[np.float32]", kept: Sequence[int]
) -> "tuple[NDArray[np.int64], NDArray[np.float32]]":
    """For each row of `block` the kept row most like it, and the cosine; -1 where nothing is kept yet."""
    import numpy as np

    nearest = np.full(len(block), -1, dtype=np.int64)
    likeness = np.full(len(block), -np.inf, dtype=np.float32)
    for start in range(0, len(kept), 4 * BLOCK):
        rows = np.array(kept[start : start + 4 * BLOCK])
        cosines = block @ np.asarray(vectors[rows]).T
        best = cosines.argmax(axis=1)
        values = cosines[np.arange(len(block)), best]
        better = values > likeness
        nearest[better], likeness[better] = rows[best[better]], values[better]
    return nearest, likeness

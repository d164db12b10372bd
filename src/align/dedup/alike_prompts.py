"""Prompts that ask what an evaluation prompt asks, in other words: found by the cosine of their vectors."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from align.embed.embedder import Embedder, Encoder
from align.embed.vectors import FITTED, encoded, sample_of
from align.records import Example

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class AlikePrompts:
    """The evaluation prompts as vectors."""

    encoder: Encoder
    vectors: "NDArray[np.float32]"
    """A row for each prompt that was given."""
    similarity: float
    work: Path

    def find(self, batch: Sequence[Example]) -> Iterator[tuple[int, int, float]]:
        """Example of the batch, evaluation prompt and cosine, of each two that are alike; the turns of a user one by one."""
        import numpy as np

        asked = [(number, turn.text) for number, item in enumerate(batch) for turn in item.turns if turn.role == "user"]
        if not asked or not len(self.vectors):
            return
        rows = np.concatenate(list(encoded(self.encoder, [text for _, text in asked], self.work)))
        cosines = rows @ self.vectors.T
        for row, column in np.argwhere(cosines >= self.similarity).tolist():
            yield asked[row][0], column, float(cosines[row, column])


def alike_prompts(
    embedder: Embedder, prompts: Sequence[str], examples: Iterable[Example], similarity: float, work: Path
) -> AlikePrompts:
    """Embed the evaluation prompts; an embedder that learns does so from them and from a sample of the examples' prompts."""
    import numpy as np

    others = (turn.text for item in examples for turn in item.turns if turn.role == "user") if embedder.learns else iter(())
    encoder = embedder.prepare(sample_of(chain(prompts, others), FITTED))
    rows = list(encoded(encoder, prompts, work))
    vectors = np.concatenate(rows) if rows else np.empty((0, encoder.width), dtype=np.float32)
    return AlikePrompts(encoder, vectors, similarity, work)

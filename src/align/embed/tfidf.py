"""TF-IDF, squeezed into a few hundred dimensions (latent semantic analysis, Deerwester et al. 1990). Needs no download."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from align.embed.embedder import Embedder, Encoder
from align.progress import Bar
from align.text import words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SPARE = 32
"""Directions beyond those asked for; with two power iterations the ones asked for are then accurate (arXiv 0909.4061, §4.5)."""
POWER_ITERATIONS = 2
EXACT_UP_TO = 600
"""A sample of so few texts is decomposed exactly."""
PASSES = 2 + 1 + POWER_ITERATIONS + 1
"""Of about equal length: counting, weighing, and those over the matrix."""
BATCH = 512


class TfIdf(Embedder):
    """Words weighted by how rare they are, then the `dimensions` directions in which the texts differ most (truncated SVD)."""

    kind: Literal["tfidf"] = "tfidf"
    dimensions: int = Field(default=256, ge=2)
    """Length of a vector; fewer texts than that give shorter ones, which lose nothing."""
    vocabulary: int = Field(default=65_536, ge=1)
    """At most so many words, those that stand in most texts."""
    seed: int = 1
    """Decides the random start of the decomposition of a large sample."""

    version: ClassVar[int] = 2  # 2: of a large sample the last digits are others

    def prepare(self, sample: Sequence[str]) -> Encoder:
        with Bar("learning which words tell texts apart", PASSES * len(sample), unit="texts") as bar:
            return self._learn(sample, bar)

    def _learn(self, sample: Sequence[str], bar: Bar) -> Encoder:
        import numpy as np

        seen: Counter[str] = Counter()
        for text in _watched(sample, bar):
            seen.update(set(words(text)))
        chosen = sorted(seen, key=lambda word: (-seen[word], word))[: self.vocabulary]
        numbers = {word: number for number, word in enumerate(chosen)}
        # idf = ln((1 + n) / (1 + df)) + 1: no word weighs nothing, and none is infinitely rare
        rarity = np.log((1 + len(sample)) / (1 + np.array([seen[word] for word in chosen], dtype=np.float64))) + 1
        weighted = _weighted(_watched(sample, bar, len(sample)), numbers, rarity)
        ends = iter(range(3 * len(sample), PASSES * len(sample), len(sample)))
        dimensions = min(self.dimensions, *weighted.shape)
        directions = _directions(weighted, dimensions, self.seed, lambda: bar.move(next(ends))) if chosen else np.zeros((0, 1))

        def encode(texts: Sequence[str]) -> "NDArray[np.float32]":
            found = np.empty((len(texts), directions.shape[1]), dtype=np.float32)
            for start in range(0, len(texts), BATCH):
                found[start : start + BATCH] = _unit(_weighted(texts[start : start + BATCH], numbers, rarity) @ directions)
            return found

        return Encoder(directions.shape[1], encode)


def _watched(texts: Sequence[str], bar: Bar, done: int = 0) -> Iterator[str]:
    for number, text in enumerate(texts, done + 1):
        yield text
        bar.move(number)


def _weighted(texts: Iterable[str], numbers: dict[str, int], rarity: "NDArray[np.float64]") -> Any:
    """Sparse rows of unit length, (1 + ln(count)) * rarity of each word, shape (texts, vocabulary)."""
    import numpy as np
    from scipy.sparse import csr_matrix

    starts, columns, weights = [0], [], []
    for text in texts:
        counts = Counter(number for word in words(text) if (number := numbers.get(word)) is not None)
        places = np.fromiter(counts, dtype=np.int64, count=len(counts))
        row = (1 + np.log(np.fromiter(counts.values(), dtype=np.float64, count=len(counts)))) * rarity[places]
        columns.append(places)
        weights.append(row / (np.sqrt(row @ row) or 1.0))
        starts.append(starts[-1] + len(counts))
    joined = (np.concatenate(weights), np.concatenate(columns), np.array(starts)) if columns else ([], [], [0])
    return csr_matrix(joined, shape=(len(columns), len(numbers)))


def _directions(rows: Any, count: int, seed: int, passed: Callable[[], object]) -> "NDArray[np.float64]":
    """The first right singular vectors, shape (vocabulary, count or less): exact of few rows, else randomised.

    `passed` is called after each pass over the rows.
    """
    import numpy as np

    if rows.shape[0] <= EXACT_UP_TO:
        basis = np.eye(rows.shape[0])
    else:
        # Halko, Martinsson and Tropp, arXiv 0909.4061, algorithm 4.4
        start = np.random.default_rng(seed).standard_normal((rows.shape[1], min(count + SPARE, *rows.shape)))
        basis = np.linalg.qr(rows @ start)[0]
        passed()
        for _ in range(POWER_ITERATIONS):
            # The vocabulary's side stays unorthogonal (§4.5): its QR took two thirds of the time, and changed 1e-13.
            basis = np.linalg.qr(rows @ (rows.T @ basis))[0]
            passed()
    small = rows.T @ basis  # (vocabulary, count)
    squares, mixing = np.linalg.eigh(small.T @ small)
    largest = [number for number in np.argsort(-squares, kind="stable")[:count] if squares[number] > 1e-10 * squares.max()]
    if not largest:
        return np.zeros((rows.shape[1], 1))
    return np.asarray(small @ (mixing[:, largest] / np.sqrt(squares[largest])))


def _unit(rows: "NDArray[np.float64]") -> "NDArray[np.float32]":
    import numpy as np

    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    # What lies outside all directions leaves rounding errors, which are no direction.
    scaled = rows / np.where(lengths > 1e-6, lengths, np.inf)
    return np.asarray(scaled, dtype=np.float32)

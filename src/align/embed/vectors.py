"""The vectors of many texts, on the disk: what is held in memory does not grow with their number."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import heapify, heappushpop
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from align.artifact import SCRATCH
from align.embed.cache import VectorCache, digests_of
from align.embed.embedder import Embedder, Encoder
from align.lots import lot

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FITTED = 10_000
"""At most so many texts, drawn by lot, are what an embedder learns from."""
BATCH = 1024


def embed_texts(
    embedder: Embedder, texts: Callable[[], Iterable[str]], work: Path, name: str = "vectors", learnt_from: Sequence[str] = ()
) -> "NDArray[np.float32]":
    """A row for each text in order, unit length or zeros, mapped from a file in the scratch of `work`.

    `texts` is called twice: an embedder that learns does so from a sample, or from `learnt_from`.
    """
    import numpy as np

    sample = learnt_from or (sample_of(texts(), FITTED) if embedder.learns else ())
    encoder = embedder.prepare(sample)
    path = work / SCRATCH / f"{name}.f32"
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = 0
    with path.open("wb") as file:
        for vectors in encoded(encoder, texts(), work):
            file.write(np.ascontiguousarray(vectors, dtype=np.float32).tobytes())
            rows += len(vectors)
    if rows == 0:
        return np.empty((0, encoder.width), dtype=np.float32)
    return np.memmap(path, dtype=np.float32, mode="r", shape=(rows, encoder.width))


def encoded(encoder: Encoder, texts: Iterable[str], work: Path) -> "Iterator[NDArray[np.float32]]":
    """The vectors, batch by batch; those of a dear encoder come from the store's cache where they are known."""
    cache = VectorCache(_cache_place(work), encoder.identity, encoder.width) if encoder.identity else None
    passing = iter(texts)
    while batch := list(islice(passing, BATCH)):
        yield encoder.encode(batch) if cache is None else _through_cache(cache, encoder, batch)


def sample_of(texts: Iterable[str], size: int) -> list[str]:
    """Up to `size` of the texts, drawn by a lot that only their words decide, in the order of their lots."""
    kept: list[tuple[int, str]] = []
    for text in texts:
        entry = (-lot("embed", text), text)
        if len(kept) < size:
            kept.append(entry)
            if len(kept) == size:
                heapify(kept)
        else:
            heappushpop(kept, entry)
    return [text for _, text in sorted(kept, reverse=True)]


def _through_cache(cache: VectorCache, encoder: Encoder, batch: list[str]) -> "NDArray[np.float32]":
    import numpy as np

    digests = digests_of(batch)
    known, vectors = cache.find(digests)
    missing = np.flatnonzero(~known)
    if len(missing):
        fresh = encoder.encode([batch[number] for number in missing])
        # rounded as the cache rounds, so that a second run reads what the first one used
        vectors[missing] = fresh.astype(np.float16)
        cache.add(digests[missing], fresh)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1), dtype=np.float32)


def _cache_place(work: Path) -> Path:
    """The store that `work` lies in; outside of one, its scratch."""
    return work.parent.parent if work.parent.name == "artifacts" else work / SCRATCH

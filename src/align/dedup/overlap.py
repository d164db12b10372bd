"""Runs of words that many texts share with a few: the few are indexed, the many stream past."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any, NamedTuple

BREAK = 0
"""Number of every word that stands in none of the indexed texts, and of the gap between two texts."""


@dataclass(frozen=True, slots=True)
class RunIndex:
    """The indexed texts and where each run of `anchor` words that may begin a shared run stands in them."""

    texts: list[list[str]]
    needed: list[int]
    """How many words in a row a text must share to count; 0: it is too short to be looked for."""
    anchor: int
    vocabulary: dict[str, int]
    hashes: Any
    """Hashes of the anchors, sorted; `places` says in the same order which text and which word of it."""
    places: Any


class SharedRun(NamedTuple):
    text: int
    """Number of the passing text."""
    indexed: int
    """Number of the indexed text."""
    words: list[str]
    """The longest run that both have."""


def index_runs(texts: list[list[str]], run_words: int, short_words: int) -> RunIndex:
    """Index `texts`: of a long one any `run_words` in a row count, of one from `short_words` on the whole."""
    import numpy as np

    needed = [min(run_words, len(text)) if len(text) >= short_words else 0 for text in texts]
    vocabulary: dict[str, int] = {}
    for text, need in zip(texts, needed, strict=True):
        for word in text if need else ():
            vocabulary.setdefault(word, len(vocabulary) + 1)
    places, hashes = [np.empty((0, 2), dtype=np.int64)], [np.empty(0, dtype=np.uint64)]
    for number, (text, need) in enumerate(zip(texts, needed, strict=True)):
        if need:
            starts = np.arange(len(text) - need + 1)
            hashes.append(_anchor_hashes(_numbers(text, vocabulary), starts, short_words))
            places.append(np.stack([np.full_like(starts, number), starts], axis=1))
    joined = np.concatenate(hashes)
    order = np.argsort(joined, kind="stable")
    return RunIndex(texts, needed, short_words, vocabulary, joined[order], np.concatenate(places)[order])


def shared_runs(index: RunIndex, texts: Sequence[list[str]]) -> Iterator[SharedRun]:
    """For each of `texts` and each indexed text it shares enough words in a row with: the longest such run."""
    import numpy as np

    if not texts or not len(index.hashes):
        return
    numbers = np.concatenate([_numbers([*text, ""], index.vocabulary) for text in texts])
    breaks = np.concatenate([[0], np.cumsum(numbers == BREAK)])
    starts = np.flatnonzero(breaks[index.anchor :] == breaks[: -index.anchor])
    hashes = _anchor_hashes(numbers, starts, index.anchor)
    first = np.searchsorted(index.hashes, hashes, side="left")
    found = first < len(index.hashes)
    found[found] = index.hashes[first[found]] == hashes[found]
    begins = np.concatenate([[0], np.cumsum([len(text) + 1 for text in texts])])
    owners = np.searchsorted(begins, starts[found], side="right") - 1
    anchors: dict[int, list[tuple[int, int]]] = {}
    for owner, start, place in zip(owners.tolist(), starts[found].tolist(), first[found].tolist(), strict=True):
        anchors.setdefault(owner, []).append((start - int(begins[owner]), place))
    for owner, found_anchors in anchors.items():
        yield from _longest_runs(index, owner, texts[owner], found_anchors)


def _longest_runs(index: RunIndex, owner: int, text: list[str], anchors: list[tuple[int, int]]) -> Iterator[SharedRun]:
    """Verify the anchors of one text word by word, each shared run once."""
    longest: dict[int, tuple[int, int]] = {}
    covered: dict[tuple[int, int], int] = {}
    for start, place in anchors:
        wanted = index.hashes[place]
        while place < len(index.hashes) and index.hashes[place] == wanted:
            number, position = map(int, index.places[place])
            place += 1
            if start < covered.get((number, start - position), 0):
                continue
            length = _common_length(text, start, index.texts[number], position)
            covered[number, start - position] = start + length
            if length >= index.needed[number] and length > longest.get(number, (0, 0))[0]:
                longest[number] = (length, start)
    for number in sorted(longest):
        length, start = longest[number]
        yield SharedRun(owner, number, text[start : start + length])


def _common_length(first: list[str], start: int, second: list[str], position: int) -> int:
    length = 0
    for one, other in zip(first[start:], second[position:], strict=False):
        if one != other:
            break
        length += 1
    return length


def _numbers(text: list[str], vocabulary: dict[str, int]) -> Any:
    import numpy as np

    return np.fromiter(map(vocabulary.get, text, repeat(BREAK)), dtype=np.uint64, count=len(text))


def _anchor_hashes(numbers: Any, starts: Any, anchor: int) -> Any:
    """Hash of the `anchor` words from each start: a polynomial modulo 2^64; what it confuses, the verification sorts out."""
    import numpy as np

    hashes = np.zeros(len(starts), dtype=np.uint64)
    for offset in range(anchor):
        hashes = hashes * np.uint64(0x9E3779B97F4A7C15) + numbers[starts + offset]
    return hashes

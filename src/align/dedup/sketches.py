"""Sketches of texts: a few hundred numbers of each, of which two texts share about as large a share as of their shingles.

A word's hash is a polynomial over its bytes, a shingle's mixes those of its words; both are computed for a whole batch at once,
and no word becomes an object of Python. The sketch is a one permutation hash (Li et al. 2012, arXiv 1208.1259): each shingle is
thrown into one of `BINS` bins, each bin keeps its least value. A bin that stayed empty takes the least of up to `ROUNDS` - 1
throws more (as in arXiv 1704.04370), and then its neighbour's (Shrivastava & Li 2014, arXiv 1406.4784). So the work goes with the
number of shingles alone, where plain MinHash does it for every hash function anew.
"""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BIN_BITS = 8
BINS = 1 << BIN_BITS
ROUNDS = 4
_EMPTY = 0xFFFFFFFF
_BASE = 0x2545F4914F6CDD1D
_MIX = 0x9E3779B97F4A7C15
_SEEDS = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB, 0xD6E8FEB86659FD93, 0xA0761D6478BD642F)
_BLANK = 32


def sketches(texts: Sequence[bytes], shingle_words: int) -> "NDArray[np.uint32]":
    """A row of `BINS` numbers for each text: words parted by blanks, at least one a text."""
    import numpy as np

    found = np.full(len(texts) * BINS, _EMPTY, dtype=np.uint32)
    hashes, owners = _words(texts)
    runs = hashes
    for length in range(1, shingle_words + 1):
        if length > 1:
            inside = owners[length - 1 :] == owners[: len(owners) - length + 1]
            runs = _mixed(runs[: len(runs) - 1] * np.uint64(_MIX) + hashes[length - 1 :], _SEEDS[0])
            _throw(runs[inside], owners[length - 1 :][inside], found)
        else:
            _throw(runs, owners, found)
    return _filled(found.reshape(len(texts), BINS))


def _throw(hashes: "NDArray[np.uint64]", owners: "NDArray[np.int64]", found: "NDArray[np.uint32]") -> None:
    """Throw each shingle into a bin of its text, in each round anew; what a later round brings is above all of an earlier one."""
    import numpy as np

    first = owners * BINS
    for number, seed in enumerate(_SEEDS[:ROUNDS]):
        thrown = _mixed(hashes, seed)
        places = first + (thrown >> np.uint64(64 - BIN_BITS)).astype(np.int64)
        values = (thrown >> np.uint64(64 - BIN_BITS - 30)).astype(np.uint32) & np.uint32(0x3FFFFFFF)
        np.minimum.at(found, places, values | np.uint32(number << 30))


def _filled(found: "NDArray[np.uint32]") -> "NDArray[np.uint32]":
    """Give each empty bin what the next full one holds, changed by the distance so that neighbours differ."""
    import numpy as np

    bins = np.arange(BINS, dtype=np.int32)
    is_empty = found == _EMPTY
    lacking = np.flatnonzero(is_empty.any(axis=1))
    if not len(lacking):
        return found
    here = np.where(is_empty[lacking], np.int32(4 * BINS), bins)
    twice = np.concatenate([here, here + np.int32(BINS)], axis=1)
    following = np.minimum.accumulate(twice[:, ::-1], axis=1)[:, ::-1][:, :BINS]
    distance = (following - bins).astype(np.uint32)
    found[lacking] = np.take_along_axis(found[lacking], following % BINS, axis=1) + distance * np.uint32(_MIX & _EMPTY)
    return found


def _words(texts: Sequence[bytes]) -> "tuple[NDArray[np.uint64], NDArray[np.int64]]":
    """The hash of every word, and the number of its text."""
    import numpy as np

    data = np.frombuffer(b" ".join([b"", *texts, b""]), dtype=np.uint8)
    in_word = data != _BLANK
    edges = np.flatnonzero(in_word[1:] != in_word[:-1])
    starts, ends = edges[::2] + 1, edges[1::2] + 1
    powers, inverses = _powers(max(1 << 20, 1 << (len(data) - 1).bit_length()))
    sums = np.zeros(len(data) + 1, dtype=np.uint64)
    np.cumsum(data * powers[: len(data)], out=sums[1:])
    hashes = _mixed((sums[ends] - sums[starts]) * inverses[starts], _SEEDS[1])
    begins = np.cumsum([1, *(len(text) + 1 for text in texts[:-1])])
    return hashes, np.searchsorted(begins, starts, side="right") - 1


@cache
def _powers(count: int) -> "tuple[NDArray[np.uint64], NDArray[np.uint64]]":
    """The powers of the base and of its inverse modulo 2^64."""
    import numpy as np

    found: list[Any] = []
    for base in (_BASE, pow(_BASE, -1, 1 << 64)):
        powers = np.full(count, base, dtype=np.uint64)
        powers[0] = 1
        found.append(np.cumprod(powers))
    return found[0], found[1]


def _mixed(numbers: "NDArray[np.uint64]", factor: int) -> "NDArray[np.uint64]":
    """Numbers whose every bit depends on all bits of the old ones."""
    import numpy as np

    mixed = numbers ^ (numbers >> np.uint64(32))
    mixed *= np.uint64(factor)
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(_MIX)
    mixed ^= mixed >> np.uint64(32)
    return mixed

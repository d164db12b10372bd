"""A stream of BZip2 cut between its blocks into streams of their own, which can be unpacked at the same time.

A block begins at any bit, with 48 that tell it, and needs nothing of the blocks before. Where others look like these by chance,
once in 35 TB, a stream is damaged: whoever unpacks it finds that.
"""

from collections.abc import Callable, Iterator

Read = Callable[[int, int], bytes]
"""The bytes from a place on, so many or up to the end."""

_HEAD = b"BZh9"  # of blocks of 900 kB, and good for smaller ones
_BLOCK, _END = 0x314159265359, 0x177245385090
_MARK_BITS, _SUM_BITS = 48, 32
_SCANNED_BYTES = 1 << 20


def divided(read: Read, size: int, bytes_each: int) -> Iterator[bytes]:
    """The stream of `size` bytes that `read` gives, as streams of about `bytes_each`, in order."""
    end = _end(read, size)
    starts: list[int] = []
    for start in _block_starts(read, size):
        if starts and start - starts[0] >= 8 * bytes_each:
            yield _stream(read, starts, start)
            starts = []
        starts.append(start)
    if starts:
        yield _stream(read, starts, end)


def _end(read: Read, size: int) -> int:
    """The bit behind the last block: there the end is told, then the sum of all blocks, then come up to seven bits of nothing."""
    last = 8 * size - _MARK_BITS - _SUM_BITS
    for end in range(max(0, last - 7), last + 1):
        if _bits(read, end, _MARK_BITS) == _END:
            return end
    raise ValueError("the stream does not end as one of BZip2 does")


def _block_starts(read: Read, size: int) -> Iterator[int]:
    """The bits with which blocks begin."""
    for first in range(0, size, _SCANNED_BYTES):
        window = read(first, _SCANNED_BYTES + 6)
        found = [8 * place + shift for shift in range(8) for place in _marks(window, shift) if place < _SCANNED_BYTES]
        yield from (8 * first + start for start in sorted(found))


def _marks(window: bytes, shift: int) -> Iterator[int]:
    """The bytes in whose bit `shift` the mark of a block begins."""
    mark = (_BLOCK << 8 >> shift).to_bytes(7)
    inside = mark[1:6]  # the bytes that are all the mark's
    at = window.find(inside)
    while at >= 0:
        around = int.from_bytes(window[at - 1 : at + 6]) if at else 0
        if around >> 8 - shift & (1 << _MARK_BITS) - 1 == _BLOCK:
            yield at - 1
        at = window.find(inside, at + 1)


def _stream(read: Read, starts: list[int], end: int) -> bytes:
    """The blocks that begin at some bits, the last of which ends before `end`, as a stream that begins at a byte."""
    import numpy as np

    total = 0
    for start in starts:
        total = (total << 1 | total >> 31) & 0xFFFFFFFF ^ _bits(read, start + _MARK_BITS, _SUM_BITS)
    (first, shift), (whole, rest) = divmod(starts[0], 8), divmod(end - starts[0], 8)
    data = np.frombuffer(read(first, whole + 2), np.uint8)
    moved = data[:-1] << shift | data[1:] >> 8 - shift
    tail = int(moved[whole]) >> 8 - rest
    nothing = -(rest + _MARK_BITS + _SUM_BITS) % 8
    close = (tail << _MARK_BITS + _SUM_BITS | _END << _SUM_BITS | total) << nothing
    return _HEAD + moved[:whole].tobytes() + close.to_bytes((rest + _MARK_BITS + _SUM_BITS + nothing) // 8)


def _bits(read: Read, start: int, count: int) -> int:
    first, last = start // 8, (start + count + 7) // 8
    return int.from_bytes(read(first, last - first)) >> 8 * last - start - count & (1 << count) - 1

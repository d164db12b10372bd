import bz2
import random

import pytest

from align.sources.bzip2_streams import Read, divided


def reader(stream: bytes) -> Read:
    return lambda start, count: stream[start : start + count]


def noise(size: int, seed: int = 1) -> bytes:
    """What does not pack, so that blocks end at every bit of a byte."""
    return random.Random(seed).randbytes(size)


@pytest.mark.parametrize("bytes_each", [1, 150_000, 250_000, 10_000_000])
def test_the_parts_of_a_stream_hold_what_it_holds_in_order(bytes_each: int) -> None:
    # level 1: a block holds 100 kB, so 2.3 MB are 24 of them, and two windows are looked through
    text = noise(2_300_000)
    stream = bz2.compress(text, 1)
    parts = list(divided(reader(stream), len(stream), bytes_each))
    assert b"".join(map(bz2.decompress, parts)) == text
    # A part ends with the block that makes it so large: one block each, then two (101 kB each), then three, then all.
    assert len(parts) == {1: 24, 150_000: 12, 250_000: 8, 10_000_000: 1}[bytes_each]


def test_parts_are_whole_wherever_in_a_byte_their_blocks_begin() -> None:
    shifts = set()
    for size in range(100_000, 100_040):
        text = bytes(noise(size, size).hex(), "ascii")
        stream = bz2.compress(text, 1)
        first, second, *_ = parts = list(divided(reader(stream), len(stream), 1))
        assert b"".join(map(bz2.decompress, parts)) == text
        mark = int.from_bytes(bytes.fromhex("314159265359"))
        bits = int.from_bytes(stream)
        shifts |= {
            start % 8
            for start in range(8 * len(first) - 100, 8 * len(first))
            if bits >> (8 * len(stream) - start - 48) & (1 << 48) - 1 == mark
        }
    assert shifts == set(range(8))


def test_a_stream_without_its_end_is_refused() -> None:
    stream = bz2.compress(noise(1000))
    with pytest.raises(ValueError, match="does not end as one of BZip2 does"):
        list(divided(reader(stream[:-3]), len(stream) - 3, 1000))


def test_a_stream_of_nothing_has_no_parts() -> None:
    stream = bz2.compress(b"")
    assert list(divided(reader(stream), len(stream), 1000)) == []

"""A seeded order of any number of things that is computed and never held: place -> index, in constant memory.

A Feistel network permutes the numbers below a power of four; a number that falls outside is sent through again until it falls
inside ("cycle walking": Black and Rogaway 2002, Ciphers with arbitrary finite domains, §3), which keeps it a permutation.
"""

ROUNDS = 6
_MASK = 2**64 - 1


def shuffled(place: int, size: int, key: int) -> int:
    """What stands at `place` in the order that `key` gives to 0 ... size - 1; each stands in exactly one place."""
    if not 0 <= place < size:
        raise IndexError(f"place {place} of {size}")
    half = max(1, ((size - 1).bit_length() + 1) // 2)
    found = _network(place, half, key)
    while found >= size:
        found = _network(found, half, key)
    return found


def _network(number: int, half: int, key: int) -> int:
    """One pass: a permutation of the numbers of 2 x `half` bits."""
    mask = (1 << half) - 1
    left, right = number >> half, number & mask
    for turn in range(ROUNDS):
        left, right = right, left ^ (_mixed(right + key + turn * 0x9E3779B97F4A7C15) & mask)
    return left << half | right


def _mixed(number: int) -> int:
    """64 bits that look like chance (the last steps of SplitMix64: Steele, Lea and Flood 2014)."""
    number = ((number ^ (number >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    number = ((number ^ (number >> 27)) * 0x94D049BB133111EB) & _MASK
    return number ^ (number >> 31)

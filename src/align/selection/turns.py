"""Whose turn it is: which cell the next example comes from, so that the cells stand near their shares at any point."""

from collections.abc import Mapping


def turns(sizes: Mapping[str, int], shares: Mapping[str, float], count: int) -> list[str]:
    """The cell of each of up to `count` places: always the one with the highest share / (taken + 1) that has examples left.

    This is D'Hondt's method of seats (1878); a cell that runs out leaves its places to the others. What is drawn first does not
    depend on `count`, so a smaller set is the beginning of a larger one.
    """
    taken = dict.fromkeys(sorted(name for name in sizes if shares.get(name, 0) > 0 and sizes[name] > 0), 0)
    order: list[str] = []
    while len(order) < count:
        left = [name for name in taken if taken[name] < sizes[name]]
        if not left:
            break
        chosen = max(left, key=lambda name: shares[name] / (taken[name] + 1))
        taken[chosen] += 1
        order.append(chosen)
    return order

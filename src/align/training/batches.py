"""Which examples make an optimizer batch, which process takes which of them, and what goes through the model at once.

A batch is exactly `batch_size` examples of a plain shuffle, as LIMA §3 has it; only the last one of an epoch is smaller. Its
examples are then divided over the processes and cut into micro-batches of like length, so that little is padded. All of it
follows from the lengths alone: every process computes the same plan and none has to ask another.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import torch


class ShuffledBatches(torch.utils.data.Sampler[list[int]]):  # type: ignore[misc] # torch is skipped by mypy
    """The batches of one epoch after the other, each epoch in an order of its own that seed and epoch alone decide."""

    def __init__(self, count: int, batch_size: int, seed: int) -> None:
        self.count, self.batch_size, self.seed = count, batch_size, seed
        self.epoch = 0

    def __len__(self) -> int:
        return -(-self.count // self.batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        generator = torch.Generator().manual_seed(self.seed * 100_003 + self.epoch)
        order = torch.randperm(self.count, generator=generator).tolist()
        for start in range(0, self.count, self.batch_size):
            yield order[start : start + self.batch_size]


@dataclass(frozen=True, slots=True)
class Cut:
    """Examples that go through the model at once."""

    examples: tuple[int, ...]
    counts: bool = True
    """Whether they give loss; not where a process only keeps step with the others."""


def cuts_of(
    batch: Sequence[int],
    length: Callable[[int], int],
    budget: int,
    world: int = 1,
    rank: int = 0,
    layout: Literal["padded", "packed"] = "padded",
) -> list[Cut]:
    """What process `rank` of `world` does for a batch; as many cuts for every process, since sharded ones move together.

    `budget` is the largest number of tokens in a cut, padding included; a longer example goes through alone.
    """
    cut = _cut if layout == "padded" else _pack
    each = [cut(share, length, budget) for share in _divide(batch, length, world)]
    mine = [Cut(tuple(examples)) for examples in each[rank]]
    idle = Cut((min(batch, key=lambda index: (length(index), index)),), counts=False)
    return mine + [idle] * (max(map(len, each)) - len(mine))


def _divide(batch: Sequence[int], length: Callable[[int], int], world: int) -> list[list[int]]:
    """Shares of about equal tokens, longest example first."""
    shares: list[list[int]] = [[] for _ in range(world)]
    tokens = [0] * world
    for index in sorted(batch, key=lambda index: (-length(index), index)):
        least = min(range(world), key=lambda process: (tokens[process], process))
        shares[least].append(index)
        tokens[least] += length(index)
    return shares


def _cut(examples: Sequence[int], length: Callable[[int], int], budget: int) -> list[list[int]]:
    """Cut examples, longest first, so that each part is within the budget when padded to its first."""
    parts: list[list[int]] = []
    for index in examples:
        if parts and (len(parts[-1]) + 1) * length(parts[-1][0]) <= budget:
            parts[-1].append(index)
        else:
            parts.append([index])
    return parts


def _pack(examples: Sequence[int], length: Callable[[int], int], budget: int) -> list[list[int]]:
    """Best-fit decreasing: each example, longest first, goes where it leaves the least room."""
    parts: list[list[int]] = []
    room: list[int] = []
    for index in examples:
        fits = [part for part in range(len(parts)) if length(index) <= room[part]]
        if fits:
            best = min(fits, key=lambda part: (room[part], part))
            parts[best].append(index)
            room[best] -= length(index)
        else:
            parts.append([index])
            room.append(budget - length(index))
    return parts

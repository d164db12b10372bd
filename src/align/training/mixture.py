"""Mixtures: how much of which source a pretraining reads, and which source each block of the run comes from.

Blocks are counted, as all have one length. A source of n blocks in the run has its j-th at the time (j + 1/2) / n of it, and the
blocks of all sources stand in the order of their times: each source is spread evenly over the run, at its end the shares are
exact, and what comes at a place is computed from the place alone. (It is the order in which Sainte-Laguë's rule gives out seats.)
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat

from align.errors import EmptyResult, Shortfall
from align.parts import StageName

MANY_EPOCHS = 4
"""Up to four passes teach almost as much as new text would (Muennighoff et al. 2023, arXiv 2305.16264, §6)."""


class DataSource(BaseModel):
    """One source of a mixture."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stage: StageName
    """The stage whose documents are read."""
    share: Annotated[float, Field(gt=0, le=1)] | None = None
    """Its share of the tokens of the run, 0 to 1; the shares of all sources add up to 1. Goes with `tokens`."""
    epochs: PositiveFloat | None = None
    """How often it is read, instead of a share: then the sources decide how long the run is. 0.5 is half of it."""
    max_epochs: PositiveFloat | None = None
    """Refuse to read it more often than this; by default a share may need any number of passes, and they are reported."""


@dataclass(frozen=True, slots=True)
class Draw:
    """What a run takes of one source."""

    name: str
    blocks: int
    """Blocks that it has."""
    taken: int
    """Blocks of it that the run reads; more than it has means several passes."""

    @property
    def epochs(self) -> float:
        return self.taken / self.blocks


def check_lengths(sources: dict[str, DataSource], has_tokens: bool) -> None:
    """Refuse shares and epochs that do not say how long the run is; raises ValueError for the recipe's checker."""
    if not sources:
        raise ValueError("sources: is empty; name at least one: {web: {stage: web_clean, share: 1.0}}")
    wanted, other = ("share", "epochs") if has_tokens else ("epochs", "share")
    why = "`tokens` says how long the run is" if has_tokens else "without `tokens` the sources say how long the run is"
    for name, source in sources.items():
        if getattr(source, wanted) is None or getattr(source, other) is not None:
            raise ValueError(f"sources.{name}: {why}, so each source has `{wanted}` and no `{other}`")
    total = math.fsum(source.share or 0 for source in sources.values())
    if has_tokens and not math.isclose(total, 1, abs_tol=1e-6):
        raise ValueError(f"sources: the shares must add up to 1, not {total:g}")


def draws_of(sources: dict[str, DataSource], blocks: dict[str, int], total: int | None) -> list[Draw]:
    """How many blocks to take of each source; `total` is the length of the run in blocks where `tokens` says it."""
    empty = [name for name in sources if blocks[name] == 0]
    if empty:
        raise EmptyResult(f"sources.{empty[0]}: its documents have less than one block of max_tokens tokens.")
    if total is not None:
        taken = apportioned(total, [source.share or 0 for source in sources.values()])
    else:
        taken = [max(1, round((source.epochs or 0) * blocks[name])) for name, source in sources.items()]
    draws = [Draw(name, blocks[name], count) for name, count in zip(sources, taken, strict=True)]
    for draw in draws:
        limit = sources[draw.name].max_epochs
        # A thousandth is rounding to whole blocks.
        if limit is not None and draw.taken > max(limit * draw.blocks * 1.001, 1):
            raise Shortfall(
                f"sources.{draw.name}: would be read {draw.epochs:.2f} times, max_epochs: {limit:g}. Give it more documents, a "
                f"smaller share or fewer tokens, or raise max_epochs."
            )
    return draws


def apportioned(total: int, shares: Sequence[float]) -> list[int]:
    """Whole numbers that add up to `total`, each within one of its share of it: what is left goes to the largest remainders."""
    exact = [total * share / math.fsum(shares) for share in shares]
    counts = [math.floor(value) for value in exact]
    by_remainder = sorted(range(len(shares)), key=lambda index: (counts[index] - exact[index], index))
    for index in by_remainder[: total - sum(counts)]:
        counts[index] += 1
    return counts


def drawn_at(place: int, taken: Sequence[int]) -> tuple[int, int]:
    """Which source the block at `place` of the run comes from, and how many of that source came before it."""
    total, width = sum(taken), len(taken) + 1
    for source, count in enumerate(taken):
        near = place * count // total
        for number in range(max(0, near - width), min(count, near + width + 1)):
            if _place_of(source, number, taken) == place:
                return source, number
    raise IndexError(f"place {place} of {total}")


def _place_of(source: int, number: int, taken: Sequence[int]) -> int:
    """How many blocks stand before the given one of `source`: those with an earlier time, or the same and an earlier source."""
    before = number
    odd, own = 2 * number + 1, taken[source]
    for other, count in enumerate(taken):
        if other == source:
            continue
        # j of `other` come before: (2 j + 1) / count < odd / own, in whole numbers
        ahead = odd * count - own
        if other < source:
            before += ahead // (2 * own) + 1 if ahead >= 0 else 0
        else:
            before += -(-ahead // (2 * own)) if ahead > 0 else 0
    return before

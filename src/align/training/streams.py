"""What a pretraining reads: place -> block, computed from the place alone, so that a resumed run reads on where it stopped.

Nothing is replayed and no list of blocks is held. A place says which source comes (mixture.drawn_at) and how many of its blocks
came before; from that number follow the pass over the source and, in the order of that pass (shuffling.shuffled), the block.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from align.artifact import digest_of
from align.lots import lot
from align.records import Measurement
from align.training.job import Text
from align.training.mixture import Draw, drawn_at
from align.training.shuffling import shuffled
from align.training.token_files import TokenFile


class Place(NamedTuple):
    """Where a block of the run comes from."""

    source: str
    epoch: int
    """Number of the pass over the source, from 0."""
    block: int


class BlockStream:
    """The blocks of a run in their order: rows of ids, all of one length and each id with loss."""

    def __init__(self, files: dict[str, TokenFile], draws: Sequence[Draw], seed: int) -> None:
        self.files, self.draws, self.seed = files, draws, seed
        self._taken = [draw.taken for draw in draws]
        self._length = next(iter(files.values())).max_tokens

    def __len__(self) -> int:
        return sum(self._taken)

    def place(self, index: int) -> Place:
        source, number = drawn_at(index, self._taken)
        draw = self.draws[source]
        epoch, within = divmod(number, draw.blocks)
        key = lot("blocks of a pass", self.seed, draw.name, epoch)
        return Place(draw.name, epoch, shuffled(within, draw.blocks, key))

    def length(self, index: int) -> int:
        return self._length

    def tokens(self, index: int) -> int:
        return self._length

    def weight(self, index: int) -> float:
        return self._length - 1  # the first id is predicted from nothing

    def texts(self, index: int) -> list[Text]:
        place = self.place(index)
        ids: Any = self.files[place.source].block(place.block)  # an array, which need not become a list to become a tensor
        return [Text(ids, ids)]

    def digest(self) -> str:
        """Hash of all sources and of how much of each is read."""
        return digest_of([[draw.name, draw.blocks, draw.taken, self.files[draw.name].digest()] for draw in self.draws])

    def measurements(self) -> Iterator[Measurement]:
        """What share of the run each source has, and how often it is read."""
        for draw in self.draws:
            share = draw.taken / len(self)
            yield Measurement("source_share", draw.name, share, count=draw.taken, method="its blocks of all that are read")
            yield Measurement("source_epochs", draw.name, draw.epochs, count=draw.blocks, method="blocks read of those it has")

"""Documents as files of token ids, laid end to end, whatever their size: memory holds one batch of texts and never a source.

    scratch/tokens/web/shard-00000.bin     ids, two bytes each, or four where the vocabulary has more than 65,536
    scratch/tokens/web/shard-00000.json    its seal, written last: what it was made of, its length and its hash
    scratch/tokens/ready.json              all sources are there; other processes of the launch wait for it

A killed run goes on after the last shard whose seal holds.
"""

import hashlib
import json
import logging
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate, chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from align.artifact import Artifact, digest_of
from align.files import commit_file, hash_file, parquet_file, record_parts, write_json
from align.processes import process_rank, wait_for
from align.progress import track
from align.records import Example
from align.tokens import encode_documents

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from transformers import PreTrainedTokenizerFast

log = logging.getLogger(__name__)

TOKENS_PER_SHARD = 2**26
"""A shard is closed at the first group of rows after so many tokens: 128 MB of two bytes each."""
CHARACTERS_AT_ONCE = 4_000_000
"""Texts are given to the tokenizer in batches of so many characters, or one by one where one is longer."""
ROWS_AT_ONCE = 256
READY = "ready.json"

Group = tuple[Path, int]
"""A group of rows of a Parquet part."""


@dataclass(frozen=True, slots=True)
class Shard:
    """One file of ids, and its seal."""

    file: str
    """Its name."""
    first: int
    """Number of the first group of rows in it."""
    after: int
    """Number of the group behind its last."""
    tokens: int
    bytes_each: int
    sha256: str


class TokenFile:
    """The shards of one source as one row of ids, cut into blocks; what is left at the end is left out."""

    def __init__(self, folder: Path, shards: Sequence[Shard], max_tokens: int) -> None:
        self.folder, self.shards, self.max_tokens = folder, shards, max_tokens
        self._ends = list(accumulate(shard.tokens for shard in shards))
        self._open: dict[int, NDArray[np.unsignedinteger[Any]]] = {}

    @property
    def tokens(self) -> int:
        return self._ends[-1] if self._ends else 0

    @property
    def blocks(self) -> int:
        return self.tokens // self.max_tokens

    def digest(self) -> str:
        """Hash of all ids, in order."""
        return digest_of([shard.sha256 for shard in self.shards])

    def block(self, number: int) -> "NDArray[np.int64]":
        """The ids of one block."""
        import numpy as np

        if not 0 <= number < self.blocks:
            raise IndexError(f"block {number} of {self.blocks}")
        start, left = number * self.max_tokens, self.max_tokens
        pieces = []
        shard = bisect_right(self._ends, start)
        while left:
            within = start - (self._ends[shard] - self.shards[shard].tokens)
            piece = self._ids(shard)[within : within + left]
            pieces.append(piece)
            start, left, shard = start + len(piece), left - len(piece), shard + 1
        return np.concatenate(pieces).astype(np.int64)

    def _ids(self, shard: int) -> "NDArray[np.unsignedinteger[Any]]":
        import numpy as np

        if shard not in self._open:
            seal = self.shards[shard]
            kind = np.dtype(f"<u{seal.bytes_each}")
            # An empty file cannot be mapped.
            mapped = np.memmap(self.folder / seal.file, kind, mode="r") if seal.tokens else np.empty(0, kind)
            self._open[shard] = mapped
        return self._open[shard]


def token_files(
    sources: dict[str, Sequence[Artifact]], tokenizer: "PreTrainedTokenizerFast", folder: Path, max_tokens: int
) -> dict[str, TokenFile]:
    """The documents of every source as ids below `folder`; the first process writes what is not there, the others wait."""
    if process_rank() == 0:
        (folder / READY).unlink(missing_ok=True)
        for name, artifacts in sources.items():
            _write_source(name, artifacts, tokenizer, folder / name)
        write_json(folder / READY, list(sources))
    wait_for(lambda: True if (folder / READY).is_file() else None)
    return {name: TokenFile(folder / name, _sealed_shards(folder / name), max_tokens) for name in sources}


def _write_source(name: str, artifacts: Sequence[Artifact], tokenizer: "PreTrainedTokenizerFast", folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    groups = list(_groups(artifacts))
    shards = _verified_shards(folder)
    number, group = len(shards), shards[-1].after if shards else 0
    if group:
        log.info("%s: %s of %s groups of rows are ids already", name, f"{group:,}", f"{len(groups):,}")
    left = iter(track(range(group, len(groups)), f"{name} as ids", unit="groups"))
    while group < len(groups):
        group = _write_shard(folder / f"shard-{number:05d}.bin", groups, group, left, tokenizer)
        number += 1
    for _group in left:  # lets the bar close
        pass


def _write_shard(path: Path, groups: list[Group], first: int, left: Iterator[int], tokenizer: "PreTrainedTokenizerFast") -> int:
    """Write one shard from group `first` on; return the number of the group behind it."""
    import numpy as np

    kind = np.dtype("<u2" if max(tokenizer.get_vocab().values()) < 2**16 else "<u4")
    temporary, digest, tokens, after = path.with_suffix(".tmp"), hashlib.sha256(), 0, first
    with temporary.open("wb") as file:
        for after in left:
            for texts in _batches(groups[after]):
                ids = np.fromiter(chain.from_iterable(encode_documents(texts, tokenizer)), dtype=kind)
                file.write(ids.data)
                digest.update(ids.data)
                tokens += len(ids)
            if tokens >= TOKENS_PER_SHARD:
                break
    commit_file(temporary, path)
    shard = Shard(path.name, first, after + 1, tokens, kind.itemsize, digest.hexdigest())
    write_json(path.with_suffix(".json"), asdict(shard))
    return after + 1


def _groups(artifacts: Sequence[Artifact]) -> Iterator[Group]:
    """Every group of rows of every artifact's documents, in order."""
    for artifact in artifacts:
        for part in record_parts(artifact.path, Example):
            with parquet_file(part) as file:
                yield from ((part, number) for number in range(file.num_row_groups))


def _batches(group: Group) -> Iterator[list[str]]:
    """The texts of a group of rows, as many at once as the tokenizer is given."""
    texts: list[str] = []
    characters = 0
    for text in _texts(group):
        texts.append(text)
        characters += len(text)
        if characters >= CHARACTERS_AT_ONCE:
            yield texts
            texts, characters = [], 0
    if texts:
        yield texts


def _texts(group: Group) -> Iterator[str]:
    part, number = group
    with parquet_file(part) as file:
        for batch in file.iter_batches(batch_size=ROWS_AT_ONCE, row_groups=[number], columns=["turns"]):
            turns = batch.column(0).flatten()
            # flatten() keeps the slice of a struct; field() loses it.
            column = turns.flatten()[turns.type.get_field_index("text")]
            yield from column.to_pylist()


def _verified_shards(folder: Path) -> list[Shard]:
    """The shards a killed run left whole, up to the first that is not; what lies behind is deleted."""
    good: list[Shard] = []
    for shard in _sealed_shards(folder):
        path = folder / shard.file
        follows = shard.first == (good[-1].after if good else 0)
        if not follows or not path.is_file() or hash_file(path) != shard.sha256:
            log.warning("%s is not what its seal says; it is written anew, with what comes after it", path)
            break
        good.append(shard)
    kept = {shard.file for shard in good} | {Path(shard.file).with_suffix(".json").name for shard in good}
    for path in sorted(folder.iterdir()):
        if path.name not in kept:
            path.unlink()
    return good


def _sealed_shards(folder: Path) -> list[Shard]:
    """The shards with a seal, in order, up to the first seal that does not read."""
    found: list[Shard] = []
    for path in sorted(folder.glob("shard-*.json")):
        try:
            found.append(Shard(**json.loads(path.read_text(encoding="utf-8"))))
        except (OSError, ValueError, TypeError):
            break
    return found

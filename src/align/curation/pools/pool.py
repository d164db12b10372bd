"""The examples that people choose from: any of them by its id at once, and of all of them what ranking and the board ask."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from align.artifact import Artifact
from align.curation.pools.files import make_array, make_tables, make_vectors, open_table
from align.curation.shape import FEATURES
from align.curation.wanted import Wanted, everything
from align.errors import RecipeError
from align.files import rows_as_records
from align.records import Example, Origin
from align.strata import cell_of

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

COMPARED = 16_384
"""Rows whose vectors are read at once."""


class Neighbour(NamedTuple):
    """An example like another one."""

    example_id: str
    similarity: float
    """Cosine of the two vectors, -1 to 1."""


@dataclass(frozen=True, slots=True)
class Labels:
    """A name for each row, as numbers: `names[codes[row]]`."""

    names: tuple[str, ...]
    codes: "NDArray[np.int32]"

    def __getitem__(self, row: int) -> str:
        return self.names[int(self.codes[row])]

    def __len__(self) -> int:
        return len(self.codes)

    def __iter__(self) -> Iterator[str]:
        return (self.names[code] for code in self.codes.tolist())

    def rows(self, name: str) -> "NDArray[np.int64]":
        """The rows of that name, rising; none where the name is unknown."""
        import numpy as np

        return np.flatnonzero(self.codes == self.names.index(name)) if name in self.names else np.empty(0, dtype=np.int64)


class Pool:
    """The examples of the artifacts that feed one curate stage. Threads may share it; nothing in it changes."""

    def __init__(self, folder: Path, store: Path, wanted: Wanted) -> None:
        self.folder, self.wanted = folder, wanted
        self._store = store
        self._batches = open_table(folder / "examples.arrow")
        self._columns = open_table(folder / "columns.arrow")
        self.ids: list[str] = [item for batch in self._columns for item in batch.column("id").to_pylist()]
        self._rows = {item: row for row, item in enumerate(self.ids)}
        self._starts = _starts(self._batches)

    @classmethod
    def open(cls, artifacts: Artifact | Sequence[Artifact], store: Path, wanted: Wanted | None = None) -> "Pool":
        """The pool of one artifact or several; its files are made on the first call and found on every later one."""
        several = (artifacts,) if isinstance(artifacts, Artifact) else tuple(artifacts)
        return cls(make_tables(several, store), store, wanted or everything())

    def __len__(self) -> int:
        return len(self.ids)

    def __contains__(self, example_id: object) -> bool:
        return example_id in self._rows

    def row(self, example_id: str) -> int:
        """Its number, from 0."""
        if example_id not in self._rows:
            raise RecipeError(f"example {example_id!r} is not in the pool of stage {self.wanted.stage or 'unknown'!r}")
        return self._rows[example_id]

    def row_or_none(self, example_id: str) -> int | None:
        """Its number; None where the pool has no such example."""
        return self._rows.get(example_id)

    def example(self, example_id: str) -> Example:
        """The whole example."""
        from bisect import bisect_right

        row = self.row(example_id)
        number = bisect_right(self._starts, row) - 1
        return next(rows_as_records(self._batches[number].slice(row - self._starts[number], 1), Example))

    def examples(self) -> Iterator[Example]:
        """All of them, in the artifact's order."""
        return (example for batch in self._batches for example in rows_as_records(batch, Example))

    @cached_property
    def contents(self) -> list[str]:
        """What `content_of` says of each row's turns."""
        return [item for batch in self._columns for item in batch.column("content").to_pylist()]

    @cached_property
    def sources(self) -> Labels:
        """The source of each row, e.g. `stack_exchange`."""
        return self._labels("source")

    @cached_property
    def sites(self) -> Labels:
        """The exchange or category of each row; its source where the id names none."""
        found = (site or source for site, source in zip(self._labels("site"), self.sources, strict=True))
        return _labelled(found)

    @cached_property
    def cells(self) -> Labels:
        """The cell each row counts for; empty for a row in no group."""
        by = self.wanted.cells.by
        asked: Iterable[Any] = self.tags() if by == "tag" else self._labels(by)
        known: dict[Any, str] = {}
        names = []
        for stratum in asked:
            if stratum not in known:
                known[stratum] = self._cell(stratum)
            names.append(known[stratum])
        return _labelled(names)

    @cached_property
    def signals(self) -> "dict[str, NDArray[np.float32]]":
        """Each signal, a number a row; not a number where a row lacks it."""
        import numpy as np

        found: dict[str, NDArray[np.float32]] = {}
        start = 0
        for batch in self._columns:
            column = batch.column("signals")
            pairs = column.flatten()
            owners = start + np.repeat(np.arange(batch.num_rows), column.value_lengths().to_numpy(zero_copy_only=False))
            names = np.asarray(pairs.field("name").to_numpy(zero_copy_only=False), dtype=object)
            values = pairs.field("value").to_numpy(zero_copy_only=False)
            for name in sorted(set(names.tolist())):
                filled = found.setdefault(str(name), np.full(len(self), np.nan, dtype=np.float32))
                filled[owners[names == name]] = values[names == name]
            start += batch.num_rows
        return found

    @cached_property
    def shapes(self) -> "NDArray[np.float32]":
        """What is counted of each response, shape (rows, features); `align.curation.shape` says what."""
        import numpy as np

        columns = [[batch.column(name).to_numpy() for batch in self._columns] for name in FEATURES]
        return np.stack([np.concatenate(parts) for parts in columns], axis=1)

    @cached_property
    def vectors(self) -> "NDArray[np.float32]":
        """TF-IDF of prompt and response, squeezed: a vector of unit length a row, mapped; embedded on first use."""
        return make_vectors(self.folder, self._store)

    def kept_array(self, name: str, make: Any) -> "NDArray[Any]":
        """An array that follows from the pool alone, made once and then mapped."""
        return make_array(self.folder / f"{name}.npy", self._store, make)

    def neighbours(self, example_id: str, among: Sequence[str] | None = None, count: int = 5) -> list[Neighbour]:
        """The examples most like this one, itself left out: of the whole pool, or of those `among` names and the pool has."""
        import numpy as np

        own = self.row(example_id)
        rows = None if among is None else np.array([row for item in among if (row := self._rows.get(item)) is not None], np.int64)
        return self.nearest(np.asarray(self.vectors[own]), rows, count, without=own)

    def nearest(
        self, vector: "NDArray[np.float32]", rows: "NDArray[np.int64] | None" = None, count: int = 5, without: int = -1
    ) -> list[Neighbour]:
        """The examples whose vectors are most like a vector; of equal ones the first in the pool."""
        import numpy as np

        total = len(self) if rows is None else len(rows)
        likeness = np.empty(total, dtype=np.float32)
        for start in range(0, total, COMPARED):
            part = slice(start, start + COMPARED)
            likeness[part] = self.vectors[part if rows is None else rows[part]] @ vector
        numbers = np.arange(total) if rows is None else rows
        likeness[numbers == without] = -np.inf
        best = np.lexsort((numbers, -likeness))[:count]
        return [Neighbour(self.ids[int(numbers[n])], float(likeness[n])) for n in best if np.isfinite(likeness[n])]

    def _cell(self, stratum: Any) -> str:
        """The cell of an example of this site or source, or with these tags."""
        by, example = self.wanted.cells.by, Example("", (), Origin("", ""))
        if by == "tag":
            example = replace(example, tags=stratum)
        elif by == "source":
            example = replace(example, origin=Origin(stratum, ""))
        elif stratum:
            example = replace(example, id=f"of/{stratum}/any")
        return cell_of(example, self.wanted.cells)[0]

    def _labels(self, column: str) -> Labels:
        return _labelled(item for batch in self._columns for item in batch.column(column).to_pylist())

    def tags(self) -> Iterator[tuple[str, ...]]:
        """The tags of each row."""
        return (tuple(item) for batch in self._columns for item in batch.column("tags").to_pylist())


def _labelled(found: "Iterator[str] | Sequence[str]") -> Labels:
    import numpy as np

    numbers: dict[str, int] = {}
    codes = [numbers.setdefault(name, len(numbers)) for name in found]
    return Labels(tuple(numbers), np.array(codes, dtype=np.int32))


def _starts(batches: "Sequence[pa.RecordBatch]") -> list[int]:
    """The number of the first row of each batch."""
    from itertools import accumulate

    return list(accumulate((batch.num_rows for batch in batches), initial=0))[:-1]

"""The examples that people choose from: any of them by its id at once, and of all of them what ranking and the board ask."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from align.artifact import Artifact
from align.curation.pools.files import make_array, make_tables, make_vectors, open_table
from align.curation.shape import FEATURES
from align.curation.wanted import Wanted, everything
from align.curation.writing.authoring import Group, group_of_tags
from align.errors import InputError, RecipeError
from align.files import rows_as_records
from align.records import Example, Origin
from align.strata import cell_of

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

KEPT = 1024
"""So many examples that were looked at last are kept as objects: those that lie open are asked for several times."""
PAIRS = 4096
"""So many pairs by lot say how alike two examples of a pool are by chance."""
NEAR_SHARE = 0.99
FEWEST_COMPARED = 21
"""Fewer examples have no two hundred pairs."""


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
    """The examples of the artifacts that feed one curate stage. Threads may share it; it only ever loses what is taken down."""

    def __init__(self, folder: Path, store: Path, wanted: Wanted) -> None:
        self.folder, self.wanted = folder, wanted
        self._store = store
        self._batches = open_table(folder / "examples.arrow")
        self._columns = open_table(folder / "columns.arrow")
        self.ids: list[str] = [item for batch in self._columns for item in batch.column("id").to_pylist()]
        self._rows = {item: row for row, item in enumerate(self.ids)}
        self._starts = _starts(self._batches)
        self._example = lru_cache(KEPT)(self._read)
        self._gone: dict[str, int] = {}

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
        if example_id in self._gone:
            raise InputError(f"example {example_id!r} was taken down; it is shown no more")
        if example_id not in self._rows:
            raise RecipeError(f"example {example_id!r} is not in the pool of stage {self.wanted.stage or 'unknown'!r}")
        return self._rows[example_id]

    def row_or_none(self, example_id: str) -> int | None:
        """Its number; None where the pool has no such example."""
        return self._rows.get(example_id)

    def drop(self, example_ids: Iterable[str]) -> list[int]:
        """Show these no more, wherever the pool is asked; the rows of those it had. The numbers of the others stay."""
        found = {item: self._rows[item] for item in example_ids if item in self._rows}
        self._gone |= found
        for item in found:
            del self._rows[item]
        return list(found.values())

    @property
    def gone(self) -> "NDArray[np.int64]":
        """The rows of what was taken down while the pool was open."""
        import numpy as np

        return np.array(sorted(self._gone.values()), dtype=np.int64)

    def example(self, example_id: str) -> Example:
        """The whole example."""
        return self._example(self.row(example_id))

    def _read(self, row: int) -> Example:
        from bisect import bisect_right

        number = bisect_right(self._starts, row) - 1
        return next(rows_as_records(self._batches[number].slice(row - self._starts[number], 1), Example))

    def examples(self) -> Iterator[Example]:
        """All of them, in the artifact's order; what was taken down without its words."""
        found = (example for batch in self._batches for example in rows_as_records(batch, Example))
        return (Example(item.id, (), Origin("", "")) if item.id in self._gone else item for item in found)

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

    @cached_property
    def near_from(self) -> float:
        """The cosine from which two examples are near each other: one of a hundred pairs by lot reaches it.

        No figure holds for every pool: a hundredth of the pairs lies above 0.23 where six subjects share nothing, and above 0.44
        where a few sites speak of the same. Of a small pool everything counts as near.
        """
        import numpy as np

        if len(self) < FEWEST_COMPARED:
            return -1.0
        dice = np.random.default_rng(1)
        ones, others = dice.integers(0, len(self), (2, PAIRS))
        apart = ones != others
        likeness = np.einsum("ij,ij->i", self.vectors[ones[apart]], self.vectors[others[apart]])
        return float(np.quantile(likeness, NEAR_SHARE))

    @cached_property
    def groups(self) -> dict[str, Group]:
        """By id, the group of authors that wrote an example, as its tags say; as a rule there are none."""
        found = zip(self.ids, self.sources, self.tags(), strict=True)
        said = ((name, group_of_tags(name, source, tags)) for name, source, tags in found)
        return {name: group for name, group in said if group is not None}

    def kept_array(self, name: str, make: Any) -> "NDArray[Any]":
        """An array that follows from the pool alone, made once and then mapped."""
        return make_array(self.folder / f"{name}.npy", self._store, make)

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

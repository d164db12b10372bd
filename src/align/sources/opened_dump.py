"""What the first pass over a dump found: in memory, or in a folder, where several processes map it and each reads a piece."""

import json
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from align.sources.comments import CommentIndex
from align.sources.posts import PostIndex
from align.sources.users import Names

if TYPE_CHECKING:
    import numpy as np

_PLACES = "places.json"


@dataclass(frozen=True, slots=True)
class OpenedDump:
    """Where the rows of pairs stand, and what else their examples need."""

    posts: PostIndex
    names: Names
    comments: CommentIndex | None

    def pieces(self, bytes_each: int) -> list[range]:
        """Its pairs in pieces, in each of which the rows have as many bytes, about `bytes_each`; one piece at least."""
        import numpy as np

        ends = np.cumsum(self.posts.question_lengths.astype(np.int64) + self.posts.answer_lengths)
        if not len(ends):
            return [range(0)]
        count = max(1, round(int(ends[-1]) / bytes_each))
        numbers = (ends - 1) // -(-int(ends[-1]) // count)  # of the piece in which the last byte of each pair lies
        starts = [0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist()]
        return [range(start, end) for start, end in zip(starts, [*starts[1:], len(ends)], strict=True)]

    def piece(self, pairs: range) -> PostIndex:
        """Where the rows of some pairs stand."""
        columns: dict[str, Any] = {name: column[pairs.start : pairs.stop] for name, column in _columns(self.posts).items()}
        return replace(self.posts, **columns)

    def write(self, folder: Path) -> None:
        """Write it to a folder, which may be moved with the tables in it."""
        import numpy as np

        tables = {"posts": self.posts, "comments": self.comments}
        places = {name: table.path.absolute() for name, table in tables.items() if table is not None}
        below = {name: str(path.relative_to(folder)) for name, path in places.items() if path.is_relative_to(folder)}
        (folder / _PLACES).write_text(json.dumps({name: str(path) for name, path in places.items()} | below), encoding="utf-8")
        for name, table in (tables | {"names": self.names}).items():
            for column, values in _columns(table).items():
                np.save(folder / f"{name}.{column}.npy", values)


def map_dump(folder: Path) -> OpenedDump:
    """The opened dump in a folder; of what all processes read there is one copy in memory."""
    places = json.loads((folder / _PLACES).read_text(encoding="utf-8"))
    names = {name: column.data for name, column in _mapped(folder, "names").items()}
    comments = CommentIndex(folder / places["comments"], **_mapped(folder, "comments")) if "comments" in places else None
    return OpenedDump(PostIndex(folder / places["posts"], **_mapped(folder, "posts")), Names(**names), comments)


def _columns(table: PostIndex | CommentIndex | Names | None) -> "dict[str, np.ndarray[Any, Any]]":
    import numpy as np

    if isinstance(table, Names):
        return {"ids": np.asarray(table.ids), "ends": np.asarray(table.ends), "text": np.frombuffer(table.text, np.uint8)}
    return {} if table is None else {item.name: getattr(table, item.name) for item in fields(table) if item.name != "path"}


def _mapped(folder: Path, table: str) -> "dict[str, np.ndarray[Any, Any]]":
    import numpy as np

    found = {file.name.split(".")[1]: file for file in folder.glob(f"{table}.*.npy")}
    return {name: np.asarray(np.load(file, mmap_mode="r")) for name, file in found.items()}

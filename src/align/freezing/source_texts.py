"""Examples as their sources gave them, on disk, by id: a set may be larger than memory."""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Self

from align.records import Example, adapter, as_json


class SourceTexts:
    """One example an id, the one of the highest rank."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        self._connection = sqlite3.connect(path)
        self._connection.execute("PRAGMA synchronous = OFF")  # of no use to anybody after a crash
        self._connection.execute("CREATE TABLE texts (id TEXT PRIMARY KEY, stage TEXT, rank TEXT, example TEXT) WITHOUT ROWID")

    @classmethod
    @contextmanager
    def at(cls, path: Path) -> Iterator[Self]:
        """Use `path` and leave nothing there."""
        texts = cls(path)
        try:
            yield texts
        finally:
            texts._connection.close()
            path.unlink(missing_ok=True)

    def add(self, stage: str, examples: Iterable[tuple[Example, str]]) -> None:
        """Examples that `stage` gave, each with its rank; of equal ones the first stays."""
        rows = ((item.id, stage, rank, as_json(item)) for item, rank in examples)
        self._connection.executemany(_ADD, rows)
        self._connection.commit()

    def find(self, example_id: str) -> tuple[str, Example] | None:
        """The stage that gave an example, and what it gave; None where none did."""
        with closing(self._connection.execute("SELECT stage, example FROM texts WHERE id = ?", (example_id,))) as cursor:
            row = cursor.fetchone()
        return None if row is None else (row[0], example_from(json.loads(row[1])))


_ADD = (
    "INSERT INTO texts VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE "
    "SET stage = excluded.stage, rank = excluded.rank, example = excluded.example WHERE excluded.rank > rank"
)


def example_from(data: Any) -> Example:
    """An example from its JSON."""
    found: Example = adapter(Example).validate_python(data)
    return found

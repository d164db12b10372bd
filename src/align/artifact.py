"""Artifacts: a stage's output folder, named by a hash of everything that decided it.

<key>/manifest.json            what was asked, what came out, from what
<key>/<table>/part-*.parquet   records (hashed as records)
<key>/model, checkpoints, files/   other results (hashed as bytes)
<key>/logs, report.html, ...   for people; not hashed, so times may stand there
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from align.errors import StoreError
from align.files import count_records, disk_error, hash_file, read_records, record_parts, write_json
from align.hashing import hash_table
from align.records import TABLES

R = TypeVar("R")

MANIFEST = "manifest.json"
HASHED_FOLDERS = ("model", "checkpoints", "files")
SCRATCH = "scratch"
"""Folder for what only an unfinished stage needs; removed when the artifact is committed."""
FORMAT = 1
"""Version of the store's layout; a store of a higher one is refused."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What a stage did with its records. `dropped` and `skipped` count by reason."""

    read: int = 0
    kept: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    """Records that were formed and dropped, by `part: reason`; each has a Rejection row."""
    skipped: dict[str, int] = field(default_factory=dict)
    """Raw rows that never became a record, by reason."""
    noted: dict[str, int] = field(default_factory=dict)
    """Other counts worth a line, e.g. `edited`."""


def in_words(counts: Mapping[str, int], by: str = "") -> str:
    """`too short 860, no answer 12`: counts by reason for people, the most frequent first; who dropped them is left out."""
    most_first = sorted(counts.items(), key=lambda item: -item[1])
    return ", ".join(f"{reason.removeprefix(f'{by}: ')} {count:,}" for reason, count in most_first if count) or "none"


@dataclass(frozen=True, slots=True)
class Artifact:
    """`key` names what was asked for; `content` names what came out; `name` is the stage's in this recipe."""

    name: str
    key: str
    content: str
    path: Path
    manifest: dict[str, Any] = field(compare=False, repr=False)

    @property
    def kind(self) -> str:
        return str(self.manifest["kind"])

    @property
    def counts(self) -> Counts:
        return Counts(**self.manifest["counts"])

    def read(self, record: type[R]) -> Iterator[R]:
        """Its records of one type, in order."""
        return read_records(self.path, record)

    def count(self, record: type[Any]) -> int:
        """How many records of one type it has."""
        return count_records(self.path, record)


def digest_of(value: Any) -> str:
    """16 hexadecimal digits of the sha256 of a JSON value."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def content_hash(folder: Path) -> str:
    """Hash the records and results below `folder`, so that equal output has equal identity whatever made it."""
    found: dict[str, str] = {}
    for name, record in TABLES.items():
        if record_parts(folder, record):
            found[name] = hash_table(folder, record)
    for top in HASHED_FOLDERS:
        for file in sorted((folder / top).rglob("*")):
            if file.is_file():
                found[file.relative_to(folder).as_posix()] = hash_file(file)
    return digest_of(found)


def load_artifact(store: Path, key: str, name: str = "") -> Artifact | None:
    """The committed artifact of a key, under the stage name it has in this recipe; None where there is none."""
    path = store / "artifacts" / key
    if not (path / MANIFEST).is_file():
        return None
    try:
        manifest: dict[str, Any] = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
        return Artifact(name or manifest["stage"], key, manifest["content"], path, manifest)
    except (OSError, ValueError, KeyError, TypeError) as error:
        remedy = f"Delete the folder {path} and run again: it is made anew."
        raise StoreError(f"{path / MANIFEST}: damaged ({error}). {remedy}") from error


def default_store() -> Path:
    """`$ALIGN_STORE`, else `.align` in the current folder."""
    return Path(os.environ.get("ALIGN_STORE") or ".align")


def check_store(store: Path) -> None:
    """Refuse a store that a newer version wrote; one that does not exist yet is fine."""
    marker = store / "store.json"
    if not marker.is_file():
        return
    try:
        found = int(json.loads(marker.read_text(encoding="utf-8"))["format"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        remedy = "point --store at another folder, or delete the file"
        raise StoreError(f"{marker}: not a store's marker ({error}); {remedy}.") from error
    if found > FORMAT:
        raise StoreError(
            f"{store}: written by a newer align (store format {found}; this one reads up to {FORMAT}). "
            f"Upgrade align, or point --store at another folder."
        )


def open_store(store: Path) -> Path:
    """Make `store` ready to use, or refuse one that a newer version wrote."""
    check_store(store)
    try:
        (store / "artifacts").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise disk_error(store, error) from error
    if not (store / "store.json").is_file():
        write_json(store / "store.json", {"format": FORMAT})
    return store

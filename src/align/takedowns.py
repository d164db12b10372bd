"""What was taken down: a list in the store that every stage which reads raw files honours, whoever asks for the row again.

takedowns.jsonl   one takedown a line, only ever longer: what was asked, the ids found, why, when
takedown.json     the one that is being carried out; while it is there, nothing is made in the store

No key knows the list, so keys are the same on machines with and without takedowns. What holds instead: an artifact in a store
never holds what the store's list names. A takedown removes those that do, and what is made afterwards leaves the rows out.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from align.artifact import Counts
from align.errors import EmptyResult, StoreError
from align.files import RecordWriter, read_records, record_batches, record_parts, rows_as_records, write_text
from align.records import Example, Origin, PreferencePair, Rejection

LIST = "takedowns.jsonl"
PENDING = "takedown.json"
BY = "takedown"
REASON = "taken down"
PART = "zz-taken-down"
"""The part of a table that holds the rejections; sorted behind those of the sources."""


@dataclass(frozen=True, slots=True)
class Takedown:
    """One request."""

    asked: str
    """An id, or the address of a post or of an author's profile, as it was asked."""
    ids: tuple[str, ...]
    """The examples that were found for it in the store."""
    reason: str
    at: str
    models: tuple[str, ...] = ()
    """Keys of the trained models that saw a row; what they learned of it cannot be taken back."""


def read_takedowns(store: Path) -> list[Takedown]:
    path = store / LIST
    if not path.is_file():
        return []
    return [_takedown(path, number, line) for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)]


def add_takedown(store: Path, takedown: Takedown) -> None:
    """Append to the list, unless the same one stands there."""
    known = read_takedowns(store)
    if takedown not in known:
        lines = [json.dumps(asdict(item), ensure_ascii=False) + "\n" for item in (*known, takedown)]
        write_text(store / LIST, "".join(lines))


def pending_takedown(store: Path) -> Takedown | None:
    """The takedown that was begun and not finished."""
    path = store / PENDING
    return _takedown(path, 1, path.read_text(encoding="utf-8")) if path.is_file() else None


def check_no_takedown(store: Path) -> None:
    """Refuse to make anything while a takedown is half done: what it has not removed yet must not be read."""
    pending = pending_takedown(store)
    if pending is not None:
        raise StoreError(
            f"{store}: a takedown goes on or was stopped; `align takedown {pending.asked!r} --yes` finishes it; then run again"
        )


def _takedown(path: Path, number: int, line: str) -> Takedown:
    try:
        data = json.loads(line)
        texts = {name: str(data[name]) for name in ("asked", "reason", "at")}
        return Takedown(ids=tuple(data["ids"]), models=tuple(data["models"]), **texts)
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{path}:{number}: no takedown ({error}). Put back what stood there: rows depend on it.") from error


class Blocklist:
    """Says of a record whether it was taken down, and why."""

    def __init__(self, takedowns: Iterable[Takedown]) -> None:
        self._why: dict[str, str] = {}
        for item in takedowns:
            names = (*item.ids, item.asked, address_of(item.asked))
            self._why |= {name: item.reason for name in names if name}

    def __bool__(self) -> bool:
        return bool(self._why)

    def why(self, example_id: str, origin: Origin) -> str | None:
        """The reason of the takedown that names a record: by its id, its address, or the profile of one of its authors."""
        return next((self._why[name] for name in names_of(example_id, origin) if name in self._why), None)


def names_of(example_id: str, origin: Origin) -> Iterator[str]:
    """All that a request may call a record."""
    yield example_id
    parent = _OF_ALL_ANSWERS.fullmatch(example_id)
    if parent:
        yield parent[1]
    address = address_of(origin.url)
    if address:
        yield address
        post = re.fullmatch(r"([^/]+)/questions/\d+", address)
        answer = origin.native_id.partition("/")[2]
        if post and answer:
            yield f"{post[1]}/a/{answer}"
    for author in origin.authors:
        if author.url and (profile := address_of(author.url)):
            yield profile


_OF_ALL_ANSWERS = re.compile(r"(stack_exchange/[^/]+/\d+)-\d+")  # the source's `form: all_answers`
_FORMS = (
    (re.compile(r"/(?:questions|q)/(\d+)(?:/.*)?"), "/questions/{}"),
    (re.compile(r"/a/(\d+)(?:/.*)?"), "/a/{}"),
    (re.compile(r"/users/(-?\d+)(?:/.*)?"), "/users/{}"),
    (re.compile(r"/(?:r/\w+/)?comments/(\w+)(?:/.*)?"), "/comments/{}"),
    (re.compile(r"/(?:user|u)/([\w-]+)(?:/.*)?"), "/user/{}"),
)


def address_of(url: str) -> str:
    """One form for the addresses of one thing: `https://www.x.com/q/5/7` and `http://x.com/questions/5/why#6` are one.

    Empty where `url` is no address of the web.
    """
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return ""
    if parts.scheme.lower() not in ("http", "https") or not parts.hostname:
        return ""
    host = re.sub(r"^(?:www|old|new|m)\.", "", parts.hostname.lower())
    path = "/" + parts.path.strip("/")
    for form, short in _FORMS:
        found = form.fullmatch(path)
        if found:
            name = found[1].lower() if short == "/user/{}" else found[1]
            return host + short.format(name)
    query = f"?{parts.query}" if parts.query and path == "/" else ""
    return host + path.rstrip("/") + query


def without_taken_down(work: Path, counts: Counts, store: Path) -> Counts:
    """Take the rows on the store's list out of what a stage has read, with a rejection each."""
    blocked = Blocklist(read_takedowns(store))
    if not blocked:
        return counts
    hits: dict[Path, set[str]] = {}
    rejections = {item.example_id: item for item in _before(work)}
    for record in (Example, PreferencePair):
        for part in record_parts(work, record):
            found = dict(_blocked_in(part, blocked))
            if found:
                hits[part] = set(found)
                rejections |= {name: Rejection(name, BY, REASON, why) for name, why in found.items()}
    if not rejections:
        return counts
    # The rejections first: a kill between the two must not lose one.
    with RecordWriter(work, Rejection, PART) as writer:
        for name in sorted(rejections):
            writer.write(rejections[name])
    for part, ids in hits.items():
        drop_rows(part, ids)
    kept = counts.kept - len(rejections)
    if kept <= 0 and counts.kept:
        raise EmptyResult(f"each of the {counts.kept:,} records was taken down ({store / LIST} tells why)")
    return replace(counts, kept=kept, dropped={**counts.dropped, f"{BY}: {REASON}": len(rejections)})


def drop_rows(part: Path, ids: set[str], column: str = "id") -> int:
    """Rewrite one Parquet part without the rows that name one of `ids`, whole or not at all; return how many went."""
    from align.records import TABLES

    record = TABLES[part.parent.name]
    name = part.name.removeprefix("part-").removesuffix(".parquet")
    dropped = 0
    with RecordWriter(part.parent.parent, record, name) as writer:
        for batch in record_batches(part):
            for item in rows_as_records(batch, record):
                if getattr(item, column) in ids:
                    dropped += 1
                else:
                    writer.write(item)
    return dropped


def _before(work: Path) -> Iterator[Rejection]:
    """What an attempt that was killed had taken out."""
    if (work / "rejections" / f"part-{PART}.parquet").is_file():
        yield from (item for item in read_records(work, Rejection) if item.by == BY)


def _blocked_in(part: Path, blocked: Blocklist) -> Iterator[tuple[str, str]]:
    """Ids and reasons of the rows of a part that were taken down."""
    for example_id, origin in origins_in(part):
        why = blocked.why(example_id, origin)
        if why is not None:
            yield example_id, why


def origins_in(part: Path) -> Iterator[tuple[str, Origin]]:
    """Id and origin of each row of a part of examples or pairs; nothing else is read."""
    from align.files import parquet_file
    from align.records import adapter

    read: Any = adapter(Origin).validate_python
    with parquet_file(part) as file:
        for batch in file.iter_batches(columns=["id", "origin"]):
            for row in batch.to_pylist():
                yield row["id"], read(row["origin"])


def counted(parts: Iterable[Path], ids: set[str], column: str) -> Counter[str]:
    """How many rows of each table name one of `ids`."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from align.files import parquet_file

    wanted = pa.array(sorted(ids), pa.string())
    found: Counter[str] = Counter()
    for part in parts:
        with parquet_file(part) as file:
            for batch in file.iter_batches(columns=[column]):
                found[part.parent.name] += pc.sum(pc.is_in(batch.column(0), value_set=wanted)).as_py() or 0
    return found

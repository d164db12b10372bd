"""A frozen set as a folder: written whole or not at all, and read again only if every hash is right.

data/SPLIT.jsonl, data/SPLIT.parquet   rows with their text, the same in both
dehydrated/SPLIT.jsonl                 rows without their text; data/ has what is left, in the same order
README.md, ATTRIBUTION.md, LICENSES.md the card, whom to name, what licences ask
manifest.json                          recipe, artifacts, sources, and the hash of every other file

Nothing of it tells a time or a place, so the same set has the same bytes.
"""

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from align.errors import InputError
from align.files import hash_file, sync_tree, write_json
from align.freezing.attribution import HEAD, entry_of, licences_page
from align.freezing.card import Facts, card_of
from align.freezing.rows import Row, is_dehydrated, line_of, packed, unpacked
from align.freezing.splits import SPLITS
from align.freezing.tally import Tally

if TYPE_CHECKING:
    import pyarrow as pa

MANIFEST = "manifest.json"
FORMAT = 1
BATCH = 1000


@dataclass(frozen=True, slots=True)
class FrozenSet:
    """A frozen folder whose files are what its manifest says."""

    folder: Path
    manifest: dict[str, Any]

    @property
    def facts(self) -> Facts:
        return {name: value for name, value in self.manifest.items() if name not in ("files", "counts")}

    @property
    def splits(self) -> tuple[str, ...]:
        return tuple(self.manifest["splits"])

    def rows(self, split: str) -> Iterator[Row]:
        """All rows of a split in their order, whole ones and dehydrated ones."""
        whole = _read_lines(self.folder / "data" / f"{split}.jsonl")
        number = 0
        for row in _read_lines(self.folder / "dehydrated" / f"{split}.jsonl"):
            place = row.pop("place", -1)
            while number < place:
                yield self._next(whole, split)
                number += 1
            yield unpacked(row)
            number += 1
        yield from whole

    def _next(self, whole: Iterator[Row], split: str) -> Row:
        row = next(whole, None)
        if row is None:
            raise InputError(
                f"{self.folder}: dehydrated/{split}.jsonl names places beyond the end of the split. Fetch the set again."
            )
        return row


def write_folder(folder: Path, splits: Mapping[str, Iterable[Row]], facts: Facts) -> FrozenSet:
    """Write a set into `folder`, which must not be there; on an error nothing is left."""
    work = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(work, ignore_errors=True)
    try:
        manifest = _fill(work, splits, facts)
        sync_tree(work)
        work.rename(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return FrozenSet(folder, manifest)


def _fill(work: Path, splits: Mapping[str, Iterable[Row]], facts: Facts) -> dict[str, Any]:
    (work / "data").mkdir(parents=True)
    tally = Tally()
    with (work / "ATTRIBUTION.md").open("w", encoding="utf-8", newline="\n") as attribution:
        attribution.write(HEAD)
        for split, rows in splits.items():
            attribution.write(f"\n## {split}\n\n")
            for row in _written(work, split, rows):
                tally.add(split, row)
                attribution.write(entry_of(row))
    for split in splits:
        _write_parquet(work / "data" / f"{split}.jsonl")
    terms = {item["terms"] for item in facts["sources"].values() if item["terms"]}
    (work / "LICENSES.md").write_text(licences_page(tally.licences, terms), encoding="utf-8")
    (work / "README.md").write_text(card_of(facts, tally), encoding="utf-8")
    if facts["left_out"]:
        text = "".join(line_of(item) for item in facts["left_out"])
        (work / "left_out.jsonl").write_text(text, encoding="utf-8")
    counts = {split: {"rows": tally.rows(split), "dehydrated": tally.dehydrated[split]} for split in splits}
    files = {path.relative_to(work).as_posix(): hash_file(path) for path in sorted(work.rglob("*")) if path.is_file()}
    manifest = {**facts, "counts": counts, "files": files}
    write_json(work / MANIFEST, manifest)
    return manifest


def _written(work: Path, split: str, rows: Iterable[Row]) -> Iterator[Row]:
    """Write each row into the file it belongs to, and pass it on."""
    aside = work / "dehydrated" / f"{split}.jsonl"
    with (work / "data" / f"{split}.jsonl").open("w", encoding="utf-8", newline="\n") as whole:
        without = None
        try:
            for place, row in enumerate(rows):
                if not is_dehydrated(row):
                    whole.write(line_of(row))
                else:
                    if without is None:
                        aside.parent.mkdir(exist_ok=True)
                        without = aside.open("w", encoding="utf-8", newline="\n")
                    without.write(line_of({"id": row["id"], "place": place, **packed(row)}))
                yield row
        finally:
            if without is not None:
                without.close()


def _write_parquet(lines: Path) -> None:
    """The rows of a JSONL file as Parquet; signals become pairs, because `datasets` and polars have no map."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = _schema()
    with pq.ParquetWriter(lines.with_suffix(".parquet"), schema, compression="zstd") as writer:
        batch: list[Row] = []
        for row in _read_lines(lines):
            batch.append({**row, "signals": [{"name": name, "value": value} for name, value in row["signals"].items()]})
            if len(batch) == BATCH:
                writer.write_table(pa.Table.from_pylist(batch, schema))
                batch = []
        writer.write_table(pa.Table.from_pylist(batch, schema))


def _schema() -> "pa.Schema":
    import pyarrow as pa

    from align.files import arrow_schema
    from align.records import Example

    known = {column.name: column.type for column in arrow_schema(Example)}
    text = pa.string()
    columns = {
        "id": text,
        "messages": pa.list_(pa.struct([("role", text), ("content", text)])),
        "license": text,
        "changes": text,
        "group": text,
        "lengths": pa.struct([("prompt", pa.int64()), ("response", pa.int64())]),
        "source_content": text,
        "origin": known["origin"],
        "tags": known["tags"],
        "signals": known["signals"],
    }
    return pa.schema(list(columns.items()))


def read_frozen(folder: Path) -> FrozenSet:
    """A frozen set, every file of it hashed; one that is damaged, cut or edited is refused, and each such file is told."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        found, splits, files = manifest["format"], manifest["splits"], dict(manifest["files"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{folder}: not a frozen set: {MANIFEST} is missing or not readable ({error})") from error
    if type(found) is not int or found > FORMAT:
        raise InputError(f"{folder}: written by a newer align (format {found}; this one reads up to {FORMAT}). Upgrade align.")
    if not isinstance(splits, dict) or not splits or any(split not in SPLITS for split in splits):
        raise InputError(f"{folder / MANIFEST}: splits must be some of {', '.join(SPLITS)} (got {splits!r:.80})")
    wrong = [problem for name, digest in files.items() if (problem := _wrong(folder, name, digest))]
    wrong += [f"data/{split}.jsonl: not in the manifest" for split in splits if f"data/{split}.jsonl" not in files]
    unknown = {path.relative_to(folder).as_posix() for top in ("data", "dehydrated") for path in (folder / top).glob("*")} - set(
        files
    )
    wrong += [f"{name}: not in the manifest" for name in sorted(unknown)]
    if wrong:
        raise InputError(
            f"{folder}: {len(wrong)} files are not what {MANIFEST} says: {'; '.join(wrong[:5])}. They are damaged or "
            f"were edited; fetch or freeze the set again."
        )
    return FrozenSet(folder, manifest)


def _wrong(folder: Path, name: str, digest: object) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or (folder / name).is_symlink():
        return f"{name!r}: points out of the folder"
    if not (folder / name).is_file():
        return f"{name}: missing"
    return "" if hash_file(folder / name) == digest else f"{name}: its sha256 is another"


def _read_lines(path: Path) -> Iterator[Row]:
    if not path.is_file():
        return
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)

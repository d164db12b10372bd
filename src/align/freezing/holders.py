"""Where in a store some examples are: artifacts, work of stopped stages, pools of the app, frozen sets; and who saw them."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from align.artifact import MANIFEST, Artifact, load_artifact
from align.errors import InputError
from align.files import parquet_file, record_parts
from align.freezing.folder import FrozenSet, read_frozen
from align.frozen_sets import frozen_notes
from align.records import TABLES, Comparison, Example, Origin, PreferencePair, Rejection
from align.takedowns import BY, counted, names_of, origins_in
from align.trace import ID_COLUMNS

COLUMNS = {**ID_COLUMNS, Comparison: "prompt_id"}
"""The column of a table that names an example; the other tables name none."""
MODEL_FOLDERS = ("model", "checkpoints")
READ_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class HeldBy:
    """An artifact that holds some of the examples."""

    artifact: Artifact
    rows: dict[str, int]
    """By table, and by file where a file names one."""
    is_model: bool
    """It holds a trained model, too, so its rows are taken out and the model stays."""


@dataclass(frozen=True, slots=True)
class FrozenRows:
    """A frozen set that holds some of the examples."""

    set: FrozenSet
    ids: tuple[str, ...]


def find_ids(store: Path, wanted: set[str], sets: Sequence[FrozenSet]) -> dict[str, Origin]:
    """Ids and origins of all records that one of the names in `wanted` means."""
    found: dict[str, Origin] = {}
    for artifact in artifacts_in(store):
        for record in (Example, PreferencePair):
            for part in record_parts(artifact.path, record):
                for example_id, origin in origins_in(part):
                    if example_id not in found and not wanted.isdisjoint({*names_of(example_id, origin), origin.native_id}):
                        found[example_id] = origin
    for frozen in sets:
        for row_id, origin in _origins(frozen):
            if row_id not in found and not wanted.isdisjoint({*names_of(row_id, origin), origin.native_id}):
                found[row_id] = origin
    return found


def _origins(frozen: FrozenSet) -> Iterator[tuple[str, Origin]]:
    from align.records import adapter

    for split in frozen.splits:
        for row in frozen.rows(split):
            yield row["id"], adapter(Origin).validate_python(row["origin"])


def artifacts_in(store: Path) -> list[Artifact]:
    """All committed artifacts."""
    folders = [path for path in sorted((store / "artifacts").glob("*")) if path.suffix != ".partial"]
    return [artifact for path in folders if (artifact := load_artifact(store, path.name)) is not None]


def holders(store: Path, ids: set[str]) -> list[HeldBy]:
    """The artifacts with rows about the examples, or with a file that names one."""
    found = []
    for artifact in artifacts_in(store):
        rows = _rows_about(artifact.path, ids) + Counter(_files_naming(artifact.path, ids))
        if rows:
            is_model = any((artifact.path / name).is_dir() for name in MODEL_FOLDERS)
            found.append(HeldBy(artifact, dict(sorted(rows.items())), is_model))
    return found


def _rows_about(folder: Path, ids: set[str]) -> Counter[str]:
    found: Counter[str] = Counter()
    for record, column in COLUMNS.items():
        parts = record_parts(folder, record)
        found += _rejected(parts, ids) if record is Rejection else counted(parts, ids, column)
    return found


def _rejected(parts: list[Path], ids: set[str]) -> Counter[str]:
    """Rejections; those of takedowns say nothing of the text and stay."""
    found: Counter[str] = Counter()
    for part in parts:
        with parquet_file(part) as file:
            for batch in file.iter_batches(columns=["example_id", "by"]):
                rows = batch.to_pylist()
                found["rejections"] += sum(row["example_id"] in ids and row["by"] != BY for row in rows)
    return +found


def _files_naming(folder: Path, ids: set[str]) -> Iterator[str]:
    """Other files than tables and models that hold an id: lists of hits, reports, logs, tables of a stage's scratch."""
    for path in sorted(folder.rglob("*")):
        top = path.relative_to(folder).parts[0]
        if path.is_file() and top not in (*MODEL_FOLDERS, *TABLES, MANIFEST) and names_one(path, ids):
            yield path.relative_to(folder).as_posix()


def names_one(path: Path, ids: set[str]) -> bool:
    """Whether a file holds one of the ids as plain bytes."""
    sought = re.compile(rb"(?<![\w/-])(?:" + b"|".join(re.escape(name.encode()) for name in sorted(ids)) + rb")(?![\w/-])")
    longest = max((len(name.encode()) for name in ids), default=0)
    rest = b""
    with path.open("rb") as file:
        while block := file.read(READ_BYTES):
            data = rest + block
            if ids and sought.search(data):
                return True
            rest = data[-longest - 1 :]
    return False


def unfinished_with(store: Path, ids: set[str]) -> list[Path]:
    """Work of stopped stages that holds the examples, or of which that cannot be told; and artifacts half removed."""
    begun = (
        path for path in sorted((store / "artifacts").glob("*")) if path.suffix == ".partial" or not (path / MANIFEST).exists()
    )
    return [folder for folder in begun if _is_unclear(folder, ids)]


def _is_unclear(folder: Path, ids: set[str]) -> bool:
    for path in folder.rglob("*"):
        if path.suffix == ".parquet" and path.parent.name in TABLES:
            column = COLUMNS.get(TABLES[path.parent.name])
            if column is not None and counted([path], ids, column).total():
                return True
        elif path.is_file() and (path.suffix == ".tmp" or names_one(path, ids)):
            return True
    return False


def pools_with(store: Path, ids: set[str]) -> list[Path]:
    """The app's own copies of examples; they are made anew when it is opened."""
    return [path.parent for path in sorted((store / "pools").glob("*/columns.arrow")) if not ids.isdisjoint(_pool_ids(path))]


def _pool_ids(path: Path) -> set[str]:
    import pyarrow as pa

    with pa.memory_map(str(path)) as mapped, pa.ipc.open_file(mapped) as file:
        return set(file.read_all().column("id").to_pylist())


def models_that_saw(store: Path, held: list[HeldBy]) -> list[Artifact]:
    """Trained models that read one of the rows, or were made from such a model."""
    seen = {item.artifact.key for item in held if {"examples", "pairs"} & set(item.rows)}
    models: dict[str, Artifact] = {}
    artifacts = artifacts_in(store)
    grew = True
    while grew:
        grew = False
        for artifact in artifacts:
            if artifact.key in models or not any((artifact.path / name).is_dir() for name in MODEL_FOLDERS):
                continue
            above = [*artifact.manifest["inputs"], *artifact.manifest["named"].values()]
            if any(item["key"] in seen or item["key"] in models for item in above):
                models[artifact.key] = artifact
                grew = True
    return list(models.values())


def frozen_sets(store: Path, more: Sequence[Path]) -> list[FrozenSet]:
    """The frozen sets that the store remembers and those in `more`; a damaged one is an error, as nobody could clean it."""
    folders = dict.fromkeys([note.folder for note in frozen_notes(store)] + [path.absolute() for path in more])
    found = []
    for folder in folders:
        settle(folder)
        if not folder.exists() and folder not in [path.absolute() for path in more]:
            continue  # moved or deleted: `align gc` tells so
        try:
            found.append(read_frozen(folder))
        except InputError as error:
            raise InputError(f"{error} Nothing was taken down: freeze it again, or delete it, first.") from error
    return found


def old_place(folder: Path) -> Path:
    """Where a set waits while a new one takes its place."""
    return folder.with_name(f".{folder.name}.old")


def leftovers(folder: Path) -> list[Path]:
    """What a killed freeze, rehydration or takedown left beside a set, with its texts."""
    begun = folder.parent.glob("*") if folder.parent.is_dir() else ()
    starts, ends = (f".{folder.name}.", f"..{folder.name}."), (".old", ".fresh", ".partial", ".texts")
    return sorted(path for path in begun if path.name.startswith(starts) and path.name.endswith(ends))


def settle(folder: Path) -> None:
    """After a kill between two renames: put back the set that stood in `folder`."""
    if not folder.exists() and old_place(folder).is_dir():
        old_place(folder).rename(folder)

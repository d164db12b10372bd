"""Take an example down: list it, so that no stage reads it again, and remove it from what a store and its frozen sets hold."""

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import unquote

from align.artifact import MANIFEST, Artifact, check_store, load_artifact
from align.curation.database.place import database_url, open_database, why_missing
from align.errors import AlignError, StoreError
from align.files import record_parts, write_json
from align.freezing.folder import FrozenSet, write_folder
from align.freezing.holders import (
    COLUMNS,
    FrozenRows,
    HeldBy,
    find_ids,
    frozen_sets,
    holders,
    leftovers,
    models_that_saw,
    old_place,
    pools_with,
    unfinished_with,
)
from align.freezing.rows import Row
from align.locks import free_lock, hold_lock
from align.records import Origin
from align.runs import now
from align.takedowns import PENDING, Takedown, add_takedown, address_of, drop_rows, pending_takedown, read_takedowns


@dataclass(frozen=True, slots=True)
class TakedownPlan:
    """Where an example is, and what a takedown does about it."""

    asked: str
    found: dict[str, Origin]
    """The examples that are meant, by id."""
    held: tuple[HeldBy, ...]
    unfinished: tuple[Path, ...]
    pools: tuple[Path, ...]
    models: tuple[Artifact, ...]
    """Trained models that saw a row. They stay: what they learned cannot be taken back but by training anew without it."""
    frozen: tuple[FrozenRows, ...]
    is_listed: bool
    """Whether the store's list names it already."""

    @property
    def is_empty(self) -> bool:
        return not (self.held or self.unfinished or self.pools or self.frozen)


def plan_takedown(store: Path, asked: str, folders: Sequence[Path] = ()) -> TakedownPlan:
    """Find `asked` (an id, a native id, the address of a post or of a profile); `folders` are frozen sets elsewhere."""
    if not asked.strip():
        raise AlignError("what is to be taken down? Give an example's id, its address, or the address of an author's profile")
    check_store(store)
    pending = pending_takedown(store)
    if pending is not None and pending.asked != asked:
        raise StoreError(
            f"a takedown of {pending.asked!r} was stopped; finish it first: `align takedown {pending.asked!r} --yes`"
        )
    sets = frozen_sets(store, folders)
    found = find_ids(store, {name for name in (asked, address_of(asked)) if name}, sets)
    listed = [item for item in read_takedowns(store) if item.asked == asked]
    before = [*listed, *([pending] if pending is not None else [])]
    ids = set(found) | {name for item in before for name in item.ids}
    ids |= set() if ids or address_of(asked) else {asked}  # known, perhaps, from its rejection alone
    held = holders(store, ids)
    models = {item.key: item for item in models_that_saw(store, held)}
    noted = {key: load_artifact(store, key) for item in before for key in item.models}
    models |= {key: item for key, item in noted.items() if item is not None}
    return TakedownPlan(
        asked,
        found,
        tuple(held),
        tuple(unfinished_with(store, ids)),
        tuple(pools_with(store, ids)),
        tuple(models[key] for key in sorted(models)),
        tuple(_frozen(sets, ids)),
        bool(listed),
    )


def _frozen(sets: Sequence[FrozenSet], ids: set[str]) -> Iterator[FrozenRows]:
    for frozen in sets:
        held = sorted({row["id"] for split in frozen.splits for row in frozen.rows(split)} & ids)
        if held:
            yield FrozenRows(frozen, tuple(held))


def take_down(
    store: Path, asked: str, reason: str = "", folders: Sequence[Path] = (), database: str | None = None
) -> TakedownPlan:
    """Do it; killed at any point, the same call finishes it. Returns what was found and removed.

    `database` is the URL of the decisions, where they lie in another one than the store's.

    While a run makes something in the store it is refused; while it lasts, nothing can be made there.
    """
    if not store.is_dir():
        raise StoreError(f"{store}: no such store; point --store at the one that holds the example")
    if database is not None and (missing := why_missing(database)):
        raise StoreError(f"--db: {missing}; nothing was taken down")
    with hold_lock(store, PENDING):
        plan = plan_takedown(store, asked, folders)
        takedown = _begin(store, plan, reason)
        add_takedown(store, takedown)
        ids = set(takedown.ids) or {asked}
        for rows in plan.frozen:
            _rewrite(rows)
        for held in plan.held:
            _remove_rows(held, ids) if held.is_model else _remove(store, held.artifact.path)
        begun = [path for item in frozen_sets(store, folders) for path in leftovers(item.folder)]
        _redact_decisions(database_url(store, database), ids)
        for path in (*plan.unfinished, *plan.pools, *begun):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        left = plan_takedown(store, asked, folders)
        if not left.is_empty:
            raise StoreError(f"{store}: {asked!r} came back while it was taken down; run the same command again")
        (store / PENDING).unlink()
        return plan


def _begin(store: Path, plan: TakedownPlan, reason: str) -> Takedown:
    """Note what is to be done before anything is, and see that nobody works in the store."""
    before = pending_takedown(store)
    listed = next((item for item in read_takedowns(store) if item.asked == plan.asked), None)
    known = before or listed
    ids = tuple(sorted({*plan.found, *(known.ids if known else ())}))
    models = tuple(sorted({*(item.key for item in plan.models), *(known.models if known else ())}))
    same = listed is not None and (listed.ids, listed.models) == (ids, models) and not reason
    takedown = listed if same and listed else Takedown(plan.asked, ids, reason or (known.reason if known else ""), now(), models)
    if before is not None and (before.ids, before.models) == (ids, models) and reason in ("", before.reason):
        takedown = before
    write_json(store / PENDING, asdict(takedown))
    busy = next(_busy(store), None)
    if busy is not None:
        if before is None:
            (store / PENDING).unlink()
        raise StoreError(f"{store}: a run is making {busy} right now; wait until it ends, or stop it, then take down again")
    return takedown


def _redact_decisions(url: str, ids: set[str]) -> None:
    """Blank what people typed and wrote of the examples in the curation app, if it has a database, and list them there."""
    if url.startswith("sqlite:") and not Path(unquote(url.removeprefix("sqlite:///"))).is_file():
        return
    database = open_database(url)
    try:
        database.take_down(ids)
    finally:
        database.close()


def _busy(store: Path) -> Iterator[str]:
    for lock in sorted((store / "locks").glob("*")):
        if lock.name == PENDING:
            continue
        with free_lock(store, lock.name) as is_free:
            if not is_free:
                yield lock.name


def _remove(store: Path, folder: Path) -> None:
    """Remove an artifact: first its manifest, without which it is none, then the rest."""
    (folder / MANIFEST).unlink(missing_ok=True)
    shutil.rmtree(folder)


def _remove_rows(held: HeldBy, ids: set[str]) -> None:
    """Take rows out of an artifact that holds a model; key and content stay what they were, and the manifest says what went."""
    path = held.artifact.path / MANIFEST
    manifest = json.loads(path.read_text(encoding="utf-8"))
    write_json(path, manifest | {"taken_down": sorted({*manifest.get("taken_down", []), *ids})})
    for record, column in COLUMNS.items():
        for part in record_parts(held.artifact.path, record):
            drop_rows(part, ids, column)
    for name in held.rows:
        if (held.artifact.path / name).is_file():
            (held.artifact.path / name).unlink()


def _rewrite(held: FrozenRows) -> None:
    """Write a frozen set anew without the rows, with a note in manifest and card; then swap the folders."""
    folder, frozen = held.set.folder, held.set
    fresh = folder.with_name(f".{folder.name}.fresh")
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.rmtree(old_place(folder), ignore_errors=True)
    facts = frozen.facts
    facts["taken_down"] = sorted({*facts["taken_down"], *held.ids})
    write_folder(fresh, {split: _kept(frozen, split, set(held.ids)) for split in frozen.splits}, facts)
    folder.rename(old_place(folder))
    fresh.rename(folder)
    shutil.rmtree(old_place(folder))


def _kept(frozen: FrozenSet, split: str, ids: set[str]) -> Iterator[Row]:
    return (row for row in frozen.rows(split) if row["id"] not in ids)

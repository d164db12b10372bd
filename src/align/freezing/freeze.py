"""Freeze: stages of a recipe as a folder to publish, after checks, and noted in the store."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from align import __version__
from align.artifact import Artifact, digest_of
from align.errors import AlignError, FreezeRefused, InputError
from align.files import disk_error, hash_file
from align.freezing.checks import ALLOWED, Dehydrated, FreezePreview, goes_dehydrated, preview_of
from align.freezing.folder import FORMAT, MANIFEST, FrozenSet, read_frozen, write_folder
from align.freezing.provenance import artifacts_of, measured_in, published_recipe, sources_of
from align.freezing.rows import Row, dehydrated_row, whole_row
from align.freezing.rows import rebuilt_row as rebuilt
from align.freezing.rows import said_of_changes as said
from align.freezing.source_texts import SourceTexts
from align.freezing.splits import Chosen, Quotas, choose_splits, edited_ids, examples_with, quota_of
from align.frozen_sets import note_frozen
from align.locks import hold_lock
from align.progress import track
from align.recipe import Recipe
from align.records import Example
from align.runs import now
from align.takedowns import check_no_takedown
from align.text import words

Count = Callable[[str], int]


@dataclass(frozen=True, slots=True)
class Frozen:
    """What a freeze gave."""

    set: FrozenSet
    preview: FreezePreview
    is_new: bool
    """False where the same set stood there already."""


def freeze(
    recipe: Recipe,
    store: Path,
    stages: dict[str, str],
    folder: Path,
    *,
    dehydrated: Dehydrated = "auto",
    strict: bool = False,
    allow: tuple[str, ...] = (),
    tokenizer: Artifact | None = None,
) -> Frozen:
    """Write the splits into `folder`; what speaks against it is told all at once, and nothing is written.

    The same freeze into the same folder leaves it as it is. `tokenizer`: a model's artifact to measure lengths with.
    """
    unknown = [name for name in allow if name not in ALLOWED]
    if unknown:
        raise InputError(f"--allow {unknown[0]}: wanted {' or '.join(ALLOWED)}")
    folder = folder.absolute()
    choose_splits(recipe, store, stages)  # tells of a wrong name or store before anything is made there
    # A takedown must not come in between: it would not know of the set, which would hold what was taken down.
    with hold_lock(store, f"freeze-{digest_of(str(folder))}"):
        check_no_takedown(store)
        chosen = choose_splits(recipe, store, stages)
        preview = preview_of(chosen, dehydrated, strict, allow)
        if preview.problems:
            raise FreezeRefused("\n- ".join(["this cannot be frozen:", *preview.problems]))
        return _freeze_into(folder, chosen, preview, dehydrated, tokenizer)


def _freeze_into(
    folder: Path, chosen: Chosen, preview: FreezePreview, dehydrated: Dehydrated, tokenizer: Artifact | None
) -> Frozen:
    fresh = folder.with_name(f".{folder.name}.fresh") if folder.exists() else folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(fresh, ignore_errors=True)
        written = _write(chosen, preview, fresh, dehydrated, tokenizer)
        if fresh != folder:
            _check_same(folder, written)
            written = FrozenSet(folder, written.manifest)
    except OSError as error:
        raise disk_error(folder, error) from error
    finally:
        if fresh != folder:
            shutil.rmtree(fresh, ignore_errors=True)
    note_frozen(chosen.store, folder, chosen.recipe.name, tuple(item.key for item in chosen.above.values()), now())
    return Frozen(written, preview, fresh == folder)


def _check_same(folder: Path, written: FrozenSet) -> None:
    """Refuse to touch what is there unless it is what would be written."""
    remedy = "Name another folder with --to, or delete it"
    if not (folder / MANIFEST).is_file():
        raise InputError(f"{folder}: is there already and is no frozen set. {remedy}.")
    if read_frozen(folder).manifest != written.manifest:
        raise InputError(f"{folder}: holds another frozen set. {remedy}.")


def _write(chosen: Chosen, preview: FreezePreview, folder: Path, dehydrated: Dehydrated, tokenizer: Artifact | None) -> FrozenSet:
    unit, count = _unit(tokenizer)
    shared = [item.what for item in preview.contamination]
    facts = {
        "format": FORMAT,
        "align": __version__,
        "name": f"{chosen.recipe.name} {next(iter(chosen.splits.values())).name}",
        "dehydrated": dehydrated,
        "unit": unit,
        "splits": {
            split: {"stage": item.name, "key": item.key, "content": item.content} for split, item in chosen.splits.items()
        },
        "recipe": published_recipe(chosen.recipe),
        "artifacts": artifacts_of(chosen),
        "sources": sources_of(chosen),
        "measured": measured_in(chosen),
        "allowed": {what: shared.count(what) for what in ALLOWED if what in shared},
        "taken_down": [],
        "left_out": [],
    }
    ids = {example.id for split in chosen.splits for example in chosen.examples(split)}
    with SourceTexts.at(folder.with_name(f".{folder.name}.texts")) as texts:
        for stage in chosen.roots():
            texts.add(stage, ((item, "") for item in examples_with(chosen.above[stage], ids)))
        edited = edited_ids(chosen)
        rows = {split: _rows(chosen, split, texts, edited, dehydrated, count) for split in chosen.splits}
        return write_folder(folder, rows, facts)


def _rows(
    chosen: Chosen, split: str, texts: SourceTexts, edited: set[str], dehydrated: Dehydrated, count: Count
) -> Iterator[Row]:
    quota = quota_of(chosen, split)
    for example in track(chosen.examples(split), f"freezing {split}", chosen.splits[split].count(Example)):
        stage, source = texts.find(example.id) or ("", None)
        reader = chosen.source(stage) if stage else None
        changes = said(example, source, reader.adapted if reader is not None else "", example.id in edited)
        lengths = {"prompt": count(example.prompt), "response": count(example.response)}
        row = whole_row(example, source, _group(example, quota), lengths, changes)
        if not goes_dehydrated(example, dehydrated):
            yield row
            continue
        if source is None or reader is None:
            raise FreezeRefused(
                f"{split}: {example.id} must go out without its text ({row['license']}), but no source that can be read again "
                f"gave it{f': stage {stage} did' if stage else ''}. State its licence at its source, or leave it out."
            )
        without = dehydrated_row(row, source, stage)
        if rebuilt(without, source) != row:
            raise AssertionError(f"{example.id}: the dehydrated row does not give the row back")
        yield without


def _group(example: Example, quota: Quotas | None) -> str:
    return (quota.label(example) if quota is not None else "") or example.origin.source


def _unit(tokenizer: Artifact | None) -> tuple[dict[str, str], Count]:
    """What lengths are measured in: words, or the tokens of a model."""
    if tokenizer is None:
        return {"name": "words"}, lambda text: len(words(text))
    from tokenizers import Tokenizer

    file = tokenizer.path / "model" / "tokenizer.json"
    if not file.is_file():
        said = f"stage {tokenizer.name} ({tokenizer.kind}) has no tokenizer"
        raise AlignError(f"--tokenizer: {said}; name a stage with a model, or leave it out")
    loaded = Tokenizer.from_file(str(file))
    unit = {"name": f"tokens of {tokenizer.name}", "sha256": hash_file(file)}
    return unit, lambda text: len(loaded.encode(text, add_special_tokens=False).ids)

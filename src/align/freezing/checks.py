"""What a freeze of some stages would give, and what speaks against it; the app's Freeze page shows it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from align.dedup.contamination import shared_texts
from align.freezing.splits import Chosen, choose_splits, quota_of
from align.freezing.undecided import tell_undecided
from align.licences import UNSTATED, is_open, licence_of
from align.recipe import Recipe
from align.records import Example
from align.strata import cell_of
from align.text import normalize, words

Dehydrated = Literal["auto", "all", "none"]
"""`auto`: rows that may not be passed on; `all`: every row; `none`: no row, for one's own use."""
Allowed = Literal["near-duplicates", "contamination"]
ALLOWED: tuple[Allowed, ...] = ("near-duplicates", "contamination")
"""What may be allowed between splits; the same id or text in two splits never is."""
SHOWN = 5


@dataclass(frozen=True, slots=True)
class SplitCheck:
    """One split, as it would be."""

    split: str
    stage: str
    rows: int
    dehydrated: int
    """Rows without their text."""
    prompt_words: float
    """Mean length."""
    response_words: float


@dataclass(frozen=True, slots=True)
class QuotaCheck:
    """One cell of the quota that stands nearest above a split."""

    split: str
    stage: str
    cell: str
    wanted: int
    actual: int


@dataclass(frozen=True, slots=True)
class SharedRow:
    """Two rows that say the same."""

    what: Literal["id", "text", "near-duplicates", "contamination"]
    split: str
    example_id: str
    other_split: str
    other_id: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class LicenceCheck:
    """How many rows stand under a licence, or a sum of licences."""

    licence: str
    rows: int
    is_open: bool
    """Whether their text may be passed on."""


@dataclass(frozen=True, slots=True)
class FreezePreview:
    """Checks of a freeze. It can be made if `problems` is empty; `warnings` are worth a look."""

    splits: tuple[SplitCheck, ...]
    quota: tuple[QuotaCheck, ...]
    duplicates: tuple[SharedRow, ...]
    """The same id or prompt and response twice, in one split or in two."""
    contamination: tuple[SharedRow, ...]
    """Prompts nearly the same, or runs of words, that stand in two splits."""
    licences: tuple[LicenceCheck, ...]
    problems: tuple[str, ...]
    warnings: tuple[str, ...]


def freeze_preview(
    recipe: Recipe,
    store: Path,
    stages: dict[str, str],
    dehydrated: Dehydrated = "auto",
    strict: bool = False,
    allow: tuple[str, ...] = (),
) -> FreezePreview:
    """What `align freeze` would make of `stages`, a stage for each of `train`, `dev` and `test` (train alone will do).

    `freeze_preview(load_recipe(path), store, {"train": "final", "test": "test_prompts"})`. Nothing is written. A stage that
    is not made yet, or does not exist, raises AlignError; all else that speaks against a freeze stands in `problems`.
    """
    return preview_of(choose_splits(recipe, store, stages), dehydrated, strict, allow)


def preview_of(chosen: Chosen, dehydrated: Dehydrated, strict: bool, allow: tuple[str, ...]) -> FreezePreview:
    """The checks of splits that are found already."""
    splits, licences = _sizes(chosen, dehydrated)
    duplicates = tuple(_duplicates(chosen))
    contamination = tuple(_contamination(chosen, {(item.example_id, item.other_id) for item in duplicates}))
    problems = [*_problems_of(duplicates, contamination, allow)]
    warnings = [_told(item) for item in duplicates if item.split == item.other_split]
    unlicensed = sum(count for licence, count in licences.items() if UNSTATED in licence)
    if unlicensed and strict:
        problems.append(
            f"{unlicensed:,} rows state no licence, and --strict wants one for each; write `license:` into their source"
        )
    elif unlicensed and dehydrated == "auto":
        warnings.append(f"{unlicensed:,} rows state no licence: they go out without their text")
    quota = tuple(_quota(chosen))
    warnings += [
        f"{item.split}: cell {item.cell} has {item.actual:,} of {item.wanted:,}" for item in quota if item.actual < item.wanted
    ]
    warnings += tell_undecided(chosen)
    return FreezePreview(
        splits,
        quota,
        duplicates,
        contamination,
        tuple(LicenceCheck(licence, count, is_open(licence)) for licence, count in sorted(licences.items())),
        tuple(problems),
        tuple(warnings),
    )


def goes_dehydrated(example: Example, dehydrated: Dehydrated) -> bool:
    """Whether a row goes out without its text."""
    return dehydrated == "all" or (dehydrated == "auto" and not is_open(licence_of(example.origin)))


def _sizes(chosen: Chosen, dehydrated: Dehydrated) -> tuple[tuple[SplitCheck, ...], Counter[str]]:
    licences: Counter[str] = Counter()
    found = []
    for split, artifact in chosen.splits.items():
        rows = without = asked = answered = 0
        for example in chosen.examples(split):
            licences[licence_of(example.origin)] += 1
            rows += 1
            without += goes_dehydrated(example, dehydrated)
            asked += len(words(example.prompt))
            answered += len(words(example.response))
        found.append(SplitCheck(split, artifact.name, rows, without, round(asked / rows, 1), round(answered / rows, 1)))
    return tuple(found), licences


def _duplicates(chosen: Chosen) -> Iterator[SharedRow]:
    """Rows whose id or whole text stood before, each told of the first one."""
    ids: dict[str, str] = {}
    texts: dict[str, tuple[str, str]] = {}
    for split in chosen.splits:
        for example in chosen.examples(split):
            text = normalize("\n".join(f"{turn.role}: {turn.text}" for turn in example.turns))
            if example.id in ids:
                yield SharedRow("id", split, example.id, ids[example.id], example.id)
            elif text in texts:
                yield SharedRow("text", split, example.id, *texts[text])
            ids.setdefault(example.id, split)
            texts.setdefault(text, (split, example.id))


def _contamination(chosen: Chosen, known: set[tuple[str, str]]) -> Iterator[SharedRow]:
    """What a split shares with those after it, `known` pairs left out."""
    names = list(chosen.splits)
    for number, split in enumerate(names[:-1]):
        others = {other: list(chosen.examples(other)) for other in names[number + 1 :]}
        for item in shared_texts(chosen.examples(split), others):
            if (item.other_id, item.example_id) not in known and (item.example_id, item.other_id) not in known:
                what: Allowed = "near-duplicates" if item.is_prompt else "contamination"
                yield SharedRow(what, split, item.example_id, item.other_set, item.other_id, item.detail)


def _quota(chosen: Chosen) -> Iterator[QuotaCheck]:
    for split in chosen.splits:
        quota = quota_of(chosen, split)
        if quota is None:
            continue
        counts = Counter(cell_of(example, quota.cells)[0] for example in chosen.examples(split))
        for cell, wanted in quota.cells.take.items():
            yield QuotaCheck(split, quota.stage, cell, wanted, counts[cell])


def _problems_of(
    duplicates: tuple[SharedRow, ...], contamination: tuple[SharedRow, ...], allow: tuple[str, ...]
) -> Iterator[str]:
    ids = [item for item in duplicates if item.what == "id"]
    texts = [item for item in duplicates if item.what == "text" and item.split != item.other_split]
    remedy = "a `contamination` stage with `against:` takes them out of the training set"
    yield from _problem(ids, "ids stand twice", "ids must be unique; leave one out")
    yield from _problem(texts, "texts stand in two splits", remedy)
    for what in ALLOWED:
        found = [item for item in contamination if item.what == what]
        said = (
            "prompts are nearly those of another split" if what == "near-duplicates" else "texts share words with another split"
        )
        if what not in allow:
            yield from _problem(found, said, f"{remedy}; or `--allow {what}`, and the card says so")


def _problem(found: list[SharedRow], said: str, remedy: str) -> Iterator[str]:
    if found:
        shown = "; ".join(map(_told, found[:SHOWN])) + ("; ..." if len(found) > SHOWN else "")
        yield f"{len(found):,} {said}: {shown}. Remedy: {remedy}"


def _told(item: SharedRow) -> str:
    detail = f" ({item.detail})" if item.detail else ""
    same = "the same id" if item.what == "id" else item.other_id
    return f"{item.split} {item.example_id} and {item.other_split} {same}{detail}"

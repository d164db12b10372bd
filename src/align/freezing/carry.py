"""Carry a selection to another dump: which posts are what they were, changed or are gone, and which decisions still hold.

A decision holds for the text it was made on. Where the source says the same as before, so does all that the same rules make of
it; `curate` checks each one again when the newer dump has come through the recipe.
"""

import csv
import difflib
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, NamedTuple

from align.errors import InputError
from align.files import write_text
from align.freezing.dumps import parse_dumps, read_again, sources_again
from align.freezing.folder import read_frozen
from align.freezing.provenance import sources_of
from align.freezing.rows import example_of, is_dehydrated, line_of
from align.freezing.source_texts import SourceTexts
from align.freezing.splits import Chosen, choose_splits, examples_with, is_stale
from align.progress import track
from align.recipe import Recipe
from align.records import Decision, Example, Turn, as_json, content_of

State = Literal["unchanged", "changed", "vanished", "no dump"]
STATES: tuple[State, ...] = ("unchanged", "changed", "vanished", "no dump")
ANSWER = "another answer is on top now"


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of one example."""

    id: str
    state: State
    url: str
    similarity: float | None = None
    """Of a changed one: share of characters that need no edit, 0 to 1; None where the old text is not at hand."""
    note: str = ""
    diff: tuple[str, ...] = ()
    """Of a changed one: lines of a unified diff."""


@dataclass(frozen=True, slots=True)
class Carried:
    """What a comparison with other dumps gave."""

    fates: tuple[Fate, ...]
    holding: tuple[Decision, ...]
    open: tuple[Decision, ...]
    """Decisions to be made again, or about posts that are gone."""

    def count(self, state: State) -> int:
        return sum(fate.state == state for fate in self.fates)


class _Before(NamedTuple):
    """An example as it was."""

    id: str
    url: str
    content: str
    native_id: str
    turns: tuple[Turn, ...]
    """Empty where only the hash is known."""
    stages: tuple[str, ...]
    """The sources that may hold it."""


def carry_stage(recipe: Recipe, store: Path, stage: str, dumps: Sequence[str]) -> Carried:
    """Compare the examples of a made stage, and those that people decided about above it, with other dumps."""
    chosen = choose_splits(recipe, store, {"train": stage})
    decisions = _decisions(chosen)
    ids = {example.id for example in chosen.examples("train")} | {item.example_id for item in decisions}
    before = [
        _Before(item.id, item.origin.url, content_of(item.turns), item.origin.native_id, item.turns, (root,))
        for root in chosen.roots()
        for item in examples_with(chosen.above[root], ids)
    ]
    return _compared(before, sources_of(chosen), dumps, decisions)


def carry_frozen(folder: Path, dumps: Sequence[str]) -> Carried:
    """Compare the rows of a frozen set with other dumps; decisions about them lie with whoever froze it."""
    frozen = read_frozen(folder)
    recorded = frozen.facts["sources"]
    before = []
    for split in frozen.splits:
        for row in frozen.rows(split):
            origin, without = row["origin"], is_dehydrated(row)
            turns = () if without else example_of(row).turns
            stages = (row["source_stage"],) if without else tuple(recorded)
            before.append(_Before(row["id"], origin["url"], row["source_content"], origin["native_id"], turns, stages))
    return _compared(before, recorded, dumps, [])


def write_carried(carried: Carried, folder: Path) -> None:
    """carried.csv has every example, changed.jsonl and vanished.jsonl those to look at, decisions.jsonl what still holds."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder}: is there already; name another folder with --to, or delete it")
    about: dict[str, list[dict[str, Any]]] = {}
    for decision in carried.open:
        about.setdefault(decision.example_id, []).append(asdict(decision))
    for state in ("changed", "vanished"):
        fates = [asdict(fate) | {"decisions": about.get(fate.id, [])} for fate in carried.fates if fate.state == state]
        write_text(folder / f"{state}.jsonl", "".join(map(line_of, fates)))
    write_text(folder / "decisions.jsonl", "".join(f"{as_json(decision)}\n" for decision in carried.holding))
    write_text(folder / "carried.csv", _table(carried.fates))


def _table(fates: Sequence[Fate]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["id", "state", "similarity", "note", "url"])
    for fate in fates:
        shown = "" if fate.similarity is None else f"{fate.similarity:.3f}"
        writer.writerow([fate.id, fate.state, shown, fate.note, fate.url])
    return out.getvalue()


def _decisions(chosen: Chosen) -> list[Decision]:
    """Those that were applied at or above the stage, each once."""
    found = (item for artifact in chosen.above.values() for item in artifact.read(Decision) if not is_stale(item))
    return list(dict.fromkeys(found))


def _compared(
    before: Sequence[_Before], recorded: Mapping[str, Any], dumps: Sequence[str], decisions: Sequence[Decision]
) -> Carried:
    needed = {stage: recorded[stage] for stage in recorded if any(stage in item.stages for item in before)}
    sources, missing = sources_again(needed, parse_dumps(dumps, needed))
    if not sources:
        raise InputError("nothing to compare with: " + "; ".join(f"{stage} {said}" for stage, said in missing.items()))
    contents = {item.id: item.content for item in before}
    with TemporaryDirectory() as scratch, SourceTexts.at(Path(scratch) / "texts") as texts:
        for stage, source in sources.items():
            wanted = {item.id: item.content for item in before if stage in item.stages}
            found = track(read_again(source, wanted), f"reading {stage}", unit="rows")
            texts.add(stage, ((item, _rank(item, contents)) for item in found))
        fates = tuple(_fate(item, texts, set(sources)) for item in sorted(before))
    holds = {fate.id for fate in fates if fate.state == "unchanged"}
    holding = tuple(decision for decision in decisions if decision.example_id in holds)
    return Carried(fates, holding, tuple(decision for decision in decisions if decision.example_id not in holds))


def _rank(example: Example, contents: Mapping[str, str]) -> str:
    return f"{int(content_of(example.turns) == contents[example.id])} {example.origin.modified}"


def _fate(before: _Before, texts: SourceTexts, read: set[str]) -> Fate:
    found = texts.find(before.id)
    if found is None:
        return Fate(before.id, "vanished" if read.issuperset(before.stages) else "no dump", before.url)
    now = found[1]
    if content_of(now.turns) == before.content:
        return Fate(before.id, "unchanged", before.url)
    note = ANSWER if now.origin.native_id != before.native_id else ""
    if not before.turns:
        return Fate(before.id, "changed", before.url, None, note)
    from rapidfuzz import fuzz

    old, new = _lines(before.turns), _lines(now.turns)
    similarity = fuzz.ratio("\n".join(old), "\n".join(new)) / 100
    diff = tuple(difflib.unified_diff(old, new, lineterm="", n=1))[2:]
    return Fate(before.id, "changed", before.url, similarity, note, diff)


def _lines(turns: Sequence[Turn]) -> list[str]:
    return [line for turn in turns for line in (f"[{turn.role}]", *turn.text.splitlines())]


def summary(carried: Carried) -> dict[str, int]:
    """Counts by state, in their order."""
    counts = Counter(fate.state for fate in carried.fates)
    return {state: counts[state] for state in STATES if counts[state]}

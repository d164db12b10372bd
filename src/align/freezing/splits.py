"""What is to be frozen: a made stage for each split, the stages above them, and the rows as their sources gave them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from align.artifact import Artifact
from align.errors import RecipeError, StoreError
from align.files import parquet_file, record_parts, rows_as_records
from align.lineage import StageState, stage_states
from align.parts import nearest
from align.recipe import Recipe
from align.records import Decision, Example
from align.sources.ingest import Ingest, Source
from align.strata import Cells, cell_of, read_cells

SPLITS = ("train", "dev", "test")
CONTENT = ("sources.", "add.")
"""Fields beside `inputs` that name stages whose examples come through, as those of `mix` and `labelled` do."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The made stages of the splits and of all that they came from."""

    recipe: Recipe
    store: Path
    splits: dict[str, Artifact]
    """By split, in the order train, dev, test."""
    above: dict[str, Artifact]
    """Every stage that examples of the splits came through, the splits' own included, in the recipe's order."""

    def examples(self, split: str) -> Iterator[Example]:
        return self.splits[split].read(Example)

    def roots(self) -> list[str]:
        """The stages at which examples enter."""
        return [name for name in self.above if not self.recipe.sources_of(name) and not _content_fields(self.recipe, name)]

    def source(self, stage: str) -> Source | None:
        """What a stage reads from raw files, where that can be read again."""
        found = self.recipe.stages[stage]
        return found.source if isinstance(found, Ingest) else None


def choose_splits(recipe: Recipe, store: Path, stages: dict[str, str]) -> Chosen:
    """Find the made artifacts of `stages` (by split) and of what is above them; what is not made is told with the remedy."""
    twice = sorted({name for name in stages.values() if list(stages.values()).count(name) > 1})
    if twice:
        raise RecipeError(f"stage {twice[0]} is named for two splits; each split has a stage of its own")
    for split, name in stages.items():
        if name not in recipe.stages:
            raise RecipeError(f"{split}: the recipe has no stage {name!r}; {nearest(name, recipe.stages)}")
    states = {state.name: state for state in stage_states(recipe, store)}
    splits = {split: _made(states, stages[split]) for split in SPLITS if split in stages}
    for split, artifact in splits.items():
        if not artifact.count(Example):
            raise StoreError(f"{split}: stage {artifact.name} ({artifact.kind}) holds no examples; name one that does")
    wanted = set(stages.values())
    for name in reversed(recipe.stages):
        if name in wanted:
            wanted.update([*recipe.sources_of(name), *_content_fields(recipe, name)])
    return Chosen(recipe, store, splits, {name: _made(states, name) for name in recipe.stages if name in wanted})


def _content_fields(recipe: Recipe, stage: str) -> list[str]:
    return [name for field_name, name in recipe.stages[stage].references().items() if field_name.startswith(CONTENT)]


def _made(states: dict[str, StageState], name: str) -> Artifact:
    state = states[name]
    if state.artifact is not None:
        return state.artifact
    where = f"stage {state.waits_for} above it is" if state.waits_for else "it is"
    stopped = " (it was begun and stopped: for decisions, say)" if state.has_partial else ""
    raise StoreError(f"stage {name} is not finished: {where} not made yet{stopped}. `align run RECIPE --until {name}` makes it")


@dataclass(frozen=True, slots=True)
class Quotas:
    """The cells that examples of a split count for: those of the nearest stage with a quota at or above it."""

    stage: str
    cells: Cells
    groups: frozenset[str] = field(default_factory=frozenset)

    def label(self, example: Example) -> str:
        """`stack_exchange, stem`, as the report calls it; the source alone where no group is told."""
        group, stratum = cell_of(example, self.cells)
        return f"{example.origin.source}, {group}" if group and group not in (stratum, example.origin.source) else ""


def quota_of(chosen: Chosen, split: str) -> Quotas | None:
    """The quota nearest to a split's stage, None where it has none."""
    names = [chosen.splits[split].name]
    seen: set[str] = set()
    while names:
        name = names.pop(0)
        if name in seen:
            continue
        seen.add(name)
        stage: Any = chosen.recipe.stages[name]
        take = getattr(stage, "take", None)
        if isinstance(take, dict) and take and getattr(stage, "by", None) in ("site", "source", "tag"):
            cells = read_cells(stage.by, take, getattr(stage, "groups", None))
            return Quotas(name, cells, frozenset(take))
        names += [*chosen.recipe.sources_of(name), *_content_fields(chosen.recipe, name)]
    return None


def examples_with(artifact: Artifact, ids: set[str]) -> Iterator[Example]:
    """The examples of an artifact whose id is one of `ids`; of the others only the ids are read."""
    import pyarrow as pa
    import pyarrow.compute as pc

    wanted = pa.array(sorted(ids), pa.string())
    for part in record_parts(artifact.path, Example):
        with parquet_file(part) as file:
            for group in range(file.num_row_groups):
                names = file.read_row_group(group, columns=["id"]).column(0)
                # A part whose rows were all superseded has no chunk, and of that pyarrow dies: https://github.com/apache/arrow/issues/51018
                places = pc.indices_nonzero(pc.is_in(names, value_set=wanted)) if len(names) else ()
                if len(places):
                    yield from rows_as_records(file.read_row_group(group).take(places), Example)


def edited_ids(chosen: Chosen) -> set[str]:
    """Ids of the examples that people edited."""
    found: set[str] = set()
    for artifact in chosen.above.values():
        found.update(item.example_id for item in artifact.read(Decision) if item.action == "edit" and not is_stale(item))
    return found


def is_stale(decision: Decision) -> bool:
    """Whether `curate` listed a decision that it did not apply."""
    return decision.note.startswith("stale: ")

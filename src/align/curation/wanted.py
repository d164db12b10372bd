"""What a curate stage is to be fed with: the stages whose examples people see, and how many of each cell are wanted."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from align.curation.curate import Curate
from align.errors import RecipeError
from align.parts import nearest
from align.selection.quota import Quota
from align.stage import Stage
from align.strata import ALL, Cells, read_cells


class Steps(Protocol):
    """What is asked of a recipe."""

    @property
    def stages(self) -> Mapping[str, Stage]: ...

    def sources_of(self, name: str) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """What people choose from, and when they are done."""

    stage: str
    """The curate stage."""
    inputs: tuple[str, ...]
    """The stages whose examples it reads."""
    cells: Cells
    """Which cell an example counts for."""
    targets: dict[str, int]
    """How many accepted examples each cell needs; empty where nobody said."""
    said_by: str = ""
    """The stage that says so; empty where nobody did."""
    temperature: float = 1.0
    """How a cell's places spread over its strata: in proportion to size ** (1 / temperature), as the quota draws."""


def everything(stage: str = "", inputs: tuple[str, ...] = ()) -> Wanted:
    """One cell without a target."""
    return Wanted(stage, inputs, Cells("site", {ALL: 0}, None), {})


def curate_stages(recipe: Steps) -> list[str]:
    """Names of the stages that apply decisions."""
    return [name for name, stage in recipe.stages.items() if isinstance(stage, Curate)]


def wanted_of(recipe: Steps, name: str) -> Wanted:
    """Where the targets stand: in the stage's own `take`, else the quota it leads to, else the one it comes from."""
    stage = recipe.stages.get(name)
    if not isinstance(stage, Curate):
        known = curate_stages(recipe)
        found = f"it is a {stage.kind} stage" if stage is not None else nearest(name, known) if known else "it has none"
        raise RecipeError(f"stages.{name}: the recipe has no curate stage of that name; {found}")
    inputs = tuple(recipe.sources_of(name))
    if stage.take is not None:
        return Wanted(name, inputs, read_cells(stage.by, stage.take, stage.groups), dict(stage.take), name)
    for said_by in (_quota_below(recipe, name), _quota_above(recipe, name)):
        quota = recipe.stages.get(said_by)
        if isinstance(quota, Quota):
            return Wanted(
                name, inputs, read_cells(quota.by, quota.take, quota.groups), dict(quota.take), said_by, quota.temperature
            )
    return everything(name, inputs)


def _quota_below(recipe: Steps, name: str) -> str:
    """The first quota that draws from what the stage gives and from nothing else."""
    reached = {name}
    for below, stage in recipe.stages.items():
        sources = recipe.sources_of(below)
        if not sources or not reached.issuperset(sources):
            continue
        if isinstance(stage, Quota):
            return below
        reached.add(below)
    return ""


def _quota_above(recipe: Steps, name: str) -> str:
    """The nearest quota on the way to the stage, as long as that is one way."""
    while len(sources := recipe.sources_of(name)) == 1:
        name = sources[0]
        if isinstance(recipe.stages[name], Quota):
            return name
    return ""

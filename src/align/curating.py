"""What the curation app works on: a recipe's `curate` stage, the artifacts that feed it, the rules and the style above it."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from align.artifact import Artifact, load_artifact
from align.curation.pools.pool import Pool
from align.curation.pools.topics import topics_of
from align.curation.wanted import curate_stages, wanted_of
from align.errors import RecipeError, StoreError
from align.filters.filter import Filter, FilterStage
from align.lots import lot
from align.recipe import Recipe, load_recipe
from align.runner import run_recipe
from align.style.features import measure
from align.style.reference import StyleReference, learn_reference
from align.style.style import REFERENCE

SAMPLE = 300
"""So many responses of the pool say what is usual, where the recipe has no style stage."""
FEWEST = 20
QUICKSTART = Path(__file__).parents[2] / "recipes" / "quickstart.yaml"


@dataclass(frozen=True, slots=True)
class Desk:
    """Where the examples lie that people are to decide about; plain enough to hand to another process."""

    recipe: str
    """Path of the recipe."""
    stage: str
    """The curate stage."""
    store: str
    """Folder of artifacts."""
    artifacts: dict[str, str]
    """Key of each artifact that feeds the stage, and of a `style` stage above it, by stage."""

    def as_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Desk":
        return cls(**json.loads(text))

    def artifact(self, stage: str) -> Artifact:
        """One of its artifacts; it may have been removed since."""
        found = load_artifact(Path(self.store), self.artifacts[stage], stage)
        if found is None:
            raise StoreError(f"{self.store}: the artifact of stage {stage!r} is gone; run `align app {self.recipe}` again")
        return found


def prepare_desk(path: Path | None, stage: str | None, store: Path, overrides: tuple[str, ...] = ()) -> Desk:
    """Make the stages above the curate stage, where they are missing."""
    path = path if path is not None else quickstart()
    recipe = load_recipe(path, overrides)
    name = choose_stage(recipe, path, stage)
    feeding = wanted_of(recipe, name).inputs
    above = stages_above(recipe, name)
    made: dict[str, Artifact] = {}
    last = max(feeding, key=list(recipe.stages).index)
    made = run_recipe(recipe, store, last)
    styles = [above_name for above_name in above if recipe.stages[above_name].kind == "style"]
    keys = {wanted: made[wanted].key for wanted in [*feeding, *styles[-1:]]}
    return Desk(str(path.absolute()), name, str(store.absolute()), keys)


def quickstart() -> Path:
    """The recipe that comes with a clone."""
    for path in (QUICKSTART, Path("recipes/quickstart.yaml")):
        if path.is_file():
            return path
    raise RecipeError(
        f"without RECIPE the app shows the quickstart's examples, and {QUICKSTART} is not there (an installed package has no "
        "samples); name a recipe with a curate stage: `align init` writes one, or clone the repository"
    )


def choose_stage(recipe: Recipe, path: Path, wanted: str | None) -> str:
    """The curate stage that is named; else the one that reads the database, else the only one."""
    known = curate_stages(recipe)
    if wanted is not None:
        wanted_of(recipe, wanted)  # tells of a wrong name
        return wanted
    if not known:
        raise RecipeError(
            f"{path}: has no curate stage, so there is nothing to decide about; add {{kind: curate, decisions: database}}"
        )
    database = [name for name in known if getattr(recipe.stages[name], "decisions", None) == "database"]
    found = database if database else known
    if len(found) > 1:
        raise RecipeError(f"{path}: has several curate stages ({', '.join(found)}); say which with --stage")
    return found[0]


def stages_above(recipe: Recipe, name: str) -> list[str]:
    """Every stage that `name` reads, directly or not, in the order of the recipe."""
    found: set[str] = set()
    waiting = list(recipe.sources_of(name))
    while waiting:
        stage = waiting.pop()
        if stage not in found:
            found.add(stage)
            waiting += recipe.sources_of(stage)
    return [stage for stage in recipe.stages if stage in found]


def rules_above(recipe: Recipe, name: str) -> tuple[Filter, ...]:
    """The filters that the examples of a stage have passed, in their order."""
    stages = [recipe.stages[stage] for stage in stages_above(recipe, name)]
    return tuple(rule for stage in stages if isinstance(stage, FilterStage) for rule in stage.filters)


def open_pool(desk: Desk, recipe: Recipe) -> Pool:
    """The examples to choose from; whatever of it costs something is made on the first call, with progress, and then found."""
    wanted = wanted_of(recipe, desk.stage)
    pool = Pool.open([desk.artifact(name) for name in wanted.inputs], Path(desk.store), wanted)
    topics_of(pool)  # and with them the vectors
    return pool


def usual_style(desk: Desk, pool: Pool) -> StyleReference | None:
    """What is usual, as a `style` stage above left it; else learnt from responses of the pool. None where there are too few."""
    for stage in reversed(desk.artifacts):
        path = desk.artifact(stage).path / REFERENCE
        if path.is_file():
            return StyleReference.read(path)
    drawn = sorted(pool.ids, key=lambda name: lot("usual_style", 1, name))[:SAMPLE]
    found = [example for example in map(pool.example, drawn) if example.response]
    if len(found) < FEWEST:
        return None
    return learn_reference((example.origin.source, measure(example.response, example.prompt)) for example in found)

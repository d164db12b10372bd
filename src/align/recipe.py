"""Recipes: a YAML file, read into checked stages; every mistake is reported with its file, line and column."""

from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from align.catalogue import load_catalogue
from align.document import Document, read_document, set_value
from align.engine import EngineName
from align.errors import RecipeError
from align.parts import Part, nearest
from align.plugins import forget_plugins, import_plugin
from align.stage import Stage


class Recipe(BaseModel):
    """A named list of stages, in the order in which they run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """Name of the recipe; runs and the report carry it."""
    description: str = ""
    """One paragraph for the reader of the report."""
    plugins: tuple[str, ...] = ()
    """Python files with parts of your own, inside the recipe's folder."""
    engine: EngineName = "native"
    """Where shards are worked on: `native`, in processes of this machine, or `ray`, on a Ray cluster. It decides no output;
    `align run --engine` and $ALIGN_ENGINE go before it."""
    stages: dict[str, Stage]
    """The steps, in order: name -> {kind: ..., ...}."""

    def sources_of(self, name: str) -> list[str]:
        """Names of the stages that `name` reads through `inputs` or by default, in order."""
        stage = self.stages[name]
        if stage.inputs is not None:
            return list(stage.inputs)
        above = list(self.stages)[: list(self.stages).index(name)]
        return {"none": [], "previous": above[-1:], "all": above}[stage.reads]

    def in_store(self, store: Path) -> "Recipe":
        """The recipe as it is to be made in `store`."""
        return self.model_copy(update={"stages": {name: stage.in_store(store) for name, stage in self.stages.items()}})


def load_recipe(path: Path, overrides: tuple[str, ...] = ()) -> Recipe:
    """Read a recipe; `overrides` are `stages.sft.learning_rate=2e-5`-like strings."""
    document = read_document(path)
    changed = {set_value(document.data, override): override for override in overrides}
    load_catalogue()
    forget_plugins()
    plugins = document.data.get("plugins", ())
    for plugin in plugins if isinstance(plugins, list) else ():
        import_plugin(path.parent, str(plugin))
    try:
        recipe = Recipe.model_validate(document.data, context={"base": path.parent.absolute()})
    except ValidationError as error:
        # The arms of a union each complain of one value: the place is told once a message.
        told = _without_consequences([dict(item) for item in error.errors()])
        problems = list(dict.fromkeys(_problem(document, item, changed) for item in told))
    else:
        problems = [f"  {_where(document, loc, changed)}: {said}" for loc, said in _problems_of_names(recipe)]
    if problems:
        count = f"{len(problems)} problems" if len(problems) > 1 else "1 problem"
        raise RecipeError("\n".join([f"{path}: {count}", *problems]))
    return recipe


def _without_consequences(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out lists called too short only because what stands in them could not be read."""
    places = [tuple(item["loc"]) for item in found]

    def follows(item: dict[str, Any]) -> bool:
        loc = tuple(item["loc"])
        return item["type"] == "too_short" and any(len(place) > len(loc) and place[: len(loc)] == loc for place in places)

    return [item for item in found if not follows(item)]


def _problem(document: Document, error: dict[str, Any], changed: dict[tuple[Any, ...], str]) -> str:
    """One mistake in one line: place, field, what is wrong, what was got."""
    loc = tuple(error["loc"])
    message = str(error["msg"]).removeprefix("Value error, ")
    got = error.get("input")
    place = loc
    if error["type"] == "extra_forbidden":
        message = f"unknown field; {nearest(str(loc[-1]), _fields_at(document.data, loc[:-1]))}"
    elif error["type"] == "unknown_kind":
        place = (*loc, "kind")
    elif error["type"] == "missing":
        message, got = "this field must be written; it has no good default", None
    elif error["type"] == "tuple_type":
        message = f"a list is wanted, such as [{got}]" if isinstance(got, (str, int, float)) else "a list is wanted"
    elif error["type"] == "too_short" and not got:
        message, got = "is empty; at least one is wanted", None
    shown = "" if got is None or isinstance(got, (dict, Part)) else f" (got {got!r:.80})"
    where = _where(document, place, changed, at_key=error["type"] == "extra_forbidden")
    return f"  {where}: {'.'.join(map(str, loc))}: {message}{shown}"


def _where(document: Document, loc: tuple[Any, ...], changed: dict[tuple[Any, ...], str], at_key: bool = False) -> str:
    """The `--set` that wrote what stands at `loc`, else its place in the file."""
    for place, override in changed.items():
        if tuple(map(str, loc[: len(place)])) == tuple(map(str, place)):
            return f"--set {override}"
    return document.key_place(loc) if at_key else document.place(loc)


def _fields_at(data: Any, loc: tuple[Any, ...]) -> set[str]:
    """Names of the fields that may stand in the mapping at `loc`."""
    models: list[type[BaseModel]] = [Recipe]
    for step in loc:
        data = data[step] if isinstance(data, dict) and step in data or isinstance(data, list) and isinstance(step, int) else None
        fields = [model.model_fields[step].annotation for model in models if step in model.model_fields]
        if fields:
            models = [model for annotation in fields for model in _models_in(annotation)]
        kind = data.get("kind") if isinstance(data, dict) else None
        models = [
            model.kinds.get(str(kind), model) if issubclass(model, Part) and Part in model.__bases__ else model
            for model in models
        ]
    return {name for model in models for name in model.model_fields}


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in get_args(annotation) for model in _models_in(inner)]


def _problems_of_names(recipe: Recipe) -> list[tuple[tuple[Any, ...], str]]:
    """What is wrong with the names of stages, and with who reads whom; each with its place."""
    if not recipe.stages:
        return [(("stages",), "stages: a recipe needs at least one stage")]
    problems: list[tuple[tuple[Any, ...], str]] = []
    above: list[str] = []
    for name, stage in recipe.stages.items():
        here = ("stages", name)
        if not name.replace("_", "").replace("-", "").isalnum():
            problems.append((here, f"stage name {name!r}: use letters, digits, _ and -"))
        if stage.inputs is None and stage.reads == "previous" and not above:
            said = "the first stage has none above it to read; a recipe starts with a stage that reads raw files, such as ingest"
            problems.append((here, f"stages.{name}: {said}"))
        inputs = {f"inputs.{number}": item for number, item in enumerate(stage.inputs or ())}
        for field, wanted in (inputs | stage.references()).items():
            if wanted not in above:
                said = f"stages.{name}.{field}: reads stage {wanted!r}, {_not_above(wanted, recipe, above)}"
                problems.append(((*here, *field.split(".")), said))
        above.append(name)
    return problems


def _not_above(wanted: str, recipe: Recipe, above: list[str]) -> str:
    if wanted in recipe.stages:
        return f"which does not stand above it; a stage reads what is above it: {', '.join(above) or 'nothing'}"
    return f"which the recipe does not have; {nearest(wanted, above)}"

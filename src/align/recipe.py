"""Recipes: a YAML file, read into checked stages; every mistake is reported with its file, line and column."""

import hashlib
import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from align.catalogue import load_catalogue
from align.errors import AlignError, RecipeError
from align.parts import Part, nearest
from align.stage import Stage


class Recipe(BaseModel):
    """A named list of stages, in the order in which they run."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: str
    """Name of the recipe; runs and the report carry it."""
    description: str = ""
    """One paragraph for the reader of the report."""
    plugins: tuple[str, ...] = ()
    """Python files with parts of your own, inside the recipe's folder."""
    stages: dict[str, Stage]
    """The steps, in order: name -> {kind: ..., ...}."""

    def sources_of(self, name: str) -> list[str]:
        """Names of the stages that `name` reads through `inputs` or by default, in order."""
        stage = self.stages[name]
        if stage.inputs is not None:
            return list(stage.inputs)
        above = list(self.stages)[: list(self.stages).index(name)]
        return {"none": [], "previous": above[-1:], "all": above}[stage.reads]


@dataclass(frozen=True, slots=True)
class _Document:
    """A YAML file: its data, and the place of every node."""

    path: Path
    data: Any
    node: Any

    def place(self, loc: tuple[Any, ...]) -> str:
        """`file:line:column` of the deepest node of `loc` that is written in the file."""
        node = self.node
        for step in loc:
            found = _child(node, step)
            if found is None:
                break
            node = found
        return f"{self.path}:{node.start_mark.line + 1}:{node.start_mark.column + 1}"


def load_recipe(path: Path, overrides: tuple[str, ...] = ()) -> Recipe:
    """Read a recipe; `overrides` are `stages.sft.learning_rate=2e-5`-like strings."""
    document = _read_yaml(path)
    if not isinstance(document.data, dict):
        raise RecipeError(f"{document.place(())}: a recipe is a mapping with `name:` and `stages:` (got {document.data!r})")
    changed = {_override(document.data, override): override for override in overrides}
    load_catalogue()
    plugins = document.data.get("plugins", ())
    for plugin in plugins if isinstance(plugins, list) else ():
        _import_plugin(path.parent, str(plugin))
    try:
        recipe = Recipe.model_validate(document.data, context={"base": path.parent.absolute()})
    except ValidationError as error:
        problems = [_problem(document, dict(item), changed) for item in error.errors()]
        count = f"{len(problems)} problems" if len(problems) > 1 else "1 problem"
        raise RecipeError("\n".join([f"{path}: {count}", *problems])) from error
    _check_names(recipe, document)
    return recipe


def _read_yaml(path: Path) -> _Document:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError

    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise RecipeError(f"{path}: cannot be read as a recipe: {reason}. `align init` writes one.") from error
    yaml = YAML(typ="safe", pure=True)
    try:
        node = yaml.compose(text)
        if node is None:
            raise RecipeError(f"{path}: empty. `align init` writes a recipe to start from.")
        return _Document(path, yaml.constructor.construct_document(node), node)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f":{mark.line + 1}:{mark.column + 1}" if mark is not None else ""
        said = " ".join(str(part).strip() for part in (error.context, error.problem) if part)
        raise RecipeError(f"{path}{where}: not readable as YAML: {said}") from error


def _child(node: Any, step: Any) -> Any:
    """The value node of a mapping's key or a sequence's position; None where the file has no such node."""
    if not isinstance(node.value, list):
        return None
    if node.id == "mapping":
        return next((value for key, value in node.value if key.value == step), None)
    return node.value[int(step)] if str(step).isdigit() and int(step) < len(node.value) else None


def _override(data: dict[str, Any], override: str) -> tuple[Any, ...]:
    """Write one `--set` into `data`; return its place."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    dotted, equals, value = override.partition("=")
    if not equals:
        raise RecipeError(f"--set {override}: write it as stages.NAME.FIELD=VALUE")
    *parents, last = dotted.split(".")
    here: Any = data
    done: list[Any] = []
    for name in parents:
        step: Any = int(name) if isinstance(here, list) and name.isdigit() else name
        inside = isinstance(here, (dict, list)) and (step in here if isinstance(here, dict) else isinstance(step, int) and step < len(here))
        if not inside:
            known = here if isinstance(here, dict) else range(len(here)) if isinstance(here, list) else ()
            raise RecipeError(f"--set {dotted}: the recipe has no {'.'.join([*map(str, done), name])!r}; {nearest(name, known)}")
        here = here[step]
        done.append(step)
    try:
        parsed = YAML(typ="safe", pure=True).load(value)
    except YAMLError as error:
        raise RecipeError(f"--set {override}: the value is not readable as YAML: {error}") from error
    if isinstance(here, list) and last.isdigit() and int(last) < len(here):
        here[int(last)] = parsed
    elif isinstance(here, dict):
        here[last] = parsed
    else:
        raise RecipeError(f"--set {dotted}: {'.'.join(map(str, done)) or 'the recipe'} has no field {last!r}")
    return (*done, last)


def _import_plugin(folder: Path, plugin: str) -> None:
    path = (folder / plugin).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise RecipeError(f"plugin {plugin}: lies outside the recipe's folder {folder}; move or link it inside")
    if not path.is_file() or path.suffix != ".py":
        raise RecipeError(f"plugin {plugin}: no such Python file in {folder}")
    name = f"align_plugin_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    print(f"loading plugin {path}", file=sys.stderr)  # noqa: T201 - the contract: loading one is announced
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except AlignError:
        raise
    except Exception as error:
        del sys.modules[name]
        raise RecipeError(f"plugin {path}: {type(error).__name__} while loading: {error}") from error


def _problem(document: _Document, error: dict[str, Any], changed: dict[tuple[Any, ...], str]) -> str:
    loc = tuple(error["loc"])
    by_override = next((text for place, text in changed.items() if tuple(map(str, loc[: len(place)])) == tuple(map(str, place))), None)
    where = f"--set {by_override}" if by_override else document.place(loc)
    message = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        message = f"unknown field; {nearest(str(loc[-1]), _fields_at(document.data, loc[:-1]))}"
    got = error.get("input")
    if error["type"] == "missing":
        message, got = "this field must be written; it has no good default", None
    shown = "" if got is None or isinstance(got, (dict, Part)) else f" (got {got!r})"
    return f"  {where}: {'.'.join(map(str, loc))}: {message}{shown}"


def _fields_at(data: Any, loc: tuple[Any, ...]) -> set[str]:
    """Names of the fields that may stand in the mapping at `loc`."""
    if not loc:
        return set(Recipe.model_fields)
    for step in loc:
        data = data[step]
    kind = data.get("kind") if isinstance(data, dict) else None
    families = [Part.families["stage"]] if len(loc) == 2 else list(Part.families.values())
    return {name for family in families if kind in family.kinds for name in family.kinds[kind].model_fields}


def _check_names(recipe: Recipe, document: _Document) -> None:
    problems = []
    above: list[str] = []
    for name, stage in recipe.stages.items():
        if not name.replace("_", "").replace("-", "").isalnum():
            problems.append(f"  {document.place(('stages', name))}: stage name {name!r}: use letters, digits, _ and -")
        if stage.inputs is None and stage.reads == "previous" and not above:
            problems.append(f"  {document.place(('stages', name))}: stages.{name}: the first stage has none above it to read; a recipe starts with an ingest stage")
        wanted = [("inputs", item) for item in stage.inputs or ()] + list(stage.references().items())
        for field, item in wanted:
            if item not in above:
                later = " (it stands below; a stage reads only what is above it)" if item in recipe.stages else ""
                known = ", ".join(above) or "none"
                place = document.place(("stages", name, *field.split(".")))
                problems.append(
                    f"  {place}: stages.{name}.{field}: reads stage {item!r}, which is not above it{later}; {nearest(item, above)}"
                    if later == "" else f"  {place}: stages.{name}.{field}: reads stage {item!r}{later}; the stages above it are: {known}"
                )
        above.append(name)
    if problems:
        raise RecipeError("\n".join([f"{document.path}: {len(problems)} problem{'s' * (len(problems) > 1)}", *problems]))

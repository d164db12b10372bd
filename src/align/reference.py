"""What a recipe can name: every part with its parameters, and the JSON Schema of a recipe."""

import inspect
import types
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from align.errors import RecipeError
from align.meanings import meanings_of
from align.parts import Part, is_plugin, nearest
from align.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Parameter:
    """One field of a part."""

    name: str
    type: str
    default: str | None
    """As it would stand in YAML; None where it must be written."""
    meaning: str
    inside: tuple["Parameter", ...] = ()
    """The fields of a mapping that is no part of its own, such as `expect`."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One part of a family."""

    family: str
    kind: str
    module: str
    meaning: str
    parameters: tuple[Parameter, ...]
    is_plugin: bool = False


def families() -> dict[str, str]:
    """Every family with what it is for; `align.catalogue.load_catalogue` makes them known."""
    return {name: inspect.cleandoc(part.__doc__ or "") for name, part in Part.families.items() if part.kinds}


def kinds_of(family: str | None = None, kind: str | None = None) -> list[Kind]:
    """The parts of one family, or of all; of one kind where it is named."""
    if family is not None and family not in families():
        raise RecipeError(f"no family {family!r}; {nearest(family, families())}")
    chosen = [family] if family is not None else list(families())
    found = [_kind(name, part) for name in chosen for part in Part.families[name].kinds.values()]
    if kind is None:
        return found
    if kind not in [item.kind for item in found]:
        raise RecipeError(f"no {family} kind {kind!r}; {nearest(kind, [item.kind for item in found])}")
    return [item for item in found if item.kind == kind]


def recipe_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a recipe with every kind that is known."""
    schema = Recipe.model_json_schema()
    kinds = [kind for family in Part.families.values() for kind in (family, *family.kinds.values())]
    models = _with_mappings([*kinds, Recipe])
    _describe(schema, {_shape(model.__name__, model.model_fields): meanings_of(model) for model in models})
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "align recipe"}


def _kind(family: str, part: type[Part]) -> Kind:
    own = [name for name in part.model_fields if name not in ("kind", "inputs", "expect")]
    shared = [name for name in ("inputs", "expect") if name in part.model_fields]
    parameters = tuple(_parameter(part, name) for name in [*own, *shared])
    # A class without a docstring inherits its family's, which says nothing of it.
    meaning = inspect.cleandoc(part.__doc__) if part.__doc__ else ""
    return Kind(family, part.model_fields["kind"].default, part.__module__, meaning, parameters, is_plugin(part))


def _parameter(model: type[BaseModel], name: str) -> Parameter:
    item = model.model_fields[name]
    annotation = item.rebuild_annotation()
    default = None if item.is_required() else _as_yaml(item.get_default(call_default_factory=True, validated_data={}))
    inside = tuple(_parameter(mapping, inner) for mapping in _mappings_in(annotation) for inner in mapping.model_fields)
    meaning = item.description or meanings_of(model).get(name, "")
    return Parameter(name, type_name(annotation), default, " ".join(meaning.split()), inside)


def _with_mappings(models: list[type[BaseModel]]) -> list[type[BaseModel]]:
    """The models and, at any depth, the mappings inside them."""
    found: dict[type[BaseModel], None] = {}
    while models:
        found |= dict.fromkeys(models)
        fields = [item for model in models for item in model.model_fields.values()]
        models = [inner for item in fields for inner in _mappings_in(item.annotation) if inner not in found]
    return list(found)


def _shape(title: str, fields: Iterable[str]) -> tuple[str, frozenset[str]]:
    """What a schema tells its model by."""
    return title, frozenset(fields)


def _describe(schema: Any, meanings: dict[tuple[str, frozenset[str]], dict[str, str]]) -> None:
    """Write what fields mean into a JSON Schema and the schemas inside it."""
    if isinstance(schema, dict):
        properties = schema.get("properties", {})
        known = meanings.get(_shape(str(schema.get("title")), properties), {})
        for name, said in known.items():
            properties[name].setdefault("description", said)
    for inner in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        _describe(inner, meanings)


def _mappings_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [] if issubclass(annotation, Part) else [annotation]
    return [model for inner in get_args(annotation) for model in _mappings_in(inner)]


_BOUNDS = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}


def type_name(annotation: Any) -> str:
    """A type in the words of a recipe: `text`, `number > 0`, `list of filter`, `head | tail`."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        marks = [type(mark).__name__ for mark in arguments[1:]]
        named = {"RawFileMark": "path", "StageNameMark": "stage name"}
        special = next((named[mark] for mark in marks if mark in named), None)
        return special or " ".join([type_name(arguments[0]), *_bounds(arguments[1:])])
    if origin is Literal:
        return " | ".join(_as_yaml(value) for value in arguments)
    if origin in (Union, types.UnionType):
        return " | ".join(dict.fromkeys("none" if inner is type(None) else type_name(inner) for inner in arguments))
    if origin is tuple or origin is list:
        return f"list of {type_name(arguments[0])}"
    if origin is dict:
        return f"mapping of {type_name(arguments[0])} to {type_name(arguments[1])}"
    if isinstance(annotation, type) and issubclass(annotation, Part):
        return annotation.__name__.lower()
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "mapping"
    plain = {str: "text", int: "whole number", float: "number", bool: "true | false"}
    return plain.get(annotation, getattr(annotation, "__name__", str(annotation)).lower())


def _bounds(marks: tuple[Any, ...]) -> list[str]:
    found = []
    for mark in marks:
        for inner in getattr(mark, "metadata", None) or (mark,):  # Field(gt=0) holds annotated_types' Gt(0)
            found += [
                f"{sign} {getattr(inner, name)}" for name, sign in _BOUNDS.items() if getattr(inner, name, None) is not None
            ]
    return found


def _as_yaml(value: Any) -> str:
    if value is None or value is PydanticUndefined:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, BaseModel):
        return _as_yaml(value.model_dump(mode="json", serialize_as_any=True))
    if isinstance(value, (tuple, list)):
        return f"[{', '.join(map(_as_yaml, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_as_yaml(item)}" for name, item in value.items()) + "}"
    return '""' if value == "" else str(value)

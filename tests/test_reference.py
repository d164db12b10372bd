import json
from pathlib import Path
from typing import Annotated, Any, Literal

import jsonschema
import pytest
from pydantic import Field, PositiveInt
from ruamel.yaml import YAML

from align.catalogue import load_catalogue
from align.errors import RecipeError
from align.parts import Part, RawFile, StageName
from align.recipe import load_recipe
from align.reference import families, kinds_of, recipe_schema, type_name
from align.stage import Expect


@pytest.fixture(autouse=True)
def _catalogue() -> None:
    load_catalogue()


def errors(data: Any) -> list[str]:
    validator = jsonschema.Draft202012Validator(recipe_schema())
    return [f"{'.'.join(map(str, error.absolute_path))}: {error.message}" for error in validator.iter_errors(data)]


def test_the_schema_is_a_valid_one() -> None:
    schema = recipe_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert json.loads(json.dumps(schema)) == schema
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("name", ["quickstart", "lima65b", "real_stack_exchange"])
def test_the_schema_accepts_our_recipes(root: Path, name: str) -> None:
    data = YAML(typ="safe", pure=True).load((root / "recipes" / f"{name}.yaml").read_text(encoding="utf-8"))
    assert errors(data) == []


def test_the_schema_tells_kinds_apart_and_fields_that_are_unknown() -> None:
    good = {"name": "a", "stages": {"b": {"kind": "filter", "filters": [{"kind": "length"}]}}}
    assert errors(good) == []
    for bad in (
        {"name": "a"},
        {"name": "a", "stages": {"b": {"filters": [{"kind": "length"}]}}},
        {"name": "a", "stages": {"b": {"kind": "filtr", "filters": [{"kind": "length"}]}}},
        {"name": "a", "stages": {"b": {"kind": "filter", "filters": [{"kind": "length"}], "filtres": []}}},
        {"name": "a", "stages": {"b": {"kind": "filter", "filters": [{"kind": "filter"}]}}},
        {"name": "a", "stage": {}, "stages": {}},
    ):
        assert errors(bad), bad


def test_the_schema_knows_the_parts_of_plugins(toy: Path) -> None:
    load_recipe(toy)
    assert errors(YAML(typ="safe", pure=True).load(toy.read_text())) == []


def test_every_part_of_ours_says_what_it_is_and_every_parameter_what_it_means() -> None:
    for item in kinds_of():
        if item.module.startswith("align."):
            assert item.meaning, f"{item.family} {item.kind} has no docstring"
            for parameter in item.parameters:
                assert parameter.meaning, f"{item.family} {item.kind}: {parameter.name} has no docstring"


def test_the_parts_of_a_plugin_are_told_apart(toy: Path) -> None:
    load_recipe(toy)
    (count,) = kinds_of("stage", "count")
    assert count.is_plugin
    assert count.meaning.startswith("n4, n3, n2, n1")
    assert [(item.name, item.type, item.default) for item in count.parameters] == [
        ("source", "countdown", None),
        ("inputs", "list of stage name | none", "none"),
        ("expect", "mapping | none", "none"),
    ]
    assert [item.name for item in count.parameters[-1].inside] == ["examples", "tokens"]
    assert families()["countdown"].startswith("A family of the test's own")


def test_a_slip_in_a_family_or_kind_is_told() -> None:
    with pytest.raises(RecipeError, match=r"no family 'filtr'; did you mean 'filter'\?"):
        kinds_of("filtr")
    with pytest.raises(RecipeError, match=r"no stage kind 'filtr'; did you mean 'filter'\?"):
        kinds_of("stage", "filtr")


@pytest.mark.parametrize(
    ("annotation", "name"),
    [
        (str, "text"),
        (int | None, "whole number | none"),
        (float, "number"),
        (bool, "true | false"),
        (Literal["a", "b", True], "a | b | true"),
        (PositiveInt, "whole number > 0"),
        (Annotated[float, Field(ge=0, lt=1)], "number >= 0 < 1"),
        (RawFile, "path"),
        (tuple[RawFile, ...] | None, "list of path | none"),
        (tuple[StageName, ...], "list of stage name"),
        (dict[str, float], "mapping of text to number"),
        (list[int], "list of whole number"),
        (Expect, "mapping"),
        (tuple[Part, ...], "list of part"),
        (bytes, "bytes"),
    ],
)
def test_types_are_told_in_the_words_of_a_recipe(annotation: Any, name: str) -> None:
    assert type_name(annotation) == name

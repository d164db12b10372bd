import json
from collections.abc import Callable

import jsonschema

from conftest import Done

Align = Callable[..., Done]


def test_kinds_lists_every_part_in_a_line(align: Align) -> None:
    done = align("kinds")
    assert done.lines[0].split() == ["family", "kind", "what", "it", "is", "for"]
    assert any(line.split()[:2] == ["stage", "filter"] for line in done.lines)


def test_kinds_of_a_family_have_parameters_with_types_and_defaults(align: Align) -> None:
    done = align("kinds", "stage", "filter")
    assert done.lines[0] == "stage filter"
    assert "  filters: list of filter (must be written)" in done.lines
    assert "  inputs: list of stage name | none (default none)" in done.lines
    assert "      examples: whole number (must be written)" in done.lines
    assert len(align("kinds", "stage").lines) > len(done.lines)


def test_kinds_as_json(align: Align) -> None:
    (found,) = json.loads(align("kinds", "stage", "filter", "--json").out)
    assert found["parameters"][0]["name"] == "filters"


def test_an_unknown_family_is_exit_1(align: Align) -> None:
    done = align("kinds", "filtr")
    assert done.code == 1
    assert "did you mean 'filter'?" in done.err


def test_schema_is_a_json_schema(align: Align) -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(align("schema").out))

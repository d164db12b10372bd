from collections.abc import Callable
from pathlib import Path

import pytest

from align.errors import RecipeError
from align.recipe import load_recipe
from align.stage import Stage


def mistake(path: Path, *overrides: str) -> str:
    with pytest.raises(RecipeError) as error:
        load_recipe(path, overrides)
    return str(error.value)


def test_a_recipe_becomes_stages_in_the_order_written(toy: Path) -> None:
    recipe = load_recipe(toy)
    assert list(recipe.stages) == ["numbers", "clean", "told", "drawn", "model"]
    assert recipe.stages["numbers"].model_dump(serialize_as_any=True)["source"] == {"kind": "numbers", "count": 4}


def test_a_stage_reads_the_one_above_unless_it_says_otherwise(write_toy: Callable[[str], Path]) -> None:
    recipe = load_recipe(
        write_toy(
            "stages:\n  a: {kind: count, source: {kind: numbers}}\n  b: {kind: count, source: {kind: numbers}}\n"
            "  c: {kind: first}\n  d: {kind: first, inputs: [b, a]}\n  e: {kind: pages}\n"
        )
    )
    assert [recipe.sources_of(name) for name in "abcde"] == [[], [], ["b"], ["b", "a"], ["a", "b", "c", "d"]]


def test_an_unknown_stage_kind_is_told_at_its_word_with_the_nearest_one(toy: Path) -> None:
    toy.write_text(toy.read_text().replace("kind: filter,", "kind: filtr,"))
    # line 5 is `  clean: {kind: filtr, ...`; "filtr" starts in column 17
    assert mistake(toy) == f"{toy}: 1 problem\n  {toy}:5:17: stages.clean: unknown stage kind 'filtr'; did you mean 'filter'?"


def test_an_unknown_nested_kind_is_told_at_its_word(toy: Path) -> None:
    toy.write_text(toy.read_text().replace("kind: min_chars", "kind: min_char"))
    assert f"{toy}:5:42: stages.clean.filters.0: unknown filter kind 'min_char'; did you mean 'min_chars'?" in mistake(toy)


def test_a_part_without_a_kind_is_told_which_there_are(toy: Path) -> None:
    toy.write_text(toy.read_text().replace("{kind: min_chars, limit: 2}", "{limit: 2}"))
    said = mistake(toy)
    assert f"{toy}:5:35: stages.clean.filters.0: a filter is written {{kind: ..., ...}}; known kinds: " in said
    assert "min_chars" in said


def test_a_value_of_the_wrong_type_is_told_with_what_was_got(toy: Path) -> None:
    toy.write_text(toy.read_text().replace("limit: 2", "limit: two"))
    said = mistake(toy)
    assert f"{toy}:5:60: stages.clean.filters.0.limit: Input should be a valid integer" in said
    assert said.endswith("(got 'two')")


def test_an_unknown_field_is_told_at_its_key_with_the_nearest_one(toy: Path) -> None:
    toy.write_text(toy.read_text().replace("limit: 2", "limit: 2, limt: 3"))
    assert f"{toy}:5:63: stages.clean.filters.0.limt: unknown field; did you mean 'limit'? (got 3)" in mistake(toy)


def test_an_unknown_field_of_a_mapping_that_is_no_part_names_its_neighbours(toy: Path) -> None:
    toy.write_text(toy.read_text().replace("{kind: retell}", "{kind: retell, expect: {examples: 1, token: 2}}"))
    assert "stages.told.expect.token: unknown field; did you mean 'tokens'? (got 2)" in mistake(toy)


def test_an_unknown_field_at_the_top_names_its_neighbours(toy: Path) -> None:
    toy.write_text(toy.read_text().replace("name: toy", "name: toy\ndescriptoin: mine"))
    assert f"{toy}:2:1: descriptoin: unknown field; did you mean 'description'? (got 'mine')" in mistake(toy)


def test_a_missing_field_is_told_at_the_part_that_lacks_it(toy: Path) -> None:
    toy.write_text(toy.read_text().replace(", limit: 2", ""))
    assert f"{toy}:5:35: stages.clean.filters.0.limit: this field must be written; it has no good default" in mistake(toy)


def test_all_mistakes_are_told_at_once(toy: Path) -> None:
    toy.write_text(toy.read_text().replace("limit: 2", "limit: two").replace("kind: retell", "kind: retel"))
    assert mistake(toy).startswith(f"{toy}: 2 problems\n")


def test_a_list_that_is_short_only_for_what_is_wrong_in_it_is_not_called_short(
    write_toy: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TOY_DUMPS", raising=False)
    source = "{kind: json_lines, paths: [$TOY_DUMPS/a.jsonl]}"
    said = mistake(write_toy(f"stages:\n  a: {{kind: preferences, sources: [{source}]}}\n"))
    assert ": 1 problem\n" in said
    assert "TOY_DUMPS is not set" in said
    empty = mistake(write_toy("stages:\n  a: {kind: preferences, sources: []}\n"))
    assert "stages.a.sources: is empty; at least one is wanted" in empty


def test_one_value_where_a_list_belongs_is_told_with_the_list_to_write(write_toy: Callable[[str], Path]) -> None:
    said = mistake(write_toy("stages:\n  a: {kind: sft, inputs: [], model: b, loss_on: all, tracking: wandb}\n"))
    assert "stages.a.tracking: a list is wanted, such as [wandb] (got 'wandb')" in said


def test_a_recipe_without_stages_is_refused(toy: Path) -> None:
    toy.write_text("name: toy\nstages: {}\n")
    assert f"{toy}:2:9: stages: a recipe needs at least one stage" in mistake(toy)


def test_a_stage_that_reads_an_unknown_one_is_told_the_nearest(toy: Path) -> None:
    toy.write_text(toy.read_text().replace("{kind: retell}", "{kind: retell, inputs: [clen]}"))
    expected = f"{toy}:6:33: stages.told.inputs.0: reads stage 'clen', which the recipe does not have; did you mean 'clean'?"
    assert expected in mistake(toy)


def test_a_stage_that_reads_one_below_is_told_those_above(toy: Path) -> None:
    toy.write_text(toy.read_text().replace("{kind: retell}", "{kind: retell, inputs: [model]}"))
    expected = "reads stage 'model', which does not stand above it; a stage reads what is above it: numbers, clean"
    assert expected in mistake(toy)


def test_a_field_that_names_a_stage_is_checked_like_inputs(toy: Path) -> None:
    toy.write_text(toy.read_text().replace("{kind: learn}", "{kind: learn, base: modl}"))
    assert f"{toy}:8:30: stages.model.base: reads stage 'modl', which the recipe does not have" in mistake(toy)


def test_a_first_stage_that_needs_one_above_is_refused(toy: Path) -> None:
    toy.write_text("name: toy\nplugins: [mine.py]\nstages:\n  told: {kind: retell}\n")
    assert f"{toy}:4:9: stages.told: the first stage has none above it to read" in mistake(toy)


def test_a_stage_name_is_one_word(toy: Path) -> None:
    toy.write_text(toy.read_text().replace("  told:", "  t.old:"))
    assert "stage name 't.old': use letters, digits, _ and -" in mistake(toy)


def test_a_stage_name_that_is_a_number_is_refused(toy: Path) -> None:
    toy.write_text(toy.read_text().replace("  told:", "  7:"))
    assert f"{toy}:6:6: stages.7.[key]: Input should be a valid string (got 7)" in mistake(toy)


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("stages.clean", "--set stages.clean: write it as stages.NAME.FIELD=VALUE"),
        ("stages..clean=1", "--set stages..clean=1: write it as stages.NAME.FIELD=VALUE"),
        ("stags.clean.x=1", "--set stags.clean.x: the recipe has no 'stags'; did you mean 'stages'?"),
        ("stages.clen.x=1", "--set stages.clen.x: the recipe has no 'stages.clen'; did you mean 'clean'?"),
        ("stages.clean.filters.1.limit=3", "the recipe has no 'stages.clean.filters.1'; known: 0"),
        ("stages.clean.filters.1=3", "the recipe has no 'stages.clean.filters.1'; known: 0"),
        ("name.first=1", "--set name.first: name is 'toy' and has no 'first'"),
        ("stages.clean.filters=[", "--set stages.clean.filters=[: the value is not readable as YAML"),
        (
            "stages.clean.filters.0.limit=two",
            "--set stages.clean.filters.0.limit=two: stages.clean.filters.0.limit: Input should",
        ),
        ("stages.clean.inputs=[numbrs]", "--set stages.clean.inputs=[numbrs]: stages.clean.inputs.0: reads stage 'numbrs'"),
        ("stages.clean.filtres=[]", "stages.clean.filtres: unknown field; did you mean 'filters'?"),
    ],
)
def test_a_mistaken_set_is_told_as_it_was_given(toy: Path, override: str, expected: str) -> None:
    assert expected in mistake(toy, override)


def test_a_set_reaches_into_lists_and_reads_numbers_as_yaml_does(toy: Path) -> None:
    recipe = load_recipe(toy, ("stages.clean.filters.0.limit=3", "stages.model.rate=1e-5", "stages.more={kind: first}"))
    dumped = recipe.model_dump(serialize_as_any=True)["stages"]
    assert dumped["clean"]["filters"][0]["limit"] == 3
    assert dumped["model"]["rate"] == 0.00001  # PyYAML would have read the text "1e-5"
    assert list(dumped)[-1] == "more"


def test_relative_paths_are_relative_to_the_recipe(write_toy: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_toy("stages:\n  a: {kind: count, source: {kind: raw_numbers, file: data/../count.txt}}\n")
    monkeypatch.chdir("/")
    part = next(part for part in load_recipe(path).stages["a"].walk() if part.kind == "raw_numbers")
    assert part.raw_files() == {"file.0": path.parent / "count.txt"}


def test_a_path_may_name_a_set_environment_variable_only(
    write_toy: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_toy("stages:\n  a: {kind: count, source: {kind: raw_numbers, file: $TOY_DUMPS/count.txt}}\n")
    monkeypatch.delenv("TOY_DUMPS", raising=False)
    assert "the environment variable TOY_DUMPS is not set; set it, or write the path out" in mistake(path)
    monkeypatch.setenv("TOY_DUMPS", "/dumps")
    part = next(part for part in load_recipe(path).stages["a"].walk() if part.kind == "raw_numbers")
    assert part.raw_files() == {"file.0": Path("/dumps/count.txt")}


def test_a_path_may_say_what_to_take_where_a_variable_is_not_set(
    write_toy: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_toy('stages:\n  a: {kind: count, source: {kind: raw_numbers, file: "${TOY_DUMPS:-dumps}/count.txt"}}\n')
    for value, folder in ((None, path.parent / "dumps"), ("", path.parent / "dumps"), ("/far", Path("/far"))):
        monkeypatch.setenv("TOY_DUMPS", value) if value is not None else monkeypatch.delenv("TOY_DUMPS", raising=False)
        part = next(part for part in load_recipe(path).stages["a"].walk() if part.kind == "raw_numbers")
        assert part.raw_files() == {"file.0": folder / "count.txt"}


def test_expect_says_what_a_stage_will_give(toy: Path) -> None:
    recipe = load_recipe(toy, ("stages.drawn.expect={examples: 5, tokens: 600}",))
    expect = recipe.stages["drawn"].expect
    assert expect is not None
    assert (expect.examples, expect.tokens) == (5, 600)
    assert isinstance(recipe.stages["drawn"], Stage)

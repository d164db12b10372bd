import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from align.errors import AlignError, PartError, RecipeError
from align.parts import Part
from align.plugins import import_plugin
from align.recipe import load_recipe
from align.runner import run_recipe

ODD = """\
from typing import Literal
from align.filters.filter import Filter
class Odd(Filter):
    kind: Literal["odd"] = "odd"
    def reason_to_drop(self, example):
        return None
"""


def test_loading_a_plugin_is_announced_on_stderr(toy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    load_recipe(toy)
    captured = capsys.readouterr()
    assert captured.err == f"loading plugin {toy.parent / 'mine.py'}\n"
    assert captured.out == ""


@pytest.mark.parametrize("plugin", ["../outside.py", "/tmp/outside.py", "folder/../../outside.py"])
def test_a_plugin_outside_the_recipes_folder_is_refused(tmp_path: Path, plugin: str) -> None:
    (tmp_path / "recipes").mkdir()
    (tmp_path / "outside.py").write_text(ODD)
    with pytest.raises(RecipeError, match=r"outside\.py: lies outside the recipe's folder .*recipes; move it inside"):
        import_plugin(tmp_path / "recipes", plugin)


def test_a_link_out_of_the_folder_is_outside(tmp_path: Path) -> None:
    (tmp_path / "recipes").mkdir()
    (tmp_path / "outside.py").write_text(ODD)
    (tmp_path / "recipes" / "inside.py").symlink_to(tmp_path / "outside.py")
    with pytest.raises(RecipeError, match="lies outside"):
        import_plugin(tmp_path / "recipes", "inside.py")


@pytest.mark.parametrize("plugin", ["none.py", "notes.txt", "."])
def test_a_plugin_that_is_no_python_file_is_refused(tmp_path: Path, plugin: str) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(RecipeError, match="no such Python file"):
        import_plugin(tmp_path, plugin)


def test_a_syntax_error_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text("x = 1\nclass Odd(:\n")
    with pytest.raises(RecipeError, match=r"plugin .*bad\.py:2:11: SyntaxError while loading: invalid syntax"):
        import_plugin(tmp_path, "bad.py")


@pytest.mark.parametrize(
    ("line", "said"), [("1 / 0", "ZeroDivisionError while loading: division"), ("exit(5)", "SystemExit while loading: 5")]
)
def test_what_goes_wrong_while_loading_is_told_with_its_line(tmp_path: Path, line: str, said: str) -> None:
    (tmp_path / "bad.py").write_text(f"x = 1\n\n{line}\n")
    with pytest.raises(RecipeError) as error:
        import_plugin(tmp_path, "bad.py")
    assert f"plugin {tmp_path / 'bad.py'}:3: {said}" in str(error.value)


def test_ctrl_c_while_a_plugin_loads_is_no_mistake_of_it(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text("raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        import_plugin(tmp_path, "slow.py")


def test_two_plugins_with_one_kind_are_told_with_both_files(tmp_path: Path) -> None:
    for name in ("first.py", "second.py"):
        (tmp_path / name).write_text(ODD)
    (tmp_path / "toy.yaml").write_text("name: toy\nplugins: [first.py, second.py]\nstages: {}\n")
    with pytest.raises(PartError) as error:
        load_recipe(tmp_path / "toy.yaml")
    said = str(error.value)
    assert (
        f"kind 'odd' is defined by both Odd in {tmp_path / 'first.py'} and Odd in {tmp_path / 'second.py'}; rename one of them"
        in said
    )


def test_a_plugin_may_not_take_a_kind_of_ours(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        ODD.replace('"odd"', '"filter"').replace("Filter", "Stage").replace("filters.filter", "stage")
    )
    (tmp_path / "toy.yaml").write_text("name: toy\nplugins: [mine.py]\nstages: {}\n")
    with pytest.raises(
        PartError, match=r"kind 'filter' is defined by both align\.filters\.filter\.FilterStage and Odd in .*mine\.py"
    ):
        load_recipe(tmp_path / "toy.yaml")


def test_two_recipes_in_one_process_can_have_a_plugin_of_the_same_kinds(toy: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for name in ("toy.yaml", "mine.py"):
        shutil.copy(toy.parent / name, other / name)
    first, second = load_recipe(toy), load_recipe(other / "toy.yaml")
    assert type(first.stages["told"]) is not type(second.stages["told"])
    assert first.stages["told"].identity() == second.stages["told"].identity()


def test_a_kind_is_unknown_to_a_recipe_that_does_not_name_its_plugin(toy: Path) -> None:
    load_recipe(toy)
    toy.write_text(toy.read_text().replace("plugins: [mine.py]", ""))
    with pytest.raises(RecipeError, match="unknown stage kind 'count'"):
        load_recipe(toy)
    assert "countdown" not in Part.families


def test_an_edited_plugin_changes_the_key_of_its_parts_alone(toy: Path) -> None:
    before = run_recipe(load_recipe(toy), toy.parent / "store")
    plugin = toy.parent / "mine.py"
    plugin.write_text(plugin.read_text() + "# edited\n")
    after = run_recipe(load_recipe(toy), toy.parent / "store")
    assert all(before[name].key != after[name].key for name in before)  # `clean` is ours, but the filter in it is the plugin's
    assert all(before[name].content == after[name].content for name in before)


def test_a_plugins_own_failure_is_told_as_the_plugins(write_toy: Callable[[str], Path]) -> None:
    path = write_toy("stages:\n  a: {kind: count, source: {kind: numbers}}\n  b: {kind: break}\n")
    with pytest.raises(AlignError) as error:
        run_recipe(load_recipe(path), path.parent / "store")
    said = str(error.value)
    plugin = path.parent / "mine.py"
    line = next(number for number, text in enumerate(plugin.read_text().splitlines(), 1) if "raise ZeroDivisionError" in text)
    assert said == f"stage b: the plugin failed at {plugin}:{line}: ZeroDivisionError: the abacus is broken"

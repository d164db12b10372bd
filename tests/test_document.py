from pathlib import Path

import pytest

from align.document import read_document, set_value
from align.errors import RecipeError


def mistake(path: Path, text: bytes) -> str:
    path.write_bytes(text)
    with pytest.raises(RecipeError) as error:
        read_document(path)
    return str(error.value)


def test_a_duplicate_key_is_told_with_its_line_and_column(tmp_path: Path) -> None:
    path = tmp_path / "twice.yaml"
    said = mistake(path, b"name: first\nstages: {}\nname: second\n")
    assert said.startswith(f'{path}:3:1: not readable as YAML: while constructing a mapping: found duplicate key "name"')


def test_a_tab_is_told_as_a_tab(tmp_path: Path) -> None:
    path = tmp_path / "tab.yaml"
    said = mistake(path, b"name: toy\nstages:\n\tnumbers: {}\n")
    assert said.startswith(f"{path}:3:1: not readable as YAML: ")
    assert said.endswith("(YAML is indented with spaces, never tabs)")


@pytest.mark.parametrize("text", [b"", b"   \n", b"# only a comment\n"])
def test_an_empty_file_is_told_how_to_begin(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "empty.yaml"
    assert mistake(path, text) == f"{path}: empty. `align init` writes a recipe to start from."


def test_a_file_that_is_not_utf_8_is_told_the_byte_and_the_line(tmp_path: Path) -> None:
    path = tmp_path / "latin.yaml"
    said = mistake(path, "name: toy\ndescription: Müller\n".encode("latin-1"))
    assert said == f"{path}: cannot be read as a recipe: not UTF-8 text (byte 0xfc in line 2). Save it as UTF-8."


def test_a_file_that_is_not_there_is_told_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(
        RecipeError, match=r"no\.yaml: cannot be read as a recipe: No such file or directory\. `align init` writes one"
    ):
        read_document(tmp_path / "no.yaml")


def test_a_folder_is_no_recipe(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="cannot be read as a recipe: Is a directory"):
        read_document(tmp_path)


@pytest.mark.parametrize("text", [b"- a\n- b\n", b"just words\n", b"42\n"])
def test_a_recipe_is_a_mapping(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "list.yaml"
    assert mistake(path, text).startswith(f"{path}:1:1: a recipe is a mapping with `name:` and `stages:` (got ")


@pytest.mark.parametrize(
    "text",
    [
        b"name: [unclosed\n",
        b"name: !!python/object/apply:os.system [ls]\n",
        b"a: 1\n---\nb: 2\n",
        b"name: \x00\n",
        b"date: 2024-13-45\n",
        b"name: *nobody\n",
        b"? [a]\n: b\n? {c: d}\n: e\n",
        b"%YAML 9.9\n---\nname: a\n",
    ],
)
def test_what_is_no_plain_yaml_is_a_mistake_and_never_a_crash(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "odd.yaml"
    assert str(path) in mistake(path, text)


def test_an_alias_inside_itself_is_refused(tmp_path: Path) -> None:
    assert "an alias (*name) stands inside what it names" in mistake(tmp_path / "loop.yaml", b"name: &a [*a]\n")


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    path = tmp_path / "bom.yaml"
    path.write_bytes(b"\xef\xbb\xbfname: toy\n")
    assert read_document(path).data == {"name": "toy"}


def test_a_set_changes_one_of_two_places_that_an_alias_shares(tmp_path: Path) -> None:
    path = tmp_path / "alias.yaml"
    path.write_text("first: &it {a: 1}\nsecond: *it\nthird: {<<: *it, b: 2}\n", encoding="utf-8")
    data = read_document(path).data
    set_value(data, "second.a=7")
    assert data == {"first": {"a": 1}, "second": {"a": 7}, "third": {"a": 1, "b": 2}}


def test_a_place_is_that_of_the_deepest_node_that_is_written(tmp_path: Path) -> None:
    path = tmp_path / "deep.yaml"
    path.write_text("stages:\n  a:\n    list:\n      - {x: 1}\n", encoding="utf-8")
    document = read_document(path)
    assert document.place(("stages", "a", "list", 0, "x")) == f"{path}:4:13"
    assert document.place(("stages", "a", "list", 0, "y", "z")) == f"{path}:4:9"
    assert document.place(("stages", "a", "list", 5)) == f"{path}:4:7"
    assert document.key_place(("stages", "a", "list", 0, "x")) == f"{path}:4:10"
    assert document.key_place(("stages", "b", "c")) == f"{path}:2:3"
    assert document.key_place(("stages", "a", "list", 0)) == f"{path}:4:9"

from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest
from pydantic import BaseModel

from align.errors import PartError
from align.parts import Part, RawFile, StageName, StageNameMark, nearest, plugin_fault
from align.stage import Stage


class Fruit(Part):
    """A family of the test's own."""


class Apple(Fruit):
    kind: Literal["apple"] = "apple"
    colour: str = "red"
    files: tuple[RawFile, ...] = ()
    one: RawFile | None = None
    by_name: dict[str, RawFile] = {}
    stage: StageName | None = None


class Basket(Fruit):
    kind: Literal["basket"] = "basket"
    first: Fruit
    rest: tuple[Fruit, ...] = ()
    named: dict[str, Fruit] = {}


class Bowl(BaseModel):
    fruit: Fruit


def bowl(**fruit: Any) -> Any:
    return Bowl.model_validate({"fruit": fruit}).fruit


def test_a_family_reads_each_of_its_kinds() -> None:
    basket = bowl(
        kind="basket", first={"kind": "apple"}, rest=[{"kind": "apple", "colour": "green"}], named={"a": {"kind": "apple"}}
    )
    assert [part.kind for part in basket.walk()] == ["basket", "apple", "apple", "apple"]
    assert basket.rest[0].colour == "green"


def test_identity_holds_the_fields_of_nested_kinds_and_their_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    basket = bowl(kind="basket", first={"kind": "apple"}, rest=[{"kind": "apple", "colour": "green"}])
    before = basket.identity()
    # Plain model_dump would give {"kind": "apple"} alone: the family has no `colour`.
    assert before["parameters"]["first"] == {"kind": "apple", "colour": "red"}
    assert before["parameters"]["rest"] == [{"kind": "apple", "colour": "green"}]
    assert [version.partition("+")[0] for version in before["versions"]] == ["basket=1", "apple=1", "apple=1"]
    monkeypatch.setattr(Apple, "version", 2)
    assert [version.partition("+")[0] for version in basket.identity()["versions"]] == ["basket=1", "apple=2", "apple=2"]


def test_identity_leaves_out_paths_and_names_of_stages_at_any_depth() -> None:
    here = {"kind": "apple", "files": ["/a/1"], "one": "/a/2", "by_name": {"x": "/a/3"}, "stage": "clean"}
    there = {"kind": "apple", "files": ["/b/1"], "one": "/b/2", "by_name": {"x": "/b/3"}, "stage": "clear"}
    for wrap in (lambda part: {"first": part}, lambda part: {"first": part, "rest": [part], "named": {"n": part}}):
        assert bowl(kind="basket", **wrap(here)).identity() == bowl(kind="basket", **wrap(there)).identity()
    assert "/a" not in str(bowl(**here).identity())


def test_raw_files_are_those_given_with_a_label_each() -> None:
    assert bowl(kind="apple").raw_files() == {}
    apple = bowl(kind="apple", files=["/a/1", "/a/2"], one="/a/3", by_name={"x": "/a/4"})
    expected = {"files.0": "/a/1", "files.1": "/a/2", "one.0": "/a/3", "by_name.x": "/a/4"}
    assert apple.raw_files() == {label: Path(path) for label, path in expected.items()}


def test_marks_are_found_below_unions_and_collections() -> None:
    class Mixed(Stage):
        kind: Literal["mixed_for_marks"] = "mixed_for_marks"
        one: StageName
        some: tuple[StageName, ...] = ()
        maybe: tuple[StageName, ...] | None = None
        plain: str = ""

    assert set(Mixed.marked(StageNameMark)) == {"inputs", "one", "some", "maybe"}
    mixed = Mixed(one="a", some=("b", "c"))
    assert mixed.references() == {"one": "a", "some.0": "b", "some.1": "c"}


class Ingredient(BaseModel):
    stage: StageName
    share: float = 1


class Stew(Stage):
    kind: Literal["stew_for_tests"] = "stew_for_tests"
    pot: Ingredient | None = None
    bowls: tuple[Ingredient, ...] = ()
    pans: dict[str, Ingredient] = {}


def test_stages_named_within_mappings_are_references_by_their_place_and_no_part_of_the_key() -> None:
    def stew(*names: str) -> Stew:
        a, b, c = ({"stage": name, "share": 0.5} for name in names)
        return Stew(inputs=("x",), pot=a, bowls=[b], pans={"hot": c})

    assert stew("a", "b", "c").references() == {"pot.stage": "a", "bowls.0.stage": "b", "pans.hot.stage": "c"}
    assert stew("a", "b", "c").identity() == stew("d", "e", "f").identity()
    parameters = stew("a", "b", "c").identity()["parameters"]
    assert parameters == {
        "kind": "stew_for_tests",
        "pot": {"share": 0.5},
        "bowls": [{"share": 0.5}],
        "pans": {"hot": {"share": 0.5}},
    }


def test_a_part_cannot_be_changed_nor_get_fields_it_does_not_have() -> None:
    with pytest.raises(ValueError, match="frozen"):
        bowl(kind="apple").colour = "blue"
    with pytest.raises(ValueError, match="Extra inputs"):
        Apple(size=3)  # type: ignore[call-arg]


def test_two_classes_cannot_have_one_kind() -> None:
    with pytest.raises(
        PartError, match=r"kind 'apple' is defined by both Apple in .*test_parts\.py and .*Pear in .*test_parts\.py"
    ):

        class Pear(Fruit):
            kind: Literal["apple"] = "apple"


def test_a_class_between_family_and_kind_is_no_kind() -> None:
    class Citrus(Fruit):
        juice_millilitres: int = 50

    class Lemon(Citrus):
        kind: Literal["lemon"] = "lemon"

    assert "lemon" in Fruit.kinds
    assert len(Fruit.kinds) == 4  # apple, basket, lemon, rotten
    assert bowl(kind="lemon").juice_millilitres == 50


def test_a_part_reads_nothing_when_it_is_built(tmp_path: Path) -> None:
    assert bowl(kind="apple", one=str(tmp_path / "not there")).one == tmp_path / "not there"


@pytest.mark.parametrize(
    ("name", "known", "said"),
    [
        ("lenght", ["length", "score"], "did you mean 'length'?"),
        ("xyz", ["length", "score"], "known: length, score"),
        ("xyz", [], "known: none"),
        ("1", range(2), "did you mean '1'?"),
    ],
)
def test_the_nearest_name_or_all_of_them(name: str, known: Any, said: str) -> None:
    assert nearest(name, known) == said


def test_a_fault_of_ours_is_not_a_plugins() -> None:
    assert plugin_fault(ValueError("x")) == ""


class Rotten(Fruit):
    kind: Literal["rotten"] = "rotten"
    how_to_get: ClassVar[str] = "Wait."

    def eat(self) -> None:
        raise ValueError("worm")


def test_a_fault_is_placed_at_the_plugins_own_line() -> None:
    with pytest.raises(ValueError, match="worm") as error:
        Rotten().eat()
    line = next(number for number, text in enumerate(Path(__file__).read_text().splitlines(), 1) if 'ValueError("worm")' in text)
    # This very module is a plugin: it defines kinds and is not part of align.
    assert plugin_fault(error.value) == f"{__file__}:{line}: ValueError: worm"

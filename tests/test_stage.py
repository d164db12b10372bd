from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from align.artifact import Artifact
from align.files import write_records
from align.records import Example, Origin
from align.stage import Expect, Forecast, Inputs, Stage


class Idle(Stage):
    kind: Literal["idle_for_tests"] = "idle_for_tests"


def artifact(folder: Path, *ids: str) -> Artifact:
    write_records(folder, Example, [Example(name, (), Origin("a", "b")) for name in ids])
    return Artifact(folder.name, "", "", folder, {})


def test_inputs_are_read_one_artifact_after_the_other(tmp_path: Path) -> None:
    inputs = Inputs((artifact(tmp_path / "x", "b", "a"), artifact(tmp_path / "y", "c")))
    assert [example.id for example in inputs.read(Example)] == ["b", "a", "c"]
    assert inputs.count(Example) == 3


def test_the_artifacts_of_a_field_with_several_stages_come_in_order(tmp_path: Path) -> None:
    named = {f"models.{number}": artifact(tmp_path / str(number)) for number in range(12)} | {
        "models_too": artifact(tmp_path / "z")
    }
    found = Inputs((), named).several("models")
    assert [item.name for item in found] == [str(number) for number in range(12)]  # by number, not 0, 1, 10, 11, 2


def test_a_stage_must_say_how_it_runs(tmp_path: Path) -> None:
    with pytest.raises(NotImplementedError):
        Idle().run(Inputs(), tmp_path)


def test_what_is_expected_goes_on_to_the_next_stage_but_what_is_there_does_not() -> None:
    expected = Forecast(100, 5000, "expected", figures={"steps": 3}, notes=("x",))
    # A filter keeps fewer than came in: what is expected stands for what the recipe's author thinks, what is exact does not.
    assert Idle().forecast([expected], {}) == Forecast(100, 5000, "expected")
    assert Idle().forecast([replace(expected, basis="exact")], {}) == Forecast()
    assert Idle().forecast([expected, expected], {}) == Forecast()
    assert Idle().forecast([], {}) == Forecast()


def test_expect_is_what_comes_out_and_no_part_of_the_key() -> None:
    idle = Idle(expect=Expect(examples=10, tokens=20))
    assert idle.forecast([], {}) == Forecast(10, 20, "expected")
    assert idle.identity() == Idle().identity()

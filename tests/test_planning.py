from collections.abc import Callable
from pathlib import Path

import pytest

from align.planning import Plan, plan_recipe
from align.recipe import load_recipe
from align.runner import run_recipe

WriteToy = Callable[[str], Path]


def planned(path: Path, *overrides: str) -> Plan:
    return plan_recipe(load_recipe(path, overrides), path.parent / "store")


def statuses(plan: Plan) -> list[tuple[str, str, str | None]]:
    return [(stage.name, stage.status, stage.unknown_until) for stage in plan.stages]


def test_what_is_not_made_is_unknown_until_the_stage_above_it_is(toy: Path) -> None:
    plan = planned(toy)
    assert statuses(plan) == [("numbers", "run", None)] + [
        (name, "unknown", "numbers") for name in ("clean", "told", "drawn", "model")
    ]
    assert plan.totals == {}
    assert plan.stages[-1].forecast.notes == ("no examples to count",)


def test_what_is_made_is_counted_exactly_and_costs_nothing(toy: Path) -> None:
    run_recipe(load_recipe(toy), toy.parent / "store")
    plan = planned(toy)
    assert {status for _, status, _ in statuses(plan)} == {"reuse"}
    assert [(stage.forecast.examples, stage.forecast.basis) for stage in plan.stages] == [
        (4, "exact"), (3, "exact"), (2, "exact"), (1, "exact"), (1, "exact"),
    ]  # fmt: skip
    assert plan.stages[-1].forecast.model == {"model_type": "abacus", "beads": 1}
    assert plan.totals == {}


def test_a_stage_on_exact_inputs_is_forecast_exactly(toy: Path) -> None:
    run_recipe(load_recipe(toy), toy.parent / "store")
    plan = planned(toy, "stages.model.rate=0.1")
    model = plan.stages[-1]
    assert (model.status, model.forecast.basis, model.forecast.examples) == ("run", "exact", 1)
    assert plan.totals == {"steps": 2, "gpu_gigabytes": 1.5, "hours": 0.25}


def test_what_the_recipe_expects_stands_in_for_what_is_missing(toy: Path) -> None:
    plan = planned(toy, "stages.drawn.expect={examples: 1000, tokens: 750000}")
    model = plan.stages[-1]
    assert (model.status, model.unknown_until) == ("unknown", "numbers")
    assert (model.forecast.examples, model.forecast.tokens, model.forecast.basis) == (1000, 750000, "expected")
    assert plan.totals == {"steps": 2000, "gpu_gigabytes": 1.5, "hours": 0.25}


def test_totals_add_up_but_memory_is_the_largest(toy: Path) -> None:
    toy.write_text(toy.read_text() + "  again: {kind: learn, inputs: [drawn]}\n")
    plan = planned(toy, "stages.drawn.expect={examples: 10}")
    assert plan.totals == {"steps": 40, "gpu_gigabytes": 1.5, "hours": 0.5}


def test_missing_inputs_are_listed_each_with_the_way_to_get_it(write_toy: WriteToy, tmp_path: Path) -> None:
    plan = planned(write_toy("stages:\n  a: {kind: count, source: {kind: raw_numbers, file: x}}\n  b: {kind: first}\n"))
    assert statuses(plan) == [("a", "missing inputs", None), ("b", "unknown", "a")]
    assert [(file.stage, file.path, file.how_to_get) for file in plan.missing] == [
        ("a", tmp_path / "x", "Count to four and write it down, a number a line.")
    ]


def test_work_of_a_stopped_run_is_gone_on_from(write_toy: WriteToy) -> None:
    path = write_toy("stages:\n  a: {kind: count, source: {kind: numbers}}\n  b: {kind: break, how: interrupt}\n")
    with pytest.raises(KeyboardInterrupt):
        run_recipe(load_recipe(path), path.parent / "store")
    assert statuses(planned(path)) == [("a", "reuse", None), ("b", "continue", None)]


def test_a_forecast_that_refuses_is_a_note_and_no_failure(write_toy: WriteToy, tmp_path: Path) -> None:
    path = write_toy("stages:\n  a: {kind: count, source: {kind: numbers}}\n  b: {kind: refuse}\n")
    (tmp_path / "mine.py").write_text((tmp_path / "mine.py").read_text() + REFUSE)
    assert planned(path).stages[1].forecast.notes == ("an abacus has no GPU",)


REFUSE = """

class Refuse(Stage):
    kind: Literal["refuse"] = "refuse"

    def forecast(self, data: list[Forecast], named: dict[str, Forecast]) -> Forecast:
        from align.errors import TrainingRefused
        raise TrainingRefused("an abacus has no GPU")
"""


def test_planning_makes_nothing(toy: Path) -> None:
    planned(toy)
    assert sorted(path.name for path in toy.parent.iterdir() if path.name != "__pycache__") == ["mine.py", "toy.yaml"]

from pathlib import Path

from align.diff import Change, DataChange, compare_runs
from align.lineage import load_run
from align.recipe import load_recipe
from align.runner import run_recipe


def test_two_runs_differ_in_parameters_counts_records_and_metrics(toy: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    run_recipe(load_recipe(toy), store)
    first = load_run("toy", store)
    run_recipe(load_recipe(toy, ("stages.clean.filters.0.limit=4", "stages.told.edited=n4", "stages.model.rate=0.25")), store)
    found = compare_runs(first, load_run("toy", store))
    assert found.parameters == (
        Change("clean", "filters.0.limit", 2, 4),
        Change("told", "edited", "n3", "n4"),
        Change("model", "rate", 0.5, 0.25),
    )
    # clean: n4 n3 n2 -> n4; told: n4 n3 -> n4 edited; drawn: n4 -> n4 edited
    assert found.data == (DataChange("clean", 2, 0, 0), DataChange("told", 1, 0, 1), DataChange("drawn", 0, 0, 1))
    assert Change("clean", "kept", 3, 1) in found.counts
    assert Change("clean", "dropped.min_chars: too short", 1, 3) in found.counts
    # the model saw one example in both runs, at half the rate
    assert found.metrics == (Change("model", "loss of learn", 0.5, 0.25),)
    assert found.machine == ()


def test_a_run_does_not_differ_from_itself(toy: Path, tmp_path: Path) -> None:
    run_recipe(load_recipe(toy), tmp_path / "store")
    run = load_run("toy", tmp_path / "store")
    found = compare_runs(run, run)
    assert (found.parameters, found.counts, found.data, found.metrics, found.machine) == ((), (), (), (), ())


def test_a_stage_that_one_run_lacks_is_none_there(toy: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    run_recipe(load_recipe(toy), store)
    first = load_run("toy", store)
    toy.write_text(toy.read_text().replace("  told: {kind: retell}\n", ""))
    found = compare_runs(first, load_run(toy, store))
    assert Change("told", "kind", "retell", None) in found.parameters
    assert Change("told", "kept", 2, None) in found.counts

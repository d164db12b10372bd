from collections.abc import Callable
from pathlib import Path

import pytest

import align
from align.artifact import Counts
from align.errors import RecipeError, StoreError
from align.lineage import Run, funnel, list_runs, load_run, stage_states
from align.recipe import Recipe, load_recipe
from align.records import Example
from align.runner import run_recipe

WriteToy = Callable[[str], Path]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


def states(recipe: Recipe, store: Path) -> list[tuple[str, bool, bool, str | None]]:
    """Name, whether the key is known, whether the artifact is there, what it waits for."""
    return [
        (state.name, state.key is not None, state.artifact is not None, state.waits_for) for state in stage_states(recipe, store)
    ]


def test_keys_are_known_as_far_as_artifacts_are_there(toy: Path, store: Path) -> None:
    recipe = load_recipe(toy)
    expected = [("numbers", True, False, None)] + [
        (name, False, False, "numbers") for name in ("clean", "told", "drawn", "model")
    ]
    assert states(recipe, store) == expected
    run_recipe(recipe, store, until="clean")
    assert states(recipe, store) == [
        ("numbers", True, True, None),
        ("clean", True, True, None),
        ("told", True, False, None),
        ("drawn", False, False, "told"),
        ("model", False, False, "told"),
    ]
    run_recipe(recipe, store)
    assert all(state.artifact is not None for state in stage_states(recipe, store))


def test_a_stage_whose_raw_files_are_missing_holds_up_those_below(write_toy: WriteToy, store: Path) -> None:
    recipe = load_recipe(write_toy("stages:\n  a: {kind: count, source: {kind: raw_numbers, file: x}}\n  b: {kind: first}\n"))
    first, second = stage_states(recipe, store)
    assert [str(file.path.name) for file in first.missing] == ["x"]
    assert (first.key, first.waits_for) == (None, None)
    assert (second.waits_for, second.missing) == ("a", ())


def test_new_dumps_are_not_hashed_where_the_answer_is_known(write_toy: WriteToy, store: Path, tmp_path: Path) -> None:
    (tmp_path / "count.txt").write_text("1\n" * 100)
    recipe = load_recipe(write_toy("stages:\n  a: {kind: count, source: {kind: raw_numbers, file: count.txt}}\n"))
    assert stage_states(recipe, store, max_unread_bytes=199)[0].key is None
    assert stage_states(recipe, store, max_unread_bytes=200)[0].key is not None


def test_what_a_stopped_stage_left_is_seen(write_toy: WriteToy, store: Path) -> None:
    recipe = load_recipe(write_toy("stages:\n  a: {kind: count, source: {kind: numbers}}\n  b: {kind: break, how: interrupt}\n"))
    with pytest.raises(KeyboardInterrupt):
        run_recipe(recipe, store)
    assert [state.has_partial for state in stage_states(recipe, store)] == [False, True]


def test_the_funnel_counts_what_is_made(toy: Path, store: Path) -> None:
    recipe = load_recipe(toy)
    run_recipe(recipe, store, until="clean")
    rows = funnel(recipe, store)
    assert [(row.stage, row.kind) for row in rows[:2]] == [("numbers", "count"), ("clean", "filter")]
    assert rows[0].counts == Counts(5, 4, {"numbers: nothing to say": 1}, {"negative": 2})
    assert rows[1].counts == Counts(4, 3, {"min_chars: too short": 1})
    assert [row.counts for row in rows[2:]] == [None, None, None]


def test_a_run_is_read_by_recipe_by_id_by_name_and_by_file(toy: Path, store: Path) -> None:
    run_recipe(load_recipe(toy), store)
    (note,) = list_runs(store)
    by_recipe = load_run(toy, store)
    for name in (note.stem, note.stem[:8], "toy", str(note)):
        run = load_run(name, str(store))
        assert run.artifacts == by_recipe.artifacts
        assert run.id == note.stem
        assert run.finished >= run.started > "2024"
        assert "torch" in run.packages
    assert by_recipe.recipe["stages"]["clean"]["filters"][0]["limit"] == 2


def test_a_notebook_reads_a_run_stage_by_stage(toy: Path, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_recipe(load_recipe(toy), store)
    monkeypatch.setenv("ALIGN_STORE", str(store))
    run = align.load_run(toy)
    assert isinstance(run, align.Run)
    assert [example.id for example in run.examples("told")] == ["n4", "n3"]
    assert [rejection.example_id for rejection in run.rejections("clean")] == ["n1"]
    assert [(item.metric, item.value) for item in run.measurements("model")] == [("loss", 0.5)]
    assert run["model"].kind == "learn"
    assert run.counts("clean").kept == 3
    assert list(run) == ["numbers", "clean", "told", "drawn", "model"]
    assert "told" in run
    assert "tol" not in run
    for read in (run.pairs, run.responses, run.comparisons, run.grades, run.steps):
        assert read("told") == []
    with pytest.raises(StoreError, match=r"has no artifact of a stage 'tol'; did you mean 'told'\?"):
        run["tol"]
    with pytest.raises(AttributeError, match="no attribute 'load_runs'"):
        align.load_runs  # noqa: B018


def test_of_several_runs_of_a_recipe_the_latest_is_meant(toy: Path, store: Path) -> None:
    run_recipe(load_recipe(toy), store)
    run_recipe(load_recipe(toy, ("stages.model.rate=0.25",)), store)
    assert load_run("toy", store).measurements("model")[0].value == 0.25
    assert len(list_runs(store)) == 2


def test_an_unknown_run_is_told_with_the_nearest(toy: Path, store: Path) -> None:
    with pytest.raises(
        StoreError, match=r"has no run 'toi'; it has none yet \(`align ls` lists them; a recipe's path works too\)"
    ):
        load_run("toi", store)
    run_recipe(load_recipe(toy), store)
    (note,) = list_runs(store)
    with pytest.raises(StoreError, match=rf"did you mean '{note.stem}'\?"):
        load_run(note.stem.replace("toy", "toi"), store)
    with pytest.raises(RecipeError, match=r"none\.yaml: cannot be read as a recipe"):
        load_run("none.yaml", store)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"artifacts": []}'])
def test_a_damaged_note_of_a_run_is_told(store: Path, text: str) -> None:
    note = store / "runs" / "toy-1.json"
    note.parent.mkdir(parents=True)
    note.write_text(text)
    with pytest.raises(StoreError, match=r"toy-1\.json: not the note of a run .*Delete it"):
        load_run("toy-1", store)


def test_an_artifact_that_was_removed_is_left_out_of_a_run(toy: Path, store: Path) -> None:
    made = run_recipe(load_recipe(toy), store)
    (made["told"].path / "manifest.json").unlink()
    run = load_run("toy", store)
    assert isinstance(run, Run)
    assert list(run) == ["numbers", "clean", "drawn", "model"]
    assert run["drawn"].count(Example) == 1

import json
from pathlib import Path

import pytest
from freeze_setting import run_pub, write_pub

from align.curation.decisions import decision_for
from align.errors import RecipeError, StoreError
from align.freezing.checks import FreezePreview, freeze_preview
from align.lineage import load_run
from align.recipe import load_recipe
from align.records import as_json
from align.runner import run_recipe


def preview(folder: Path, recipe: Path, strict: bool = False, allow: tuple[str, ...] = (), **stages: str) -> FreezePreview:
    return freeze_preview(
        load_recipe(recipe), folder / "store", stages or {"train": "train_set", "test": "test_prompts"}, "auto", strict, allow
    )


def again(folder: Path, recipe: Path, *tests: str) -> None:
    """Make the recipe with other test prompts."""
    lines = [json.dumps({"id": f"t{number}", "prompt": text}) for number, text in enumerate(tests, 1)]
    (folder / "test.jsonl").write_text("\n".join(lines) + "\n")
    run_recipe(load_recipe(recipe), folder / "store")


def test_a_preview_tells_sizes_quota_and_licences(tmp_path: Path) -> None:
    found = preview(tmp_path, run_pub(tmp_path))
    train, test = found.splits
    assert (train.split, train.stage, train.rows, train.dehydrated) == ("train", "train_set", 7, 2)
    assert (test.rows, test.dehydrated, test.prompt_words, test.response_words) == (1, 0, 8, 0)  # How do I season a pan of iron
    assert [(item.stage, item.cell, item.wanted, item.actual) for item in found.quota] == [
        ("drawn", "beer", 3, 3),
        ("drawn", "coffee", 2, 2),
    ]
    assert [(item.licence, item.rows, item.is_open) for item in found.licences] == [
        ("CC BY-SA 4.0", 5, True),
        ("CC0-1.0", 1, True),
        ("unstated", 2, False),
    ]
    assert (found.problems, found.duplicates, found.contamination) == ((), (), ())


def test_a_prompt_of_the_test_set_in_the_training_set_is_a_problem_that_may_be_allowed(tmp_path: Path) -> None:
    recipe = run_pub(tmp_path)
    again(tmp_path, recipe, "Why does a stout foam so long??", "Something else altogether, is it?")
    found = preview(tmp_path, recipe)
    assert [(item.what, item.example_id, item.other_id) for item in found.contamination] == [
        ("near-duplicates", "stack_exchange/beer/10", "t1")
    ]
    assert len(found.problems) == 1
    assert "prompts are nearly those of another split: train stack_exchange/beer/10 and test t1" in found.problems[0]
    assert "--allow near-duplicates" in found.problems[0]
    assert preview(tmp_path, recipe, allow=("near-duplicates",)).problems == ()


def test_a_run_of_words_in_two_splits_is_a_problem_of_its_own(tmp_path: Path) -> None:
    recipe = run_pub(tmp_path)
    again(
        tmp_path,
        recipe,
        "Is this true, and of which drink: twelve degrees suit an ale, eight a lager; what matters most is that it stays?",
    )
    (problem,) = preview(tmp_path, recipe).problems
    assert "texts share words with another split: train stack_exchange/beer/20 and test t1" in problem
    assert preview(tmp_path, recipe, allow=("near-duplicates",)).problems == (problem,)
    assert preview(tmp_path, recipe, allow=("contamination",)).problems == ()


def test_an_id_or_a_text_in_two_splits_is_never_allowed(tmp_path: Path) -> None:
    recipe = run_pub(tmp_path)
    both = ("near-duplicates", "contamination")
    (ids,) = preview(tmp_path, recipe, allow=both, train="picked", dev="drawn").problems
    # all five of `picked` came out of `drawn`
    assert ids.startswith("5 ids stand twice: dev stack_exchange/")
    lines = [{"id": "x", "prompt": "Which smell takes you back to school at once?  "}]
    (tmp_path / "test.jsonl").write_text(json.dumps(lines[0]) + "\n")
    run_recipe(load_recipe(recipe), tmp_path / "store")
    (texts,) = preview(tmp_path, recipe, allow=both, train="asked", test="test_prompts").problems
    assert texts.startswith("1 texts stand in two splits: test x and train reddit/AskReddit/a2")


def test_rows_without_a_licence_are_told_and_refused_when_strict(tmp_path: Path) -> None:
    recipe = run_pub(tmp_path)
    recipe.write_text(recipe.read_text().replace(", license: CC0-1.0", ""))
    run_recipe(load_recipe(recipe), tmp_path / "store")
    assert preview(tmp_path, recipe).warnings[0] == "1 rows state no licence: they go out without their text"
    assert preview(tmp_path, recipe, strict=True).problems == (
        "1 rows state no licence, and --strict wants one for each; write `license:` into their source",
    )


def test_rows_that_nobody_decided_about_are_told_where_they_are_kept(tmp_path: Path) -> None:
    recipe = run_pub(tmp_path)
    # five came through it, of which one beer and one coffee were edited; the two of `asked` did not
    warning = "train: stage picked keeps what is undecided (`undecided: keep`): 2 accepted, 3 never decided"
    assert warning in preview(tmp_path, recipe).warnings
    lines = (tmp_path / "decisions.jsonl").read_text().splitlines()
    drawn = {item.id: item for item in load_run(recipe, tmp_path / "store").examples("drawn")}
    flag = decision_for(drawn["stack_exchange/beer/20"], "flag", "ada", at="2024-05-01T11:00:00Z")
    stale = json.loads(as_json(decision_for(drawn["stack_exchange/beer/30"], "accept", "ada"))) | {"example_content": "former"}
    (tmp_path / "decisions.jsonl").write_text("\n".join([lines[0], as_json(flag), json.dumps(stale)]) + "\n")
    run_recipe(load_recipe(recipe), tmp_path / "store")
    assert any("1 accepted, 1 flagged, 3 never decided" in item for item in preview(tmp_path, recipe).warnings)
    recipe.write_text(recipe.read_text().replace("undecided: keep", "undecided: drop"))
    run_recipe(load_recipe(recipe), tmp_path / "store")
    assert not any("decided" in item for item in preview(tmp_path, recipe).warnings)


def test_a_stage_that_is_not_finished_is_told_with_what_makes_it(tmp_path: Path) -> None:
    recipe = write_pub(tmp_path)
    with pytest.raises(
        StoreError, match="stage train_set is not finished: stage test_prompts|stage dumps above it is not made yet"
    ):
        preview(tmp_path, recipe)
    recipe.write_text(recipe.read_text().replace("undecided: keep", "undecided: stop"))
    with pytest.raises(Exception, match="not enough is decided"):
        run_recipe(load_recipe(recipe), tmp_path / "store")
    with pytest.raises(StoreError, match=r"stage picked is not finished.*begun and stopped.*align run RECIPE --until picked"):
        preview(tmp_path, recipe, train="picked")


def test_stages_that_cannot_be_splits_are_told(tmp_path: Path) -> None:
    recipe = run_pub(tmp_path)
    with pytest.raises(RecipeError, match="train: the recipe has no stage 'train_sett'; did you mean 'train_set'"):
        preview(tmp_path, recipe, train="train_sett")
    with pytest.raises(RecipeError, match="stage picked is named for two splits"):
        preview(tmp_path, recipe, train="picked", dev="picked")

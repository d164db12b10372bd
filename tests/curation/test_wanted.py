"""Which examples a curate stage is fed with, and where its targets stand."""

from collections.abc import Callable
from pathlib import Path

import pytest

from align.curation.wanted import curate_stages, wanted_of
from align.errors import RecipeError
from align.recipe import Recipe, load_recipe

HEAD = """\
name: toy
stages:
  posts: {kind: ingest, source: {kind: json_lines, paths: [rows.jsonl]}}
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Callable[[str], Recipe]:
    def load(stages: str) -> Recipe:
        (tmp_path / "toy.yaml").write_text(HEAD + stages, encoding="utf-8")
        return load_recipe(tmp_path / "toy.yaml")

    return load


def test_the_stages_own_take_comes_before_any_quota(recipe: Callable[[str], Recipe]) -> None:
    found = wanted_of(
        recipe("""\
  shortlist: {kind: quota, take: {all: 9}}
  picked: {kind: curate, decisions: d.jsonl, undecided: stop, take: {all: 3}, by: source}
  final: {kind: quota, take: {all: 2}}
"""),
        "picked",
    )
    assert (found.inputs, found.targets, found.said_by, found.cells.by) == (("shortlist",), {"all": 3}, "picked", "source")


def test_the_quota_that_follows_comes_before_the_shortlists(recipe: Callable[[str], Recipe]) -> None:
    found = wanted_of(
        recipe("""\
  shortlist: {kind: quota, take: {all: 9}, oversample: 4}
  picked: {kind: curate, decisions: d.jsonl}
  short: {kind: filter, filters: [{kind: length, min_chars: 1}]}
  final: {kind: quota, take: {all: 2}}
"""),
        "picked",
    )
    assert (found.targets, found.said_by) == ({"all": 2}, "final")


def test_a_quota_that_draws_from_elsewhere_too_says_nothing_of_this_stage(recipe: Callable[[str], Recipe]) -> None:
    found = wanted_of(
        recipe("""\
  shortlist: {kind: quota, take: {all: 9}, oversample: 4}
  picked: {kind: curate, decisions: d.jsonl}
  both: {kind: mix, inputs: [picked, posts]}
  final: {kind: quota, take: {all: 2}}
"""),
        "picked",
    )
    # the shortlist holds 36 for people to choose from; nine of them are wanted
    assert (found.targets, found.said_by) == ({"all": 9}, "shortlist")


def test_without_any_quota_everything_is_one_cell_without_a_target(recipe: Callable[[str], Recipe]) -> None:
    found = wanted_of(recipe("  picked: {kind: curate, decisions: d.jsonl}\n"), "picked")
    assert (found.inputs, found.targets, found.said_by) == (("posts",), {}, "")


def test_a_stage_that_is_no_curate_stage_is_told_with_those_that_are(recipe: Callable[[str], Recipe]) -> None:
    toy = recipe("  picked: {kind: curate, decisions: d.jsonl}\n")
    assert curate_stages(toy) == ["picked"]
    with pytest.raises(RecipeError, match="stages.posts.*ingest"):
        wanted_of(toy, "posts")
    with pytest.raises(RecipeError, match="picked"):
        wanted_of(toy, "pickd")


def test_the_shipped_lima_recipe_asks_for_table_ones_400_exchanges(root: Path) -> None:
    found = wanted_of(load_recipe(root / "recipes" / "lima65b.yaml"), "picked")
    assert (found.inputs, found.targets) == (("shortlist",), {"stem": 200, "other": 200})

"""The pool: any example at once, its cell and its neighbours, from files that are made once."""

from pathlib import Path

import numpy as np
import pytest

from align.artifact import Artifact
from align.curation.pools import files
from align.curation.pools.pool import Pool
from align.curation.wanted import Wanted, everything
from align.errors import EmptyResult, RecipeError
from align.records import content_of
from align.strata import Cells
from toy_records import artifact, example

BREAD = example("stack_exchange/cooking/1", "How do I bake bread?", "Knead the dough, let it rise and bake the bread.", score=3)
ROLLS = example("stack_exchange/cooking/2", "How do I bake rolls?", "Knead the dough, let it rise and bake the rolls.", ("oven",))
TIDES = example("stack_exchange/ocean/1", "Why are there tides?", "The moon pulls at the sea.", score=7, age=2)
STORY = example("wikihow/9", "How to tell a story?", "Begin with someone who wants something.")
ALL = [BREAD, ROLLS, TIDES, STORY]


def opened(tmp_path: Path, wanted: Wanted | None = None) -> Pool:
    return Pool.open(artifact(tmp_path, "above", ALL), tmp_path / "store", wanted)


def wanted(by: str, take: dict[str, int], groups: dict[str, str] | None = None) -> Wanted:
    return Wanted("picked", ("above",), Cells(by, take, groups), take)  # type: ignore[arg-type]


def test_every_example_is_found_by_its_id_as_it_was_written(tmp_path: Path) -> None:
    pool = opened(tmp_path)
    assert [pool.example(item.id) for item in reversed(ALL)] == list(reversed(ALL))
    assert list(pool.examples()) == ALL
    assert pool.contents == [content_of(item.turns) for item in ALL]


def test_examples_of_a_later_batch_are_found_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("align.files.ROWS_PER_GROUP", 3)
    many = [example(f"corpus/{number}", f"Prompt {number}", f"Response {number}", rank=number) for number in range(10)]
    pool = Pool.open(artifact(tmp_path, "many", many), tmp_path / "store")
    assert [pool.example(item.id) for item in many] == many
    assert pool.signals["rank"].tolist() == list(range(10))


def test_an_unknown_id_is_told_and_not_guessed(tmp_path: Path) -> None:
    pool = opened(tmp_path)
    assert "stack_exchange/cooking/3" not in pool
    with pytest.raises(RecipeError, match="stack_exchange/cooking/3"):
        pool.example("stack_exchange/cooking/3")


def test_a_site_is_the_middle_of_the_id_and_the_source_where_it_has_none(tmp_path: Path) -> None:
    pool = opened(tmp_path)
    assert list(pool.sites) == ["cooking", "cooking", "ocean", "wikihow"]
    assert list(pool.sources) == ["stack_exchange"] * 3 + ["wikihow"]
    assert pool.sites.rows("cooking").tolist() == [0, 1]
    assert pool.sites.rows("physics").tolist() == []


def test_cells_follow_the_groups_of_the_quota(tmp_path: Path) -> None:
    by_site = opened(tmp_path, wanted("site", {"home": 2}, {"cooking": "home", "ocean": "away"}))
    assert list(by_site.cells) == ["home", "home", "away", ""]  # wikihow names no site, so no group has it
    assert list(opened(tmp_path, wanted("source", {"wikihow": 1, "all": 1})).cells) == ["all", "all", "all", "wikihow"]
    assert list(opened(tmp_path, wanted("tag", {"oven": 1})).cells) == ["", "oven", "", ""]
    assert list(opened(tmp_path, everything()).cells) == ["all"] * 4


def test_a_signal_that_an_example_lacks_is_no_number(tmp_path: Path) -> None:
    signals = opened(tmp_path).signals
    np.testing.assert_array_equal(signals["score"], np.array([3, np.nan, 7, np.nan], dtype=np.float32))
    np.testing.assert_array_equal(signals["age"], np.array([np.nan, np.nan, 2, np.nan], dtype=np.float32))


def test_the_files_are_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = opened(tmp_path)
    vectors = np.array(first.vectors)
    monkeypatch.setattr(files, "_write_examples", None)  # would fail if called
    monkeypatch.setattr(files, "_embed", None)
    again = opened(tmp_path)
    np.testing.assert_array_equal(again.vectors, vectors)
    assert list(again.examples()) == ALL


def test_a_kill_between_the_two_tables_leaves_nothing_that_is_taken_for_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(files, "_write_columns", killed)
        with pytest.raises(KeyboardInterrupt):
            opened(tmp_path)
    assert list(opened(tmp_path).examples()) == ALL


def test_two_artifacts_make_one_pool_and_an_id_in_both_is_told(tmp_path: Path) -> None:
    here, there = artifact(tmp_path, "here", [BREAD]), artifact(tmp_path, "there", [TIDES])
    assert Pool.open([here, there], tmp_path / "store").ids == [BREAD.id, TIDES.id]
    again = artifact(tmp_path, "again", [BREAD, STORY])
    with pytest.raises(RecipeError, match="stack_exchange/cooking/1.*`mix`"):
        Pool.open([here, again], tmp_path / "store")


def test_a_pool_without_examples_is_refused(tmp_path: Path) -> None:
    empty: Artifact = artifact(tmp_path, "empty", [])
    with pytest.raises(EmptyResult, match="'empty'"):
        Pool.open(empty, tmp_path / "store")


def test_an_array_may_be_made_of_the_vectors_before_those_are_there(tmp_path: Path) -> None:
    """Both are made under a lock; with one lock for both, the second would wait for ever."""
    pool = opened(tmp_path)
    lengths = pool.kept_array("lengths", lambda: np.linalg.norm(pool.vectors, axis=1))
    assert lengths.tolist() == pytest.approx([1.0] * len(ALL))


def test_near_is_what_one_of_a_hundred_pairs_by_lot_reaches(tmp_path: Path) -> None:
    # Ten of 40 say the same, the others share no word: 45 of 780 pairs, more than one of a hundred, are alike.
    same = [example(f"se/a/{number}", "How is bread baked?", "Knead the dough and bake it.") for number in range(10)]
    words = ["".join(chr(97 + (7 * number + 3 * place) % 26) for place in range(9)) + str(number) for number in range(30)]
    own = [example(f"se/b/{number}", f"{word}x?", f"{word}y {word}z") for number, word in enumerate(words)]
    pool = Pool.open(artifact(tmp_path, "above", [*same, *own]), tmp_path / "store")
    likeness = pool.vectors @ pool.vectors[0]
    assert [bool(one >= pool.near_from - 1e-5) for one in likeness] == [True] * 10 + [False] * 30


def test_of_a_small_pool_everything_is_near(tmp_path: Path) -> None:
    assert opened(tmp_path).near_from == -1.0

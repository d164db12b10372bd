"""The decisions that ship with the samples."""

from pathlib import Path

from align.recipe import load_recipe
from align.records import Decision, Rejection
from align.runner import run_recipe


def test_the_shipped_decisions_are_about_the_quickstarts_shortlist_as_it_is_now(tmp_path: Path, root: Path) -> None:
    picked = run_recipe(load_recipe(root / "recipes" / "quickstart.yaml"), tmp_path, until="picked")["picked"]
    # a stale one means: run datasets/samples/decide.py again
    assert {name: count for name, count in picked.counts.noted.items() if name != "undecided"} == {"accepted": 5, "edited": 1}
    assert [item.by for item in picked.read(Rejection)] == ["person", "person"]
    assert picked.count(Decision) == 8

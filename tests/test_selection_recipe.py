"""recipes/ablations/selection.yaml whole: five selections of one pool, each of the size asked for and judged alike."""

from pathlib import Path

import pytest

from align.recipe import load_recipe
from align.records import Example, Measurement
from align.runner import run_recipe

RECIPE = Path(__file__).parents[1] / "recipes" / "ablations" / "selection.yaml"
ARMS = ("random", "longest", "k_center", "facility_location", "mmr")
SMALLER = ("stages.corpus.source.megabytes=0.05", "stages.base.model.layers=1", "stages.sft_random.epochs=1")


@pytest.mark.slow
@pytest.mark.long
def test_five_rules_pick_twelve_each_of_one_pool_and_differ(tmp_path: Path) -> None:
    made = run_recipe(load_recipe(RECIPE, SMALLER), tmp_path / "store")
    pool = {example.id: example for example in made["clean"].read(Example)}
    picks = {arm: [example.id for example in made[arm].read(Example)] for arm in ARMS}
    assert all(len(set(ids)) == 12 and set(ids) <= pool.keys() for ids in picks.values())
    assert len({frozenset(ids) for ids in picks.values()}) == len(ARMS)
    shortest = min(len(pool[name].response) for name in picks["longest"])
    assert sum(len(example.response) > shortest for example in pool.values()) <= 12
    # what is chosen to be unlike, or to stand for the pool, does better at it than a draw by lot
    spread = {arm: {item.metric: item.value for item in made[arm].read(Measurement)} for arm in ARMS}
    assert spread["k_center"]["vendi"] > spread["random"]["vendi"]
    assert spread["facility_location"]["coverage"] > spread["random"]["coverage"]
    for arm in ARMS:
        judged = {item.subject for item in made[f"perplexity_{arm}"].read(Measurement) if item.metric == "perplexity"}
        assert any(f"sft_{arm}" in subject for subject in judged), judged

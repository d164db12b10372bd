"""The ablation over safe answers in the mixture, with a smaller model and less to read."""

from itertools import pairwise
from pathlib import Path

import pytest

from align.recipe import load_recipe
from align.records import Example, Measurement
from align.runner import run_recipe

RECIPE = Path(__file__).parents[1] / "recipes" / "ablations" / "safety_mix.yaml"
ARMS = (0, 13, 30, 60, 100)
SMALL = (
    "corpus.source.megabytes=0.03",
    "tokenizer.vocabulary=400",
    "base.model={family: llama, layers: 2, hidden: 16, heads: 2, feed_forward: 32}",
    *(f"{stage}_{arm}.{field}" for arm in ARMS for stage in ("sft", "dpo") for field in ("epochs=1", "max_tokens=128")),
    *(f"dpo_{arm}.overlong=trim" for arm in ARMS),
)


@pytest.mark.long
def test_five_arms_lie_within_each_other_and_each_has_its_safety_with_an_interval(tmp_path):
    made = run_recipe(load_recipe(RECIPE, tuple(f"stages.{override}" for override in SMALL)), tmp_path)
    mixes = [{example.id for example in made[f"mix_{arm}"].read(Example)} for arm in ARMS]
    # of 89: 0, 1.2, 2.7, 5.3 and 8.9
    assert [len(mix) - len(mixes[0]) for mix in mixes] == [0, 1, 3, 5, 9]
    assert all(small < large for small, large in pairwise(mixes))
    for stage in ("sft", "dpo"):
        rates = [item for item in made[f"safety_of_{stage}"].read(Measurement) if item.metric == "safe_preferred"]
        assert [item.subject for item in rates] == [f"{stage}_{arm}" for arm in ARMS]
        assert all(item.count == 24 and item.low < item.value <= item.high for item in rates)
    page = (made["report"].path / "report.html").read_text(encoding="utf-8")
    assert "sft_100 was fine-tuned on 98\u00a0examples" in page
    # and not from the pairs of all arms
    assert "; dpo_100 then learned from 46\u00a0preference pairs." in page

"""Freezing on real dumps of Stack Exchange; skipped where there are none."""

from pathlib import Path

import pytest

from align.freezing.freeze import freeze
from align.freezing.rehydrate import rehydrate
from align.freezing.takedown import plan_takedown, take_down
from align.recipe import load_recipe
from align.records import Example
from align.runner import run_recipe

RECIPE = """\
name: real
stages:
  dumps: {{kind: ingest, source: {{kind: stack_exchange, dumps: ["{beer}", "{coffee}"], prompt: random, seed: 1}}}}
  scored: {{kind: filter, filters: [{{kind: score, min: 3}}, {{kind: private_data, action: redact}}]}}
"""


@pytest.mark.slow
def test_a_real_set_goes_out_without_text_comes_back_whole_and_loses_what_is_taken_down(real_data: Path, tmp_path: Path) -> None:
    folders = {name: real_data / "stackexchange" / f"{name}.stackexchange.com" for name in ("beer", "coffee")}
    missing = [str(folder) for folder in folders.values() if not folder.is_dir()]
    if missing:
        pytest.skip(f"no {missing[0]}")
    path = tmp_path / "real.yaml"
    path.write_text(RECIPE.format(**folders))
    recipe, store = load_recipe(path), tmp_path / "store"
    made = run_recipe(recipe, store)
    count = made["scored"].count(Example)
    assert count > 100
    whole = freeze(recipe, store, {"train": "scored"}, tmp_path / "whole", dehydrated="none")
    freeze(recipe, store, {"train": "scored"}, tmp_path / "ids", dehydrated="all")
    assert {row["license"] for row in whole.set.rows("train")} <= {
        *(f"CC BY-SA {one}" for one in ("2.5", "3.0", "4.0")),
        *(f"CC BY-SA {one} + CC BY-SA {two}" for one, two in (("2.5", "3.0"), ("2.5", "4.0"), ("3.0", "4.0"))),
    }
    text = (tmp_path / "ids" / "dehydrated" / "train.jsonl").read_text(encoding="utf-8")
    # No line of an answer that is long enough to be somebody's own stands in what is published.
    lines = {line for row in whole.set.rows("train") for turn in row["messages"] for line in turn["content"].splitlines()}
    assert not [line for line in lines if len(line) > 40 and line in text]
    filled = rehydrate(tmp_path / "ids", [str(folder) for folder in folders.values()], tmp_path / "filled")
    assert (filled.filled, filled.left_out, filled.renamed) == (count, (), ())
    for file in (tmp_path / "whole").rglob("*"):
        if file.is_file():
            assert (tmp_path / "filled" / file.relative_to(tmp_path / "whole")).read_bytes() == file.read_bytes(), file
    first = next(iter(made["scored"].read(Example)))
    profile = first.origin.authors[1].url
    plan = plan_takedown(store, profile)
    assert first.id in plan.found
    take_down(store, profile)
    left = run_recipe(recipe, store)["dumps"]
    assert not [item.id for item in left.read(Example) if profile in {author.url for author in item.origin.authors}]
    assert left.counts.dropped["takedown: taken down"] == len(plan.found)

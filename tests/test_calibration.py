"""Two real steps of a tiny model on the processor; what a GPU would say was never measured here."""

import json
from pathlib import Path

import pytest

from align.calibration import calibrate
from align.planning import PlannedStage, plan_recipe
from align.recipe import load_recipe
from align.runner import run_recipe

RECIPE = """\
name: measured
stages:
  corpus: {kind: ingest, source: {kind: invented_corpus, megabytes: 0.02, seed: 1}}
  tokenizer: {kind: tokenizer, vocabulary: 400}
  base:
    kind: pretrain
    inputs: [corpus]
    tokenizer: tokenizer
    model: {family: llama, layers: 2, hidden: 32, heads: 2, feed_forward: 64}
    max_tokens: 128
    batch_size: 8
    epochs: 1
    learning_rate: 1e-3
  data: {kind: ingest, source: {kind: json_lines, paths: [data.jsonl]}, expect: {examples: 100, tokens: 10000}}
  sft: {kind: sft, model: base, loss_on: all, batch_size: 4, max_tokens: 96, epochs: 2, micro_batch_tokens: 200}
  pairs: {kind: preferences, sources: [{kind: beavertails, paths: [pairs.jsonl]}], expect: {examples: 9, tokens: 900}}
  dpo: {kind: dpo, inputs: [pairs], model: sft, max_tokens: 96, batch_size: 2}
"""


def calibrated(path: Path, *overrides: str) -> dict[str, PlannedStage]:
    recipe, store = load_recipe(path, overrides), path.parent / "store"
    return {stage.name: stage for stage in calibrate(recipe, store, plan_recipe(recipe, store)).stages}


@pytest.mark.long
def test_two_steps_are_measured_where_the_model_is_here(tmp_path):
    path = tmp_path / "measured.yaml"
    path.write_text(RECIPE, encoding="utf-8")
    (tmp_path / "data.jsonl").write_text(json.dumps({"id": "a", "prompt": "Where?", "response": "Here."}), encoding="utf-8")
    run_recipe(load_recipe(path), tmp_path / "store", until="base")
    before = sorted(item.name for item in (tmp_path / "store" / "artifacts").iterdir())

    stages = calibrated(path, "stages.sft.launch={processes: 2, device: cpu, distribution: fsdp2}")
    sft = stages["sft"].forecast
    # 4 examples of 96 tokens each; Python with torch alone takes a few hundred megabytes
    assert any("a step of 384 tokens in" in note for note in sft.notes), sft.notes
    assert 0.2 < sft.memory["measured"] < 5
    assert any("not measured: stage sft has to be made first" in note for note in stages["dpo"].forecast.notes)
    assert sorted(item.name for item in (tmp_path / "store" / "artifacts").iterdir()) == before

    run_recipe(load_recipe(path), tmp_path / "store", until="sft")
    # of a pair both texts count, 2 x 2 x 96
    assert any("a step of 384 tokens in" in note for note in calibrated(path)["dpo"].forecast.notes)

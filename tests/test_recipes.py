"""The recipes that ship: each plans without any of its files, and runs whole as a tiny twin of itself."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from align.planning import Plan, plan_recipe
from align.recipe import load_recipe
from align.records import Example, Grade, Measurement, Response, TrainingStep
from align.runner import run_recipe
from align.stage import Forecast
from align.trace import trace_example
from judge_server import Reply, judge_server
from lima_twins import LIMA, write_files

RECIPES = Path(__file__).parents[1] / "recipes"

CORPUS = "{{kind: invented_corpus, megabytes: {megabytes}, seed: {seed}}}"
TINY_PHI = "{family: phi, layers: 2, hidden: 32, heads: 2, feed_forward: 64}"
TINY_PHI3 = "{family: phi3, layers: 2, hidden: 32, heads: 2, feed_forward: 64}"
HELD_OUT = "{kind: json_lines, paths: [../datasets/samples/held_out.jsonl]}"

BIRDS = "{kind: multiple_choice, name: birds, files: [@files/birds.jsonl], options: options, shots: 1, answer_as: index}"
SUMS = "{kind: open_answer, name: sums, files: [@files/sums.jsonl], chat_template: true, max_new_tokens: 6}"


def corpus(seed: int, megabytes: float = 0.02) -> str:
    return CORPUS.format(seed=seed, megabytes=megabytes)


def phi15(**sources: str) -> tuple[str, ...]:
    """Overrides for phi-1.5 and its variants: invented documents, a tokenizer learned from them, two layers."""
    return (
        f"held_out.source={HELD_OUT}",
        *(f"{name}.source={source}" for name, source in sources.items()),
        f"tokenizer={{kind: tokenizer, vocabulary: 400, inputs: [{next(iter(sources))}]}}",
        f"base.model={TINY_PHI}",
        "base.max_tokens=64",
        "base.batch_size=8",
        "base.learning_rate=1e-2",
        "base.launch=null",
    )


TWINS: dict[str, tuple[str, ...]] = {
    **LIMA,
    "phi15": (*phi15(textbooks=corpus(1), code=corpus(2, 0.005)), "base.tokens=16384"),
    "phi15_web": (*phi15(textbooks=corpus(1), code=corpus(2, 0.005), web=corpus(3)), "base.tokens=16384"),
    "phi15_web_only": phi15(web=corpus(3), stack=corpus(4, 0.005)),
    "phi3": (
        f"held_out.source={HELD_OUT}",
        f"web.source={corpus(1)}",
        f"best_web.source={corpus(2)}",
        f"synthetic.source={corpus(3)}",
        f"long_documents.source={corpus(4)}",
        "tokenizer={kind: tokenizer, vocabulary: 400, inputs: [web]}",
        f"phase1.model={TINY_PHI3}",
        "phase1.tokens=16384",
        "phase1.max_tokens=128",
        "phase1.batch_size=8",
        "phase1.learning_rate=1e-2",
        "phase1.final_learning_rate=3e-3",
        "phase1.warmup_steps=3",
        "phase1.launch=null",
        "phase2.tokens=8192",
        "phase2.max_tokens=128",
        "phase2.batch_size=8",
        "phase2.learning_rate=3e-3",
        "phase2.final_learning_rate=1e-3",
        "phase2.launch=null",
        "long_context.context.max_tokens=512",
        "long_context.tokens=8192",
        "long_context.max_tokens=512",
        "long_context.batch_size=2",
        "long_context.launch=null",
        "chat.source={kind: json_lines, paths: [../datasets/samples/authored_examples.jsonl]}",
        *(
            f"{stage}.{field}"
            for stage in ("sft", "sft_long")
            for field in ("epochs=1", "batch_size=8", "max_tokens=128", "launch=null")
        ),
        "pairs.sources=[{kind: beavertails, paths: [../datasets/samples/preferences/beavertails.jsonl]}]",
        "dpo.max_tokens=128",
        "dpo.overlong=trim",
        "dpo.batch_size=4",
        "dpo.launch=null",
        f"academic.tasks=[{BIRDS}, {SUMS}]",
    ),
    "safety_dpo": (
        "base={kind: base_model, path: @model}",
        "train_set.source={kind: json_lines, paths: [@files/train_set.jsonl]}",
        "held_out_pairs.sources=[{kind: safe_rlhf, paths: [../datasets/samples/preferences/held_out.jsonl]}]",
        "safe_answers.sources=[{kind: beavertails, paths: [../datasets/samples/preferences/beavertails.jsonl]}]",
        "pairs.sources=[{kind: beavertails, paths: [../datasets/samples/preferences/beavertails.jsonl]}]",
        *(
            f"{stage}_{arm}.{field}"
            for arm in (0, 13, 30, 60, 100)
            for stage, fields in (("sft", ("epochs=1",)), ("dpo", ("overlong=trim", "warmup_steps=1")))
            for field in (*fields, "batch_size=8", "max_tokens=128", "launch=null")
        ),
    ),
}
"""Of each recipe what `--set` changes, below `stages.`, so that it runs in seconds on what ships."""


TINY_BASE = """\
name: tiny
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
    learning_rate: 1e-2
"""


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a base model that has read a little."""
    folder = tmp_path_factory.mktemp("tiny")
    (folder / "tiny.yaml").write_text(TINY_BASE, encoding="utf-8")
    return run_recipe(load_recipe(folder / "tiny.yaml"), folder / "store")["base"].path / "model"


@pytest.fixture
def fill(tiny_base: Path, tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Put the places that a twin's overrides leave open."""
    (tmp_path / "files").mkdir()
    write_files(tmp_path / "files")
    write_benchmarks(tmp_path / "files")
    with judge_server() as judge:
        judge.says(Reply('{"reason": "short", "grade": 4}'))
        places = {"@model": str(tiny_base), "@files": str(tmp_path / "files"), "@judge": judge.base_url}

        def put(override: str) -> str:
            for mark, place in places.items():
                override = override.replace(mark, place)
            return f"stages.{override}"

        yield put


def write_benchmarks(folder: Path) -> None:
    birds = [{"question": f"Is {n} a bird?", "options": ["no", "yes", "perhaps"], "answer": 0} for n in range(6)]
    sums = [{"question": f"What is {n} and 1?", "answer": str(n + 1)} for n in range(3)]
    for name, rows in (("birds", birds), ("sums", sums)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def planned(name: str, store: Path) -> Plan:
    return plan_recipe(load_recipe(RECIPES / f"{name}.yaml"), store)


@pytest.mark.parametrize("name", TWINS)
def test_a_recipe_plans_without_any_of_its_files(name, tmp_path):
    plan = planned(name, tmp_path)
    assert plan.missing
    for stage in plan.stages:
        if stage.kind in ("pretrain", "sft", "dpo"):
            assert {"steps", "tokens", "gpu_gigabytes", "hours", "disk_gigabytes"} <= stage.forecast.figures.keys(), stage.name
            assert not [note for note in stage.forecast.notes if "may not fit" in note or "unknown" in note]


def test_limas_data_is_planned_without_a_dump_and_says_where_each_is_to_be_had(tmp_path):
    plan = planned("lima_data", tmp_path)
    sizes = {stage.name: (stage.forecast.examples, stage.forecast.tokens) for stage in plan.stages}
    # table 1: 1,000 examples of 759,800 tokens; §6: 30 dialogues more
    assert sizes["train_set"] == (1000, 759_800)
    assert (sizes["all_examples"][0], sizes["dev_prompts"][0], sizes["test_prompts"][0]) == (1030, 50, 300)
    lacking = " ".join(map(str, plan.missing))
    for place in ("academictorrents.com", "stackexchange.com", "WikiHow-Dataset", "natural-instructions", "decisions.jsonl"):
        assert place in lacking, place


def test_phi_15_takes_150_billion_tokens_in_35_763_steps(tmp_path):
    base = base_of_phi15(tmp_path)
    # 150e9 / (2,048 x 2,048) = 35,762.8
    assert base.figures["steps"] == 35_763
    assert base.figures["tokens"] == 35_763 * 2048 * 2048
    # its documents as ids of two bytes: 27B tokens are 54 GB
    one_token_each = base_of_phi15(tmp_path, "textbooks.expect={examples: 1, tokens: 1}", "code.expect={examples: 1, tokens: 1}")
    assert base.figures["disk_gigabytes"] - one_token_each.figures["disk_gigabytes"] == pytest.approx(54)
    notes = " ".join(base.notes)
    # 0.8 x 150B of 20B; 0.2 x 150B of 7B
    assert "synthetic: 120.0B tokens read of 20.0B, 6.0 passes; up to 4 teach almost as much as new text" in notes
    assert "code: 30.0B tokens read of 7.0B, 4.3 passes" in notes
    assert "a step reads 2,048 x 2,048 = 4.2M tokens" in notes


def base_of_phi15(store: Path, *overrides: str) -> Forecast:
    recipe = load_recipe(RECIPES / "phi15.yaml", tuple(f"stages.{override}" for override in overrides))
    return next(stage.forecast for stage in plan_recipe(recipe, store).stages if stage.name == "base")


def test_phi_3_takes_3_point_3_trillion_tokens_in_two_phases(tmp_path):
    stages = {stage.name: stage.forecast for stage in planned("phi3", tmp_path).stages}
    assert stages["phase1"].figures["tokens"] + stages["phase2"].figures["tokens"] == pytest.approx(3.3e12, rel=1e-5)
    assert stages["phase2"].model["model_type"] == "phi3"
    assert stages["long_context"].model["max_position_embeddings"] == 131_072
    assert len(stages["long_context"].model["rope_parameters"]["long_factor"]) == 48
    assert stages["sft_long"].model == stages["long_context"].model


@pytest.mark.slow
def test_a_document_of_a_mixture_is_traced_to_the_model_that_read_it(tmp_path):
    overrides = tuple(f"stages.{override}" for override in TWINS["phi15"])
    recipe = load_recipe(RECIPES / "phi15.yaml", overrides)
    made = run_recipe(recipe, tmp_path, until="base")
    known = {name: {example.id for example in made[name].read(Example)} for name in ("textbooks", "code")}
    only_code = min(known["code"] - known["textbooks"], default=None) or min(known["code"])
    events = [(event.stage, event.what) for event in trace_example(recipe, tmp_path, only_code).events]
    assert ("base", "read") in events
    assert ("code", "made") in events


@pytest.mark.long
@pytest.mark.parametrize("name", TWINS)
def test_a_tiny_twin_of_a_recipe_runs_whole(name, tmp_path, fill):
    recipe = load_recipe(RECIPES / f"{name}.yaml", tuple(map(fill, TWINS[name])))
    made = run_recipe(recipe, tmp_path / "store")
    assert set(made) == set(recipe.stages)
    for stage, artifact in made.items():
        if artifact.kind == "pretrain":
            losses = [step.value for step in artifact.read(TrainingStep) if step.name == "loss"]
            expected = {"base": 5.99, "phase1": 5.99}.get(stage)  # ln 400: each of 400 tokens is as likely
            assert expected is None or losses[0] == pytest.approx(expected, abs=0.15)
            assert losses[-1] < 5.5
            shares = [item for item in artifact.read(Measurement) if item.metric == "source_share"]
            assert sum(item.value for item in shares) == pytest.approx(1)
        if artifact.kind == "academic":
            assert [artifact.count(Grade), artifact.count(Response)] == [2 * (5 + 3), 2 * 3]  # one of six is shown


def test_every_recipe_that_ships_is_planned_here_or_has_a_test_of_its_own():
    elsewhere = {"quickstart", "real_stack_exchange", "lima_data"}
    assert {path.stem for path in RECIPES.glob("*.yaml")} == TWINS.keys() | elsewhere


def test_lima_65b_is_480_steps_on_32_gpus_and_its_dialogues_are_15_more(tmp_path):
    def sft(name: str) -> Forecast:
        return next(stage.forecast for stage in planned(name, tmp_path).stages if stage.name == "sft")

    # 15 epochs of ceil(1000 / 32) and ceil(1030 / 32) steps; of ceil(1000 / 64)
    assert [sft(name).figures["steps"] for name in ("lima65b", "lima_dialogue", "lima7b", "lima_0.5b")] == [480, 495, 240, 240]
    assert sft("lima65b").memory["high"] < 80
    assert sft("lima65b_qlora").memory["high"] < 80
    assert sft("lima_0.5b").memory["high"] < 24

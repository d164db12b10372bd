import pytest

from align.ordering import in_words, not_counted, order_of, uncounted_in_words
from align.planning import Plan, PlannedStage, plan_recipe
from align.recipe import load_recipe
from align.stage import Forecast, Takes


@pytest.fixture
def lima(root, tmp_path) -> Plan:
    return plan_recipe(load_recipe(root / "recipes" / "lima65b.yaml"), tmp_path)


def plan_of(*stages: PlannedStage, **totals: float) -> Plan:
    return Plan("made", stages, totals)


def trained(name: str, computed: float | None = None, **takes) -> PlannedStage:
    figures = {} if computed is None else {"hours": computed}
    return PlannedStage(name, "sft", "run", Forecast(figures=figures, takes=Takes(**takes)), long_work="training")


def test_limas_first_line_says_what_to_order(lima):
    order = order_of(lima)
    assert (order.machines, order.gpus, order.gpu_gigabytes) == (4, 8, 80)
    # 3,395 of sft, 1,828 of dpo and 131 of weights to download
    assert order.disk_gigabytes == pytest.approx(5353, abs=2)
    # 32 GPUs, at 130 and at 70 TFLOP/s where 100 are computed with
    hours = sum(stage.forecast.figures.get("hours", 0) for stage in lima.stages)
    assert order.hours == (pytest.approx(32 * hours), pytest.approx(32 * hours / 1.3), pytest.approx(32 * hours / 0.7))
    assert in_words(order) == (
        "Order: 4 machines x 8 GPUs x 80 GB, 155 GB memory each, 5.4 TB disk shared by all; 25 GPU-hours of training (19 to 36); "
        "computed, never measured"
    )


def test_the_largest_of_several_trainings_is_ordered_and_their_gpu_hours_add_up():
    one = trained("one", 2.0, machines=1, gpus=8, gpu_gigabytes=80, hours=(1, 4))
    two = trained("two", 3.0, machines=2, gpus=4, gpu_gigabytes=40, hours=(2, 6))
    order = order_of(plan_of(one, two, host_gigabytes=99, disk_gigabytes=500))
    assert (order.machines, order.gpus, order.gpu_gigabytes) == (2, 8, 80)
    assert order.hours == (8 * 2 + 8 * 3, 8 * 1 + 8 * 2, 8 * 4 + 8 * 6)
    assert "99 GB memory each, 500 GB disk shared by all; 40 GPU-hours" in in_words(order)


def test_a_training_on_the_processor_orders_no_gpu_and_one_without_hours_says_none():
    order = order_of(plan_of(trained("small", 0.5, machines=1, hours=(0.4, 0.7)), host_gigabytes=2, disk_gigabytes=0.5))
    assert in_words(order).startswith(
        "Order: 1 machine without a GPU, 2 GB memory, 0.5 GB disk; 0.5 hours of training (0.4 to 0.7)"
    )
    order = order_of(plan_of(trained("large", machines=1, gpus=1, gpu_gigabytes=24)))
    assert order.hours is None
    assert "hours" not in in_words(order)


def test_without_a_training_nothing_is_ordered():
    assert order_of(plan_of(PlannedStage("a", "ingest", "run", Forecast()))) is None


def test_a_model_too_large_for_the_machine_that_trained_it_is_said():
    asked = PlannedStage("asked", "generate", "run", Forecast(takes=Takes(loads={"weights": 131, "cache": 86})))
    order = order_of(plan_of(trained("qlora", machines=1, gpus=1, gpu_gigabytes=80), asked))
    assert order.too_small_for == {"asked": 217}
    assert "not enough for asked: its model takes 217 GB and the GPUs of one machine have 80" in in_words(order)
    assert order_of(plan_of(trained("all", machines=4, gpus=8, gpu_gigabytes=80), asked)).too_small_for == {}


def test_every_stage_without_hours_is_named_by_what_it_does(lima):
    works = not_counted(lima)
    assert works["answering"] == ("sft_picked", "sft_answers", "base_answers", "dpo_answers")
    assert works["judging"] == ("sft_against_base", "dpo_against_sft")
    assert (works["scoring"], works["downloading weights"]) == (("safety",), ("base",))
    named = [name for names in works.values() for name in names]
    assert sorted([*named, "sft", "dpo"]) == sorted(stage.name for stage in lima.stages)
    assert uncounted_in_words(works).startswith("not counted in hours: downloading weights (base), answering (sft_picked, ")
    assert uncounted_in_words(works).endswith("scoring (safety), 18 other stages")


def test_a_training_whose_hours_are_unknown_is_not_counted_and_one_that_is_there_is_not_missed():
    unknown = trained("sft")
    made = PlannedStage("made", "generate", "reuse", Forecast(), long_work="answering")
    assert not_counted(plan_of(unknown, made)) == {"training": ("sft",)}


def test_data_stages_alone_need_no_line():
    assert uncounted_in_words(not_counted(plan_of(PlannedStage("a", "ingest", "run", Forecast())))) is None


def test_a_model_that_answers_takes_its_weights_and_the_keys_and_values_of_a_batch(lima):
    stages = {stage.name: stage.forecast for stage in lima.stages}
    # 65.3e9 weights of 2 bytes; 80 layers, keys and values of 8,192 numbers of 2 bytes, 16 answers of 2,048 tokens
    assert stages["sft_answers"].takes.loads == {
        "weights": pytest.approx(130.57, abs=0.01),
        "cache": pytest.approx(80 * 2 * 8192 * 2 * 16 * 2048 * 1e-9),
    }
    assert stages["safety"].takes.loads == {"weights": pytest.approx(130.57, abs=0.01)}
    assert any("weights 130.6 GB in bfloat16 + up to 85.9 of keys and values" in note for note in stages["sft_picked"].notes)
    assert stages["sft"].takes.loads == {}


def test_weights_on_the_hub_have_a_size_and_a_source(lima):
    base = next(stage.forecast for stage in lima.stages if stage.name == "base")
    assert base.figures["disk_gigabytes"] == pytest.approx(130.57, abs=0.01)
    assert "weights: 130.6 GB, 2 bytes a weight, from huggingface.co/huggyllama/llama-65b at commit 49707c5" in base.notes[0]

import pytest
from small_models import TINY, dialogue, question, records

from align.models import load_tokenizer
from align.records import Example
from align.stage import Forecast
from align.tokens import render
from align.training.dpo import PreferenceTraining
from align.training.launch import Launch
from align.training.pretrain import Pretraining
from align.training.sft import FineTuning
from align.training.shapes import known_shape

LIMA = Forecast(examples=1000, tokens=750_000, basis="expected")
LLAMA = Forecast(model=known_shape("llama-65b"), basis="exact")


def lima(**fields) -> FineTuning:
    return FineTuning(model="base", loss_on="all", **fields)


def test_lima_65b_is_480_steps_and_fits_32_gpus_of_80_gb():
    launch = Launch(processes=32, gpu_gigabytes=80, distribution="fsdp2")
    forecast = lima(launch=launch).forecast([LIMA], {"model": LLAMA})
    figures = forecast.figures
    # 15 epochs of 750,000 tokens; ceil(1000 / 32) * 15 steps
    assert (figures["steps"], figures["tokens"]) == (480, 11_250_000)
    # 65.3e9 parameters: 16 bytes over 32 GPUs are 32.6; two layers and embeddings 4.3; activations of two texts 7.2; logits 0.3; driver 2
    assert figures["gpu_gigabytes"] == pytest.approx(46.4, abs=0.5)
    # 8 * 65.3e9 * 11.25e6 operations at 32e14 a second are 1,836 s
    assert figures["hours"] == pytest.approx(0.51, abs=0.01)
    # 15 float32 models of 261 GB and two checkpoints of 783 GB
    assert figures["disk_gigabytes"] == pytest.approx(5484, abs=5)
    notes = " ".join(forecast.notes)
    assert "65.3B parameters: 46 GB on each of 32 GPUs (fsdp2), which fits GPUs of 80 GB and more" in notes
    assert "±15 %" in notes
    assert "may not fit" not in notes


def test_a_launch_that_is_too_small_is_said_with_the_remedy():
    forecast = lima(launch=Launch(processes=8, distribution="fsdp2")).forecast([LIMA], {"model": LLAMA})
    assert any("may not fit: launch.gpu_gigabytes is 80" in note and "fsdp2" in note for note in forecast.notes)


def test_without_tokens_there_are_steps_and_memory_but_no_hours():
    forecast = lima(launch=Launch(processes=32, distribution="fsdp2")).forecast(
        [Forecast(1000, None, "expected")], {"model": LLAMA}
    )
    assert {"steps", "gpu_gigabytes", "disk_gigabytes"} == forecast.figures.keys()


def test_without_examples_nothing_is_invented():
    forecast = lima().forecast([Forecast()], {"model": LLAMA})
    assert forecast.figures == {}
    assert "unknown until the examples are" in forecast.notes[0]


def test_without_a_shape_there_are_steps_only():
    forecast = lima().forecast([LIMA], {"model": Forecast()})
    assert forecast.figures.keys() == {"steps", "tokens"}


def test_tokens_of_real_records_are_exact(tmp_path, base):
    examples = [question(1), dialogue(2, "Where?", "Here.", "And <|eot|>?", "There.")]
    artifact = records(tmp_path / "data", "data", examples)
    tokenizer = load_tokenizer(base)
    tokenizer.add_special_tokens({"extra_special_tokens": ["<|eot|>"]})
    tokens = sum(len(render(example.turns, tokenizer, "all").input_ids) for example in artifact.read(Example))
    forecast = lima(epochs=3, batch_size=2).forecast(
        [Forecast(2, None, "exact", artifact=artifact)], {"model": Forecast(artifact=base)}
    )
    assert (forecast.tokens, forecast.basis) == (tokens, "exact")
    assert forecast.figures["tokens"] == 3 * tokens


def test_where_the_tokenizer_is_not_here_the_estimate_is_said(tmp_path):
    artifact = records(tmp_path / "data", "data", [dialogue(1, "1234", "12345678")])
    forecast = lima().forecast([Forecast(1, None, "exact", artifact=artifact)], {"model": LLAMA})
    assert forecast.tokens == 3  # 12 characters at 4 a token
    assert any("estimated at 4 characters" in note for note in forecast.notes)


def test_dpo_needs_room_for_pairs_and_the_reference():
    launch = Launch(processes=32, distribution="fsdp2")
    pairs = Forecast(20_000, 6_000_000, "expected")
    dpo = PreferenceTraining(model="sft", launch=launch, max_tokens=1024).forecast([pairs], {"model": LLAMA})
    # as above; 2 pairs a GPU are 4 texts of 1,024: activations 7.2 and not 3.6; the reference 2 bytes a parameter over 32 = 4.1
    assert dpo.figures["gpu_gigabytes"] == pytest.approx(50.5, abs=0.6)
    assert dpo.figures["steps"] == 313  # ceil(20,000 / 64)


def test_pretraining_counts_blocks_and_gives_the_shape_of_its_model():
    stage = Pretraining(tokenizer="t", model=TINY, max_tokens=100, batch_size=8, learning_rate=1e-3, epochs=2)
    vocabulary = Forecast(model={"vocab_size": 2048}, basis="expected")
    forecast = stage.forecast([Forecast(50, 4_050, "expected")], {"tokenizer": vocabulary})
    # 4,050 tokens are 40 blocks of 100: 5 steps an epoch
    assert forecast.figures["steps"] == 10
    assert forecast.model["vocab_size"] == 2048
    assert "gpu_gigabytes" not in forecast.figures  # a model of this size trains on the processor
    assert stage.forecast([Forecast(50, None, "expected")], {"tokenizer": vocabulary}).figures == {}

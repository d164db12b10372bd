import pytest
from small_models import TINY, dialogue, question, records, run

from align.models import load_tokenizer
from align.records import Example, TrainingStep
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
    launch = Launch(processes=32, machines=4, gpu_gigabytes=80, distribution="fsdp2")
    forecast = lima(launch=launch).forecast([LIMA], {"model": LLAMA})
    figures = forecast.figures
    # 15 epochs of 750,000 tokens; ceil(1000 / 32) * 15 steps
    assert (figures["steps"], figures["tokens"]) == (480, 11_250_000)
    # 65.3e9 parameters, 16 bytes over 32 GPUs; two layers of 810e6 and the ends at 2 bytes; one text of 2,048 tokens a GPU
    assert forecast.memory["weights"] == forecast.memory["gradients"] == pytest.approx(8.16, abs=0.01)
    assert forecast.memory["optimizer"] == pytest.approx(16.32, abs=0.01)
    assert forecast.memory["gathered"] == pytest.approx(4.29, abs=0.01)
    assert forecast.memory["activations"] == pytest.approx(80 * 2048 * 8192 * 2e-9 + 2048 * (34 * 8192 + 8 * 22016) * 1e-9)
    assert forecast.memory["logits"] == pytest.approx(2048 * 32000 * 10e-9)
    assert forecast.memory["sum"] == figures["gpu_gigabytes"] == pytest.approx(43.2, abs=0.1)
    assert forecast.memory["high"] == pytest.approx(43.2 * 1.15, abs=0.2)
    # 8 * 65.3e9 * 11.25e6 operations at 32e14 a second are 1,836 s
    assert figures["hours"] == pytest.approx(0.51, abs=0.01)
    # 15 float32 models of 261 GB and two checkpoints of 783 GB
    assert figures["disk_gigabytes"] == pytest.approx(5484, abs=5)
    notes = " ".join(forecast.notes)
    assert "65.3B parameters, all trained: 43.2 GB (36.7 to 49.7) on each of 32 GPUs of 4 machines (fsdp2)" in notes
    assert "which fits GPUs of 80 GB and more" in notes
    assert (
        "GB: weights 8.2 + gradients 8.2 + optimizer 16.3 + gathered 4.3 + activations 3.6 + logits 0.7 + overhead 2.0" in notes
    )
    # 8 processes of 3, and of each 8 bytes of 65.3e9 / 32 parameters; twice 2 * 8192 * 22016 and 2 * 32000 * 8192, at 4 bytes
    assert figures["host_gigabytes"] == pytest.approx(24 + 8 * 16.32, abs=0.1)
    assert "memory of each of 4 machines itself: 155 GB while a checkpoint is saved: 24.0 of 8 processes" in notes
    assert "24.0 of 8 processes + the larger of 5.0 (reading weights) and 131 (saving a checkpoint)" in notes
    assert "never measured: anything on a GPU" in notes
    assert "±15 %" in notes
    assert "may not fit" not in notes


def test_the_disk_of_a_training_is_said_by_what_lies_there():
    launch = Launch(processes=32, machines=4, distribution="fsdp2")
    forecast = lima(launch=launch, keep_epochs=(5, 10)).forecast([LIMA], {"model": LLAMA})
    # two states of 12 bytes a parameter and 7 float32 models of 65.3e9 parameters: epochs 5 to 10 and the last
    assert forecast.takes.disk == {
        "checkpoints": pytest.approx(2 * 12 * 65.286, abs=0.1),
        "models": pytest.approx(7 * 4 * 65.286, abs=0.1),
    }
    assert sum(forecast.takes.disk.values()) == pytest.approx(forecast.figures["disk_gigabytes"])
    assert (
        "disk: 3,395 GB: 2 checkpoints x 783 GB until training ends + models of 7 epochs x 261 GB; of the store, one for all machines"
        in forecast.notes
    )


def test_hours_have_a_range_of_30_percent_more_arithmetic_a_second_and_30_less():
    forecast = lima(launch=Launch(processes=32, machines=4, distribution="fsdp2")).forecast([LIMA], {"model": LLAMA})
    hours = forecast.figures["hours"]
    # 130 and 70 TFLOP/s where 100 are computed with
    assert forecast.takes.hours == (pytest.approx(hours * 100 / 130), pytest.approx(hours * 100 / 70))
    assert any("hours at 130 to 70 TFLOP/s a GPU" in note for note in forecast.notes)
    assert lima().forecast([Forecast(1000, None, "expected")], {"model": LLAMA}).takes.hours is None


def test_qlora_of_65b_fits_one_gpu_of_80_gb():
    stage = lima(adapter={"kind": "qlora", "rank": 16}, micro_batch_tokens=2048, launch=Launch())
    forecast = stage.forecast([LIMA], {"model": LLAMA})
    # 199,884,800 of the adapter on all linear modules, and EOT's two rows of 8,192
    assert "65.3B parameters, 199.9M of an adapter trained" in forecast.notes[0]
    assert forecast.memory["optimizer"] == pytest.approx(8 * 199_901_184e-9)
    assert forecast.memory["high"] < 80
    assert not any("may not fit" in note for note in forecast.notes)


def test_four_bits_of_65b_are_whole_on_each_gpu_until_they_are_divided():
    adapter = {"kind": "qlora", "rank": 16}
    forecast = lima(adapter=adapter, launch=Launch(processes=4, gpu_gigabytes=24, distribution="fsdp2")).forecast(
        [LIMA], {"model": LLAMA}
    )
    # 80 layers of 809.5e6 in matrices at 0.516 bytes, the rest, 525.6e6, at 2; 2 of overhead
    whole = 80 * (4 * 8192**2 + 3 * 8192 * 22016) * (0.5 + 1 / 64 + 4 / 16384) + 2 * (2 * 32000 * 8192 + 161 * 8192)
    assert forecast.figures["gpu_gigabytes"] == pytest.approx(whole / 1e9 + 2, abs=0.01)
    assert forecast.figures["gpu_gigabytes"] > forecast.memory["sum"]
    notes = " ".join(forecast.notes)
    assert "while the weights are read each GPU holds all of them in 4 bits, 36.5 GB" in notes
    assert "may not fit: launch.gpu_gigabytes is 24, and 15 % above what is computed is 42" in notes


def test_the_epochs_whose_models_are_kept_are_forecast_for_who_compares_them():
    assert lima(epochs=4, keep_epochs=(2, 3)).forecast([LIMA], {"model": LLAMA}).checkpoints == (2, 3, 4)
    assert lima(epochs=2, keep_epochs="last").forecast([Forecast()], {"model": LLAMA}).checkpoints == (2,)


def test_more_texts_than_processes_fill_the_micro_batch():
    def activations(**fields) -> float:
        return lima(**fields).forecast([LIMA], {"model": LLAMA}).memory["activations"]

    two = activations(launch=Launch(processes=16, distribution="fsdp2"))
    assert two == pytest.approx(2 * activations(launch=Launch(processes=32, distribution="fsdp2")))
    # a text that is longer than the budget goes alone
    assert activations(micro_batch_tokens=100) == activations(micro_batch_tokens=2048)


def test_a_small_model_without_a_launch_trains_on_the_processor():
    forecast = lima().forecast([LIMA], {"model": Forecast(model=known_shape("pythia-70m"), basis="exact")})
    assert "gpu_gigabytes" not in forecast.figures
    assert "on the processor" in forecast.notes[0]
    # not recomputed: 6 layers of 4,096 tokens, in float32
    assert forecast.memory["activations"] == pytest.approx(6 * 4096 * 2 * (34 * 512 + 8 * 2048) * 1e-9)


def test_a_launch_that_is_too_small_is_said_with_the_remedy():
    forecast = lima(launch=Launch(processes=8, distribution="fsdp2")).forecast([LIMA], {"model": LLAMA})
    assert any("may not fit: launch.gpu_gigabytes is 80" in note and "fsdp2" in note for note in forecast.notes)


def test_without_tokens_there_are_steps_and_memory_but_no_hours():
    forecast = lima(launch=Launch(processes=32, distribution="fsdp2")).forecast(
        [Forecast(1000, None, "expected")], {"model": LLAMA}
    )
    assert {"steps", "gpu_gigabytes", "host_gigabytes", "disk_gigabytes"} == forecast.figures.keys()


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


@pytest.mark.slow
def test_steps_and_tokens_are_those_of_the_run(tmp_path, base, questions):
    data = questions(7)
    stage = lima(epochs=2, batch_size=3, learning_rate=1e-3, max_tokens=40)
    forecast = stage.forecast([Forecast(7, None, "exact", artifact=data)], {"model": Forecast(artifact=base)})
    log = list(run(stage, tmp_path / "sft", "sft", (data,), model=base).read(TrainingStep))
    assert forecast.figures["steps"] == sum(entry.name == "loss" for entry in log) == 6
    assert forecast.figures["tokens"] == sum(entry.value for entry in log if entry.name == "tokens")


def test_where_the_tokenizer_is_not_here_the_estimate_is_said(tmp_path):
    artifact = records(tmp_path / "data", "data", [dialogue(1, "1234", "12345678")])
    forecast = lima().forecast([Forecast(1, None, "exact", artifact=artifact)], {"model": LLAMA})
    assert forecast.tokens == 3  # 12 characters at 4 a token
    assert any("estimated at 4 characters" in note for note in forecast.notes)


def test_dpo_needs_room_for_pairs_and_the_reference():
    launch = Launch(processes=32, distribution="fsdp2")
    pairs = Forecast(20_000, 6_000_000, "expected")
    dpo = PreferenceTraining(model="sft", launch=launch, max_tokens=1024, reference="model").forecast([pairs], {"model": LLAMA})
    # the reference is 2 bytes a parameter over 32; 2 pairs a GPU, of which the micro-batch of 4,096 tokens holds both
    assert dpo.memory["reference"] == pytest.approx(4.08, abs=0.01)
    assert dpo.memory["activations"] == pytest.approx(7.2, abs=0.1)
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


def test_texts_longer_than_the_model_reads_are_told_while_planning():
    # LLaMA 1 reads 2,048 tokens
    assert not any("the run will refuse" in note for note in lima().forecast([LIMA], {"model": LLAMA}).notes)
    notes = lima(max_tokens=4096).forecast([LIMA], {"model": LLAMA}).notes
    assert "the run will refuse max_tokens: 4096: the model reads 2048 tokens; write 2048 or less" in notes

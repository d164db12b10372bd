import json

import pytest
import torch
from small_models import dialogue, question, records, run
from transformers import AutoModelForCausalLM, TrainerCallback

from align.errors import EmptyResult, TrainingRefused
from align.models import checkpoint_names, load_model, load_tokenizer, model_at, model_place, tokenizer_at
from align.records import Measurement, Rejection, TrainingStep
from align.tokens import eot_id, render_prompt
from align.training.dropout import layers_of
from align.training.eot import add_eot
from align.training.job import Job
from align.training.rows import make_rows
from align.training.sft import FineTuning, dialogue_trainer
from align.training.surroundings import quiet
from align.training.trainer import run_training

pytestmark = pytest.mark.slow  # each trains


class Watch(TrainerCallback):
    """Reads what the optimizer really does, just before each step."""

    def __init__(self) -> None:
        self.rates: list[float] = []
        self.groups: list[dict] = []
        self.modes: list[bool] = []

    def on_pre_optimizer_step(self, args, state, control, model, optimizer, **_):
        self.groups = optimizer.param_groups
        self.rates.append(optimizer.param_groups[0]["lr"])
        self.modes.append(model.training)


def small(**fields) -> FineTuning:
    usual = {"model": "base", "loss_on": "response", "epochs": 1, "batch_size": 4, "max_tokens": 64, "learning_rate": 1e-3}
    return FineTuning(**{**usual, "final_learning_rate": 1e-4, **fields})


def a_trainer(stage: FineTuning, base, work, examples):
    place = model_place(base)
    tokenizer, model = tokenizer_at(place), model_at(place, "float32")
    add_eot(model, tokenizer)
    rows = make_rows(examples, tokenizer, stage.loss_on, stage.max_tokens, stage.overlong)
    job = Job(stage, work, stage.split(len(rows)), rows, rows.digest())
    return dialogue_trainer(model, tokenizer, rows, job), job


def test_the_optimizer_gets_limas_rates_betas_and_decay(tmp_path, base):
    stage = small(epochs=2, learning_rate=1e-5, final_learning_rate=1e-6)
    watch = Watch()
    with quiet():
        trainer, job = a_trainer(stage, base, tmp_path, [question(number) for number in range(10)])
        trainer.add_callback(watch)
        log = run_training(trainer, job)
    # 10 examples in batches of 4 are 3 steps an epoch; 9e-6 in 5 equal falls of 1.8e-6
    expected = [1e-5, 8.2e-6, 6.4e-6, 4.6e-6, 2.8e-6, 1e-6]
    assert watch.rates == pytest.approx(expected, rel=1e-9)
    assert [entry.value for entry in log if entry.name == "learning_rate"] == pytest.approx(expected, rel=1e-9)
    assert all(watch.modes)
    decayed, plain = watch.groups
    assert all(group["betas"] == (0.9, 0.95) for group in watch.groups)
    assert (decayed["weight_decay"], plain["weight_decay"]) == (0.1, 0.0)
    # two matrices outside the layers; 4 of attention and 3 of feed-forward in each of two layers
    assert [weights.dim() for weights in decayed["params"]] == [2] * (2 + 2 * 7)
    # two norms a layer, and the last one
    assert [weights.dim() for weights in plain["params"]] == [1] * (2 * 2 + 1)


def test_dropout_reaches_the_model_that_is_trained(tmp_path, base, monkeypatch):
    seen = []
    monkeypatch.setattr(
        "align.training.sft.dialogue_trainer", lambda model, *rest: seen.append(model) or dialogue_trainer(model, *rest)
    )
    data = records(tmp_path / "data", "data", map(question, range(4)))
    run(small(residual_dropout=0.2), tmp_path / "sft", "sft", (data,), model=base)
    assert [layer.residual_dropout.p for layer in layers_of(seen[0])] == [0.0, 0.2]


def ending_share(model, tokenizer, examples) -> float:
    """Share of greedy answers that end with EOT within 60 tokens."""
    ended = 0
    for example in examples:
        prompt = torch.tensor([render_prompt(example.turns, tokenizer)])
        out = model.generate(prompt, do_sample=False, max_new_tokens=60, eos_token_id=eot_id(tokenizer), pad_token_id=0)
        ended += int(out[0, -1]) == eot_id(tokenizer)
    return ended / len(examples)


def test_a_dozen_examples_teach_the_model_to_end_its_answers(tmp_path, base):
    examples = [question(number) for number in range(12)]
    data = records(tmp_path / "data", "data", examples)
    tokenizer, before = load_tokenizer(base), load_model(base)
    add_eot(before, tokenizer)
    sft = run(small(epochs=40, learning_rate=1e-2, final_learning_rate=1e-3), tmp_path / "sft", "sft", (data,), model=base)
    assert ending_share(before, tokenizer, examples) == 0.0
    assert ending_share(load_model(sft), load_tokenizer(sft), examples) >= 0.9


@pytest.fixture(scope="module")
def sft(tmp_path_factory, base):
    folder = tmp_path_factory.mktemp("sft")
    long = dialogue(100, "Where?", "1234567890" * 10)
    data = records(folder / "data", "data", [*map(question, range(9)), long, dialogue(101, "Who?")])
    return run(small(epochs=2), folder / "sft", "sft", (data,), model=base)


def test_each_epochs_model_lies_there_and_the_last_one_is_the_model(sft):
    assert checkpoint_names(sft) == ["epoch-01", "epoch-02"]
    first, second, last = (load_model(sft, name).state_dict() for name in ("epoch-01", "epoch-02", "last"))
    assert all(torch.equal(second[name], last[name]) for name in last)
    assert not all(torch.equal(first[name], last[name]) for name in last)


def test_a_saved_model_is_whole_and_stops_at_eot(sft):
    names = {path.name for path in (sft.path / "model").iterdir()}
    assert names == {"config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
    tokenizer = load_tokenizer(sft)
    generation = json.loads((sft.path / "model" / "generation_config.json").read_text())
    assert generation["eos_token_id"] == [eot_id(tokenizer), tokenizer.eos_token_id]
    assert json.loads((sft.path / "model" / "config.json").read_text())["use_cache"] is True
    # loads with transformers alone
    assert AutoModelForCausalLM.from_pretrained(sft.path / "model").config.vocab_size == len(tokenizer)


def test_nothing_hashed_tells_of_places_times_or_how_it_was_loaded(sft):
    for path in (sft.path / "model").glob("*.json"):
        text = path.read_text()
        assert str(sft.path.parent.parent) not in text
        assert "local_files_only" not in text
        assert "is_local" not in text


def test_the_log_holds_every_step_and_no_times(sft):
    log = list(sft.read(TrainingStep))
    # 10 examples (one of 11 has no response) in batches of 4: 3 steps an epoch
    assert [entry.step for entry in log if entry.name == "loss"] == [1, 2, 3, 4, 5, 6]
    assert {entry.name for entry in log} == {"loss", "grad_norm", "learning_rate", "tokens", "num_tokens"}


def test_what_was_trimmed_and_dropped_is_counted_and_named(sft):
    assert json.loads((sft.path / "files" / "trimmed.json").read_text()).keys() == {"dialogue/100"}
    assert [(item.example_id, item.reason) for item in sft.read(Rejection)] == [("dialogue/101", "no response")]
    assert (sft.counts.read, sft.counts.kept, sft.counts.noted) == (11, 10, {"trimmed": 1})
    measured = {item.metric: item.value for item in sft.read(Measurement)}
    assert measured["trimmed_examples"] == 1
    losses = [entry.value for entry in sft.read(TrainingStep) if entry.name == "loss"]
    assert measured["final_loss"] == pytest.approx(sum(losses[3:]) / 3)


def test_examples_without_any_response_stop_the_stage(tmp_path, base):
    data = records(tmp_path / "data", "data", [dialogue(1, "Who?")])
    with pytest.raises(EmptyResult, match="0 of 1 examples can be trained on"):
        run(small(), tmp_path / "sft", "sft", (data,), model=base)


def test_texts_longer_than_the_models_context_are_refused(tmp_path, base):
    data = records(tmp_path / "data", "data", [question(1)])
    with pytest.raises(TrainingRefused, match="max_tokens: 2048: the model reads 64 tokens"):
        run(small(max_tokens=2048), tmp_path / "sft", "sft", (data,), model=base)


def test_a_loss_that_is_no_number_is_refused_and_not_averaged_away(tmp_path, base):
    data = records(tmp_path / "data", "data", map(question, range(8)))
    with pytest.raises(TrainingRefused, match=r"the loss is nan at step \d+ of 16: a smaller learning_rate"):
        run(small(epochs=8, learning_rate=1e30, final_learning_rate=None), tmp_path / "sft", "sft", (data,), model=base)


def test_attention_is_computed_as_asked_and_the_loss_is_the_same(tmp_path, base):
    losses, seen = [], []
    for attention in ("sdpa", "eager"):
        with quiet():
            trainer, job = a_trainer(small(attention=attention), base, tmp_path / attention, map(question, range(4)))
            seen.append(trainer.model.config._attn_implementation)
            losses.append(next(entry.value for entry in run_training(trainer, job) if entry.name == "loss"))
    assert seen == ["sdpa", "eager"]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_attention_that_is_not_installed_is_refused_with_what_is(tmp_path, base):
    with pytest.raises(TrainingRefused, match="attention: flash_attention_2: .*`attention: sdpa` needs no package"), quiet():
        a_trainer(small(attention="flash_attention_2"), base, tmp_path, [question(1)])

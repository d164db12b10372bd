import math

import pytest
import torch
from small_models import question, records, run, sentence

from align.errors import InputError, TrainingRefused
from align.models import load_model, load_tokenizer, model_at, model_place, tokenizer_at
from align.records import Measurement, Origin, PreferencePair, Rejection, TrainingStep, Turn
from align.tokens import encode_text, eot_id, render_prompt
from align.training.adapters import Lora
from align.training.dpo import PreferenceTraining
from align.training.job import Job
from align.training.pair_rows import make_pair_rows
from align.training.preference import reward_margins
from align.training.reference import Before, SecondModel
from align.training.scoring import Scorer
from align.training.sft import FineTuning
from align.training.surroundings import quiet
from align.training.trainer import run_training

pytestmark = pytest.mark.slow  # each trains


def pair(number: int, chosen: str, rejected: str, prompt: str = "Where?") -> PreferencePair:
    return PreferencePair(f"pair/{number}", (Turn("user", prompt),), chosen, rejected, Origin("invented", str(number)))


PAIRS = [pair(1, "In the brook.", "Moss."), pair(2, "Oak.", "No fern, no heron, no vole."), pair(3, "A stone", "Alder")]
MORE = [
    *PAIRS,
    pair(4, "Reed and mist and lark.", "Newt."),
    pair(5, "Carp", "Willow, willow, willow."),
    pair(6, "Otter.", "Fern"),
]


@pytest.fixture(scope="module")
def sft(tmp_path_factory, base):
    folder = tmp_path_factory.mktemp("sft")
    data = records(folder / "data", "data", map(question, range(8)))
    stage = FineTuning(model="base", loss_on="response", epochs=3, batch_size=4, max_tokens=64, learning_rate=1e-2)
    return run(stage, folder / "sft", "sft", (data,), model=base)


def small(**fields) -> PreferenceTraining:
    return PreferenceTraining(**{"model": "sft", "epochs": 1, "batch_size": 3, "learning_rate": 1e-3, **fields})


def a_trainer(stage, sft, work, pairs):
    """Against the model of the first epoch, so that there is something to lose at the first step."""
    place = model_place(sft)
    tokenizer, model = tokenizer_at(place), model_at(place, "float32")
    rows = make_pair_rows(pairs, tokenizer, 64, "error")
    job = Job(stage, work, stage.split(len(rows)), rows, rows.digest())
    trainer = stage.trainer(model, tokenizer, job)
    earlier = model_at(model_place(sft, "epoch-01"), "float32")
    trainer.reference = SecondModel(earlier, Scorer(earlier))
    return trainer


def loss_and_gradients(trainer, examples) -> tuple[float, torch.Tensor]:
    """Of one optimizer batch."""
    trainer.model.zero_grad()
    loss = trainer.training_step(trainer.model, trainer._batch(list(examples)))
    return float(loss), torch.cat([weights.grad.flatten() for weights in trainer.model.parameters()])


def test_the_model_gets_exactly_the_prompt_and_each_response_with_its_eot(tmp_path, sft):
    tokenizer = load_tokenizer(sft)
    with quiet():
        trainer = a_trainer(small(batch_size=1), sft, tmp_path, PAIRS[:1])
    (_, micro) = next(iter(trainer.get_train_dataloader()))["batch"].cuts[0]
    prompt = render_prompt(PAIRS[0].prompt, tokenizer)
    expected = [[*prompt, *encode_text(text, tokenizer), eot_id(tokenizer)] for text in ("In the brook.", "Moss.")]
    for row, ids in enumerate(expected):  # chosen, then rejected
        assert micro.input_ids_BT[row, : len(ids)].tolist() == ids
        # scored: the response and its EOT, not the prompt
        assert micro.targets_n[micro.owners_n == row].tolist() == ids[len(prompt) :]


def log_probability(model, prompt: list[int], response: list[int]) -> float:
    """One text at a time, without padding: log p of each token of the response after all before it, added up."""
    with torch.no_grad():
        logits = model(torch.tensor([prompt + response])).logits[0].double()
    total = 0.0
    for place, token in enumerate(response, start=len(prompt)):
        scores = logits[place - 1]
        total += float(scores[token]) - math.log(sum(math.exp(float(score)) for score in scores))
    return total


def margins_by_hand(sft, pairs, beta: float) -> list[float]:
    tokenizer, model, reference = load_tokenizer(sft), load_model(sft), load_model(sft, "epoch-01")
    margins = []
    for item in pairs:
        prompt = render_prompt(item.prompt, tokenizer)
        chosen, rejected = ([*encode_text(text, tokenizer), eot_id(tokenizer)] for text in (item.chosen, item.rejected))
        gain = [log_probability(model, prompt, ids) - log_probability(reference, prompt, ids) for ids in (chosen, rejected)]
        margins.append(beta * (gain[0] - gain[1]))
    return margins


def log_sigmoid(value: float) -> float:
    return -math.log(1 + math.exp(-value))


def test_the_loss_is_that_of_equation_7_worked_out_one_text_at_a_time(tmp_path, sft):
    margins = margins_by_hand(sft, PAIRS, 0.5)
    with quiet():
        trainer = a_trainer(small(beta=0.5), sft, tmp_path, PAIRS)
        # our own margins, in micro-batches, are the same
        assert reward_margins(trainer, trainer.job.items, trainer.reference) == pytest.approx(margins, rel=1e-3)
        log = {entry.name: entry.value for entry in run_training(trainer, trainer.job)}
    assert log["loss"] == pytest.approx(sum(-log_sigmoid(margin) for margin in margins) / 3, rel=1e-4)
    assert log["rewards/margins"] == pytest.approx(sum(margins) / 3, rel=1e-3)


def test_label_smoothing_is_that_of_cdpo_and_not_ignored(tmp_path, sft):
    margins = margins_by_hand(sft, PAIRS, 0.5)
    with quiet():
        loss, _ = loss_and_gradients(a_trainer(small(beta=0.5, label_smoothing=0.3), sft, tmp_path, PAIRS), range(3))
    by_hand = [-0.7 * log_sigmoid(margin) - 0.3 * log_sigmoid(-margin) for margin in margins]
    assert loss == pytest.approx(sum(by_hand) / 3, rel=1e-4)


# micro_batch_tokens: all in one, about two pairs, one pair
@pytest.mark.parametrize("fields", [{"rpo_alpha": 0.7}, {"loss": "ipo"}, {"loss": "sigmoid_norm"}], ids=str)
def test_how_a_batch_is_cut_changes_neither_loss_nor_gradients(tmp_path, sft, fields):
    found = []
    with quiet():
        for tokens in (4096, 80, 1):
            stage = small(batch_size=6, micro_batch_tokens=tokens, beta=0.5, **fields)
            trainer = a_trainer(stage, sft, tmp_path, MORE)
            assert {4096: 1, 80: 3, 1: 6}[tokens] <= len(trainer._batch(list(range(6)))["batch"].cuts)
            found.append(loss_and_gradients(trainer, range(6)))
    for loss, gradients in found[1:]:
        assert loss == pytest.approx(found[0][0], rel=1e-5)
        assert torch.allclose(gradients, found[0][1], rtol=1e-4, atol=1e-6)


def test_rpo_adds_alpha_times_the_mean_negative_log_likelihood_of_each_chosen_response(tmp_path, sft):
    tokenizer, model = load_tokenizer(sft), load_model(sft)
    likelihoods = []
    for item in PAIRS:
        ids = [*encode_text(item.chosen, tokenizer), eot_id(tokenizer)]
        likelihoods.append(-log_probability(model, render_prompt(item.prompt, tokenizer), ids) / len(ids))
    with quiet():
        plain, _ = loss_and_gradients(a_trainer(small(), sft, tmp_path, PAIRS), range(3))
        added, _ = loss_and_gradients(a_trainer(small(rpo_alpha=0.7), sft, tmp_path, PAIRS), range(3))
    assert added - plain == pytest.approx(0.7 * sum(likelihoods) / 3, rel=1e-4)


@pytest.mark.parametrize("loss", ["aot", "aot_unpaired"])
def test_a_loss_that_sorts_a_micro_batch_is_refused_with_that_reason(loss):
    with pytest.raises(ValueError, match=f"{loss} sorts the pairs of a micro-batch"):
        small(loss=loss)


def test_label_smoothing_that_would_not_be_read_is_refused_by_name():
    with pytest.raises(ValueError, match=r"label_smoothing is defined for loss: sigmoid, robust, exo_pair \(got loss: ipo\)"):
        small(loss="ipo", label_smoothing=0.1)
    with pytest.raises(ValueError, match="exo_pair needs label_smoothing above 0"):
        small(loss="exo_pair")


def test_there_is_no_dropout_whatever_the_models_config_says(tmp_path, sft):
    with quiet():
        trainer = a_trainer(small(), sft, tmp_path, PAIRS)
        trainer.model.model.layers[1].self_attn.attention_dropout = 0.5
        dropped = loss_and_gradients(trainer, range(3))[0], loss_and_gradients(trainer, range(3))[0]
        assert dropped[0] != dropped[1]  # it would show
        model = trainer.model
        model.model.layers[0].dropout = torch.nn.Dropout(0.5)
        trainer = small().trainer(model, trainer.processing_class, trainer.job)
    assert model.model.layers[1].self_attn.attention_dropout == 0.0
    assert model.model.layers[0].dropout.p == 0.0


def test_the_reference_read_beforehand_is_the_live_one(tmp_path, sft):
    place = model_place(sft)
    with quiet():
        trainer = a_trainer(small(batch_size=6, micro_batch_tokens=60), sft, tmp_path, MORE)
        before, live = (Before(trainer, how, sft.content, place).reference for how in ("precomputed", "model"))
        digest = trainer.job.data
        known, asked = before(trainer.job.items, "rows", digest), live(trainer.job.items, "rows", digest)
        cuts = trainer._batch(list(range(6)))["batch"].cuts
        assert len(cuts) > 2
        for cut, micro in cuts:
            first, second = (each.log_probs(trainer.model, cut.examples, micro) for each in (known, asked))
            assert torch.allclose(first, second, rtol=1e-6, atol=1e-6)


def test_a_kept_part_of_the_reference_is_read_again_and_a_damaged_or_foreign_one_is_not(tmp_path, sft, monkeypatch, caplog):
    monkeypatch.setattr("align.training.reference.ITEMS_IN_A_PART", 2)
    place = model_place(sft)
    with quiet():
        trainer = a_trainer(small(), sft, tmp_path, MORE)
        first = Before(trainer, "precomputed", sft.content, place).reference(trainer.job.items, "rows", "these")
        files = sorted((tmp_path / "scratch" / "reference").iterdir())
        assert [file.name for file in files] == ["rows-00000.json", "rows-00001.json", "rows-00002.json"]
        files[1].write_text(files[1].read_text().replace("-", "", 1))
        times = [file.stat().st_mtime_ns for file in files]
        again = Before(trainer, "precomputed", sft.content, place).reference(trainer.job.items, "rows", "these")
        assert torch.equal(first.sums, again.sums)
        assert [file.stat().st_mtime_ns == time for file, time in zip(files, times, strict=True)] == [True, False, True]
        Before(trainer, "precomputed", "another model", place).reference(trainer.job.items, "rows", "these")
    assert "of other texts or another model" in caplog.text
    assert files[0].stat().st_mtime_ns != times[0]


def test_at_the_first_step_the_model_is_its_reference_and_the_loss_is_ln_2(tmp_path, sft):
    data = records(tmp_path / "data", "data", PAIRS)
    for how in ("precomputed", "model"):
        dpo = run(small(reference=how), tmp_path / how, "dpo", (data,), model=sft)
        losses = [entry.value for entry in dpo.read(TrainingStep) if entry.name == "loss"]
        assert losses[0] == pytest.approx(math.log(2), rel=1e-6)


def test_pairs_teach_what_is_preferred_in_pairs_not_seen(tmp_path, sft):
    import random

    draw = random.Random(1)
    pairs = [pair(number, sentence(draw, 4), "vole " * (number % 3 + 2)) for number in range(24)]
    data, held_out = records(tmp_path / "data", "data", pairs[:16]), records(tmp_path / "held", "held", pairs[16:])
    measured = []
    for how in ("precomputed", "model"):
        stage = small(epochs=3, batch_size=4, learning_rate=1e-3, held_out="held", reference=how)
        dpo = run(stage, tmp_path / how, "dpo", (data,), model=sft, held_out=held_out)
        measured.append({item.metric: item for item in dpo.read(Measurement)})
    accuracy = measured[0]["reward_accuracy"]
    assert (accuracy.subject, accuracy.value, accuracy.count) == ("held_out", 1.0, 8)
    # Wilson, 8 of 8: low = 8 / (8 + 1.96 ** 2) = 0.676
    assert accuracy.low == pytest.approx(0.676, abs=0.001)
    assert measured[0]["reward_margin"].value == pytest.approx(measured[1]["reward_margin"].value, rel=1e-4)
    names = {entry.name for entry in dpo.read(TrainingStep)}
    assert {"rewards/margins", "rewards/accuracies", "rewards/chosen", "rewards/rejected", "logps/chosen"} <= names
    assert "num_tokens" in names


def test_beside_an_adapter_the_reference_is_the_start_model_with_the_adapter_it_had(tmp_path, base, sft):
    """It is not the base model below: what the first adapter learned stays in the reference."""
    questions = records(tmp_path / "questions", "data", map(question, range(8)))
    tuning = FineTuning(
        model="base", adapter=Lora(rank=4), loss_on="response", epochs=4, batch_size=4, max_tokens=64, learning_rate=1e-2
    )
    tuned = run(tuning, tmp_path / "tuned", "sft", (questions,), model=base)
    data = records(tmp_path / "data", "data", MORE)
    logs, margins = [], []
    for how in ("adapter_off", "precomputed", "model"):
        stage = small(adapter=Lora(rank=4), reference=how, epochs=4, batch_size=6, learning_rate=1e-2, held_out="data")
        dpo = run(stage, tmp_path / how, "dpo", (data,), model=tuned, held_out=data)
        logs.append([entry.value for entry in dpo.read(TrainingStep) if entry.name == "loss"])
        margins += [item.value for item in dpo.read(Measurement) if item.metric == "reward_margin"]
    assert logs[0][0] == pytest.approx(math.log(2), rel=1e-6)  # nothing gained yet over the start model
    assert logs[0][-1] < 0.66
    for log, margin in zip(logs[1:], margins[1:], strict=True):
        assert log == pytest.approx(logs[0], rel=1e-4)
        assert margin == pytest.approx(margins[0], rel=1e-3)
    # and the model that comes out is what the margins were measured of: base, first adapter and second one
    gains = [
        0.1 * (log_probability(load_model(dpo), *ids) - log_probability(load_model(tuned), *ids))
        for ids in ids_of(load_tokenizer(tuned), MORE)
    ]
    by_hand = [chosen - rejected for chosen, rejected in zip(gains[::2], gains[1::2], strict=True)]
    assert margins[0] == pytest.approx(sum(by_hand) / 6, rel=1e-3)


def ids_of(tokenizer, pairs) -> list[tuple[list[int], list[int]]]:
    return [
        (render_prompt(item.prompt, tokenizer), [*encode_text(text, tokenizer), eot_id(tokenizer)])
        for item in pairs
        for text in (item.chosen, item.rejected)
    ]


def test_a_reference_that_needs_an_adapter_is_refused_without_one():
    with pytest.raises(ValueError, match="reference: adapter_off needs an adapter"):
        small(reference="adapter_off")


def test_a_model_without_eot_is_refused(tmp_path, base):
    data = records(tmp_path / "data", "data", PAIRS)
    with pytest.raises(TrainingRefused, match=r"it knows no <\|eot\|>.*kind sft"):
        run(small(), tmp_path / "dpo", "dpo", (data,), model=base)


def test_long_pairs_are_rejected_and_pairs_without_a_difference_too(tmp_path, sft):
    pairs = [*PAIRS, pair(4, "1234567890" * 9, "no"), pair(5, "same", "same")]
    data = records(tmp_path / "data", "data", pairs)
    dpo = run(small(), tmp_path / "dpo", "dpo", (data,), model=sft)
    assert {item.example_id: item.reason for item in dpo.read(Rejection)} == {"pair/4": "too long", "pair/5": "no difference"}
    assert (dpo.counts.read, dpo.counts.kept) == (5, 3)


def test_a_pair_is_trimmed_in_its_responses_and_never_in_its_prompt(sft):
    tokenizer = load_tokenizer(sft)
    rows = make_pair_rows([pair(1, "12345", "1", prompt="67")], tokenizer, 6, "trim")
    # bos 6 7 EOT, and two tokens are left of 1 2 3 4 5 EOT
    assert tokenizer.convert_ids_to_tokens(rows.rows[0].chosen_ids) == ["1", "2"]
    assert tokenizer.convert_ids_to_tokens(rows.rows[0].rejected_ids) == ["1", "<|eot|>"]
    assert make_pair_rows([pair(1, "1", "2", prompt="678")], tokenizer, 5, "trim").dropped == {"dpo: nothing to learn": 1}
    with pytest.raises(InputError, match="overlong: error"):
        make_pair_rows([pair(1, "12345", "1")], tokenizer, 5, "error")

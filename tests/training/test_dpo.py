import math

import pytest
import torch
from small_models import question, records, run, sentence

from align.errors import InputError, TrainingRefused
from align.models import load_model, load_tokenizer, model_at, model_place, tokenizer_at
from align.records import Measurement, Origin, PreferencePair, Rejection, TrainingStep, Turn
from align.tokens import encode_text, eot_id, render_prompt
from align.training.dpo import PreferenceTraining, pair_trainer
from align.training.job import Job
from align.training.pair_rows import log_probabilities, make_pair_rows, reward_margins
from align.training.sft import FineTuning
from align.training.surroundings import quiet
from align.training.trainer import run_training

pytestmark = pytest.mark.slow  # each trains


def pair(number: int, chosen: str, rejected: str, prompt: str = "Where?") -> PreferencePair:
    return PreferencePair(f"pair/{number}", (Turn("user", prompt),), chosen, rejected, Origin("invented", str(number)))


PAIRS = [pair(1, "In the brook.", "Moss."), pair(2, "Oak.", "No fern, no heron, no vole."), pair(3, "A stone", "Alder")]


@pytest.fixture(scope="module")
def sft(tmp_path_factory, base):
    folder = tmp_path_factory.mktemp("sft")
    data = records(folder / "data", "data", map(question, range(8)))
    stage = FineTuning(model="base", loss_on="response", epochs=3, batch_size=4, max_tokens=64, learning_rate=1e-2)
    return run(stage, folder / "sft", "sft", (data,), model=base)


def small(**fields) -> PreferenceTraining:
    return PreferenceTraining(**{"model": "sft", "epochs": 1, "batch_size": 3, "learning_rate": 1e-3, **fields})


def a_trainer(stage, sft, work, pairs, reference_checkpoint="epoch-01"):
    place = model_place(sft)
    tokenizer, model = tokenizer_at(place), model_at(place, "float32")
    reference = model_at(model_place(sft, reference_checkpoint), "float32")
    rows = make_pair_rows(pairs, tokenizer, 64, "error")
    job = Job(stage, work, stage.split(len(rows)), rows, rows.digest())
    return pair_trainer(model, reference, tokenizer, rows, job), job


def test_the_model_gets_exactly_the_prompt_and_each_response_with_its_eot(tmp_path, sft):
    tokenizer = load_tokenizer(sft)
    with quiet():
        trainer, _ = a_trainer(small(batch_size=1), sft, tmp_path, PAIRS[:1])
    (_, micro) = next(iter(trainer.get_train_dataloader()))["batch"].cuts[0]
    prompt = render_prompt(PAIRS[0].prompt, tokenizer)
    expected = [[*prompt, *encode_text(text, tokenizer), eot_id(tokenizer)] for text in ("In the brook.", "Moss.")]
    for row, ids in enumerate(expected):  # chosen, then rejected
        assert micro.input_ids_BT[row, : len(ids)].tolist() == ids
        # scored: the response and its EOT, not the prompt
        assert micro.targets_n[micro.owners_n == row].tolist() == ids[len(prompt) :]


def log_probability(model, prompt: list[int], response: list[int]) -> float:
    """One text at a time, without padding: log p of each token of the response after all before it, added up."""
    logits = model(torch.tensor([prompt + response])).logits[0].double()
    total = 0.0
    for place, token in enumerate(response, start=len(prompt)):
        scores = logits[place - 1]
        total += float(scores[token]) - math.log(sum(math.exp(float(score)) for score in scores))
    return total


def test_the_loss_is_that_of_equation_7_worked_out_one_text_at_a_time(tmp_path, sft):
    tokenizer, model, reference = load_tokenizer(sft), load_model(sft), load_model(sft, "epoch-01")
    losses, margins = [], []
    with torch.no_grad():
        for item in PAIRS:
            prompt = render_prompt(item.prompt, tokenizer)
            chosen, rejected = ([*encode_text(text, tokenizer), eot_id(tokenizer)] for text in (item.chosen, item.rejected))
            gain = [log_probability(model, prompt, ids) - log_probability(reference, prompt, ids) for ids in (chosen, rejected)]
            margins.append(0.5 * (gain[0] - gain[1]))
            losses.append(-math.log(1 / (1 + math.exp(-margins[-1]))))
    with quiet():
        trainer, job = a_trainer(small(beta=0.5), sft, tmp_path, PAIRS)
        log = {entry.name: entry.value for entry in run_training(trainer, job)}
    assert log["loss"] == pytest.approx(sum(losses) / 3, rel=1e-4)
    assert log["rewards/margins"] == pytest.approx(sum(margins) / 3, rel=1e-3)
    # and our own margins, computed padded and in batches, are the same
    rows = make_pair_rows(PAIRS, tokenizer, 64, "error").rows
    assert reward_margins(model, reference, rows, 0.5, tokenizer.pad_token_id) == pytest.approx(margins, rel=1e-3)


def test_log_probabilities_do_not_depend_on_padding(sft):
    tokenizer, model = load_tokenizer(sft), load_model(sft)
    texts = [
        (render_prompt((Turn("user", "Where?"),), tokenizer), encode_text(text, tokenizer)) for text in ("Oak.", "Oak and moss.")
    ]
    together = log_probabilities(model, texts, tokenizer.pad_token_id)
    alone = [log_probabilities(model, [text], tokenizer.pad_token_id)[0] for text in texts]
    assert together == pytest.approx(alone, rel=1e-5)


def test_at_the_first_step_the_model_is_its_reference_and_the_loss_is_ln_2(tmp_path, sft):
    data = records(tmp_path / "data", "data", PAIRS)
    dpo = run(small(), tmp_path / "dpo", "dpo", (data,), model=sft)
    assert next(entry.value for entry in dpo.read(TrainingStep) if entry.name == "loss") == pytest.approx(math.log(2), rel=1e-6)


def test_pairs_teach_what_is_preferred_in_pairs_not_seen(tmp_path, sft):
    import random

    draw = random.Random(1)
    pairs = [pair(number, sentence(draw, 4), "vole " * (number % 3 + 2)) for number in range(24)]
    data, held_out = records(tmp_path / "data", "data", pairs[:16]), records(tmp_path / "held", "held", pairs[16:])
    stage = small(epochs=3, batch_size=4, learning_rate=1e-3, held_out="held")
    dpo = run(stage, tmp_path / "dpo", "dpo", (data,), model=sft, held_out=held_out)
    accuracy = next(item for item in dpo.read(Measurement) if item.metric == "reward_accuracy")
    assert (accuracy.subject, accuracy.value, accuracy.count) == ("held_out", 1.0, 8)
    # Wilson, 8 of 8: low = 8 / (8 + 1.96 ** 2) = 0.676
    assert accuracy.low == pytest.approx(0.676, abs=0.001)
    names = {entry.name for entry in dpo.read(TrainingStep)}
    assert {"rewards/margins", "rewards/accuracies", "rewards/chosen", "rewards/rejected", "logps/chosen"} <= names
    assert "num_tokens" in names


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

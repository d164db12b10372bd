import math

import pytest
import torch
from small_models import question, records, run, sentence
from test_dpo import MORE, ids_of, log_probability, loss_and_gradients, pair

from align.errors import InputError, TrainingRefused
from align.models import load_model, load_tokenizer, model_at, model_place, tokenizer_at
from align.records import Example, Measurement, Origin, Rejection, TrainingStep, Turn
from align.training.batches import ShuffledBatches
from align.training.job import Job
from align.training.kto import KahnemanTverskyOptimization
from align.training.labelled_rows import LabelledRow, Mismatched, labelled_responses, make_labelled_rows
from align.training.losses import labelled_losses
from align.training.reference import SecondModel
from align.training.scoring import Scorer
from align.training.sft import FineTuning
from align.training.surroundings import quiet


def response(number: int, text: str, desirable: float, prompt: str = "Where?") -> Example:
    turns = (Turn("user", prompt), Turn("assistant", text))
    return Example(f"response/{number}", turns, Origin("invented", str(number)), (), {"desirable": desirable})


THREE = [response(1, "In the brook.", 1), response(2, "Moss", 0, "Who?"), response(3, "Oak and alder.", 1, "What lives here?")]


HELD_OUT = [
    pair(number, f"{word} by the {other}.", "vole vole vole") for number, word, other in ((1, "Fern", "oak"), (2, "Newt", "reed"))
]


@pytest.fixture(scope="module")
def sft(tmp_path_factory, base):
    folder = tmp_path_factory.mktemp("sft")
    data = records(folder / "data", "data", map(question, range(8)))
    stage = FineTuning(model="base", loss_on="response", epochs=3, batch_size=4, max_tokens=64, learning_rate=1e-2)
    return run(stage, folder / "sft", "sft", (data,), model=base)


def small(**fields) -> KahnemanTverskyOptimization:
    return KahnemanTverskyOptimization(**{"model": "sft", "batch_size": 3, "learning_rate": 1e-3, **fields})


def a_trainer(stage, sft, work, found):
    """Against the model of the first epoch, so that something is gained at the first step."""
    place = model_place(sft)
    tokenizer, model = tokenizer_at(place), model_at(place, "float32")
    rows = make_labelled_rows(labelled_responses(found, "desirable"), tokenizer, 64, "error")
    trainer = stage.trainer(model, tokenizer, Job(stage, work, stage.split(len(rows)), rows, rows.digest()))
    earlier = model_at(model_place(sft, "epoch-01"), "float32")
    trainer.reference = trainer.mismatched_reference = SecondModel(earlier, Scorer(earlier))
    trainer.mismatched = Mismatched(rows.rows, InOrder([list(range(len(rows)))]), 1, 64)
    return trainer


class InOrder(list):
    """One epoch of given batches."""


def test_losses_of_three_responses_by_hand():
    # z0 = 0.5, beta = 2: 1 - s(2 (1.5 - 0.5)), 1 - s(2 (0.5 - 1.5)), 1 - s(2 (-0.5 - 0.5)), s(x) = 1 / (1 + e^-x)
    found = labelled_losses(torch.tensor([1.5, 1.5, -0.5]), torch.tensor([True, False, True]), 0.5, 2.0)
    assert found.tolist() == pytest.approx([0.119203, 0.880797, 0.880797], abs=1e-6)


def row(number: int, desirable: bool = True) -> LabelledRow:
    return LabelledRow(str(number), [90 + number] * 3, [number] * (number + 1), desirable)


def test_each_prompt_of_a_batch_stands_with_the_response_before_it():
    rows = [row(number) for number in range(5)]
    batches = ShuffledBatches(5, 3, seed=1)
    mismatched = Mismatched(rows, batches, 2, max_tokens=5)
    for batches.epoch in (0, 1):
        for batch in batches:
            texts = [mismatched.texts(number)[0] for number in mismatched.numbers(batch)]
            for place, text in enumerate(texts):
                prompt, before = batch[place], batch[place - 1]
                # cut to five tokens, of which three are the prompt's
                assert text.input_ids == [90 + prompt] * 3 + [before] * min(before + 1, 2)
                assert text.labels[:3] == [-100] * 3
    # no pair of prompt and response is there twice, though two epochs may ask for it twice
    assert len(set(mismatched.pairs)) == len(mismatched)


def test_the_last_batch_with_one_response_borrows_another():
    rows = [row(number) for number in range(4)]
    batches = ShuffledBatches(4, 3, seed=1)
    mismatched = Mismatched(rows, batches, 1, max_tokens=9)
    alone = list(batches)[1]
    assert len(alone) == 1
    [(prompt, other)] = [mismatched.pairs[number] for number in mismatched.numbers(alone)]
    assert prompt == alone[0] != other
    with pytest.raises(TrainingRefused, match="two responses or more"):
        Mismatched(rows[:1], ShuffledBatches(1, 3, seed=1), 1, max_tokens=9)


def test_an_example_without_the_label_is_refused_with_the_stage_that_gives_it():
    unlabelled = Example("a", (Turn("user", "?"), Turn("assistant", "!")), Origin("invented", "a"))
    with pytest.raises(InputError, match=r"example a: .*signal 'desirable', 1 \(desirable\) or 0.*desirable = None"):
        list(labelled_responses([unlabelled], "desirable"))
    with pytest.raises(InputError, match="got desirable = 0.5"):
        list(labelled_responses([response(1, "!", 0.5)], "desirable"))


def test_one_side_that_outweighs_the_other_is_told(caplog):
    # 3 * 1.0 to 1 * 1.0; advised is a weight of 1/3 to 4/9
    small()._weigh(3, 1)
    assert "3 desirable and 1 undesirable responses weigh 3.00 to 1" in caplog.text
    assert "desirable_weight 0.33 to 0.44" in caplog.text
    caplog.clear()
    small(desirable_weight=0.4)._weigh(3, 1)  # 1.2 to 1
    assert not caplog.text


@pytest.mark.slow
def test_repeated_responses_go_once_and_contradicted_ones_go(sft):
    found = [*THREE, response(4, "In the brook.", 1), response(5, "Newt", 1), response(6, "Newt", 0)]
    rows = make_labelled_rows(labelled_responses(found, "desirable"), load_tokenizer(sft), 64, "error")
    assert [item.id for item in rows.rows] == ["response/1", "response/2", "response/3"]
    assert rows.dropped == {"kto: the same response again": 1, "kto: called both desirable and undesirable": 2}


@pytest.mark.slow
def test_the_loss_of_a_batch_is_that_of_equation_7_worked_out_one_text_at_a_time(tmp_path, sft):
    with quiet():
        trainer = a_trainer(small(beta=0.5, desirable_weight=2.0), sft, tmp_path, THREE)
        loss, _ = loss_and_gradients(trainer, [0, 1, 2])
    model, before = load_model(sft), load_model(sft, "epoch-01")

    def gain(prompt: int, answer: int) -> float:
        ids = trainer.job.items.rows[prompt].prompt_ids, trainer.job.items.rows[answer].response_ids
        return log_probability(model, *ids) - log_probability(before, *ids)

    baseline = max(0.0, (gain(0, 2) + gain(1, 0) + gain(2, 1)) / 3)
    assert baseline > 0
    # the second response is not desirable; the others count twice
    heights = [2 * (gain(0, 0) - baseline), -(gain(1, 1) - baseline), 2 * (gain(2, 2) - baseline)]
    weights, signs = (2, 1, 2), [0.5 * height / weight for height, weight in zip(heights, (2, 1, 2), strict=True)]
    losses = [weight * (1 - 1 / (1 + math.exp(-sign))) for weight, sign in zip(weights, signs, strict=True)]
    assert loss == pytest.approx(sum(losses) / 3, rel=1e-4)


@pytest.mark.slow
def test_how_a_batch_is_cut_changes_neither_loss_nor_gradients(tmp_path, sft):
    found = []
    with quiet():
        for tokens in (4096, 60, 1):
            stage = small(beta=0.5, batch_size=12, micro_batch_tokens=tokens)
            trainer = a_trainer(stage, sft, tmp_path, MORE)
            examples = list(range(12))
            batch = trainer._batch(examples)["batch"]
            assert tokens == 4096 or min(len(batch.cuts), len(batch.mismatched)) > 2
            found.append(loss_and_gradients(trainer, examples))
    for loss, gradients in found[1:]:
        assert loss == pytest.approx(found[0][0], rel=1e-5)
        assert torch.allclose(gradients, found[0][1], rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_at_the_first_step_nothing_is_gained_and_the_loss_is_a_half(tmp_path, sft):
    data, pairs = records(tmp_path / "data", "data", THREE), records(tmp_path / "pairs", "pairs", MORE)
    for how in ("precomputed", "model"):
        kto = run(small(reference=how, batch_size=20), tmp_path / how, "kto", (data, pairs), model=sft)
        log = {entry.name: entry.value for entry in kto.read(TrainingStep)}
        assert (log["loss"], log["kl"]) == (pytest.approx(0.5, abs=1e-6), pytest.approx(0, abs=1e-5))
    # three responses and two of each of six pairs; one of them stands among the three already
    assert (kto.counts.read, kto.counts.kept) == (15, 14)
    assert [item.reason for item in kto.read(Rejection)] == ["the same response again"]


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["kto", "apo_zero_unpaired"])
def test_labels_teach_what_is_desirable_in_pairs_not_seen(tmp_path, sft, loss):
    import random

    draw = random.Random(1)
    told = [
        response(number, sentence(draw, 4) if number % 2 else "vole " * (number % 3 + 2), number % 2, f"Where {number}?")
        for number in range(24)
    ]
    data, held_out = records(tmp_path / "data", "data", told), records(tmp_path / "held", "held", HELD_OUT)
    stage = small(loss=loss, epochs=3, batch_size=6, learning_rate=2e-3, held_out="held")
    kto = run(stage, tmp_path / "kto", "kto", (data,), model=sft, held_out=held_out)
    measured = {item.metric: item for item in kto.read(Measurement)}
    assert measured["reward_accuracy"].value == 1.0
    by_name = {}
    for entry in kto.read(TrainingStep):
        by_name.setdefault(entry.name, []).append(entry.value)
    assert by_name["loss"][-1] < 0.46
    assert by_name["rewards/desirable"][-1] > by_name["rewards/undesirable"][-1]
    assert ("kl" in by_name) == (loss == "kto")
    # what was measured is what the saved model does
    gains = [
        log_probability(load_model(kto), *ids) - log_probability(load_model(sft), *ids)
        for ids in ids_of(load_tokenizer(sft), HELD_OUT)
    ]
    margins = [0.1 * (chosen - rejected) for chosen, rejected in zip(gains[::2], gains[1::2], strict=True)]
    assert measured["reward_margin"].value == pytest.approx(sum(margins) / len(margins), rel=1e-3)

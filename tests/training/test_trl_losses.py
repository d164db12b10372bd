"""Losses and gradients against TRL's own trainers, on the same rows, padded TRL's way in one batch."""

import pytest
import torch
from small_models import question, records, run
from test_dpo import MORE, PAIRS, loss_and_gradients

from align.models import model_at, model_place, tokenizer_at
from align.training.dpo import PreferenceTraining
from align.training.job import Job
from align.training.kto import KahnemanTverskyOptimization
from align.training.labelled_rows import Mismatched, labelled_responses, make_labelled_rows
from align.training.pair_rows import make_pair_rows
from align.training.reference import SecondModel
from align.training.scoring import Scorer
from align.training.sft import FineTuning
from align.training.surroundings import quiet

pytestmark = pytest.mark.slow

PLAIN = {
    "use_cpu": True,
    "bf16": False,
    "report_to": "none",
    "max_length": None,
    "disable_tqdm": True,
    "activation_checkpointing": False,
}


@pytest.fixture(scope="module")
def sft(tmp_path_factory, base):
    folder = tmp_path_factory.mktemp("sft")
    data = records(folder / "data", "data", map(question, range(8)))
    stage = FineTuning(model="base", loss_on="response", epochs=3, batch_size=4, max_tokens=64, learning_rate=1e-2)
    return run(stage, folder / "sft", "sft", (data,), model=base)


class InOrder(list):
    """One epoch of given batches."""


def models(sft):
    return model_at(model_place(sft), "float32"), model_at(model_place(sft, "epoch-01"), "float32")


def of_trl(trainer) -> tuple[float, torch.Tensor]:
    batch = next(iter(trainer.get_train_dataloader()))
    loss = trainer.compute_loss(trainer.model.train(), batch)
    trainer.model.zero_grad()
    loss.backward()
    return float(loss.detach()), torch.cat([weights.grad.flatten() for weights in trainer.model.parameters()])


def trl_dpo(sft, rows, folder, **fields):
    from datasets import Dataset
    from trl import DPOConfig, DPOTrainer

    class AsTheyAre(DPOTrainer):
        def _prepare_dataset(self, dataset, *_):
            return dataset

    columns = ("prompt_ids", "chosen_ids", "rejected_ids")
    data = Dataset.from_dict({name: [getattr(row, name) for row in rows] for name in columns})
    model, reference = models(sft)
    settings = DPOConfig(str(folder), per_device_train_batch_size=len(rows), **PLAIN, **fields)
    tokenizer = tokenizer_at(model_place(sft))
    return AsTheyAre(model, reference, args=settings, train_dataset=data, processing_class=tokenizer)


def ours(sft, stage, rows, folder):
    model, reference = models(sft)
    trainer = stage.trainer(model, tokenizer_at(model_place(sft)), Job(stage, folder, stage.split(len(rows)), rows, ""))
    trainer.reference = SecondModel(reference, Scorer(reference))
    return trainer


LOSSES = {
    "sigmoid": {},
    "hinge": {},
    "ipo": {},
    "robust": {"label_smoothing": 0.2},
    "exo_pair": {"label_smoothing": 1e-3},
    "nca_pair": {},
    "bco_pair": {},
    "sppo_hard": {},
    "apo_zero": {},
    "apo_down": {},
    "discopop": {},
    "sigmoid_norm": {},
}


def test_every_loss_is_compared():
    assert set(LOSSES) == set(PreferenceTraining.model_fields["loss"].annotation.__args__)


@pytest.mark.parametrize(("loss", "fields"), LOSSES.items())
def test_loss_and_gradient_are_those_of_trls_dpo_trainer(tmp_path, sft, loss, fields):
    with quiet():
        rows = make_pair_rows(MORE, tokenizer_at(model_place(sft)), 64, "error")
        expected, gradients = of_trl(trl_dpo(sft, rows.rows, tmp_path, loss_type=loss, beta=0.3, **fields))
        stage = PreferenceTraining(model="sft", loss=loss, beta=0.3, batch_size=6, micro_batch_tokens=70, **fields)
        found, our_gradients = loss_and_gradients(ours(sft, stage, rows, tmp_path), range(6))
    assert found == pytest.approx(expected, rel=1e-5)
    assert torch.allclose(our_gradients, gradients, rtol=1e-4, atol=1e-6 * float(gradients.abs().max() + 1))


@pytest.mark.parametrize("loss", ["kto", "apo_zero_unpaired"])
def test_loss_and_gradient_are_those_of_trls_kto_trainer(tmp_path, sft, loss):
    from datasets import Dataset
    from trl import KTOConfig, KTOTrainer

    class AsTheyAre(KTOTrainer):
        def _prepare_dataset(self, dataset, *_):
            return dataset

    weights = {"desirable_weight": 1.2, "undesirable_weight": 0.8}
    with quiet():
        tokenizer = tokenizer_at(model_place(sft))
        rows = make_labelled_rows(labelled_responses(PAIRS, "desirable"), tokenizer, 64, "error")
        responses = [row.response_ids for row in rows.rows]
        data = {"prompt_ids": [row.prompt_ids for row in rows.rows], "completion_ids": responses}
        data |= {"KL_completion_ids": responses[-1:] + responses[:-1], "label": [row.desirable for row in rows.rows]}
        model, reference = models(sft)
        settings = KTOConfig(str(tmp_path), per_device_train_batch_size=6, beta=0.3, loss_type=loss, **PLAIN, **weights)
        expected, gradients = of_trl(
            AsTheyAre(model, reference, args=settings, train_dataset=Dataset.from_dict(data), processing_class=tokenizer)
        )
        stage = KahnemanTverskyOptimization(model="sft", beta=0.3, loss=loss, batch_size=6, micro_batch_tokens=30, **weights)
        trainer = ours(sft, stage, rows, tmp_path)
        trainer.mismatched, trainer.mismatched_reference = None, trainer.reference
        if loss == "kto":
            trainer.mismatched = Mismatched(rows.rows, InOrder([list(range(6))]), 1, 64)  # in the order of the file, as TRL's
        found, our_gradients = loss_and_gradients(trainer, range(6))
    assert loss != "kto" or float(trainer.baseline) > 0  # else it would not be compared
    assert found == pytest.approx(expected, rel=1e-5)
    assert torch.allclose(our_gradients, gradients, rtol=1e-4, atol=1e-6)

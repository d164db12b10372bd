from dataclasses import replace

import pytest
import torch
from small_models import dialogue, question, records

from align.errors import TrainingRefused
from align.models import load_tokenizer
from align.stage import Inputs
from align.tokens import EOT, NO_LOSS
from align.training import sft as sft_module
from align.training.eot import add_eot
from align.training.preflight import check_rows
from align.training.rows import make_rows
from align.training.sft import FineTuning


@pytest.fixture(scope="module")
def tokenizer(tokenizer_artifact):
    found = load_tokenizer(tokenizer_artifact)
    found.add_special_tokens({"extra_special_tokens": [EOT]})
    return found


@pytest.fixture
def row(tokenizer):
    return make_rows([dialogue(1, "12", "345")], tokenizer, "response", 64, "error").rows[0]


def test_rows_as_they_are_made_pass(tokenizer, row):
    check_rows([row], tokenizer)


def test_rows_without_any_label_are_refused(tokenizer, row):
    silent = replace(row, labels=[NO_LOSS] * len(row.labels))
    with pytest.raises(TrainingRefused, match="no token of the 1 examples gives loss"):
        check_rows([silent], tokenizer)


def test_labels_that_mask_the_last_eot_are_refused(tokenizer, row):
    # as where padding is EOS and EOS is masked: the model never learns to stop (trl issue 976)
    masked = replace(row, labels=[*row.labels[:-1], NO_LOSS])
    with pytest.raises(TrainingRefused, match=r"dialogue/1: its labels end on no loss and not on <\|eot\|>"):
        check_rows([masked], tokenizer)


def test_labels_that_end_on_another_token_are_refused(tokenizer, row):
    cut = replace(row, input_ids=row.input_ids[:-1], labels=row.labels[:-1])
    with pytest.raises(TrainingRefused, match="its labels end on '5'"):
        check_rows([cut], tokenizer)


def test_a_row_that_was_trimmed_may_end_anywhere(tokenizer, row):
    check_rows([row, replace(row, input_ids=row.input_ids[:-1], labels=row.labels[:-1], trimmed=True)], tokenizer)


def test_a_training_text_that_does_not_begin_with_the_prompt_at_inference_is_refused(tokenizer, row):
    # a BOS too many, as where template and tokenizer both add one
    doubled = replace(row, input_ids=[tokenizer.bos_token_id, *row.input_ids], labels=[NO_LOSS, *row.labels])
    with pytest.raises(TrainingRefused, match="does not begin with the prompt that the model sees at inference"):
        check_rows([doubled], tokenizer)


def run_with(add_eot_differently, base, folder, monkeypatch):
    monkeypatch.setattr(sft_module, "add_eot", add_eot_differently)
    stage = FineTuning(model="base", loss_on="response", epochs=1, batch_size=4, max_tokens=64)
    data = records(folder / "data", "data", map(question, range(4)))
    stage.run(Inputs((data,), {"model": base}), folder / "work")


@pytest.mark.slow
@pytest.mark.parametrize("matrix", ["input", "output"])
def test_frozen_rows_are_refused_at_the_first_step(tmp_path, base, monkeypatch, matrix):
    def frozen(model, tokenizer):
        add_eot(model, tokenizer)
        module = model.get_input_embeddings() if matrix == "input" else model.get_output_embeddings()
        module.weight.requires_grad_(False)

    with pytest.raises(TrainingRefused, match=rf"the row of <\|eot\|> in the {matrix} embedding is not trained"):
        run_with(frozen, base, tmp_path, monkeypatch)


@pytest.mark.slow
def test_rows_whose_gradient_is_masked_to_zero_are_refused(tmp_path, base, monkeypatch):
    def masked(model, tokenizer):
        add_eot(model, tokenizer)
        last = torch.tensor([len(tokenizer) - 1])
        model.get_input_embeddings().weight.register_hook(lambda gradient: gradient.index_fill(0, last, 0.0))

    with pytest.raises(TrainingRefused, match="in the input embedding got a gradient of zero from the first batch"):
        run_with(masked, base, tmp_path, monkeypatch)

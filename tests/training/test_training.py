from types import SimpleNamespace

import pytest
from pydantic import ValidationError

from align.training.launch import Launch
from align.training.sft import FineTuning


def lima(**fields) -> FineTuning:
    return FineTuning(model="base", loss_on="response", **fields)


def test_lima_has_480_steps_and_reaches_the_last_rate_at_the_last_of_them():
    # 1,000 examples in batches of 32: 31 full ones and one of 8 an epoch, 15 epochs
    steps = lima().split(1000, world=32).steps
    assert steps == 480
    assert lima().learning_rate_at(0, steps) == 1e-5
    assert lima().learning_rate_at(479, steps) == pytest.approx(1e-6, rel=1e-12)
    # halfway between steps 239 and 240 it is halfway: (1e-5 + 1e-6) / 2 = 5.5e-6; each step is 9e-6 / 479
    assert lima().learning_rate_at(239, steps) == pytest.approx(5.5e-6 + 9e-6 / 479 / 2, rel=1e-12)


def test_without_a_final_rate_the_first_one_stays():
    assert lima(final_learning_rate=None).learning_rate_at(400, 480) == 1e-5


def test_a_single_step_has_the_first_rate():
    assert lima().learning_rate_at(0, 1) == 1e-5


def test_where_a_training_runs_is_not_part_of_what_it_is():
    elsewhere = {"launch": Launch(processes=8), "micro_batch_tokens": 512, "layout": "packed", "gradient_checkpointing": True}
    assert lima(**elsewhere, tracking=("tensorboard",)).identity() == lima().identity()
    assert lima(optimizer="adamw_8bit").identity() != lima().identity()
    assert lima(seed=2).identity() != lima().identity()


@pytest.mark.parametrize("fields", [{"epochs": 0}, {"learning_rate": 0}, {"residual_dropout": 1.0}, {"loss_on": "prompt"}])
def test_values_that_make_no_sense_are_refused(fields):
    with pytest.raises(ValidationError):
        FineTuning(**{"model": "base", "loss_on": "response", **fields})


def test_the_loss_must_be_named_because_the_paper_does_not():
    with pytest.raises(ValidationError, match="loss_on"):
        FineTuning(model="base")


def test_an_8_bit_optimizer_is_refused_where_its_state_would_be_divided():
    # torch 2.13: "Operator bitsandbytes.optimizer_update_32bit.default does not have a sharding strategy registered"
    with pytest.raises(ValueError, match="whose state fsdp2 cannot divide; write optimizer: adamw"):
        lima(optimizer="paged_adamw_8bit", launch={"processes": 2, "distribution": "fsdp2"})
    assert lima(optimizer="paged_adamw_8bit", launch={"processes": 2}).launch is not None


def test_one_process_takes_one_gpu_of_several(tmp_path):
    # else transformers would cut a batch's ids for eight copies of the model, and not the places of its tokens with loss
    from transformers import TrainingArguments

    from align.training.trainer import on_one_gpu

    settings = TrainingArguments(output_dir=str(tmp_path), use_cpu=True)
    settings._n_gpu = 8
    assert on_one_gpu(settings).n_gpu == 1


@pytest.mark.parametrize("deepspeed", [False, True])
def test_the_first_gradients_are_checked_unless_deepspeed_has_emptied_them(tmp_path, caplog, deepspeed):
    from align.training.job import Job
    from align.training.keeper import Keeper
    from align.training.rows import Row, Rows

    checked = []
    stage = FineTuning(model="base", loss_on="all")
    job = Job(stage, tmp_path, stage.split(1), Rows[Row]("sft"), "rows", lambda *both: checked.append(both))
    keeper = Keeper(SimpleNamespace(is_deepspeed_enabled=deepspeed), job, lambda *_: None)
    for _ in range(2):
        keeper.on_pre_optimizer_step(None, None, None, model="model", optimizer="optimizer")
    keeper.close()
    assert checked == ([] if deepspeed else [("model", "optimizer")])
    assert ("DeepSpeed shows none" in caplog.text) == deepspeed

import json

import numpy as np
import pytest
from pydantic import ValidationError
from small_models import TINY, document, records, run

from align.errors import EmptyResult
from align.models import checkpoint_names, load_model, load_tokenizer, model_place, tokenizer_at
from align.records import Measurement, TrainingStep
from align.training.pretrain import Blocks, ModelShape, Pretraining, block_trainer, read_blocks
from align.training.surroundings import quiet
from align.training.trainer import Job

pytestmark = pytest.mark.slow  # each trains


def small(**fields) -> Pretraining:
    return Pretraining(
        **{"tokenizer": "tokenizer", "model": TINY, "max_tokens": 64, "batch_size": 8, "learning_rate": 1e-2, **fields}
    )


def test_documents_lie_end_to_end_in_blocks_and_the_rest_is_left_out(tmp_path):
    np.save(tmp_path / "tokens.npy", np.arange(11, dtype=np.int32))
    assert read_blocks(tmp_path / "tokens.npy", 4).tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]


def test_less_than_one_block_is_refused(tmp_path, tokenizer_artifact):
    data = records(tmp_path / "data", "data", [document(1, words=3)])
    with pytest.raises(EmptyResult, match="less than one block of max_tokens = 64"):
        run(small(), tmp_path / "base", "base", (data,), tokenizer=tokenizer_artifact)


def test_each_document_begins_with_bos_and_ends_with_eos(tmp_path, base, tokenizer_artifact):
    tokenizer = load_tokenizer(tokenizer_artifact)
    flat = np.load(base.path / "scratch" / "tokens.npy")
    starts, ends = flat == tokenizer.bos_token_id, flat == tokenizer.eos_token_id
    assert starts.sum() == ends.sum() == 30  # the documents of the fixture
    assert starts[0]
    assert (starts[1:] == ends[:-1]).all()  # a beginning follows each end


def test_every_token_of_a_block_gives_loss(tmp_path, tokenizer_artifact):
    tokenizer = tokenizer_at(model_place(tokenizer_artifact))
    blocks = np.arange(24, dtype=np.int32).reshape(3, 8)
    stage = small(max_tokens=8, batch_size=3)
    with quiet():
        trainer = block_trainer(stage, tokenizer, Job(stage, tmp_path, stage.split(3), Blocks(blocks), "data"))
        batch = next(iter(trainer.get_train_dataloader()))["batch"]
    ((_, micro),) = batch.cuts
    rows = micro.input_ids_BT.tolist()
    assert sorted(rows) == blocks.tolist()
    # each but the first, which is predicted from nothing
    assert micro.targets_n.tolist() == [token for row in rows for token in row[1:]]
    assert (batch.weight, batch.tokens) == (3 * 7, 3 * 8)


def test_the_model_has_the_sizes_of_the_recipe_and_the_tokenizers_vocabulary(base, tokenizer_artifact):
    config = json.loads((base.path / "model" / "config.json").read_text())
    assert (config["num_hidden_layers"], config["hidden_size"], config["intermediate_size"]) == (2, 32, 64)
    assert config["vocab_size"] == len(load_tokenizer(tokenizer_artifact)) == len(load_tokenizer(base))
    assert config["max_position_embeddings"] == 64
    assert load_model(base).generation_config.eos_token_id == [load_tokenizer(base).eos_token_id]


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path, tokenizer_artifact):
    data = records(tmp_path / "data", "data", map(document, range(10)))
    one, same, other = (
        run(small(seed=seed), tmp_path / name, "base", (data,), tokenizer=tokenizer_artifact).content
        for name, seed in (("one", 1), ("same", 1), ("other", 2))
    )
    assert one == same
    assert one != other


def test_the_loss_falls_and_the_rate_stays(tmp_path, tokenizer_artifact):
    data = records(tmp_path / "data", "data", map(document, range(20)))
    base = run(small(epochs=6), tmp_path / "base", "base", (data,), tokenizer=tokenizer_artifact)
    log = list(base.read(TrainingStep))
    losses = [entry.value for entry in log if entry.name == "loss"]
    # at first every one of some 300 tokens is as likely: ln 300 = 5.7
    assert losses[0] == pytest.approx(np.log(len(load_tokenizer(base))), abs=0.2)
    assert losses[-1] < 0.7 * losses[0]
    assert {entry.value for entry in log if entry.name == "learning_rate"} == {1e-2}
    assert len(checkpoint_names(base)) == 6
    tokens = next(item.value for item in base.read(Measurement) if item.metric == "trained_tokens")
    assert tokens == base.counts.noted["blocks"] * 64 * 6


@pytest.mark.parametrize(
    ("sizes", "said"),
    [({"heads": 3}, "over 3 heads"), ({"key_value_heads": 3, "heads": 4}, "must divide"), ({"family": "rnn"}, "llama")],
)
def test_sizes_that_do_not_fit_are_refused(sizes, said):
    with pytest.raises(ValidationError, match=said):
        ModelShape(**{**TINY, **sizes})

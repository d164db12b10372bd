import json
from itertools import pairwise

import numpy as np
import pytest
from pydantic import ValidationError
from small_models import TINY, document, records, run

from align.artifact import Counts
from align.errors import EmptyResult, TrainingRefused
from align.models import checkpoint_names, load_model, load_tokenizer, model_place, tokenizer_at
from align.records import Measurement, TrainingStep
from align.stage import Inputs
from align.training.blocks import OrderedBatches, block_trainer
from align.training.job import Job
from align.training.mixture import Draw
from align.training.model_shape import new_model
from align.training.pretrain import Pretraining
from align.training.streams import BlockStream, Place
from align.training.surroundings import quiet
from align.training.token_files import Shard, TokenFile

PHI3 = {**TINY, "family": "phi3"}


def small(**fields) -> Pretraining:
    if "start" not in fields:
        fields = {"tokenizer": "tokenizer", "model": TINY, **fields}
    return Pretraining(**{"max_tokens": 64, "batch_size": 8, "learning_rate": 1e-2, **fields})


def mixed(tokens: int | None = None, **fields) -> Pretraining:
    shares = {"web": {"stage": "a", "share": 0.7}, "code": {"stage": "b", "share": 0.3}}
    return small(**{"sources": shares, "tokens": tokens, **fields})


def losses(artifact) -> list[float]:
    return [entry.value for entry in artifact.read(TrainingStep) if entry.name == "loss"]


def figures(artifact) -> dict[tuple[str, str], float]:
    return {(item.metric, item.subject): item.value for item in artifact.read(Measurement)}


def file_of(folder, ids: int, max_tokens: int, first: int = 0) -> TokenFile:
    folder.mkdir()
    np.arange(first, first + ids, dtype="<u2").tofile(folder / "shard-00000.bin")
    return TokenFile(folder, [Shard("shard-00000.bin", 0, 1, ids, 2, f"hash of {ids} from {first}")], max_tokens)


@pytest.fixture
def web(tmp_path):
    return records(tmp_path / "web", "web", map(document, range(20)))


@pytest.fixture
def code(tmp_path):
    return records(tmp_path / "code", "code", map(document, range(100, 106)))


# ------------------------------------------------------------------ the stream


def test_a_stream_draws_each_block_of_a_pass_once_and_every_pass_in_another_order(tmp_path):
    web, code = file_of(tmp_path / "web", 20 * 4, 4), file_of(tmp_path / "code", 3 * 4, 4, first=1000)
    stream = BlockStream({"web": web, "code": code}, [Draw("web", 20, 20), Draw("code", 3, 9)], seed=1)
    places = [stream.place(index) for index in range(len(stream))]
    assert sorted(place.block for place in places if place.source == "web") == list(range(20))
    passes = [[place.block for place in places if place.source == "code" and place.epoch == epoch] for epoch in range(3)]
    assert [sorted(blocks) for blocks in passes] == [[0, 1, 2]] * 3
    assert [place.epoch for place in places if place.source == "code"] == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    # block n of `code` holds 1000 + 4 n and the three ids after it
    index = next(index for index, place in enumerate(places) if place == Place("code", 1, 2))
    (text,) = stream.texts(index)
    assert list(text.input_ids) == list(text.labels) == [1008, 1009, 1010, 1011]
    assert (stream.length(index), stream.tokens(index), stream.weight(index)) == (4, 4, 3)


def test_another_seed_draws_other_blocks_and_the_digest_knows_what_is_read(tmp_path):
    files = {"web": file_of(tmp_path / "web", 50 * 4, 4)}

    def blocks(seed: int) -> list[int]:
        stream = BlockStream(files, [Draw("web", 50, 10)], seed)
        return [stream.place(index).block for index in range(10)]

    assert blocks(1) == blocks(1)
    assert blocks(1) != blocks(2)
    digests = {BlockStream(files, [Draw("web", 50, taken)], 1).digest() for taken in (10, 11)}
    other = {"web": file_of(tmp_path / "other", 50 * 4, 4, first=1)}
    assert len(digests | {BlockStream(other, [Draw("web", 50, 10)], 1).digest()}) == 3


def test_batches_run_through_the_stream_in_order_and_an_epochs_last_one_is_smaller():
    batches = OrderedBatches(5, batch_size=2)
    assert [list(batches), len(batches)] == [[[0, 1], [2, 3], [4]], 3]
    batches.epoch = 1
    assert list(batches) == [[5, 6], [7, 8], [9]]


# ------------------------------------------------------------------ what is asked for


def test_tokens_are_rounded_up_to_whole_steps():
    # phi-1.5: 150e9 / (2,048 x 2,048) = 35,762.8 steps
    phi = small(model={"shape": "phi-1.5"}, max_tokens=2048, batch_size=2048, tokens=150e9)
    assert phi.tokens == 150_000_000_000
    assert phi.blocks == 35_763 * 2048
    assert phi.split(phi.blocks, world=8).steps == 35_763
    assert small(tokens=512).blocks == 8
    assert small(tokens=513).blocks == 16
    assert small().blocks is None


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"start": "base", "model": TINY}, "write either `model`"),
        ({"model": None, "tokenizer": None}, "write either `model`"),
        ({"start": "base", "tokenizer": "t"}, "`tokenizer` goes with `model`"),
        ({"tokenizer": None}, "`tokenizer` goes with `model`"),
        ({"context": {"max_tokens": 128}}, "`context` extends the model of `start`"),
        ({"sources": {"web": {"stage": "a", "epochs": 1}}, "inputs": ["a"]}, "write `inputs` .* or `sources`"),
        ({"sources": {"web": {"stage": "a", "share": 1.0}}}, "each source has `epochs` and no `share`"),
        ({"sources": {"web": {"stage": "a", "share": 0.9}}, "tokens": 100}, "must add up to 1"),
        ({"sources": {"we.b": {"stage": "a", "share": 1.0}}, "tokens": 100}, "pattern"),
        ({"epochs": 2, "tokens": 100}, "`epochs` is for `inputs`"),
        ({"epochs": 2, "sources": {"web": {"stage": "a", "epochs": 1}}}, "`epochs` is for `inputs`"),
        ({"model": {"shape": "phi-1.5"}, "max_tokens": 4096}, "blocks of 4096 tokens, and the model reads 2048"),
        ({"schedule": "cosine"}, "schedule: cosine is the way to final_learning_rate"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(fields, said):
    with pytest.raises(ValidationError, match=said):
        small(**fields)


def test_sources_are_named_stages_and_their_names_do_not_decide_the_key():
    def stage(*names: str) -> Pretraining:
        sources = {source: {"stage": name, "share": 0.5} for source, name in zip("xy", names, strict=True)}
        return small(sources=sources, tokens=1e6)

    one = stage("web_clean", "code")
    assert one.inputs == ()  # it does not read the stage above
    assert one.references() == {"tokenizer": "tokenizer", "sources.x.stage": "web_clean", "sources.y.stage": "code"}
    assert one.identity() == stage("other", "names").identity()
    assert one.identity() != small(sources={"x": {"stage": "web_clean", "share": 1.0}}, tokens=1e6).identity()


# ------------------------------------------------------------------ training


def test_less_than_one_block_is_refused(tmp_path, tokenizer_artifact):
    data = records(tmp_path / "data", "data", [document(1, words=3)])
    with pytest.raises(EmptyResult, match="less than one block of max_tokens = 64"):
        run(small(), tmp_path / "base", "base", (data,), tokenizer=tokenizer_artifact)


def test_every_token_of_a_block_gives_loss(tmp_path, tokenizer_artifact):
    tokenizer = tokenizer_at(model_place(tokenizer_artifact))
    stage = small(max_tokens=8, batch_size=3)
    stream = BlockStream({"inputs": file_of(tmp_path / "ids", 24, 8)}, [Draw("inputs", 3, 3)], seed=1)
    with quiet():
        model = new_model(stage.model, tokenizer, 8, seed=1)
        trainer = block_trainer(model, tokenizer, Job(stage, tmp_path, stage.split(3), stream, "data"))
        batch = next(iter(trainer.get_train_dataloader()))["batch"]
    ((_, micro),) = batch.cuts
    rows = micro.input_ids_BT.tolist()
    assert sorted(rows) == [list(range(start, start + 8)) for start in (0, 8, 16)]
    # each but the first, which is predicted from nothing
    assert micro.targets_n.tolist() == [token for row in rows for token in row[1:]]
    assert (batch.weight, batch.tokens) == (3 * 7, 3 * 8)


@pytest.mark.slow
def test_the_model_has_the_sizes_of_the_recipe_and_the_tokenizers_vocabulary(base, tokenizer_artifact):
    config = json.loads((base.path / "model" / "config.json").read_text())
    assert (config["num_hidden_layers"], config["hidden_size"], config["intermediate_size"]) == (2, 32, 64)
    assert config["vocab_size"] == len(load_tokenizer(tokenizer_artifact)) == len(load_tokenizer(base))
    assert config["max_position_embeddings"] == 64
    assert load_model(base).generation_config.eos_token_id == [load_tokenizer(base).eos_token_id]


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path, tokenizer_artifact):
    data = records(tmp_path / "data", "data", map(document, range(10)))
    one, same, other = (
        run(small(seed=seed), tmp_path / name, "base", (data,), tokenizer=tokenizer_artifact).content
        for name, seed in (("one", 1), ("same", 1), ("other", 2))
    )
    assert one == same
    assert one != other


@pytest.mark.slow
def test_the_loss_falls_and_the_rate_stays(tmp_path, tokenizer_artifact, web):
    base = run(small(epochs=6), tmp_path / "base", "base", (web,), tokenizer=tokenizer_artifact)
    # at first every one of some 300 tokens is as likely: ln 300 = 5.7
    assert losses(base)[0] == pytest.approx(np.log(len(load_tokenizer(base))), abs=0.2)
    assert losses(base)[-1] < 0.7 * losses(base)[0]
    assert {entry.value for entry in base.read(TrainingStep) if entry.name == "learning_rate"} == {1e-2}
    assert len(checkpoint_names(base)) == 6
    assert figures(base)[("trained_tokens", "train")] == base.counts.noted["blocks"] * 64 * 6


@pytest.mark.slow
def test_a_mixture_reads_its_shares_and_says_how_often_it_read_what(tmp_path, tokenizer_artifact, web, code):
    named = {"tokenizer": tokenizer_artifact, "sources.web.stage": web, "sources.code.stage": code}
    path = tmp_path / "base"
    path.mkdir()
    # 10 steps of 8 blocks: 56 of the web's, 24 of the code's
    counts = mixed(tokens=10 * 8 * 64).run(Inputs((), named), path)
    assert counts.read == 26
    from small_models import as_artifact

    base = as_artifact(path, "base", "pretrain", counts)
    found = figures(base)
    assert len(losses(base)) == 10
    assert found[("source_share", "web")] == 0.7
    assert found[("trained_tokens", "train")] == 5120
    blocks = {name: TokenFile(path / "scratch" / "tokens" / name, shards_in(path, name), 64).blocks for name in ("web", "code")}
    assert found[("source_epochs", "web")] == 56 / blocks["web"]
    assert found[("source_epochs", "code")] == 24 / blocks["code"]
    assert blocks["code"] < 24  # several passes
    assert counts == Counts(26, 26, noted={"blocks": sum(blocks.values())})


def shards_in(path, name: str) -> list[Shard]:
    return [Shard(**json.loads(seal.read_text())) for seal in sorted((path / "scratch" / "tokens" / name).glob("*.json"))]


@pytest.mark.slow
def test_phase_2_goes_on_where_phase_1_ended(tmp_path, tokenizer_artifact, web):
    first = run(small(epochs=8), tmp_path / "one", "one", (web,), tokenizer=tokenizer_artifact)
    second = run(small(start="one", learning_rate=1e-3), tmp_path / "two", "two", (web,), start=first)
    last = figures(first)[("final_loss", "train")]
    assert losses(second)[0] == pytest.approx(last, abs=0.3)  # a fresh model would begin at 5.7
    assert last < 4.5
    assert second.content != first.content
    # the pointer to its beginning is no part of what it is: made elsewhere from the same, it is the same
    again = run(small(start="one", learning_rate=1e-3), tmp_path / "again", "two", (web,), start=first)
    assert again.content == second.content


@pytest.mark.slow
def test_a_phi3_model_learns_to_read_longer_texts_and_keeps_what_it_was(tmp_path, tokenizer_artifact, web):
    import torch

    first = run(small(model=PHI3), tmp_path / "one", "one", (web,), tokenizer=tokenizer_artifact)
    with pytest.raises(TrainingRefused, match="max_tokens: 128: the model reads 64 tokens"):
        run(small(start="one", max_tokens=128), tmp_path / "refused", "two", (web,), start=first)
    longer = small(
        start="one", max_tokens=128, batch_size=4, learning_rate=1e-3, context={"max_tokens": 256, "attention_factor": 1.0}
    )
    second = run(longer, tmp_path / "two", "two", (web,), start=first)
    model = load_model(second)
    assert model.config.max_position_embeddings == 256
    assert model.config.rope_parameters["rope_type"] == "longrope"
    assert losses(second)[0] < 5.6
    with torch.no_grad():
        assert model(torch.arange(200)[None]).logits.isfinite().all()
    for artifact in (first, second):  # neither file tells where it was made
        assert str(tmp_path) not in (artifact.path / "model" / "config.json").read_text()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({}, [1e-2] * 6),  # phi-1.5: constant, no warm-up
        ({"final_learning_rate": 5e-3}, [0.010, 0.009, 0.008, 0.007, 0.006, 0.005]),
        # two steps of warm-up to a third and two thirds; then half a wave over three steps: 1, (1 + cos 60°)/2, (1 + cos 120°)/2, 0
        (
            {"final_learning_rate": 0.0, "warmup_steps": 2, "schedule": "cosine"},
            [0.01 / 3, 0.02 / 3, 0.010, 0.0075, 0.0025, 0.0],
        ),
        ({"warmup_steps": 4}, [0.002, 0.004, 0.006, 0.008, 0.010, 0.010]),
    ],
)
def test_the_trainers_rate_at_every_step_is_the_schedules(tmp_path, tokenizer_artifact, web, fields, wanted):
    trainer = trained(small(tokens=6 * 8 * 64, **fields), tmp_path, tokenizer_artifact, web)
    assert trainer.seen == pytest.approx(wanted)


@pytest.mark.slow
def test_adam_is_phis_and_norms_and_biases_do_not_decay(tmp_path, tokenizer_artifact, web):
    phi = {"family": "phi", "layers": 2, "hidden": 32, "heads": 2, "feed_forward": 64}
    adam = {"adam_beta1": 0.9, "adam_beta2": 0.98, "adam_epsilon": 1e-7, "weight_decay": 0.1}
    trainer = trained(small(model=phi, tokens=512, **adam), tmp_path, tokenizer_artifact, web)
    names = {id(weights): name for name, weights in trainer.model.named_parameters()}
    decayed = {}
    for group in trainer.optimizer.param_groups:
        assert (group["betas"], group["eps"]) == ((0.9, 0.98), 1e-7)
        decayed |= {names[id(weights)]: group["weight_decay"] for weights in group["params"]}
    assert len(decayed) == len(names)
    matrices = {name for name, weights in trainer.model.named_parameters() if weights.dim() == 2}
    assert {name for name, decay in decayed.items() if decay == 0.1} == matrices
    assert {decay for name, decay in decayed.items() if name not in matrices} == {0.0}


def trained(stage: Pretraining, tmp_path, tokenizer_artifact, data):
    """A trainer after its training, with the rate of every step as the optimizer had it."""
    from transformers import TrainerCallback

    from align.training.token_files import token_files
    from align.training.trainer import run_training

    class Reader(TrainerCallback):
        def on_optimizer_step(self, args, state, control, optimizer, **_):
            trainer.seen.append(optimizer.param_groups[0]["lr"])

    with quiet():
        tokenizer = tokenizer_at(model_place(tokenizer_artifact))
        files = token_files({"inputs": [data]}, tokenizer, tmp_path / "tokens", 64)
        stream = BlockStream(files, [Draw("inputs", files["inputs"].blocks, stage.blocks)], stage.seed)
        job = Job(stage, tmp_path, stage.split(len(stream)), stream, "data")
        trainer = block_trainer(new_model(stage.model, tokenizer, 64, 1), tokenizer, job)
        trainer.seen = []
        trainer.add_callback(Reader())
        run_training(trainer, job)
    return trainer


def test_a_warm_up_longer_than_the_training_is_refused():
    with pytest.raises(TrainingRefused, match="warmup_steps: 5: the training has 5 steps in all"):
        small(warmup_steps=5).split(5 * 8)


def test_rates_of_a_schedule_are_never_above_the_first_and_never_rise_after_the_warm_up():
    stage = small(warmup_steps=3, schedule="cosine", final_learning_rate=1e-3)
    rates = [stage.learning_rate_at(step, 50) for step in range(50)]
    assert max(rates) == rates[3] == 1e-2
    assert all(before >= after for before, after in pairwise(rates[3:]))
    assert rates[-1] == pytest.approx(1e-3)

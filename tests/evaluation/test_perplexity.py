"""The `perplexity` stage, against a sum over single tokens."""

import math
from pathlib import Path

import pytest
from evaluation_setting import make_model, make_tokenizer, prompt, run_stage, save_model, save_records

from align.artifact import Artifact, content_hash
from align.errors import EmptyResult, InputError
from align.evaluation.perplexity import Perplexity
from align.files import read_records
from align.records import Example, Grade, Measurement, Origin, Rejection, Turn
from align.tokens import encode_document, render

DIALOGUES = [("Tea?", "Green tea, at eighty degrees."), ("Rice?", "Rinse it."), ("Why?", "Because the sky scatters blue.")]


def example(number: int, *turns: Turn) -> Example:
    return Example(f"held/{number}", turns, Origin("test", str(number)))


@pytest.fixture(scope="module")
def held_out(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    rows = [example(n, Turn("user", asked), Turn("assistant", said)) for n, (asked, said) in enumerate(DIALOGUES)]
    return save_records(tmp_path_factory.mktemp("held"), "held_out", rows)


def measured(work: Path) -> dict[str, Measurement]:
    return {item.subject: item for item in read_records(work, Measurement)}


def naive(ids: list[int], counted: set[int], seed: int) -> tuple[float, int]:
    """Negative log-likelihood of the tokens at the places `counted`, one forward pass a token."""
    import torch

    model = make_model(make_tokenizer(), seed)
    total = 0.0
    for place in counted:
        with torch.no_grad():
            logits = model(torch.tensor([ids[:place]])).logits[0, -1].double()
        total -= float(logits.log_softmax(-1)[ids[place]])
    return total, len(counted)


def test_perplexity_is_exp_of_the_mean_over_tokens_and_not_over_examples(
    held_out: Artifact, model: Artifact, tmp_path: Path
) -> None:
    run_stage(Perplexity(model="sft", batch_size=2), tmp_path / "work", [held_out], model=model)
    found = measured(tmp_path / "work")
    assert list(found) == ["sft/epoch-01", "sft/epoch-02"]
    tokenizer = make_tokenizer()
    sums = []
    for asked, said in DIALOGUES:
        ids = render((Turn("user", asked), Turn("assistant", said)), tokenizer, "response").input_ids
        # one token a letter: BOS, the prompt, its EOT, then the response and its EOT count
        sums.append(naive(ids, set(range(len(asked) + 2, len(ids))), seed=2))
    expected = math.exp(sum(total for total, _ in sums) / sum(count for _, count in sums))
    assert found["sft/epoch-02"].value == pytest.approx(expected, rel=1e-5)
    assert found["sft/epoch-02"].count == 3
    # 29 + 9 + 30 letters and three EOT
    assert "71 tokens of the responses" in found["sft/epoch-02"].method
    assert found["sft/epoch-02"].low < expected < found["sft/epoch-02"].high
    graded = {(item.prompt_id, item.model): item.value for item in read_records(tmp_path / "work", Grade)}
    assert len(graded) == 6  # three examples, two checkpoints
    assert graded["held/1", "sft/epoch-02"] == pytest.approx(sums[1][0] / sums[1][1], rel=1e-5)


def test_all_tokens_may_count_and_a_document_counts_as_a_whole(model: Artifact, tmp_path: Path) -> None:
    data = save_records(tmp_path / "d", "documents", [example(1, Turn("document", "The sea."))])
    run_stage(Perplexity(model="sft", checkpoints="last"), tmp_path / "document", [data], model=model)
    ids = encode_document("The sea.", make_tokenizer())
    total, count = naive(ids, set(range(1, len(ids))), seed=0)
    found = measured(tmp_path / "document")["sft"]
    assert (found.value, found.low, found.high) == (pytest.approx(math.exp(total / count), rel=1e-5), None, None)
    dialogue = save_records(tmp_path / "x", "dialogues", [example(1, Turn("user", "Hi"), Turn("assistant", "Yo"))])
    run_stage(Perplexity(model="sft", checkpoints="last", loss_on="all"), tmp_path / "all", [dialogue], model=model)
    # H i EOT Y o EOT
    assert "6 tokens of the examples" in measured(tmp_path / "all")["sft"].method


def test_neither_the_batch_nor_an_interruption_changes_the_figure(
    held_out: Artifact, model: Artifact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = {}
    for batch_size in (1, 3):
        run_stage(Perplexity(model="sft", batch_size=batch_size), tmp_path / str(batch_size), [held_out], model=model)
        values[batch_size] = measured(tmp_path / str(batch_size))["sft/epoch-01"].value
    assert values[1] == pytest.approx(values[3], rel=1e-6)
    before = content_hash(tmp_path / "3")
    (tmp_path / "3" / "scratch" / "epoch-02.json").unlink()
    loaded = []
    from align import likelihood

    real = likelihood.load_model
    monkeypatch.setattr(likelihood, "load_model", lambda model, checkpoint: loaded.append(checkpoint) or real(model, checkpoint))
    run_stage(Perplexity(model="sft", batch_size=3), tmp_path / "3", [held_out], model=model)
    assert loaded == ["epoch-02"]
    assert content_hash(tmp_path / "3") == before


def test_long_examples_are_cut_and_those_without_a_response_are_rejected(model: Artifact, tmp_path: Path) -> None:
    long = example(1, Turn("user", "a"), Turn("assistant", "b" * 100))
    data = save_records(tmp_path / "d", "held_out", [long, prompt(2, "Tea?")])
    counts = run_stage(Perplexity(model="sft", checkpoints="last"), tmp_path / "work", [data], model=model)
    assert (counts.read, counts.kept, counts.dropped, counts.noted) == (2, 1, {"perplexity: nothing to predict": 1}, {"cut": 1})
    # the model reads 64 tokens, of which BOS, a and EOT do not count
    assert "61 tokens" in measured(tmp_path / "work")["sft"].method
    [rejection] = read_records(tmp_path / "work", Rejection)
    assert rejection.example_id == "prompt/2"


def test_nothing_that_counts_says_which_field_to_change(model: Artifact, tmp_path: Path) -> None:
    data = save_records(tmp_path / "d", "prompts", [prompt(2, "Tea?")])
    with pytest.raises(EmptyResult, match=r"none of the 1 examples of prompts .* loss_on: all"):
        run_stage(Perplexity(model="sft"), tmp_path / "work", [data], model=model)


def test_named_checkpoints_are_measured_in_the_order_named(held_out: Artifact, model: Artifact, tmp_path: Path) -> None:
    run_stage(Perplexity(model="sft", checkpoints=("epoch-02", "epoch-01")), tmp_path / "work", [held_out], model=model)
    assert list(measured(tmp_path / "work")) == ["sft/epoch-02", "sft/epoch-01"]
    with pytest.raises(InputError, match="no checkpoint 'epoch-3'"):
        run_stage(Perplexity(model="sft", checkpoints=("epoch-3",)), tmp_path / "none", [held_out], model=model)


def test_a_base_model_without_checkpoints_is_measured_as_it_is(held_out: Artifact, base: Artifact, tmp_path: Path) -> None:
    run_stage(Perplexity(model="base"), tmp_path / "work", [held_out], model=base)
    assert list(measured(tmp_path / "work")) == ["base"]


def test_a_model_of_nonsense_has_a_finite_perplexity(held_out: Artifact, tmp_path: Path) -> None:
    import torch

    made = save_model(tmp_path / "wild", "wild")
    loaded = make_model(make_tokenizer())
    with torch.no_grad():
        loaded.lm_head.weight.mul_(1e4)
    loaded.save_pretrained(tmp_path / "wild" / "model")
    run_stage(Perplexity(model="wild"), tmp_path / "work", [held_out], model=made)
    assert math.isfinite(measured(tmp_path / "work")["wild"].value)

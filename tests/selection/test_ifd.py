"""Instruction-following difficulty, against a sum over single tokens."""

from pathlib import Path
from random import Random

import pytest

from align.artifact import Artifact
from align.models import load_model, load_tokenizer
from align.records import Example
from align.selection.scorers.ifd import Ifd
from align.tokens import encode_text, render_prompt
from toy_records import example

WORDS = [
    "moss",
    "fern",
    "oak",
    "brook",
    "stone",
    "heron",
    "vole",
    "otter",
    "alder",
    "willow",
    "reed",
    "carp",
    "newt",
    "mist",
    "lark",
]


@pytest.fixture(scope="module", params=["with a start", "without one"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """A GPT-2 of two layers that knows 15 words, as a stage leaves it; its tokenizer has a BOS or has none."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    bare = Tokenizer(
        models.WordLevel({word: number for number, word in enumerate(["<s>", "</s>", "<unk>", *WORDS])}, unk_token="<unk>")
    )
    bare.pre_tokenizer = pre_tokenizers.Whitespace()
    special = {"eos_token": "</s>", "unk_token": "<unk>"} | ({"bos_token": "<s>"} if request.param == "with a start" else {})
    folder = tmp_path_factory.mktemp("model")
    PreTrainedTokenizerFast(tokenizer_object=bare, **special).save_pretrained(folder / "model")
    torch.manual_seed(0)
    config = GPT2Config(vocab_size=18, n_positions=64, n_embd=16, n_layer=2, n_head=2, bos_token_id=0, eos_token_id=1)
    network = GPT2LMHeadModel(config)
    with torch.no_grad():  # far from uniform, so that prompts matter
        for weight in network.parameters():
            weight.mul_(4)
    network.save_pretrained(folder / "model")
    return Artifact("base", "key", "content", folder, {"kind": "pretrain"})


def question(number: int) -> Example:
    draw = Random(number)
    return example(f"q/{number}", " ".join(draw.choices(WORDS, k=4)), " ".join(draw.choices(WORDS, k=3 + number % 4)))


def test_difficulty_is_the_loss_after_the_prompt_by_the_loss_alone(tmp_path: Path, model: Artifact) -> None:
    pool = [question(number) for number in range(6)]
    found = list(Ifd(model="base", batch_size=3).scores(pool, {"model": model}, tmp_path))
    assert list(Ifd(model="base").scores(pool, {"model": model}, tmp_path)) == found, "noted, and not computed again"
    for item, score in zip(pool, found, strict=True):
        ratio = loss_of_the_answer(model, item, after_prompt=True) / loss_of_the_answer(model, item, after_prompt=False)
        assert score == (pytest.approx(ratio, rel=1e-4) if ratio < 1 else "prompt does not help")
    assert any(isinstance(score, float) for score in found)


def loss_of_the_answer(model: Artifact, item: Example, after_prompt: bool) -> float:
    """Mean loss of the answer's tokens, one text at a time, without masks."""
    import torch

    tokenizer, network = load_tokenizer(model), load_model(model)
    start = [] if tokenizer.bos_token_id is None else [tokenizer.bos_token_id]
    answer = encode_text(item.response, tokenizer)
    before = render_prompt(item.turns, tokenizer) if after_prompt else start
    with torch.inference_mode():
        logits = network(torch.tensor([before + answer])).logits[0]
    skipped = 0 if start else 1
    losses = torch.nn.functional.cross_entropy(
        logits[len(before) + skipped - 1 : -1], torch.tensor(answer[skipped:]), reduction="none"
    )
    return float(losses.mean())


def test_a_response_that_does_not_fit_behind_its_prompt_has_no_difficulty(tmp_path: Path, model: Artifact) -> None:
    found = list(
        Ifd(model="base", max_tokens=8).scores(
            [example("q/1", " ".join(WORDS), "moss"), example("q/9", "moss")], {"model": model}, tmp_path
        )
    )
    assert found == ["prompt fills max_tokens", "no response"]

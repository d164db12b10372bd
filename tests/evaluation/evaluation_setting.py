"""What the tests of the evaluation share: a model of twenty thousand weights, and artifacts without a run."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from align.artifact import Artifact, Counts
from align.files import write_records
from align.records import Example, Origin, Response, Turn
from align.stage import Inputs, Stage
from align.tokens import EOT

CONTEXT = 64


def make_tokenizer(with_eot: bool = True) -> Any:
    """One token a byte, so that the ids of a text can be read off."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    inner = Tokenizer(models.BPE({letter: number for number, letter in enumerate(alphabet)}, []))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    inner.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, bos_token="<s>", eos_token="</s>")
    if with_eot:
        tokenizer.add_special_tokens({"extra_special_tokens": [EOT]})
    return tokenizer


def make_model(tokenizer: Any, seed: int = 0, context: int = CONTEXT) -> Any:
    """A random Llama; its weights are large enough for its answers to depend on the prompt."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=context,
        initializer_range=0.3,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    return LlamaForCausalLM(config).eval()


def save_model(
    folder: Path, name: str = "sft", with_eot: bool = True, seed: int = 0, epochs: int = 0, context: int = CONTEXT
) -> Artifact:
    """An artifact with a model, and with a checkpoint an epoch, each of other weights."""
    tokenizer = make_tokenizer(with_eot)
    places = [
        (folder / "model", seed),
        *((folder / "checkpoints" / f"epoch-{epoch:02d}", seed + epoch) for epoch in range(1, epochs + 1)),
    ]
    for place, number in places:
        make_model(tokenizer, number, context).save_pretrained(place)
        tokenizer.save_pretrained(place)
    return Artifact(name, f"key-{name}", f"content-{name}", folder, {"kind": "sft"})


def save_records(folder: Path, name: str, records: Iterable[Any]) -> Artifact:
    """An artifact with records of one type."""
    several = list(records)
    write_records(folder, type(several[0]), several)
    return Artifact(name, f"key-{name}", f"content-{name}", folder, {"kind": "ingest"})


def prompt(number: int | str, text: str) -> Example:
    return Example(f"prompt/{number}", (Turn("user", text),), Origin("test", str(number)))


def response(prompt_id: str, model: str, text: str, asked: str = "What is tea?", sample: int = 0) -> Response:
    return Response(prompt_id, model, (Turn("user", asked), Turn("assistant", text)), "{}", sample, len(text), True)


def run_stage(stage: Stage, work: Path, data: Iterable[Artifact], **named: Artifact) -> Counts:
    """Run a stage outside a recipe; what it left in scratch stays there."""
    work.mkdir(parents=True, exist_ok=True)
    return stage.run(Inputs(tuple(data), named), work)

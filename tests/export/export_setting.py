"""A model of a hundred thousand weights that has learned four dialogues by heart, so that its answers end with EOT."""

import json
from pathlib import Path
from typing import Any

from align.artifact import Artifact, content_hash
from align.records import Example, Origin, Turn
from align.tokens import render
from align.training.eot import add_eot
from align.training.tokenizer import learn_tokenizer

DIALOGUES = (
    ("Where does the heron nest?", "In the reeds by the old mill, where nobody walks."),
    ("What does the otter eat?", "Fish. In winter also frogs – and now and then a newt."),
    ("Is the brook deep?", "No: at the ford it comes to your knees.\nBelow the weir, to your hat."),
    ("Name a tree.", "Alder."),
)
STEPS = 120


def example(number: int) -> Example:
    asked, answered = DIALOGUES[number]
    return Example(f"pond/{number}", (Turn("user", asked), Turn("assistant", answered)), Origin("pond", str(number)))


def make_tokenizer() -> Any:
    from transformers import PreTrainedTokenizerFast

    learned = learn_tokenizer((text for dialogue in DIALOGUES for text in dialogue), 330)
    return PreTrainedTokenizerFast(tokenizer_object=learned, bos_token="<|bos|>", eos_token="<|eos|>", pad_token="<|pad|>")


def make_sentencepiece(prefix: str) -> Any:
    """As Llama 1 and 2 have it: BPE on letters, bytes where there is no letter, `▁` for a space and before a text.

    `prefix`: prepend (before every text), or Metaspace's always, first or never.
    """
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    specials = ["<unk>", "<s>", "</s>", *(f"<0x{number:02X}>" for number in range(256))]
    inner = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    inner.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    trainer = trainers.BpeTrainer(vocab_size=420, special_tokens=specials, show_progress=False)
    inner.train_from_iterator((text for dialogue in DIALOGUES for text in dialogue), trainer)
    # only learning cuts texts into words; and bytes are no special tokens
    learned = json.loads(inner.to_str())["model"]
    merges = [tuple(pair) for pair in learned["merges"]]
    told = Tokenizer(models.BPE(learned["vocab"], merges, unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    if prefix == "prepend":
        told.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    else:
        told.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=prefix, split=False)
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    told.decoder = decoders.Sequence(steps if prefix == "never" else [*steps, decoders.Strip(" ", 1, 0)])
    return PreTrainedTokenizerFast(tokenizer_object=told, bos_token="<s>", eos_token="</s>", unk_token="<unk>")


def make_model(tokenizer: Any, family: str = "llama", **sizes: Any) -> Any:
    """Random weights of one family, sizes that blocks of 32 divide, two key-value heads for four query heads."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(5)
    given = {
        "vocab_size": len(tokenizer), "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4,
        "num_key_value_heads": 2, "max_position_embeddings": 256, "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id, "tie_word_embeddings": False,
    }  # fmt: skip
    config = AutoConfig.for_model(family, **given | sizes)
    return AutoModelForCausalLM.from_config(config, dtype=torch.float32)


def learn_by_heart(model: Any, tokenizer: Any) -> None:
    """Take some steps on the four dialogues, until greedy answers are theirs, EOT included."""
    import torch

    rows = [render(example(number).turns, tokenizer, "all") for number in range(len(DIALOGUES))]
    width = max(len(row.input_ids) for row in rows)
    ids_BT = torch.tensor([row.input_ids + [0] * (width - len(row.input_ids)) for row in rows])
    labels_BT = torch.tensor([row.labels + [-100] * (width - len(row.labels)) for row in rows])
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    model.train()
    for _ in range(STEPS):
        optimizer.zero_grad()
        model(input_ids=ids_BT, labels=labels_BT).loss.backward()
        optimizer.step()
    model.eval()


def save_stage(folder: Path, model: Any, tokenizer: Any, name: str = "sft", kind: str = "sft") -> Artifact:
    """The artifact a fine-tuning would leave."""
    from transformers import GenerationConfig

    from align.training.trainer import ends

    model.generation_config = GenerationConfig(eos_token_id=ends(tokenizer), pad_token_id=tokenizer.pad_token_id)
    model.save_pretrained(folder / "model")
    tokenizer.save_pretrained(folder / "model")
    return Artifact(name, f"key-of-{name}", content_hash(folder), folder, {"stage": name, "kind": kind, "counts": {}})


def trained_stage(folder: Path, family: str = "llama", tokenizer: Any = None, **sizes: Any) -> Artifact:
    tokenizer = make_tokenizer() if tokenizer is None else tokenizer
    model = make_model(tokenizer, family, **sizes)
    add_eot(model, tokenizer)
    learn_by_heart(model, tokenizer)
    return save_stage(folder, model, tokenizer)

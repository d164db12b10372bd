"""A model of a hundred thousand weights that has learned four dialogues by heart, so that its answers end with EOT."""

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


def trained_stage(folder: Path, family: str = "llama", **sizes: Any) -> Artifact:
    tokenizer = make_tokenizer()
    model = make_model(tokenizer, family, **sizes)
    add_eot(model, tokenizer)
    learn_by_heart(model, tokenizer)
    return save_stage(folder, model, tokenizer)

"""A model as plain transformers reads it: merged safetensors, tokenizer with a chat template, ends of an answer."""

from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Literal

from align.artifact import Artifact
from align.chat_templates import own_turn_end
from align.errors import ExportRefused
from align.evaluation.answering import stop_ids
from align.evaluation.decoding import Sampling, decode
from align.export.chat_template import SAID, fitting_template, template_fault
from align.files import open_as_folder, write_text
from align.models import ModelPlace, model_at, model_place, tokenizer_at
from align.records import Turn
from align.tokens import EOT, eot_id, render_prompt

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

Dtype = Literal["stored", "float32", "bfloat16", "float16"]

SHARD = "5GB"
"""Largest file of weights: a cut download costs no more than this, and file systems take it."""
GREEDY = Sampling(top_p=1.0, temperature=0.0, repetition_penalty=1.0, repetition_scope="generated")
CHECKED_TOKENS = 8


def write_hf(model: Artifact, checkpoint: str, dtype: Dtype, folder: Path) -> None:
    """Write a stage's model into `folder` and prove that plain transformers answers with it as align does."""
    place = model_place(model, checkpoint)
    tokenizer = tokenizer_at(place)
    if eot_id(tokenizer) is None:
        raise ExportRefused(
            f"stage {model.name!r} (kind {model.kind}): its tokenizer has no {EOT}, so nothing could tell where an answer ends. "
            f"Export a model that was fine-tuned: a stage of kind sft, dpo, kto or pick_checkpoint."
        )
    template = fitting_template(tokenizer)
    loaded = model_at(place, "auto" if dtype == "stored" else dtype).eval()
    prompts = checked_prompts(tokenizer, getattr(loaded.config, "max_position_embeddings", None))
    answers = [_greedy(loaded, tokenizer, prompt) for prompt in prompts]
    loaded.generation_config = generation_config(loaded, tokenizer)
    loaded.config.use_cache = True
    loaded.save_pretrained(folder, max_shard_size=SHARD)
    for weights in folder.glob("*.safetensors"):
        open_as_folder(weights)
    del loaded
    tokenizer.chat_template = template
    tokenizer.save_pretrained(folder)
    write_text(folder / "README.md", model_card(model.name, tokenizer))
    check_folder(folder, tokenizer_at(place), prompts, answers)


def generation_config(model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerFast") -> Any:
    """Where an answer ends: EOT, EOS, and what else the model itself ends a text with.

    No repetition penalty, though LIMA §4 samples with one: transformers and llama.cpp count the prompt's tokens as said, its
    EOT among them, and would keep the model from ending.
    """
    from transformers import GenerationConfig

    end = eot_id(tokenizer)
    others = sorted(stop_ids(model, tokenizer) - {end})
    padding = next((item for item in (tokenizer.pad_token_id, tokenizer.eos_token_id) if item is not None), end)
    return GenerationConfig(bos_token_id=tokenizer.bos_token_id, eos_token_id=[end, *others], pad_token_id=padding)


def checked_prompts(tokenizer: "PreTrainedTokenizerFast", context: int | None) -> list[list[int]]:
    """Prompts of one turn and of three, as token ids, that an export has to answer as the model itself does."""
    one = [Turn("user", SAID[0])]
    three = [*one, Turn("assistant", SAID[1]), Turn("user", SAID[2])]
    most = None if context is None else max(1, context - CHECKED_TOKENS)
    return [render_prompt(turns, tokenizer)[:most] for turns in (one, three)]


def check_folder(
    folder: Path, tokenizer: "PreTrainedTokenizerFast", prompts: Sequence[list[int]], answers: Sequence[list[int]]
) -> None:
    """Refuse a written folder with which plain transformers would see other prompts than align, or answer otherwise."""
    place = ModelPlace(str(folder))
    fault = template_fault(tokenizer, tokenizer_at(place))
    if fault:
        raise ExportRefused(f"{folder}: its chat template is not what the model was trained on: {fault}")
    written = model_at(place, "auto").eval()
    ends = written.generation_config.eos_token_id
    if eot_id(tokenizer) not in ends:
        raise ExportRefused(f"{folder}: generation_config.json ends answers at {ends} and not at {EOT} ({eot_id(tokenizer)})")
    for prompt, wanted in zip(prompts, answers, strict=True):
        got = generated(written, prompt, CHECKED_TOKENS)
        if got != wanted:
            raise ExportRefused(
                f"{folder}: plain transformers answers {tokenizer.decode(got)!r}, the stage's own model "
                f"{tokenizer.decode(wanted)!r}: the written weights are not the model's."
            )


def generated(model: "PreTrainedModel", prompt: list[int], tokens: int) -> list[int]:
    """The greedy answer of `model.generate`, with nothing of align's in between."""
    import torch

    ids_BT = torch.tensor([prompt], device=model.device)
    found_BT = model.generate(ids_BT, attention_mask=torch.ones_like(ids_BT), do_sample=False, max_new_tokens=tokens)
    return list(map(int, found_BT[0, len(prompt) :]))


def _greedy(model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerFast", prompt: list[int]) -> list[int]:
    return answer_of(decode(model, [prompt], [CHECKED_TOKENS], [Random(0)], stop_ids(model, tokenizer), GREEDY))


def answer_of(tokens: Any) -> list[int]:
    """The first answer that a decoding returns once all its tokens are drawn."""
    while True:
        try:
            next(tokens)
        except StopIteration as done:
            return list(done.value[0])


_FORM = """\
A dialogue is written `BOS prompt {end} response {end} prompt {end} ...`, without names of speakers; the model ends its answer
with `{end}`. The chat template writes it so:"""
_QUOTED = """\
A text that quotes `{end}` or another special token gets a space behind the token's first character. In training it was read
  letter by letter; a template cannot ask for that, and would otherwise end the turn there."""
_OWN_FORM = """\
A dialogue is written by the chat template that the model's base came with; the model ends its answer with `{end}`:"""
_OWN_QUOTED = """\
In training a text that quotes `{end}` or another special token got a space behind the token's first character. The
  template does not do that: do it before you ask, or such a text ends the turn."""


def model_card(name: str, tokenizer: "PreTrainedTokenizerFast") -> str:
    """README.md of the folder: how to ask the model, and what differs where a text quotes a special token."""
    end = str(tokenizer.convert_ids_to_tokens(eot_id(tokenizer)))
    form, quoted = (_FORM, _QUOTED) if own_turn_end(tokenizer) is None else (_OWN_FORM, _OWN_QUOTED)
    return f"""---
library_name: transformers
pipeline_tag: text-generation
---
# {name}

{form.format(end=end)}

```python
from transformers import AutoModelForCausalLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("FOLDER")
model = AutoModelForCausalLM.from_pretrained("FOLDER")
asked = [{{"role": "user", "content": "Where does the heron nest?"}}]
ids = tokenizer.apply_chat_template(asked, add_generation_prompt=True, return_tensors="pt")
answer = model.generate(**ids, do_sample=True, temperature=0.7, top_p=0.9, max_new_tokens=512)
```

- Sample as above. A repetition penalty of transformers counts the prompt as said, its `{end}` too, and so keeps the model from
  ending.
- {quoted.format(end=end)}
"""

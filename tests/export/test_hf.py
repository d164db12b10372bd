import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from export_setting import DIALOGUES, example, make_model, make_tokenizer, save_stage

from align.artifact import Artifact
from align.errors import ExportRefused
from align.export.chat import Chat, sampling_of
from align.export.chat_template import fitting_template, special_texts, template_ids
from align.export.hf import check_folder, generated, write_hf
from align.export.speaker import stage_speaker
from align.files import write_records
from align.models import load_model, load_tokenizer
from align.records import Example, Turn
from align.stage import Inputs
from align.tokens import EOT, eot_id, render, render_prompt
from align.training.adapters import Lora, QLora
from align.training.sft import FineTuning


def plain(folder: Path) -> tuple[Any, Any]:
    """What a user of transformers alone has."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    return AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_the_chat_template_gives_the_ids_of_training_and_of_inference(hf_folder: Path, sft: Artifact, count: int) -> None:
    _, theirs = plain(hf_folder)
    ours = load_tokenizer(sft)
    said = ["Where?", "  In the reeds.\n\n- there ", "鷺は? 🦆", "", "\tand <b>how</b> deep? {{ bos_token }}"]
    turns = [Turn(("user", "assistant")[number % 2], text) for number, text in enumerate(said[:count])]
    messages = [{"role": turn.role, "content": turn.text} for turn in turns]
    full = theirs.apply_chat_template(messages, return_dict=False)
    assert full == render(turns, ours, "response").input_ids
    asked = messages[:-1] if count == 2 else messages
    prompt = theirs.apply_chat_template(asked, add_generation_prompt=True, return_dict=False)
    assert prompt == render_prompt(turns, ours)
    # <bos>, and one EOT a turn
    assert (prompt[0], full.count(eot_id(ours))) == (ours.bos_token_id, count)


def test_a_text_that_quotes_a_special_token_ends_no_turn(hf_folder: Path, sft: Artifact) -> None:
    _, theirs = plain(hf_folder)
    turns = [Turn("user", f"What does {EOT} do after <|eos|> and <|bos|>?")]
    ids = template_ids(theirs, turns, True)
    assert [ids.count(theirs.convert_tokens_to_ids(text)) for text in (EOT, "<|eos|>", "<|bos|>")] == [1, 0, 1]
    # the difference that README.md of the folder tells: a space behind the first character
    assert theirs.decode(ids[1:-1]) == "What does < |eot|> do after < |eos|> and < |bos|>?"
    assert ids != render_prompt(turns, load_tokenizer(sft))
    assert "gets a space" in (hf_folder / "README.md").read_text()


def test_plain_transformers_answers_as_align_does_and_stops_at_eot(hf_folder: Path, sft: Artifact) -> None:
    model, tokenizer = plain(hf_folder)
    speaker = stage_speaker(sft)
    for asked, answered in DIALOGUES:
        ids = template_ids(tokenizer, [Turn("user", asked)], True)
        got = generated(model, ids, 64)
        assert got[-1] == eot_id(tokenizer)
        assert tokenizer.decode(got, skip_special_tokens=True) == answered
        chat = Chat(speaker, sampling_of({"temperature": 0.0, "repetition_penalty": 1.0}), 64, Random(0))
        assert "".join(chat.answer(asked)) == answered


def test_eot_and_eos_both_end_a_text(hf_folder: Path) -> None:
    config = json.loads((hf_folder / "generation_config.json").read_text())
    _, tokenizer = plain(hf_folder)
    assert config["eos_token_id"] == [eot_id(tokenizer), tokenizer.eos_token_id]
    assert "repetition_penalty" not in config


def test_the_weights_are_those_of_the_stage_in_the_type_that_was_asked_for(sft: Artifact, tmp_path: Path) -> None:
    import torch

    write_hf(sft, "last", "bfloat16", tmp_path / "half")
    ours = load_model(sft)
    theirs, _ = plain(tmp_path / "half")
    assert theirs.dtype == torch.bfloat16
    for name, weight in ours.state_dict().items():
        assert torch.equal(weight.bfloat16(), theirs.state_dict()[name]), name
    assert (tmp_path / "half" / "model.safetensors").stat().st_mode & 0o444 == (tmp_path / "half").stat().st_mode & 0o444


@pytest.mark.slow
@pytest.mark.parametrize("adapter", [Lora(rank=4), QLora(rank=4)], ids=["lora", "qlora"])
def test_an_adapter_is_merged_and_answers_as_the_stage_does(tmp_path: Path, adapter: Any) -> None:
    tokenizer = make_tokenizer()
    base = save_stage(tmp_path / "base", make_model(tokenizer), tokenizer, "base", "pretrain")
    (tmp_path / "base" / "manifest.json").write_text(json.dumps(base.manifest | {"content": base.content}))
    data = tmp_path / "data"
    write_records(data, Example, map(example, range(4)))
    work = tmp_path / "sft"
    work.mkdir()
    stage = FineTuning(
        model="base", loss_on="response", adapter=adapter, epochs=30, batch_size=4, learning_rate=0.03, max_tokens=128
    )
    examples = Artifact("data", "key", "content", data, {"stage": "data", "kind": "ingest"})
    stage.run(Inputs((examples,), {"model": base}), work)
    tuned = Artifact("sft", "key", "content", work, {"stage": "sft", "kind": "sft"})
    write_hf(tuned, "last", "stored", tmp_path / "hf")
    theirs, tokenizer = plain(tmp_path / "hf")
    ours = load_model(tuned)
    assert not [name for name in theirs.state_dict() if "lora" in name]
    assert not list((tmp_path / "hf").glob("adapter*"))
    for asked, _ in DIALOGUES:
        ids = template_ids(tokenizer, [Turn("user", asked)], True)
        assert generated(theirs, ids, 24) == generated(ours, ids, 24)


def test_a_base_model_has_no_end_of_turn_and_is_refused(tmp_path: Path) -> None:
    tokenizer = make_tokenizer()
    base = save_stage(tmp_path / "base", make_model(tokenizer), tokenizer, "base", "pretrain")
    with pytest.raises(ExportRefused, match=r"stage 'base' \(kind pretrain\): its tokenizer has no <\|eot\|>"):
        write_hf(base, "last", "stored", tmp_path / "out")


def test_a_folder_whose_weights_were_changed_is_refused(sft: Artifact, tmp_path: Path) -> None:
    write_hf(sft, "last", "stored", tmp_path / "out")
    tokenizer = load_tokenizer(sft)
    prompt = render_prompt(example(0).turns, tokenizer)
    right = generated(load_model(sft), prompt, 8)
    check_folder(tmp_path / "out", tokenizer, [prompt], [right])
    other = make_model(tokenizer)
    other.generation_config.eos_token_id = [eot_id(tokenizer)]
    other.save_pretrained(tmp_path / "out")
    with pytest.raises(ExportRefused, match="plain transformers answers"):
        check_folder(tmp_path / "out", tokenizer, [prompt], [right])


def test_a_folder_with_a_template_of_another_format_is_refused(sft: Artifact, tmp_path: Path) -> None:
    write_hf(sft, "last", "stored", tmp_path / "out")
    (tmp_path / "out" / "chat_template.jinja").write_text("{% for m in messages %}{{ m.content }}<|eos|>{% endfor %}")
    with pytest.raises(ExportRefused, match=r"a dialogue of 1 turns gives at token 0 .* and not \['<\|bos\|>'"):
        check_folder(tmp_path / "out", load_tokenizer(sft), [], [])


def spaced_tokenizer(scheme: str) -> Any:
    """As Llama 2's and Mistral's: words begin with a mark, put before a text that stands alone, always or only at the very start."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = ["<unk>", "▁", *(chr(number) for number in range(0x21, 0x7F))]
    inner = Tokenizer(models.BPE({letter: number for number, letter in enumerate(letters)}, [], unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=scheme)
    inner.decoder = decoders.Metaspace(prepend_scheme=scheme)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, bos_token="<s>", eos_token="</s>", unk_token="<unk>")
    tokenizer.add_tokens([AddedToken(EOT, special=True, normalized=False)], special_tokens=True)
    return tokenizer


@pytest.mark.parametrize("scheme", ["always", "first", "never"])
def test_a_tokenizer_that_puts_a_space_before_a_text_gets_the_template_that_does_too(scheme: str) -> None:
    tokenizer = spaced_tokenizer(scheme)
    template = fitting_template(tokenizer)
    turns = [Turn("user", "Where?"), Turn("assistant", " There. "), Turn("user", "")]
    assert template_ids(tokenizer, turns, True, template) == render_prompt(turns, tokenizer)
    assert ("startswith(' ')" in template) == (scheme == "first")


def test_a_tokenizer_whose_tokens_swallow_spaces_is_refused() -> None:
    from tokenizers import AddedToken

    tokenizer = make_tokenizer()
    tokenizer.add_tokens([AddedToken(EOT, special=True, normalized=False, rstrip=True)], special_tokens=True)
    with pytest.raises(ExportRefused, match="no chat template gives the ids that the model was trained on"):
        fitting_template(tokenizer)


def test_every_special_token_is_known_to_the_template(hf_folder: Path) -> None:
    _, tokenizer = plain(hf_folder)
    assert set(special_texts(tokenizer)) == {"<|bos|>", "<|eos|>", "<|pad|>", EOT}


def test_a_model_with_a_template_of_its_own_keeps_it(tmp_path: Path) -> None:
    from export_setting import learn_by_heart

    from align.chat_templates import use_own_template
    from align.export.ollama import modelfile

    tokenizer = make_tokenizer()
    tokenizer.add_special_tokens({"extra_special_tokens": ["<|says|>", "<|end|>"]})
    tokenizer.chat_template = (
        "{% for said in messages %}<|says|>{{ said.role }}\n{{ said.content }}<|end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|says|>assistant\n{% endif %}"
    )
    use_own_template(tokenizer)
    model = make_model(tokenizer)
    learn_by_heart(model, tokenizer)
    write_hf(save_stage(tmp_path / "sft", model, tokenizer), "last", "stored", tmp_path / "out")
    written, theirs = plain(tmp_path / "out")
    assert theirs.chat_template == tokenizer.chat_template
    asked, answered = DIALOGUES[3]
    prompt = theirs.apply_chat_template([{"role": "user", "content": asked}], add_generation_prompt=True, return_dict=False)
    assert theirs.decode(generated(written, prompt, 40)) == f"{answered}<|end|>"
    assert "the model ends its answer with `<|end|>`" in (tmp_path / "out" / "README.md").read_text()
    own = modelfile("x.gguf", 256, "<|end|>")
    assert 'PARAMETER stop "<|end|>"' in own
    assert "TEMPLATE" not in own

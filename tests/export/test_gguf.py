"""GGUF files, read back by the gguf package, by transformers, and by llama.cpp where llama-cpp-python is installed."""

import shutil
from pathlib import Path
from random import Random
from typing import Any

import pytest
from export_setting import DIALOGUES, make_model, make_sentencepiece, make_tokenizer, save_stage, trained_stage

from align.errors import ExportRefused, InputError
from align.export import speaker as speaking
from align.export.chat import Chat
from align.export.gguf_file import Quant, permuted, write_gguf
from align.export.gguf_shape import rope_factors
from align.export.gguf_vocabulary import vocabulary_of
from align.export.hf import GREEDY, generated, write_hf
from align.export.ollama import modelfile
from align.export.runtimes import LlamaCpp
from align.export.speaker import speaker_at
from align.models import load_tokenizer
from align.records import Turn
from align.tokens import EOT, eot_id, render, render_prompt
from align.training.eot import add_eot

FAMILIES = ("llama", "mistral", "qwen2", "phi3")


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory, hf_folder: Path) -> dict[str, Path]:
    """A trained model of each family, exported for transformers."""
    found = {"llama": hf_folder}
    for family in FAMILIES[1:]:
        place = tmp_path_factory.mktemp(family)
        write_hf(trained_stage(place, family), "last", "stored", place / "hf")
        found[family] = place / "hf"
    return found


def weights_of(folder: Path) -> dict[str, Any]:
    from safetensors.numpy import load_file

    return load_file(folder / "model.safetensors")


def read(path: Path) -> Any:
    from gguf import GGUFReader

    return GGUFReader(path)


def dequantized(tensor: Any) -> Any:
    from gguf.quants import dequantize

    return dequantize(tensor.data, tensor.tensor_type)


def by_hand(values: Any, quant: str) -> Any:
    """Rounding written out, one block of 32 after the other (ggml-quants.c, quantize_row_q8_0_ref and q4_0_ref)."""
    import numpy as np

    if quant == "F16":
        return values.astype(np.float16).astype(np.float32)
    found = np.empty_like(values)
    for row, line in enumerate(values):
        for start in range(0, len(line), 32):
            block = line[start : start + 32]
            if quant == "Q8_0":
                scale = np.abs(block).max() / 127
                steps = np.array([int(abs(value / scale) + 0.5) * (1 if value > 0 else -1) if scale else 0 for value in block])
            else:
                scale = block[np.abs(block).argmax()] / -8
                steps = np.array([min(15, int(value / scale + 8.5)) - 8 if scale else 0 for value in block])
            found[row, start : start + 32] = steps * np.float32(np.float16(scale))
    return found


def test_rows_of_a_head_are_reordered_as_llama_cpps_rope_wants_them() -> None:
    import numpy as np

    # Two heads of four rows. transformers turns row 0 with 2 and 1 with 3; llama.cpp 0 with 1 and 2 with 3.
    rows = np.array([["a0"], ["a1"], ["a2"], ["a3"], ["b0"], ["b1"], ["b2"], ["b3"]])
    assert permuted(rows, 2)[:, 0].tolist() == ["a0", "a2", "a1", "a3", "b0", "b2", "b1", "b3"]


@pytest.mark.parametrize("quant", ["F16", "Q8_0", "Q4_0"])
def test_every_weight_is_what_rounding_by_hand_gives(hf_folder: Path, tmp_path: Path, quant: Quant) -> None:
    import numpy as np

    write_gguf(hf_folder, "heron", quant, tmp_path / "heron.gguf")
    theirs = weights_of(hf_folder)
    found = {tensor.name: tensor for tensor in read(tmp_path / "heron.gguf").tensors}
    assert len(found) == len(theirs) == 21
    for layer in range(2):
        for name, ours in [("q_proj", "attn_q"), ("k_proj", "attn_k"), ("v_proj", "attn_v"), ("o_proj", "attn_output")]:
            wanted = theirs[f"model.layers.{layer}.self_attn.{name}.weight"]
            if name in ("q_proj", "k_proj"):
                # undone here by another route: even rows of a head are its first half, odd ones its second
                heads = 4 if name == "q_proj" else 2
                order = [head * 16 + (place % 2) * 8 + place // 2 for head in range(heads) for place in range(16)]
                wanted = wanted[order]
            np.testing.assert_allclose(dequantized(found[f"blk.{layer}.{ours}.weight"]), by_hand(wanted, quant), atol=1e-6)
        for name, ours in [("gate_proj", "ffn_gate"), ("up_proj", "ffn_up"), ("down_proj", "ffn_down")]:
            wanted = by_hand(theirs[f"model.layers.{layer}.mlp.{name}.weight"], quant)
            np.testing.assert_allclose(dequantized(found[f"blk.{layer}.{ours}.weight"]), wanted, atol=1e-6)
        np.testing.assert_array_equal(
            found[f"blk.{layer}.attn_norm.weight"].data, theirs[f"model.layers.{layer}.input_layernorm.weight"]
        )
    finer = "Q8_0" if quant == "Q4_0" else quant
    np.testing.assert_allclose(dequantized(found["output.weight"]), by_hand(theirs["lm_head.weight"], finer), atol=1e-6)
    assert found["output.weight"].tensor_type.name == found["token_embd.weight"].tensor_type.name == finer


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("quant", ["F16", "Q8_0", "Q4_0"])
def test_transformers_reads_the_file_and_answers_as_the_model_does(
    folders: dict[str, Path], tmp_path: Path, family: str, quant: Quant
) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    write_gguf(folders[family], "heron", quant, tmp_path / "heron.gguf")
    tokenizer = AutoTokenizer.from_pretrained(folders[family])
    model = AutoModelForCausalLM.from_pretrained(tmp_path, gguf_file="heron.gguf", dtype="float32")
    model.generation_config.eos_token_id = [eot_id(tokenizer)]
    for asked, answered in DIALOGUES:
        got = generated(model, render_prompt([Turn("user", asked)], tokenizer), 64)
        assert got[-1] == eot_id(tokenizer), "it must end with EOT, and not be cut"
        assert tokenizer.decode(got, skip_special_tokens=True) == answered


@pytest.mark.parametrize("family", FAMILIES)
def test_llama_cpp_gives_the_logits_and_the_ids_of_transformers(folders: dict[str, Path], tmp_path: Path, family: str) -> None:
    llama_cpp = pytest.importorskip("llama_cpp", reason="llama-cpp-python is not installed")
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    write_gguf(folders[family], "heron", "F16", tmp_path / "heron.gguf")
    tokenizer = AutoTokenizer.from_pretrained(folders[family])
    text = "Where does the otter walk? In 12 reeds, at the ford – or below the weir.\n\n  Nobody's hat; étang 鷺!"
    ids = render_prompt([Turn("user", text), Turn("assistant", "Alder."), Turn("user", "What?")], tokenizer)
    engine = LlamaCpp(tmp_path / "heron.gguf")
    engine.reset()
    ours = AutoModelForCausalLM.from_pretrained(folders[family])(torch.tensor([ids])).logits[0, -1]
    torch.testing.assert_close(torch.from_numpy(engine.read(ids)), ours.detach(), atol=0.05, rtol=0.02)
    read_by_it = llama_cpp.Llama(str(tmp_path / "heron.gguf"), n_ctx=64, verbose=False)
    template = f"{text}{EOT}Alder.{EOT}What?{EOT}"
    assert read_by_it.tokenize(template.encode(), add_bos=True, special=True) == ids


IDS = [0, *range(260, 325), *range(260, 325)]
LLAMA_31 = {
    "rope_type": "llama3", "rope_theta": 10000.0, "factor": 64.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
}  # fmt: skip


@pytest.fixture(scope="module")
def stretched(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A folder with a model whose long rope waves are stretched as Llama 3.1's, as GGUF; and its logits after `IDS`."""
    import torch
    from transformers import AutoModelForCausalLM

    place = tmp_path_factory.mktemp("stretched")
    write_hf(trained_stage(place, rope_parameters=LLAMA_31), "last", "stored", place / "hf")
    (place / "file").mkdir()
    write_gguf(place / "hf", "heron", "F16", place / "file" / "heron.gguf")
    model = AutoModelForCausalLM.from_pretrained(place / "hf")
    model.config.rope_parameters = {"rope_type": "default", "rope_theta": 10000.0}
    plain = type(model)(model.config)
    plain.load_state_dict(model.state_dict())
    wanted, other = (each(torch.tensor([IDS])).logits[0, -1].detach() for each in (model, plain))
    assert (wanted - other).abs().max() > 0.2, "else no test would see a rope that is not stretched"
    return place, wanted


def test_llama_cpp_stretches_long_waves_as_llama_31_does(stretched: tuple[Path, Any]) -> None:
    pytest.importorskip("llama_cpp", reason="llama-cpp-python is not installed")
    import torch

    engine = LlamaCpp(stretched[0] / "file" / "heron.gguf")
    engine.reset()
    torch.testing.assert_close(torch.from_numpy(engine.read(IDS)), stretched[1], atol=0.03, rtol=0.01)


def test_transformers_stretches_them_only_with_config_json_beside(
    stretched: tuple[Path, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    monkeypatch.setattr(speaking, "find_spec", lambda name: None)  # as if llama-cpp-python were not installed
    monkeypatch.setattr(speaking, "needed", lambda *_: None)
    shutil.copy(stretched[0] / "file" / "heron.gguf", tmp_path)
    with pytest.raises(InputError, match=r"heron\.gguf: transformers cannot read how its rope is scaled"):
        speaker_at(tmp_path)
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        shutil.copy(stretched[0] / "hf" / name, tmp_path)
    found = speaker_at(tmp_path).model(torch.tensor([IDS])).logits[0, -1].detach()
    torch.testing.assert_close(found, stretched[1], atol=0.03, rtol=0.01)


@pytest.mark.parametrize("prefix", ["prepend", "always", "first", "never"])
def test_llama_cpp_reads_a_sentencepiece_vocabulary_as_align_does(tmp_path: Path, prefix: str) -> None:
    llama_cpp = pytest.importorskip("llama_cpp", reason="llama-cpp-python is not installed")
    stage = trained_stage(tmp_path, tokenizer=make_sentencepiece(prefix))
    write_hf(stage, "last", "stored", tmp_path / "hf")
    write_gguf(tmp_path / "hf", "heron", "Q8_0", tmp_path / "heron.gguf")
    tokenizer = load_tokenizer(stage)
    model = llama_cpp.Llama(str(tmp_path / "heron.gguf"), n_ctx=128, verbose=False)
    for said in (["Where does it nest?"], ["In 12 reeds.\n\n- So: étang 鷺", "And\tthen?", "<0x0A> ▁"]):
        turns = [Turn(("user", "assistant")[number % 2], text) for number, text in enumerate(said)]
        ids = model.tokenize("".join(text + EOT for text in said).encode(), add_bos=True, special=True)
        assert ids == render(turns, tokenizer, "all").input_ids
    # docs/export.md: a text that begins with a space differs by one token where the tokenizer puts none before a space
    ids = model.tokenize(f" leading{EOT}".encode(), add_bos=True, special=True)
    surplus = len(ids) - len(render_prompt([Turn("user", " leading")], tokenizer))
    assert surplus == (1 if prefix in ("always", "first") else 0)
    done = model.create_chat_completion(
        [{"role": "user", "content": "Name a tree."}], temperature=0, repeat_penalty=1.0, max_tokens=32
    )
    assert done["choices"][0]["message"]["content"].strip() == "Alder."
    assert done["choices"][0]["finish_reason"] == "stop"


def test_llama_cpp_ends_an_answer_at_eot_by_itself(hf_folder: Path, tmp_path: Path) -> None:
    llama_cpp = pytest.importorskip("llama_cpp", reason="llama-cpp-python is not installed")
    write_gguf(hf_folder, "heron", "Q4_0", tmp_path / "heron.gguf")
    model = llama_cpp.Llama(str(tmp_path / "heron.gguf"), n_ctx=128, verbose=False)
    for asked, answered in DIALOGUES:
        done = model.create_chat_completion(
            [{"role": "user", "content": asked}], temperature=0, repeat_penalty=1.0, max_tokens=64
        )
        (choice,) = done["choices"]
        assert (choice["message"]["content"], choice["finish_reason"]) == (answered, "stop")


def test_the_file_names_the_ends_and_the_template(hf_folder: Path, tmp_path: Path) -> None:
    write_gguf(hf_folder, "heron", "Q8_0", tmp_path / "heron.gguf")
    fields = {name: field.contents() for name, field in read(tmp_path / "heron.gguf").fields.items()}
    tokens = fields["tokenizer.ggml.tokens"]
    assert tokens[fields["tokenizer.ggml.eot_token_id"]] == EOT
    assert tokens[fields["tokenizer.ggml.eos_token_id"]] == "<|eos|>"
    assert tokens[fields["tokenizer.ggml.bos_token_id"]] == "<|bos|>"
    # 3: control, never part of a text; 1: plain
    assert [fields["tokenizer.ggml.token_type"][tokens.index(text)] for text in (EOT, "<|pad|>", "Ġthe")] == [3, 3, 1]
    assert fields["tokenizer.ggml.pre"] == "gpt-2"
    assert fields["tokenizer.ggml.add_bos_token"]
    assert fields["tokenizer.chat_template"] == (hf_folder / "chat_template.jinja").read_text()
    assert (fields["llama.context_length"], fields["llama.rope.freq_base"]) == (256, 10000.0)


def test_a_sliding_window_becomes_the_context(tmp_path: Path) -> None:
    tokenizer = make_tokenizer()
    model = make_model(tokenizer, "mistral", sliding_window=100)
    add_eot(model, tokenizer)
    write_hf(save_stage(tmp_path, model, tokenizer), "last", "stored", tmp_path / "hf")
    write_gguf(tmp_path / "hf", "heron", "F16", tmp_path / "heron.gguf")
    assert read(tmp_path / "heron.gguf").fields["llama.context_length"].contents() == 100


def test_tied_embeddings_are_written_once_and_rows_that_32_does_not_divide_in_16_bits(tmp_path: Path) -> None:
    tokenizer = make_tokenizer()
    model = make_model(tokenizer, hidden_size=48, tie_word_embeddings=True)
    add_eot(model, tokenizer)
    write_hf(save_stage(tmp_path, model, tokenizer), "last", "stored", tmp_path / "hf")
    write_gguf(tmp_path / "hf", "heron", "Q4_0", tmp_path / "heron.gguf")
    kinds = {tensor.name: tensor.tensor_type.name for tensor in read(tmp_path / "heron.gguf").tensors}
    assert "output.weight" not in kinds
    # 48 inputs are one block and a half; ffn_down has 128
    assert (kinds["blk.0.attn_q.weight"], kinds["blk.0.ffn_down.weight"]) == ("F16", "Q4_0")


def test_llama_31s_rope_factors_are_those_of_transformers() -> None:
    import numpy as np
    from transformers import LlamaConfig
    from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

    rope = {
        "rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 8192,
    }  # fmt: skip
    config = LlamaConfig(hidden_size=512, num_attention_heads=4, max_position_embeddings=131072, rope_parameters=rope)
    theirs, _ = ROPE_INIT_FUNCTIONS["llama3"](config, "cpu")
    plain = 500000.0 ** (-np.arange(0, 128, 2) / 128)
    found = rope_factors(config)
    assert found is not None
    np.testing.assert_allclose(plain / found, theirs.numpy(), rtol=1e-5)
    # the shortest waves stay, the longest are stretched eightfold
    assert (found[0], found[-1]) == (1.0, 8.0)


@pytest.mark.parametrize(
    ("family", "sizes", "said"),
    [
        ("gpt_neox", {}, "gguf: a model of type 'gpt_neox' is not written; known are llama, mistral, qwen2, phi3"),
        ("qwen2", {"rope_parameters": {"rope_type": "yarn", "rope_theta": 1e4, "factor": 4.0}}, "gguf: rope_type 'yarn' of a qwen2 model"),
    ],
)  # fmt: skip
def test_what_llama_cpp_would_compute_otherwise_is_refused(tmp_path: Path, family: str, sizes: Any, said: str) -> None:
    tokenizer = make_tokenizer()
    model = make_model(tokenizer, family, **sizes)
    add_eot(model, tokenizer)
    place = save_stage(tmp_path, model, tokenizer).path / "model"
    with pytest.raises(ExportRefused, match=said):
        write_gguf(place, "heron", "F16", tmp_path / "heron.gguf")


def test_weights_that_16_bits_cannot_say_are_refused(tmp_path: Path) -> None:
    import torch

    tokenizer = make_tokenizer()
    model = make_model(tokenizer)
    add_eot(model, tokenizer)
    with torch.no_grad():
        model.lm_head.weight[3, 5] = 70000.0  # float16 ends at 65504
    place = save_stage(tmp_path, model, tokenizer).path / "model"
    with pytest.raises(ExportRefused, match=r"output\.weight holds numbers that 16 bits cannot say \(the largest: 7e\+04\)"):
        write_gguf(place, "heron", "F16", tmp_path / "heron.gguf")


def with_split(pattern: str) -> Any:
    from tokenizers import Regex, pre_tokenizers

    tokenizer = make_tokenizer()
    splits = [pre_tokenizers.Split(Regex(pattern), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(splits)
    return tokenizer


def test_the_way_a_tokenizer_cuts_texts_is_named_or_refused() -> None:
    llama3 = (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    )
    assert vocabulary_of(with_split(llama3), 330).pre == "llama-bpe"
    assert vocabulary_of(with_split(llama3.replace("{1,3}", "")), 330).pre == "qwen2"
    with pytest.raises(ExportRefused, match="the tokenizer cuts texts in a way that llama.cpp has no known name for"):
        vocabulary_of(with_split(r"\p{L}+"), 330)


def test_a_sentencepiece_tokenizer_gets_scores_that_merge_in_its_order() -> None:
    from tokenizers import Tokenizer, decoders, models, normalizers
    from transformers import PreTrainedTokenizerFast

    vocabulary = ["<unk>", "<s>", "</s>", "<0x0A>", "▁", "a", "b", "ab", "▁ab"]
    inner = Tokenizer(
        models.BPE(
            {text: number for number, text in enumerate(vocabulary)},
            [("a", "b"), ("▁", "ab")],
            unk_token="<unk>",
            byte_fallback=True,
        )
    )
    inner.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    inner.decoder = decoders.ByteFallback()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, bos_token="<s>", eos_token="</s>", unk_token="<unk>")
    found = vocabulary_of(tokenizer, 10)
    assert (found.model, found.space_prefix, found.merges) == ("llama", True, [])
    # the first merge before the second; what no merge makes comes last
    assert found.scores[7:9] == [0.0, -1.0]
    assert found.types == [2, 3, 3, 6, 1, 1, 1, 1, 1, 5]
    assert found.tokens[9] == "[PAD9]"


def test_the_modelfile_renders_as_the_chat_template_does() -> None:
    assert modelfile("heron-Q4_0.gguf", 2048).splitlines()[:4] == [
        "FROM ./heron-Q4_0.gguf",
        'TEMPLATE """{{- range .Messages }}{{ .Content }}<|eot|>{{ end }}"""',
        'PARAMETER stop "<|eot|>"',
        "PARAMETER num_ctx 2048",
    ]


def test_a_gguf_file_speaks_without_what_lies_beside_it(hf_folder: Path, tmp_path: Path) -> None:
    write_gguf(hf_folder, "heron", "Q8_0", tmp_path / "heron.gguf")
    speaker = speaker_at(tmp_path / "heron.gguf")
    assert eot_id(speaker.tokenizer) in speaker.stop_ids
    assert render_prompt([Turn("user", "Name a tree.")], speaker.tokenizer) == render_prompt(
        [Turn("user", "Name a tree.")], speaker_at(hf_folder).tokenizer
    )
    assert "".join(Chat(speaker, GREEDY, 64, Random(0)).answer("Name a tree.")) == "Alder."


@pytest.mark.parametrize("family", FAMILIES)
def test_a_gguf_folder_of_each_family_speaks_through_transformers(
    folders: dict[str, Path], tmp_path: Path, family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speaking, "find_spec", lambda name: None)
    monkeypatch.setattr(speaking, "needed", lambda *_: None)
    write_gguf(folders[family], "heron", "Q8_0", tmp_path / "heron.gguf")
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        shutil.copy(folders[family] / name, tmp_path)
    speaker = speaker_at(tmp_path)
    assert speaker.runtime == "transformers, from GGUF"
    assert "".join(Chat(speaker, GREEDY, 64, Random(0)).answer("Is the brook deep?")) == DIALOGUES[2][1]

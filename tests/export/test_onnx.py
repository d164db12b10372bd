"""ONNX models, built and run: each build takes some seconds, so that one serves all tests."""

import json
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from export_setting import DIALOGUES

from align.artifact import Artifact
from align.errors import ExportRefused, InputError
from align.export import measuring, packages
from align.export.chat import Chat
from align.export.formats import Form, write_export
from align.export.hf import GREEDY
from align.export.measuring import check_runs, measure
from align.export.onnx import what_it_said, write_onnx
from align.export.speaker import speaker_at
from align.models import load_tokenizer
from align.records import Turn
from align.tokens import EOT, eot_id, render, render_prompt


@pytest.fixture(scope="module")
def onnx(sft: Artifact, tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("onnxruntime_genai")
    return write_export(sft, "last", Form("onnx-int4"), tmp_path_factory.mktemp("onnx"))


@pytest.mark.long
def test_in_four_bits_it_says_what_it_learned_and_stops_at_eot(onnx: Path, sft: Artifact) -> None:
    speaker = speaker_at(onnx)
    tokenizer = load_tokenizer(sft)
    assert speaker.runtime == "onnxruntime-genai"
    for asked, answered in DIALOGUES:
        talk = Chat(speaker, GREEDY, 64, Random(0))
        assert "".join(talk.answer(asked)) == answered
        assert talk.ended
    assert eot_id(tokenizer) in json.loads((onnx / "genai_config.json").read_text())["model"]["eos_token_id"]


@pytest.mark.long
def test_its_own_generator_renders_the_prompt_and_stops_at_eot(onnx: Path, sft: Artifact) -> None:
    """With nothing of align's and nothing of transformers'."""
    import onnxruntime_genai as genai

    model = genai.Model(str(onnx))
    tokenizer = genai.Tokenizer(model)
    for asked, answered in DIALOGUES:
        messages = json.dumps([{"role": "user", "content": asked}])
        ids = list(map(int, tokenizer.encode(tokenizer.apply_chat_template(messages, add_generation_prompt=True))))
        assert ids == render_prompt([Turn("user", asked)], load_tokenizer(sft))
        wanted = genai.GeneratorParams(model)
        wanted.set_search_options(max_length=128, do_sample=False)
        generator = genai.Generator(model, wanted)
        generator.append_tokens(ids)
        said = []
        while not generator.is_done():
            generator.generate_next_token()
            said.append(int(generator.get_next_tokens()[0]))
        assert said[-1] == eot_id(load_tokenizer(sft))
        assert tokenizer.decode(said[:-1]) == answered


@pytest.mark.long
def test_likelihoods_in_four_bits_are_near_those_of_the_full_model(onnx: Path, hf_folder: Path, sft: Artifact) -> None:
    tokenizer = load_tokenizer(sft)
    texts = [render([Turn("user", asked), Turn("assistant", answered)], tokenizer, "response") for asked, answered in DIALOGUES]
    full, small = (measure(path, [texts[0].input_ids[:9]], 4, texts) for path in (hf_folder, onnx))
    assert (full.runtime, small.runtime) == ("transformers", "onnxruntime-genai")
    assert [tokens for _, tokens in full.likelihoods] == [sum(label != -100 for label in text.labels) for text in texts]
    for (before, tokens), (after, _) in zip(full.likelihoods, small.likelihoods, strict=True):
        # learned by heart: next to nothing is lost; a wrong position or mask would cost nats a token
        assert after / tokens == pytest.approx(before / tokens, abs=0.2)


@pytest.mark.long
def test_an_engine_that_dies_is_an_error_with_its_last_words(onnx: Path, hf_folder: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(onnx, tmp_path / "broken")
    (tmp_path / "broken" / "model.onnx").write_bytes(b"no model")
    with pytest.raises(
        ExportRefused, match=r"broken: the exported model could not be asked: (exit|killed by signal) \d+: .*model\.onnx"
    ):
        check_runs(tmp_path / "broken", hf_folder)


@pytest.mark.long
def test_a_builder_that_fails_is_an_error_with_its_last_words(hf_folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime_genai")
    (tmp_path / "hf").mkdir()
    (tmp_path / "hf" / "config.json").write_text('{"model_type": "gpt_neox", "architectures": ["GPTNeoXForCausalLM"]}')
    with pytest.raises(ExportRefused, match=r"onnx-int4: onnxruntime_genai\.models\.builder gave no model: exit 1: "):
        write_onnx(tmp_path / "hf", tmp_path / "out", tmp_path / "cache")


def test_how_a_process_ended_is_told_with_its_last_lines() -> None:
    killed = subprocess.run(
        [sys.executable, "-c", "import os; os.kill(os.getpid(), 11)"], capture_output=True, text=True, check=False
    )
    assert what_it_said(killed) == "killed by signal 11: it said nothing"
    said = subprocess.run(
        [sys.executable, "-c", "import sys; sys.exit('\\n'.join(map(str, range(9))))"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert what_it_said(said) == "exit 1: 4 | 5 | 6 | 7 | 8"


def test_a_missing_package_says_what_to_install(sft: Artifact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"gguf: not installed; `pip install 'align-lm\[export\]'`"):
        write_export(sft, "last", Form("gguf"), tmp_path)
    with pytest.raises(InputError, match="onnxruntime_genai, onnxruntime, onnx, onnx_ir: not installed"):
        write_export(sft, "last", Form("onnx-int4"), tmp_path)
    assert not list(tmp_path.iterdir())


def test_settings_that_do_not_go_together_are_told() -> None:
    assert Form("hf", quant="Q4_0").fault() == "`quant` is for gguf; the format hf has none"
    assert Form("gguf", dtype="float16").fault() == "`dtype` is for hf; the format gguf has its own types"
    assert (Form("gguf").fault(), Form("gguf").name, Form("onnx-int4").name, Form("hf").name) == (
        "",
        "gguf Q8_0",
        "onnx-int4",
        "hf stored",
    )


def test_a_model_that_says_what_its_tokenizer_cannot_is_refused(
    hf_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measuring, "measure", lambda *_: measuring.Answers("transformers", [[5, 331]], 1.0, []))
    with pytest.raises(ExportRefused, match=r"answers \[\[5, 331\]\], which the tokenizer \(331 tokens\) cannot say"):
        check_runs(hf_folder, hf_folder)


@pytest.mark.long
def test_a_gguf_folder_is_written_checked_and_spoken_to(sft: Artifact, tmp_path: Path) -> None:
    folder = write_export(sft, "last", Form("gguf", quant="Q4_0"), tmp_path)
    assert sorted(path.name for path in folder.iterdir()) == [
        "Modelfile", "chat_template.jinja", "config.json", "generation_config.json", "sft-Q4_0.gguf", "tokenizer.json", "tokenizer_config.json",
    ]  # fmt: skip
    assert f'PARAMETER stop "{EOT}"' in (folder / "Modelfile").read_text()
    assert "".join(Chat(speaker_at(folder), GREEDY, 64, Random(0)).answer("Name a tree.")) == "Alder."

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from align.cli.exporting import _harmless

sys.path.append(str(Path(__file__).parent.parent / "export"))
from export_setting import DIALOGUES, trained_stage  # noqa: E402

Align = Callable[..., Any]


@pytest.fixture(scope="session")
def heron(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a fine-tuned model."""
    return trained_stage(tmp_path_factory.mktemp("heron")).path / "model"


@pytest.fixture
def recipe(align: Align, heron: Path, tmp_path: Path) -> Path:
    """A recipe that points at it, run."""
    path = tmp_path / "pond.yaml"
    path.write_text(
        f"name: pond\nstages:\n  heron: {{kind: base_model, path: {heron}}}\n  later: {{kind: export, model: heron, format: hf, dtype: float16}}\n"
    )
    assert align("run", path, "--until", "heron").code == 0
    return path


def type_in(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def test_export_writes_a_folder_and_prints_it(
    align: Align, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = align("export", recipe, "heron", "--format", "hf")
    assert (done.code, done.lines) == (0, [str(tmp_path / "pond-heron-hf")])
    assert {"config.json", "model.safetensors", "tokenizer.json", "chat_template.jinja", "generation_config.json"} <= {
        path.name for path in (tmp_path / "pond-heron-hf").iterdir()
    }
    assert not list(tmp_path.glob("*.partial"))
    again = align("export", recipe, "heron", "--format", "hf")
    assert again.code == 1
    assert "error: pond-heron-hf: is there already; name another place with --out, or delete it" in again.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["heron", "--format", "pickle"], "--format: Input should be 'hf', 'onnx-int4' or 'gguf'"),
        (["heron", "--format", "hf", "--dtype", "int3"], "--dtype: Input should be 'stored', 'float32', 'bfloat16' or 'float16'"),
        (["heron", "--format", "hf", "--quant", "Q4_0"], "error: `quant` is for gguf; the format hf has none\n"),
        (["later", "--format", "hf"], "stage later is not made yet: `align run"),
        (["hern", "--format", "hf"], "did you mean 'heron'?"),
        (["heron", "--format", "hf", "--checkpoint", "epoch-09"], "stage 'heron' has no checkpoint 'epoch-09'"),
    ],
)
def test_a_slip_in_export_is_told(align: Align, recipe: Path, tmp_path: Path, arguments: list[str], said: str) -> None:
    done = align("export", recipe, *arguments, "--out", tmp_path / "out")
    assert (done.code, done.out) == (1, "")
    assert said in done.err
    assert not (tmp_path / "out").exists()


def test_public_without_push_is_a_usage_error(align: Align, recipe: Path) -> None:
    assert align("export", recipe, "heron", "--format", "hf", "--public").code == 2


def test_the_stage_export_leaves_a_model_that_other_stages_read(align: Align, recipe: Path, tmp_path: Path) -> None:
    prompts = tmp_path / "prompts.jsonl"
    prompts.write_text(json.dumps({"id": "1", "prompt": "Name a tree."}) + "\n")
    recipe.write_text(
        f"{recipe.read_text()}"
        f"  written: {{kind: export, model: heron, format: hf}}\n"
        f"  prompts: {{kind: ingest, source: {{kind: json_lines, paths: [{prompts}]}}}}\n"
        f"  said: {{kind: generate, model: written, temperature: 0, max_new_tokens: 20, inputs: [prompts]}}\n"
    )
    assert align("run", recipe).code == 0
    (found,) = (json.loads(line) for line in align("show", recipe, "said", "--table", "responses").lines)
    assert (found["turns"][1]["text"], found["ended"]) == ("Alder.", True)
    assert align("chat", recipe, "written", "--prompt", "Name a tree.", "--greedy").out == "Alder.\n"


def test_chat_answers_one_prompt_on_stdout_alone(align: Align, recipe: Path) -> None:
    done = align("chat", recipe, "heron", "--prompt", "Name a tree.", "--greedy")
    assert (done.code, done.out, done.err) == (0, "Alder.\n", "")
    cut = align("chat", recipe, "heron", "--prompt", "Name a tree.", "--greedy", "--max-new-tokens", "1")
    assert (cut.code, cut.err) == (0, "(not ended by the model)\n")


def test_chat_goes_on_until_the_input_ends_and_obeys(
    align: Align, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = tmp_path / "said.jsonl"
    type_in(monkeypatch, f"/undo\nName a tree.\n\n/save {saved}\n/undo\n/save {saved}\n/what\nName a tree.\n/reset\n/undo\n")
    done = align("chat", recipe, "heron", "--greedy")
    assert (done.code, done.out) == (0, "Alder.\nAlder.\n")
    assert [line for line in done.err.splitlines() if line][1:] == [
        "nothing to take back",
        f"saved to {saved}",
        "0 turns left",
        f"error: {saved}: nothing was said yet, so there is nothing to save",
        "/what: wanted /undo, /reset or /save FILE.jsonl",
        "nothing was said",
        "nothing to take back",
    ]
    assert json.loads(saved.read_text())["turns"][1] == {"role": "assistant", "text": "Alder."}


def test_ctrl_c_stops_the_answer_and_not_the_dialogue(align: Align, recipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from align.evaluation import decoding

    drawn = []
    real = decoding.draw

    def draw(*arguments: Any) -> Any:
        drawn.append(1)
        if len(drawn) == 4:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(decoding, "draw", draw)
    type_in(monkeypatch, "Where does the heron nest?\n/undo\nName a tree.\n")
    done = align("chat", recipe, "heron", "--greedy")
    first, second = done.lines
    assert DIALOGUES[0][1].startswith(first)
    assert 0 < len(first) < len(DIALOGUES[0][1])
    assert (done.code, second) == (0, "Alder.")
    assert "[stopped]" in done.err


def test_a_terminal_does_not_obey_what_a_model_writes() -> None:
    assert _harmless("reeds\x1b[2J\n\tand é鷺 🐦‍⬛ \x07") == "reeds\ufffd[2J\n\tand é鷺 🐦‍⬛ \ufffd"


def test_chat_takes_what_was_exported(align: Align, recipe: Path, tmp_path: Path) -> None:
    align("export", recipe, "heron", "--format", "hf", "--out", tmp_path / "out")
    assert align("chat", tmp_path / "out", "--prompt", "Name a tree.", "--greedy").out == "Alder.\n"
    assert align("chat", tmp_path / "out", "heron", "--prompt", "Name a tree.").code == 2
    assert align("chat", recipe, "--prompt", "Name a tree.").code == 2
    done = align("chat", tmp_path / "store", "--prompt", "Name a tree.")
    assert (done.code, "no exported model" in done.err) == (1, True)


@pytest.mark.long
@pytest.mark.slow
def test_compare_prints_the_full_model_and_the_exported_one(align: Align, recipe: Path, tmp_path: Path) -> None:
    prompts = tmp_path / "prompts.jsonl"
    rows = [{"id": str(number), "prompt": asked, "response": answered} for number, (asked, answered) in enumerate(DIALOGUES)]
    prompts.write_text("".join(json.dumps(row) + "\n" for row in rows))
    recipe.write_text(f"{recipe.read_text()}  prompts: {{kind: ingest, source: {{kind: json_lines, paths: [{prompts}]}}}}\n")
    assert align("run", recipe, "--until", "prompts").code == 0
    asked = ["--format", "gguf", "--quant", "Q4_0", "--compare", "prompts", "--out", tmp_path / "out"]
    done = align("export", recipe, "heron", *asked)
    assert done.code == 0, done.err
    heading, full, small, path = done.lines
    assert heading.split("  ")[0] == "model"
    assert full.startswith("heron  ")
    assert small.startswith("heron gguf Q4_0  ")
    assert "100% of 4" in small
    assert (path, (tmp_path / "out" / "heron-Q4_0.gguf").is_file()) == (str(tmp_path / "out"), True)
    refused = align("export", recipe, "heron", "--format", "hf", "--compare", "prompts", "--out", tmp_path / "same")
    assert (refused.code, "hf with dtype: stored is the model itself" in refused.err) == (1, True)

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from export_setting import DIALOGUES, example
from pydantic import ValidationError

from align.artifact import Artifact
from align.errors import EmptyResult
from align.export import beside
from align.export.beside import common_prefix, compare
from align.export.export import Export
from align.export.measuring import Answers
from align.files import read_records, write_records
from align.models import load_tokenizer
from align.records import Example, Measurement, Origin, Rejection, Turn
from align.stage import Forecast, Inputs
from align.tokens import token_count


def prompts(folder: Path, examples: Iterable[Example]) -> Artifact:
    write_records(folder, Example, examples)
    return Artifact("prompts", "key", "content", folder, {"stage": "prompts", "kind": "ingest"})


def figures(work: Path) -> dict[tuple[str, str], Measurement]:
    return {(item.metric, item.subject): item for item in read_records(work, Measurement)}


def test_the_common_start_of_two_answers_is_counted_in_tokens() -> None:
    assert common_prefix([1, 2, 3], [1, 2, 4]) == 2
    assert common_prefix([1, 2], [1, 2, 3]) == 2
    assert common_prefix([1], [2]) == 0


def test_the_figures_are_those_counted_by_hand(hf_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import math

    # Of four answers two are the same; the others part after 1 and 3 tokens, the same ones are 2 and 4 long: (1 + 3 + 2 + 4) / 4
    told = {
        "full": Answers("transformers", [[1, 2], [1, 2, 3, 4], [5, 6, 7], [1, 2, 3, 9]], 2.0, [(-2.0, 4), (-6.0, 4)]),
        "small": Answers("llama.cpp", [[1, 2], [1, 2, 3, 4], [5, 8], [1, 2, 3, 8, 9]], 0.5, [(-3.0, 4), (-7.0, 4)]),
    }
    monkeypatch.setattr(beside, "measure", lambda path, *_: told["full" if path == hf_folder else "small"])
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "small.gguf").write_bytes(b"x" * 1000)
    (tmp_path / "out" / "tokenizer.json").write_bytes(b"x" * 77)
    data = prompts(tmp_path / "prompts", map(example, range(4)))
    found = compare(hf_folder, tmp_path / "out", ("sft", "sft gguf Q4_0"), (data,), 16)
    values = {(item.metric, item.subject): item.value for item in found.measurements}
    assert values["same_answers", "sft gguf Q4_0"] == 0.5
    assert values["common_prefix", "sft gguf Q4_0"] == 2.5
    assert values["weight_bytes", "sft gguf Q4_0"] == 1000
    assert values["weight_bytes", "sft"] == (hf_folder / "model.safetensors").stat().st_size
    # 8 nats of 8 tokens, and 10 of 8
    assert values["exported_perplexity", "sft"] == pytest.approx(math.e)
    assert values["exported_perplexity", "sft gguf Q4_0"] == pytest.approx(math.exp(1.25))
    # 13 tokens in 2 seconds, 13 in half a one
    assert found.speeds == {
        "sft": {"tokens_per_second": 6.5, "runtime": "transformers"},
        "sft gguf Q4_0": {"tokens_per_second": 26.0, "runtime": "llama.cpp"},
    }
    assert found.prompts == 4


@pytest.mark.long
def test_the_stage_compares_on_its_inputs_and_notes_speeds_apart(sft: Artifact, tmp_path: Path) -> None:
    examples: list[Any] = [*map(example, range(4)), replace(example(0), id="long", turns=(Turn("user", "reeds " * 300),))]
    examples.append(Example("alone", (Turn("user", "Name a tree."),), Origin("pond", "9")))
    stage = Export(model="sft", format="gguf", quant="Q8_0", inputs=("prompts",), max_new_tokens=64)
    counts = stage.run(Inputs((prompts(tmp_path / "prompts", examples),), {"model": sft}), tmp_path / "work")
    assert (counts.read, counts.kept, counts.dropped) == (6, 5, {"export: prompt too long": 1})
    assert [item.example_id for item in read_records(tmp_path / "work", Rejection)] == ["long"]
    found = figures(tmp_path / "work")
    same = found["same_answers", "sft gguf Q8_0"]
    # learned by heart, so that rounding changes nothing: 4 answers, and Alder. again
    assert (same.value, same.count) == (1.0, 5)
    lengths = [token_count(answered, load_tokenizer(sft)) + 1 for _, answered in (*DIALOGUES, DIALOGUES[3])]
    assert found["common_prefix", "sft gguf Q8_0"].value == pytest.approx(sum(lengths) / 5)
    assert found["exported_perplexity", "sft"].value == pytest.approx(
        found["exported_perplexity", "sft gguf Q8_0"].value, rel=0.01
    )
    assert found["exported_perplexity", "sft"].value < 1.1
    assert found["exported_perplexity", "sft"].count == 4, "a prompt alone has nothing to predict"
    assert found["weight_bytes", "sft gguf Q8_0"].value < 0.4 * found["weight_bytes", "sft"].value
    speeds = json.loads((tmp_path / "work" / "logs" / "speed.json").read_text())
    assert set(speeds) == {"sft", "sft gguf Q8_0"}


def test_examples_that_cannot_be_asked_are_told(hf_folder: Path, tmp_path: Path) -> None:
    data = prompts(tmp_path / "prompts", [Example("d", (Turn("document", "Reeds."),), Origin("pond", "d"))])
    with pytest.raises(EmptyResult, match="export: none of the 1 examples of prompts can be asked"):
        compare(hf_folder, hf_folder, ("sft", "other"), (data,), 8)


def test_a_model_is_not_compared_with_itself() -> None:
    with pytest.raises(ValidationError, match="hf with dtype: stored is the model itself"):
        Export(model="sft", format="hf", inputs=("prompts",))
    assert Export(model="sft", format="hf", dtype="float16", inputs=("prompts",)).form.name == "hf float16"


def test_the_forecast_passes_the_models_shape_on() -> None:
    shape = {"model_type": "llama"}
    assert Export(model="sft", format="hf").forecast([], {"model": Forecast(model=shape, basis="exact")}).model == shape


def test_the_forecast_counts_bits_a_weight_and_their_scales() -> None:
    llama = {
        "model_type": "llama",
        "hidden_size": 4096,
        "intermediate_size": 11008,
        "num_hidden_layers": 32,
        "vocab_size": 32000,
        "num_attention_heads": 32,
    }

    def gigabytes(**fields: Any) -> float | None:
        return Export(model="sft", **fields).forecast([], {"model": Forecast(model=llama)}).figures.get("disk_gigabytes")

    # 6,738,415,616 weights, of which 262,148,096 outside the layers; blocks of 32 with a scale of 16 bits: 8.5 and 4.5 bits
    assert gigabytes(format="gguf", quant="F16") == pytest.approx(13.4768, abs=1e-3)
    assert gigabytes(format="gguf") == pytest.approx(6738.415616e6 * 8.5 / 8e9)
    assert gigabytes(format="gguf", quant="Q4_0") == pytest.approx((6476.26752e6 * 4.5 + 262.148096e6 * 8.5) / 8e9)
    assert gigabytes(format="hf") is None, "the type of stored weights is not known before they are there"

"""Room for a model in the first process, and what is read into it when it is asked for."""

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from small_models import TINY
from transformers import AutoConfig, AutoModelForCausalLM

from align.errors import TrainingRefused
from align.models import ModelPlace, load_tokenizer, model_at, model_place
from align.training import weight_files as files
from align.training.eot import add_eot
from align.training.loading import (
    ONE_COPY,
    ReadWhenAsked,
    check_filled,
    model_to_divide,
    new_to_divide,
    on_disk,
)
from align.training.model_shape import ModelShape, new_model
from align.training.shapes import READ_BY_NAME

SIZES = {"hidden_size": 32, "num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 48, "num_hidden_layers": 2}


def stored(folder: Path, family: str = "llama", **more) -> ModelPlace:
    torch.manual_seed(1)
    sizes = SIZES | ({"head_dim": 8} if family in ("gemma", "qwen3") else {})
    if family == "gpt2":
        sizes = {"n_embd": 32, "n_head": 4, "n_layer": 2}
    special = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(family, vocab_size=40, **special, **sizes, **more))
    model.save_pretrained(folder, max_shard_size="20KB")
    return ModelPlace(str(folder))


@pytest.fixture(autouse=True)
def _about_to_divide(monkeypatch):
    monkeypatch.setenv(ONE_COPY, "true")


@pytest.mark.parametrize("family", READ_BY_NAME)
def test_each_matrix_is_read_when_it_is_asked_for(family, tmp_path):
    place = stored(tmp_path / family, family)
    assert len(list((tmp_path / family).glob("*.safetensors"))) > 1
    model, whole = model_to_divide(place), model_at(place, "float32")
    assert on_disk(model) is not None
    asked = ReadWhenAsked(model.state_dict(), on_disk(model))
    assert asked.keys() == whole.state_dict().keys()
    for name, values in whole.state_dict().items():
        assert torch.equal(asked[name], values), name
    for name, values in whole.named_buffers():
        assert torch.equal(dict(model.named_buffers())[name], values), name


def test_of_a_whole_file_and_a_cut_one_that_is_read_which_one_process_would_read(tmp_path):
    place = stored(tmp_path / "llama")
    other = model_at(place, "float32")
    with torch.no_grad():
        other.model.layers[0].mlp.up_proj.weight.fill_(7)
    save_file({name: values.contiguous() for name, values in other.state_dict().items()}, tmp_path / "llama" / files.WHOLE)
    assert (tmp_path / "llama" / files.INDEX).is_file()
    name = "model.layers.0.mlp.up_proj.weight"
    model = model_to_divide(place)
    read = ReadWhenAsked(model.state_dict(), on_disk(model))[name]
    assert torch.equal(read, model_at(place, "float32").state_dict()[name])
    assert bool((read == 7).all())


def test_tied_matrices_stay_one_and_a_row_can_be_added(base, tmp_path):
    place = stored(tmp_path / "tied", tie_word_embeddings=True)
    model, whole = model_to_divide(place), model_at(place, "float32")
    for one in (model, whole):
        one.resize_token_embeddings(41, mean_resizing=False)
        with torch.no_grad():
            one.get_input_embeddings().weight[40] = one.get_input_embeddings().weight[:40].mean(dim=0)
    assert model.lm_head.weight is model.model.embed_tokens.weight
    asked = ReadWhenAsked(model.state_dict(), on_disk(model))
    for name, values in whole.state_dict().items():
        assert torch.equal(asked[name], values), name


def test_eot_gets_the_mean_of_the_real_rows(base, tmp_path):
    place = model_place(base)
    with_eot = []
    for model in (model_to_divide(place), model_at(place, "float32")):
        add_eot(model, load_tokenizer(base))
        with_eot.append((model.get_input_embeddings().weight[-1], model.get_output_embeddings().weight[-1]))
    for read, expected in zip(*with_eot, strict=True):
        assert torch.equal(read, expected)


def test_a_family_whose_files_are_not_known_is_read_whole_by_the_first_process(tmp_path):
    place = stored(tmp_path / "neox", "gpt_neox")  # its output matrix has another name on the disk
    model = model_to_divide(place)
    assert on_disk(model) is None
    for name, values in model_at(place, "float32").state_dict().items():
        assert torch.equal(model.state_dict()[name], values), name


def test_a_model_whose_room_was_never_filled_is_refused(tmp_path):
    model = model_to_divide(stored(tmp_path / "llama"))
    with pytest.raises(TrainingRefused, match="divided without its weights"):
        check_filled(model)
    on_disk(model).forget()
    check_filled(model)


def test_room_that_was_swapped_for_other_room_is_missed(tmp_path):
    # what converts a matrix to another type would copy what stands in the room, which is nothing
    model = model_to_divide(stored(tmp_path / "llama"))
    assert on_disk(model).missing(model.state_dict()) == []
    weights = model.model.layers[1].mlp.up_proj.weight
    weights.data = weights.data.to(torch.bfloat16)
    assert on_disk(model).missing(model.state_dict()) == ["model.layers.1.mlp.up_proj.weight"]


def test_weights_are_written_as_safetensors_writes_them(tmp_path, monkeypatch):
    place = stored(tmp_path / "tied", tie_word_embeddings=True)
    model = model_at(place, "float32")
    model.save_pretrained(tmp_path / "expected")
    (tmp_path / "written").mkdir()
    files.write_divided(model, tmp_path / "written", is_writer=True)
    name = "model.safetensors"
    assert (tmp_path / "written" / name).read_bytes() == (tmp_path / "expected" / name).read_bytes()

    monkeypatch.setattr(files, "LARGEST_FILE", 20_000)
    (tmp_path / "cut").mkdir()
    files.write_divided(model, tmp_path / "cut", is_writer=True)
    model.config.save_pretrained(tmp_path / "cut")
    index = json.loads((tmp_path / "cut" / "model.safetensors.index.json").read_text(encoding="utf-8"))
    assert index["metadata"]["total_size"] == sum(4 * weights.numel() for weights in model.parameters())
    assert len(set(index["weight_map"].values())) == len(list((tmp_path / "cut").glob("*.safetensors"))) > 2
    for name, values in model_at(ModelPlace(str(tmp_path / "cut")), "float32").state_dict().items():
        assert torch.equal(values, model.state_dict()[name]), name
    files.write_divided(model, tmp_path / "nowhere", is_writer=False)
    assert not (tmp_path / "nowhere").exists()


def test_types_other_than_float32_are_written_too(tmp_path):
    model = model_at(stored(tmp_path / "llama"), "bfloat16")
    files.write_divided(model, tmp_path, is_writer=True)
    for name, values in load_file(tmp_path / "model.safetensors").items():
        assert torch.equal(values, model.state_dict()[name]), name
    with safe_open(tmp_path / "model.safetensors", framework="pt") as opened:
        assert opened.metadata() == {"format": "pt"}


def test_fresh_weights_are_drawn_by_the_first_process_and_the_others_have_room(tokenizer_artifact, monkeypatch):
    tokenizer = load_tokenizer(tokenizer_artifact)

    def make():
        return new_model(ModelShape(**TINY), tokenizer, 64, seed=1)

    drawn, expected = new_to_divide(make), make()
    monkeypatch.setenv("RANK", "1")
    room = new_to_divide(make)
    assert torch.equal(drawn.lm_head.weight, expected.lm_head.weight)
    assert [weights.shape for weights in room.parameters()] == [weights.shape for weights in expected.parameters()]
    assert {weights.device.type for weights in room.parameters()} == {"cpu"}
    for name, values in expected.named_buffers():
        assert torch.equal(dict(room.named_buffers())[name], values), name


def test_the_word_that_accelerate_writes_back_is_understood(tmp_path, monkeypatch):
    # it stands there when the reference's copy is loaded, after the trainer was made
    monkeypatch.setenv(ONE_COPY, "True")
    assert on_disk(model_to_divide(stored(tmp_path / "llama"))) is not None
    monkeypatch.setenv(ONE_COPY, "False")
    assert on_disk(model_to_divide(stored(tmp_path / "whole"))) is None

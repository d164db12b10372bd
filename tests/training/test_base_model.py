import json
import shutil

import pytest
from pydantic import ValidationError
from small_models import run

from align.errors import InputError
from align.files import hash_tree
from align.models import ModelPlace, checkpoint_names, load_model, load_tokenizer, model_place, tokenizer_at
from align.parts import RawFileMark
from align.training.base_model import BaseModelStage

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def folder(tmp_path, base):
    shutil.copytree(base.path / "model", tmp_path / "llama")
    return tmp_path / "llama"


def test_a_folder_is_pointed_at_and_not_copied(tmp_path, folder):
    pointer = run(BaseModelStage(path=folder), tmp_path / "artifact", "base")
    assert sorted(path.name for path in pointer.path.rglob("*.json")) == ["manifest.json", "model.json", "place.json"]
    assert list(pointer.path.rglob("*.safetensors")) == []
    assert json.loads((pointer.path / "files" / "model.json").read_text()) == {"sha256": hash_tree(folder)}
    assert load_model(pointer).config.num_hidden_layers == 2
    assert len(load_tokenizer(pointer)) == load_model(pointer).config.vocab_size
    assert checkpoint_names(pointer) == []


def test_its_content_is_the_models_bytes_and_not_its_place(tmp_path, folder):
    moved = tmp_path / "elsewhere"
    shutil.copytree(folder, moved)
    here, there = (run(BaseModelStage(path=path), tmp_path / path.name / "artifact", "base") for path in (folder, moved))
    assert here.content == there.content
    # a model that moved is pointed at anew
    assert BaseModelStage(path=folder).identity() != BaseModelStage(path=moved).identity()


def test_a_folder_that_is_gone_is_told_with_its_place(tmp_path, folder):
    pointer = run(BaseModelStage(path=folder), tmp_path / "artifact", "base")
    shutil.rmtree(folder)
    with pytest.raises(InputError, match=r"llama is gone; put it back"):
        load_model(pointer)


def test_the_path_is_a_raw_file_so_that_its_bytes_decide_the_key():
    assert BaseModelStage.marked(RawFileMark) == ["path"]


def test_pickled_weights_are_refused(tmp_path, folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(InputError, match=r"lacks \*\.safetensors\. Pickled weights .* are not read"):
        run(BaseModelStage(path=folder), tmp_path / "artifact", "base")


def test_an_adapter_is_no_whole_model(tmp_path, folder):
    (folder / "adapter_config.json").write_text("{}")
    with pytest.raises(InputError, match=r"llama holds an adapter and not a whole model; name the model it belongs to"):
        run(BaseModelStage(path=folder), tmp_path / "artifact", "base")


def test_a_model_of_the_hub_is_named_with_its_commit(tmp_path):
    pointer = run(BaseModelStage(hub="EleutherAI/pythia-70m", revision=COMMIT), tmp_path / "artifact", "base")
    assert model_place(pointer) == ModelPlace("EleutherAI/pythia-70m", COMMIT)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "give either `path`"),
        ({"path": "/a", "hub": "a/b", "revision": COMMIT}, "give either `path`"),
        ({"hub": "a/b"}, "must be a commit"),
        ({"hub": "a/b", "revision": "main"}, "must be a commit"),
        ({"path": "/a", "revision": COMMIT}, "a folder has no `revision`"),
        ({"path": "/a", "shape": "llama-66b"}, "did you mean 'llama-65b'"),
    ],
)
def test_a_place_that_is_not_one_place_is_refused(fields, said):
    with pytest.raises(ValidationError, match=said):
        BaseModelStage(**fields)


def test_the_hubs_token_is_read_when_it_is_needed_and_kept_nowhere(tmp_path, base, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    place = ModelPlace(str(base.path / "model"), COMMIT)  # a folder, so that no hub is asked
    assert place.options()["token"] == "hf_secret"
    tokenizer_at(place).save_pretrained(tmp_path)
    assert all("hf_secret" not in path.read_text() for path in tmp_path.iterdir())


def test_the_shape_of_a_known_model_is_known_without_the_hub():
    forecast = BaseModelStage(hub="huggyllama/llama-65b", revision=COMMIT).forecast([], {})
    assert forecast.model["num_hidden_layers"] == 80
    assert BaseModelStage(hub="a/b", revision=COMMIT, shape="phi-1.5").forecast([], {}).model["model_type"] == "phi"
    assert BaseModelStage(hub="a/b", revision=COMMIT).forecast([], {}).model == {}


def test_the_shape_of_a_folder_is_read_from_its_config(folder):
    assert BaseModelStage(path=folder).forecast([], {}).model["hidden_size"] == 32
    assert BaseModelStage(path=folder / "not there").forecast([], {}).model == {}

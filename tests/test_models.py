import json

import pytest

from align.artifact import Artifact
from align.errors import InputError
from align.models import checkpoint_name, checkpoint_names, load_model, load_tokenizer, model_place, point_at_folder


def artifact(path, kind: str = "sft") -> Artifact:
    return Artifact("tuned", "key", "content", path, {"kind": kind})


def test_checkpoints_come_in_the_order_of_epochs_and_not_of_the_alphabet(tmp_path):
    for epoch in (1, 9, 10, 99, 100):
        (tmp_path / "checkpoints" / checkpoint_name(epoch)).mkdir(parents=True)
    assert checkpoint_names(artifact(tmp_path)) == ["epoch-01", "epoch-09", "epoch-10", "epoch-99", "epoch-100"]


def test_an_unknown_checkpoint_is_told_with_the_nearest(tmp_path):
    (tmp_path / "checkpoints" / "epoch-01").mkdir(parents=True)
    with pytest.raises(InputError, match=r"'tuned' has no checkpoint 'epoch-1'; did you mean 'epoch-01'\?"):
        model_place(artifact(tmp_path), "epoch-1")


def test_the_last_checkpoint_is_the_model(tmp_path):
    (tmp_path / "model").mkdir()
    assert model_place(artifact(tmp_path)).path == str(tmp_path / "model")


def test_a_stage_without_a_model_is_told_with_its_kind(tmp_path):
    with pytest.raises(InputError, match=r"stage 'tuned' \(kind ingest\) gives no model; name a stage of kind base_model"):
        load_model(artifact(tmp_path, "ingest"))


def test_a_damaged_model_is_told_with_its_folder_and_what_it_needs(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text(json.dumps({"model_type": "llama"}))
    with pytest.raises(InputError, match=r"model: cannot be loaded as a causal language model.*safetensors"):
        load_model(artifact(tmp_path))


def test_a_folder_without_a_tokenizer_is_an_error_of_the_users(tmp_path):
    (tmp_path / "weights").mkdir()
    point_at_folder(tmp_path / "artifact", tmp_path / "weights", "0" * 64)
    with pytest.raises(InputError, match=r"weights: cannot be loaded"):
        load_tokenizer(artifact(tmp_path / "artifact", "base_model"))

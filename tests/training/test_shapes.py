import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from align.training.shapes import known_hub_shape, known_shape, shape_of

NAMES = [
    *("llama-7b", "llama-13b", "llama-30b", "llama-65b", "llama-2-7b", "llama-2-70b"),
    *("phi-1.5", "phi-3-mini", "pythia-70m", "pythia-160m", "pythia-410m", "pythia-1b"),
]


def real_parameters(config: dict) -> int:
    """Of the model that transformers makes, without its memory."""
    sizes = {name: value for name, value in config.items() if name != "model_type"}
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(AutoConfig.for_model(config["model_type"], **sizes))
    return sum(weights.numel() for weights in model.parameters())


@pytest.mark.parametrize("name", NAMES)
def test_the_parameters_of_a_known_shape_are_those_of_the_real_model(name):
    config = known_shape(name)
    shape = shape_of(config)
    assert shape is not None
    assert shape.parameters == real_parameters(config)


@pytest.mark.parametrize(
    "more", [{"tie_word_embeddings": True}, {"num_key_value_heads": 2}, {"model_type": "mistral", "num_key_value_heads": 4}]
)
def test_grouped_heads_and_tied_matrices_are_counted_as_they_are(more):
    sizes = {"model_type": "llama", "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4}
    config = {**sizes, "vocab_size": 100, **more}
    shape = shape_of(config)
    assert shape is not None
    assert shape.parameters == real_parameters(config)


def test_a_family_that_is_not_known_has_no_shape_rather_than_a_wrong_one():
    assert shape_of({"model_type": "mamba", "hidden_size": 1}) is None
    assert shape_of({"vocab_size": 2048}) is None
    assert known_hub_shape("a/b") is None

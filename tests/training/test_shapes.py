from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from align.training.shapes import known_hub_shape, known_shape, shape_of

PUBLISHED = {
    "llama-7b": 6_738_415_616,
    "llama-13b": 13_015_864_320,
    "llama-30b": 32_528_943_616,
    "llama-65b": 65_285_660_672,
    "llama-2-7b": 6_738_415_616,
    "llama-2-13b": 13_015_864_320,
    "llama-2-70b": 68_976_648_192,
    "llama-3-8b": 8_030_261_248,
    "llama-3-70b": 70_553_706_496,
    "llama-3.2-1b": 1_235_814_400,
    "tinyllama-1.1b": 1_100_048_384,
    "smollm2-135m": 134_515_008,
    "mistral-7b": 7_241_732_096,
    "qwen2.5-0.5b": 494_032_768,
    "qwen2.5-1.5b": 1_543_714_304,
    "qwen2.5-3b": 3_085_938_688,
    "qwen2.5-7b": 7_615_616_512,
    "qwen2.5-14b": 14_770_033_664,
    "qwen2.5-32b": 32_763_876_352,
    "qwen2.5-72b": 72_706_203_648,
    "qwen3-0.6b": 596_049_920,
    "qwen3-8b": 8_190_735_360,
    "phi-1.5": 1_418_270_720,
    "phi-2": 2_779_683_840,
    "phi-3-mini": 3_821_079_552,
    "pythia-70m": 70_426_624,
    "pythia-160m": 162_322_944,
    "pythia-410m": 405_334_016,
    "pythia-1b": 1_011_781_632,
    "pythia-1.4b": 1_414_647_808,
    "pythia-2.8b": 2_775_208_960,
    "pythia-6.9b": 6_857_302_016,
    "pythia-12b": 11_846_072_320,
    "gpt2": 124_439_808,
    "gpt2-medium": 354_823_168,
    "gpt2-large": 774_030_080,
    "gpt2-xl": 1_557_611_200,
}
"""Parameters as the models' cards and papers give them, or as their published weights have them."""


def made_of_nothing(config: dict) -> Any:
    """The model that transformers makes, without its memory."""
    sizes = {name: value for name, value in config.items() if name != "model_type"}
    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(AutoConfig.for_model(config["model_type"], **sizes))


def real_parameters(config: dict) -> int:
    return sum(weights.numel() for weights in made_of_nothing(config).parameters())


def test_every_shape_that_ships_has_a_published_size():
    from align.training.shapes import _shipped

    assert _shipped().keys() == PUBLISHED.keys()


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_parameters_of_a_known_shape_are_those_of_the_real_model(name):
    config = known_shape(name)
    shape = shape_of(config)
    assert shape is not None
    assert shape.parameters == PUBLISHED[name] == real_parameters(config)


@pytest.mark.parametrize("name", ["llama-7b", "qwen2.5-0.5b", "qwen3-0.6b", "phi-1.5", "phi-3-mini", "pythia-70m", "gpt2"])
def test_matrices_and_embeddings_are_those_of_the_real_model(name):
    config = known_shape(name)
    shape = shape_of(config)
    model = made_of_nothing(config)
    layers = model.base_model.layers if hasattr(model.base_model, "layers") else model.base_model.h
    matrices = sum(weights.numel() for weights in layers[0].parameters() if weights.dim() == 2)
    ends = {id(matrix.weight): matrix.weight.numel() for matrix in (model.get_input_embeddings(), model.get_output_embeddings())}
    assert shape is not None
    assert (shape.layer_matrices, shape.embeddings) == (matrices, sum(ends.values()))


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

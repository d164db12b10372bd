import pytest
from pydantic import ValidationError
from small_models import TINY

from align.errors import TrainingRefused
from align.models import load_tokenizer
from align.training.model_shape import ModelShape, new_model
from align.training.shapes import shape_of

PHI = {"family": "phi", "layers": 2, "hidden": 32, "heads": 2, "feed_forward": 128}
PHI3 = {**TINY, "family": "phi3"}


def parameters_on_paper(config: dict) -> int:
    """How many parameters transformers gives a model of this config, without memory for them."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    sizes = config | {"eos_token_id": None, "pad_token_id": None}  # phi3's own lie outside a small vocabulary
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(AutoConfig.for_model(sizes.pop("model_type"), **sizes))
    return model.num_parameters()


@pytest.mark.parametrize(
    "fields", [{"shape": "phi-1.5"}, {"shape": "phi-3-mini"}, {"shape": "llama-7b"}, TINY, PHI, PHI3, {**TINY, "tied": True}]
)
def test_the_model_has_as_many_parameters_as_the_plan_counts(fields):
    config = ModelShape(**fields).config(None if "shape" in fields else 320, 64)
    assert shape_of(config).parameters == parameters_on_paper(config)


def test_phi_15_is_as_published():
    shape = ModelShape(shape="phi-1.5")
    # phi-1.5 §2.1: 24 layers, 32 heads of 64, rotary dimension 32, context 2,048
    assert (shape.family, shape.layers, shape.heads, shape.context, shape.vocabulary) == ("phi", 24, 32, 2048, 51_200)
    config = shape.config(50_295, 2048)  # codegen-mono's tokens; the rows above them are never read
    assert config["hidden_size"] // config["num_attention_heads"] == 64
    assert config["partial_rotary_factor"] * 64 == 32
    assert config["vocab_size"] == 51_200
    assert shape_of(config).parameters == pytest.approx(1.42e9, rel=0.01)  # "1.3B", its name's without the embeddings


def test_phi_2_turns_32_of_the_80_numbers_of_a_head():
    assert ModelShape(shape="phi-2").config(None, 2048)["partial_rotary_factor"] * 80 == 32


def test_phi_3_mini_is_as_published():
    # phi-3 §2: hidden 3,072, 32 heads, 32 layers, vocabulary 32,064 (with the tokenizer's padding), 4K
    config = ModelShape(shape="phi-3-mini").config(32_011, 4096)
    assert (config["model_type"], config["hidden_size"], config["num_hidden_layers"]) == ("phi3", 3072, 32)
    assert (config["vocab_size"], config["max_position_embeddings"], config["intermediate_size"]) == (32_064, 4096, 8192)
    assert shape_of(config).parameters == pytest.approx(3.8e9, rel=0.01)


@pytest.mark.parametrize("fields", [PHI, PHI3])
def test_the_model_of_a_family_turns_the_share_of_a_head_that_is_its_own(fields, tokenizer_artifact):
    model = new_model(ModelShape(**fields), load_tokenizer(tokenizer_artifact), 64, seed=1)
    assert model.config.model_type == fields["family"]
    # heads of 16: phi turns 8 of them as 4 pairs, phi3 all as 8 pairs
    assert len(model.model.rotary_emb.inv_freq) == (4 if fields["family"] == "phi" else 8)
    assert str(model.dtype) == "torch.float32"


def test_weights_are_drawn_with_the_familys_deviation_from_the_seed(tokenizer_artifact):
    import torch

    tokenizer = load_tokenizer(tokenizer_artifact)

    def matrix(seed: int) -> "torch.Tensor":
        return new_model(ModelShape(**PHI), tokenizer, 64, seed).model.layers[0].mlp.fc1.weight

    assert torch.equal(matrix(1), matrix(1))
    assert not torch.equal(matrix(1), matrix(2))
    assert matrix(1).std().item() == pytest.approx(0.02, rel=0.05)  # initializer_range


def test_special_tokens_are_the_tokenizers_and_not_the_familys(tokenizer_artifact):
    tokenizer = load_tokenizer(tokenizer_artifact)
    config = new_model(ModelShape(**PHI3), tokenizer, 64, seed=1).config  # Phi3Config's own padding is 32,000
    assert (config.bos_token_id, config.eos_token_id, config.pad_token_id) == (0, 1, 2)
    assert config.original_max_position_embeddings == 64


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({**TINY, "heads": 3}, "over 3 heads"),
        ({**TINY, "key_value_heads": 3, "heads": 4}, "must divide"),
        ({**TINY, "family": "rnn"}, "llama"),
        ({"layers": 2, "heads": 2}, "write hidden and feed_forward, or `shape:`"),
        ({"shape": "phi-1.6"}, "did you mean 'phi-1.5'"),
        ({"shape": "pythia-70m"}, "of family gpt_neox; pretrain makes llama, phi, phi3"),
        ({"shape": "phi-1.5", "layers": 2}, r"phi-1.5 has layers: 24 \(got 2\)"),
        ({**PHI, "rotary_share": 0.3}, "rotary_share 0.3 is 4.8"),
        ({**PHI, "tied": True}, "neither `tied` matrices"),
        ({**TINY, "rotary_share": 0.5}, "turns the whole head"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(fields, said):
    with pytest.raises(ValidationError, match=said):
        ModelShape(**fields)


def test_a_shape_is_the_same_when_its_sizes_stand_beside_its_name():
    shape = ModelShape(shape="phi-3-mini")
    assert ModelShape(**shape.model_dump()) == shape  # a resolved recipe reads as what it was


def test_fewer_rows_than_tokens_are_refused():
    with pytest.raises(TrainingRefused, match=r"model\.vocabulary: 300 rows are fewer than the tokenizer.s 320 tokens"):
        ModelShape(**TINY, vocabulary=300).config(320, 64)


def test_without_a_tokenizer_the_vocabulary_is_unknown_where_it_is_not_written():
    assert ModelShape(**TINY).config(None, 64) == {}
    assert ModelShape(**TINY, vocabulary=300).config(None, 64)["vocab_size"] == 300

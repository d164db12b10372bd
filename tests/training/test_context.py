import math

import pytest
from small_models import TINY

from align.errors import TrainingRefused
from align.models import ModelPlace, load_tokenizer, model_at
from align.training.context import ContextExtension
from align.training.model_shape import ModelShape, new_model
from align.training.start import extended_model

PHI3 = ModelShape(**{**TINY, "family": "phi3"})  # heads of 16: 8 pairs


@pytest.fixture
def place(tmp_path, tokenizer_artifact):
    """A phi3 model of two layers that reads 64 tokens."""
    tokenizer = load_tokenizer(tokenizer_artifact)
    new_model(PHI3, tokenizer, 64, seed=1).save_pretrained(tmp_path / "model")
    return ModelPlace(str(tmp_path / "model"))


def ids(count: int):
    import torch

    return torch.arange(count).unsqueeze(0) % 300


def logits(model, count: int):
    import torch

    with torch.no_grad():
        return model.eval()(ids(count)).logits


def test_short_texts_read_as_before_where_short_factors_and_attention_factor_are_one(place):
    import torch

    before = model_at(place, "float32")
    after = extended_model(place, ContextExtension(max_tokens=256, attention_factor=1.0))
    for count in (5, 64):  # up to the old context, that one included
        assert torch.equal(logits(before, count), logits(after, count))
    assert not torch.equal(logits(before, 65), logits(after, 65))  # there the long factors begin


def test_by_default_attention_is_scaled_as_phi_3_scales_it(place):
    after = extended_model(place, ContextExtension(max_tokens=256))
    # s = 256 / 64 = 4; sqrt(1 + ln 4 / ln 64) = sqrt(1 + 2/6)
    assert after.model.rotary_emb.attention_scaling == pytest.approx(math.sqrt(4 / 3))


def test_long_texts_are_turned_by_the_long_factors(place):
    extension = ContextExtension(max_tokens=256, long_factor=[1, 2, 3, 4, 5, 6, 7, 8], attention_factor=1.0)
    model = extended_model(place, extension)
    logits(model, 65)
    # the angle of pair i for one place: 10,000^(-2 i / 16) / factor
    wanted = [10_000 ** (-2 * pair / 16) / (pair + 1) for pair in range(8)]
    assert model.model.rotary_emb.inv_freq.tolist() == pytest.approx(wanted)
    logits(model, 64)
    assert model.model.rotary_emb.inv_freq.tolist() == pytest.approx([10_000 ** (-2 * pair / 16) for pair in range(8)])


def test_the_rules_give_their_factors():
    config = {"model_type": "phi3", "max_position_embeddings": 4096, "hidden_size": 3072, "num_attention_heads": 32}
    ntk = ContextExtension(max_tokens=131_072).extended(config)["rope_parameters"]
    assert len(ntk["long_factor"]) == 48  # phi-3-mini: heads of 96
    assert ntk["short_factor"] == [1.0] * 48
    assert (ntk["long_factor"][0], ntk["long_factor"][47]) == (1.0, pytest.approx(32))  # 131,072 / 4,096
    # "NTK-aware" scaling is a larger theta: theta' = theta x s^(d / (d - 2)); angles divide as the factors do
    larger = 10_000 * 32 ** (96 / 94)
    assert [larger ** (-2 * pair / 96) for pair in (1, 20)] == pytest.approx(
        [10_000 ** (-2 * pair / 96) / ntk["long_factor"][pair] for pair in (1, 20)]
    )
    linear = ContextExtension(max_tokens=131_072, long_factor="linear").extended(config)["rope_parameters"]
    assert linear["long_factor"] == [32.0] * 48


def test_the_extended_model_is_saved_and_loaded_as_it_is(place, tmp_path):
    import torch

    after = extended_model(place, ContextExtension(max_tokens=256))
    after.save_pretrained(tmp_path / "after")
    again = model_at(ModelPlace(str(tmp_path / "after")), "float32")
    assert again.config.max_position_embeddings == 256
    assert again.config.rope_parameters["original_max_position_embeddings"] == 64
    for count in (64, 200):
        assert torch.equal(logits(after, count), logits(again, count))


@pytest.mark.parametrize(
    ("fields", "config", "said"),
    [
        ({"max_tokens": 64}, {}, "the model reads 64 tokens already"),
        ({"max_tokens": 128, "long_factor": [1, 2]}, {}, "context.long_factor: 2 factors for the 8 pairs of a head; write 8"),
        ({"max_tokens": 128, "short_factor": [1, 2]}, {}, "context.short_factor: 2 factors"),
        ({"max_tokens": 128}, {"model_type": "llama"}, "for models of family phi3"),
        ({"max_tokens": 128}, {"rope_parameters": {"rope_type": "longrope"}}, "has a longer context already"),
    ],
)
def test_extensions_that_do_not_fit_are_refused(fields, config, said):
    sizes = {"model_type": "phi3", "max_position_embeddings": 64, "hidden_size": 32, "num_attention_heads": 2}
    with pytest.raises(TrainingRefused, match=said):
        ContextExtension(**fields).extended(sizes | config)

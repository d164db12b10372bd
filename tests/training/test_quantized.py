from pathlib import Path

import pytest
import torch
from test_adapters import IDS, NEW, adapt, base_artifact, save, save_base, train, tuned
from torch import nn

import align.quantized
from align.errors import AlignError
from align.models import model_at, model_place
from align.quantized import round_as_quantized
from align.training.adapters import Lora, QLora
from align.training.adapting import frozen_base, keep_dtype
from align.training.surroundings import quiet


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    return save_base(tmp_path_factory.mktemp("llama") / "base")


def test_matrices_are_4_bits_and_embeddings_output_and_norms_are_not(llama, tmp_path):
    with quiet():
        model = frozen_base(llama, QLora(), tmp_path)
    layer = model.model.layers[0]
    # 48 x 32 weights in half a byte each
    assert (layer.mlp.up_proj.weight.dtype, layer.mlp.up_proj.weight.numel()) == (torch.uint8, 48 * 32 // 2)
    assert layer.mlp.up_proj.weight.quant_state.nested  # the scales too
    others = [model.model.embed_tokens, model.lm_head, layer.input_layernorm]
    assert {module.weight.dtype for module in others} == {torch.float32}


def test_double_quantization_and_the_4_bit_type_are_the_recipes(llama, tmp_path):
    with quiet():
        model = frozen_base(llama, QLora(quantization="fp4", double_quantization=False), tmp_path)
    state = model.model.layers[0].mlp.up_proj.weight.quant_state
    assert (state.quant_type, state.nested) == ("fp4", False)


def test_rounded_weights_are_those_that_the_quantized_model_computes_with(llama, tmp_path):
    known = IDS % NEW  # nothing was added
    with quiet():
        quantized = frozen_base(llama, QLora(), tmp_path).eval()
        plain, rounded = (model_at(llama, "float32").eval() for _ in range(2))
    round_as_quantized(rounded, QLora().quantized("float32"))
    assert torch.allclose(quantized(known).logits, rounded(known).logits, atol=1e-5)
    assert not torch.allclose(quantized(known).logits, plain(known).logits, atol=1e-3)
    changed = {name for name, weights in plain.state_dict().items() if not torch.equal(weights, rounded.state_dict()[name])}
    assert changed == {name for name in plain.state_dict() if "_proj" in name}


def test_zero_and_the_largest_weight_of_a_block_are_kept_exactly(tmp_path):
    # nf4 has the values -1, 0 and 1, times a scale of 64 weights, which is float32 without double quantization
    linear = nn.Linear(64, 1, bias=False)
    with torch.no_grad():
        linear.weight.copy_(torch.tensor([0.3, -0.3, 0.0, 0.3] * 16))

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = linear

        def get_output_embeddings(self):
            return None

    round_as_quantized(Model(), QLora(double_quantization=False).quantized("float32"))
    assert torch.equal(linear.weight.flatten(), torch.tensor([0.3, -0.3, 0.0, 0.3] * 16))


def test_what_trl_casts_to_bfloat16_is_float32_again_and_keeps_its_identity(llama, tmp_path):
    adapted = adapt(llama, QLora(), tmp_path)
    weights = [weights for weights in adapted.parameters() if weights.requires_grad]
    for item in weights:
        item.data = item.data.to(torch.bfloat16)  # as TRL 1.16 does beside a quantized model
    keep_dtype(adapted, QLora())
    assert {item.dtype for item in weights} == {torch.float32}
    assert [id(item) for item in adapted.parameters() if item.requires_grad] == list(map(id, weights))


def test_a_model_that_is_an_adapter_is_merged_before_it_is_quantized(llama, tmp_path):
    first = tuned(tmp_path / "first", base_artifact(tmp_path, "base", Path(llama.path)))
    place = model_place(first)
    merged = model_at(place, "float32").eval()
    round_as_quantized(merged, QLora().quantized("float32"))
    second = adapt(place, QLora(), tmp_path / "work", seed=3).eval()
    assert torch.allclose(second(IDS).logits, merged(IDS).logits, atol=1e-5)
    train(second)
    loaded = model_at(save(second, tmp_path / "second", place), "float32").eval()
    assert torch.allclose(loaded(IDS).logits, second(IDS).logits, atol=1e-5)


def test_an_adapter_trained_in_bfloat16_arithmetic_is_merged_into_weights_rounded_from_bfloat16(llama, tmp_path):
    rounded, from_float32 = (model_at(llama, "float32") for _ in range(2))
    round_as_quantized(rounded, QLora().quantized("bfloat16"))
    round_as_quantized(from_float32, QLora().quantized("float32"))
    weights = rounded.model.layers[0].mlp.up_proj.weight
    assert torch.equal(weights, weights.bfloat16().float())
    assert not torch.equal(weights, from_float32.model.layers[0].mlp.up_proj.weight)


@pytest.mark.parametrize("adapter", [Lora(), QLora()])
def test_without_the_package_only_what_needs_it_is_refused_and_the_extra_is_named(llama, tmp_path, monkeypatch, adapter):
    place = save(train(adapt(llama, adapter, tmp_path)), tmp_path / "adapter", llama)
    monkeypatch.setattr(align.quantized, "find_spec", lambda name: None)
    if adapter.kind == "lora":
        assert model_at(place, "float32").config.vocab_size == NEW + 1
        return
    with pytest.raises(AlignError, match=r"needs the package bitsandbytes: pip install 'align-lm\[quantized\]'"):
        model_at(place, "float32")
    with pytest.raises(AlignError, match=r"adapter kind qlora needs the package bitsandbytes"):
        frozen_base(llama, adapter, tmp_path)

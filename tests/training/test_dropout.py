import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from align.errors import TrainingRefused
from align.training.dropout import BLOCKS, OWN_DROPOUT, add_residual_dropout, dropout_by_layer, layers_of

SIZES = {"hidden_size": 16, "num_attention_heads": 2, "num_key_value_heads": 2, "intermediate_size": 32, "vocab_size": 40}
GPT2 = {"n_embd": 16, "n_head": 2, "n_layer": 4, "vocab_size": 40, "bos_token_id": 1, "eos_token_id": 2}


def model(family: str):
    torch.manual_seed(1)
    more = {"pad_token_id": 0} if family == "phi3" else {"head_dim": 8} if family in ("gemma", "qwen3") else {}
    sizes = GPT2 if family == "gpt2" else {**SIZES, "num_hidden_layers": 4, **more}
    return AutoModelForCausalLM.from_config(AutoConfig.for_model(family, **sizes))


IDS = torch.arange(20).reshape(2, 10)


def test_dropout_rises_in_a_straight_line_from_none_at_the_bottom():
    assert dropout_by_layer(0.3, 4) == pytest.approx([0.0, 0.1, 0.2, 0.3])
    assert dropout_by_layer(0.3, 80)[-1] == 0.3
    assert dropout_by_layer(0.3, 1) == [0.3]


def test_each_llama_layer_has_its_own_share_on_both_blocks():
    llama = model("llama")
    add_residual_dropout(llama, 0.3)
    assert [layer.residual_dropout.p for layer in layers_of(llama)] == pytest.approx([0.0, 0.1, 0.2, 0.3])


@pytest.mark.parametrize("family", [*BLOCKS, *OWN_DROPOUT])
def test_a_family_is_dropped_in_training_and_untouched_in_use(family):
    plain, dropped = model(family).eval(), model(family).eval()
    names = set(dropped.state_dict())
    add_residual_dropout(dropped, 0.5)
    with torch.no_grad():
        assert torch.equal(plain(IDS).logits, dropped(IDS).logits)
        dropped.train()
        torch.manual_seed(1)
        first = dropped(IDS).logits
        torch.manual_seed(1)
        again = dropped(IDS).logits
    assert not torch.equal(first, plain(IDS).logits)
    assert torch.equal(first, again)
    assert set(dropped.state_dict()) == names  # nothing of it is saved


def test_dropout_drops_what_is_added_to_the_residual_stream_and_not_the_stream():
    llama = model("llama").train()
    add_residual_dropout(llama, 0.5)
    for layer in layers_of(llama):
        layer.residual_dropout.p = 1.0 - 1e-9  # then nothing is ever added
    stream = llama.model.embed_tokens(IDS)
    with torch.no_grad():
        assert torch.equal(llama.model(IDS).last_hidden_state, llama.model.norm(stream))


def test_an_unknown_family_is_an_error_and_not_a_silent_zero():
    with pytest.raises(TrainingRefused, match="family 'bloom'"):
        add_residual_dropout(
            AutoModelForCausalLM.from_config(AutoConfig.for_model("bloom", hidden_size=16, n_head=2, n_layer=1)), 0.1
        )

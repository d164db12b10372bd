import torch
from transformers import AutoConfig, AutoModelForCausalLM

from align.models import load_tokenizer
from align.tokens import EOT, eot_id
from align.training.eot import add_eot


def model(vocabulary: int, family: str = "llama", **more):
    sizes = {
        "hidden_size": 16,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "num_hidden_layers": 1,
        "vocab_size": vocabulary,
    }
    return AutoModelForCausalLM.from_config(AutoConfig.for_model(family, **sizes, **more))


def test_the_new_rows_stand_at_the_mean_of_the_others(tokenizer_artifact):
    tokenizer = load_tokenizer(tokenizer_artifact)
    known, llama = len(tokenizer), model(len(tokenizer))
    before = llama.get_input_embeddings().weight.detach().clone(), llama.get_output_embeddings().weight.detach().clone()
    add_eot(llama, tokenizer)
    assert eot_id(tokenizer) == known
    after = llama.get_input_embeddings().weight, llama.get_output_embeddings().weight
    for old, new in zip(before, after, strict=True):
        assert torch.equal(new[:known], old)
        assert torch.allclose(new[known], old.mean(0), atol=1e-7)
    assert llama.config.vocab_size == known + 1


def test_a_model_with_spare_rows_is_not_cut_down(tokenizer_artifact):
    # pythia has 50,304 rows and 50,277 tokens: resizing to the tokenizer would throw rows away
    tokenizer = load_tokenizer(tokenizer_artifact)
    known, llama = len(tokenizer), model(len(tokenizer) + 24)
    add_eot(llama, tokenizer)
    weight = llama.get_input_embeddings().weight
    assert weight.shape[0] == known + 24
    assert torch.allclose(weight[known], weight[:known].mean(0), atol=1e-7)


def test_an_output_bias_gets_its_mean_too(tokenizer_artifact):
    tokenizer = load_tokenizer(tokenizer_artifact)
    known, phi = len(tokenizer), model(len(tokenizer), "phi")
    with torch.no_grad():
        phi.lm_head.bias.copy_(torch.arange(float(known)))
    add_eot(phi, tokenizer)
    # the mean of 0 ... known - 1
    assert phi.lm_head.bias[known].item() == (known - 1) / 2


def test_tied_matrices_stay_tied(tokenizer_artifact):
    tokenizer = load_tokenizer(tokenizer_artifact)
    llama = model(len(tokenizer), tie_word_embeddings=True)
    add_eot(llama, tokenizer)
    assert llama.get_input_embeddings().weight is llama.get_output_embeddings().weight


def test_a_model_that_knows_eot_is_left_as_it_is(tokenizer_artifact):
    tokenizer = load_tokenizer(tokenizer_artifact)
    llama = model(len(tokenizer))
    add_eot(llama, tokenizer)
    rows, tokens = llama.get_input_embeddings().weight.detach().clone(), len(tokenizer)
    add_eot(llama, tokenizer)
    assert (len(tokenizer), tokenizer.convert_ids_to_tokens(eot_id(tokenizer))) == (tokens, EOT)
    assert torch.equal(llama.get_input_embeddings().weight, rows)


def test_other_special_tokens_of_the_tokenizer_are_kept(tokenizer_artifact):
    tokenizer = load_tokenizer(tokenizer_artifact)
    tokenizer.add_special_tokens({"extra_special_tokens": ["<|image|>"]})
    add_eot(model(len(tokenizer)), tokenizer)
    assert {"<|image|>", EOT} <= set(tokenizer.all_special_tokens)

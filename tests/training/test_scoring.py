import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from align.errors import TrainingRefused
from align.tokens import NO_LOSS
from align.training import scoring
from align.training.job import Text
from align.training.scoring import Scorer, lay_out

SHAPES = {
    "llama": {"num_hidden_layers": 2, "hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 48},
    "gpt2": {"n_layer": 2, "n_embd": 32, "n_head": 2, "n_positions": 64, "resid_pdrop": 0, "embd_pdrop": 0, "attn_pdrop": 0},
    "gpt_neox": {"num_hidden_layers": 2, "hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 48},
    "phi": {"num_hidden_layers": 2, "hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 48},
    "phi3": {"num_hidden_layers": 2, "hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 48, "pad_token_id": 0},
    "qwen2": {
        "num_hidden_layers": 2,
        "hidden_size": 32,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "intermediate_size": 48,
    },
    # does more to its logits than multiply
    "gemma2": {
        "num_hidden_layers": 2,
        "hidden_size": 32,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "head_dim": 16,
        "intermediate_size": 48,
        "final_logit_softcapping": 3.0,
        "attn_implementation": "eager",
    },
}
WORDS = 50


def a_model(family: str):
    torch.manual_seed(1)
    config = AutoConfig.for_model(family, vocab_size=WORDS, **SHAPES[family])
    model = AutoModelForCausalLM.from_config(config).double()
    for weights in model.parameters():
        weights.data.normal_(0, 0.3)  # far from uniform
    return model.train()


def texts(seed: int = 1, lengths: tuple[int, ...] = (9, 4, 17, 6)) -> list[Text]:
    """Random ids; the first half of each is a prompt without loss, the longest has none there."""
    draw = torch.Generator().manual_seed(seed)
    made = []
    for length in lengths:
        ids = torch.randint(0, WORDS, (length,), generator=draw).tolist()
        masked = 0 if length == max(lengths) else length // 2
        made.append(Text(ids, [NO_LOSS] * masked + ids[masked:]))
    return made


def gradients(model) -> torch.Tensor:
    flat = torch.cat([weights.grad.flatten() for weights in model.parameters() if weights.grad is not None])
    model.zero_grad()
    return flat


def the_plain_way(model, batch: list[Text]) -> tuple[torch.Tensor, torch.Tensor]:
    """One padded batch with an attention mask, all logits, the mean over all tokens with loss (transformers', in float64)."""
    width = max(len(text.input_ids) for text in batch)
    ids, labels, mask = (torch.full((len(batch), width), fill) for fill in (0, NO_LOSS, 0))
    for row, text in enumerate(batch):
        length = len(text.input_ids)
        ids[row, :length], labels[row, :length] = torch.tensor(text.input_ids), torch.tensor(text.labels)
        mask[row, :length] = 1
    logits = model(input_ids=ids, attention_mask=mask).logits[:, :-1]
    loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels[:, 1:].flatten(), ignore_index=NO_LOSS)
    loss.backward()
    return loss.detach(), gradients(model)


@pytest.mark.parametrize("family", SHAPES)
@pytest.mark.parametrize("layout", ["padded", "packed"])
@pytest.mark.parametrize("cuts", [[[0, 1, 2, 3]], [[2], [0, 3], [1]], [[0], [1], [2], [3]]], ids=["whole", "three", "single"])
def test_loss_and_gradients_are_those_of_the_plain_padded_batch_however_it_is_cut(family, layout, cuts):
    model, batch = a_model(family), texts()
    loss, expected = the_plain_way(model, batch)
    scorer = Scorer(model)
    trained = sum(label != NO_LOSS for text in batch for label in text.labels[1:])
    total = 0.0
    for cut in cuts:
        share = -scorer.log_probs(model, lay_out([batch[index] for index in cut], layout)).sum() / trained
        share.backward()
        total += float(share.detach())
    close = 1e-6 if family == "gemma2" else 1e-9  # eager attention takes its softmax in float32
    assert total == pytest.approx(float(loss), rel=close)
    assert torch.allclose(gradients(model), expected, rtol=close, atol=close)


def test_logits_made_in_parts_give_the_same_gradients(monkeypatch):
    model, batch = a_model("llama"), texts()
    _, expected = the_plain_way(model, batch)
    monkeypatch.setattr(scoring, "LOGITS_AT_ONCE", WORDS * 4)  # four places at once
    scorer = Scorer(model)
    trained = sum(label != NO_LOSS for text in batch for label in text.labels[1:])
    (-scorer.log_probs(model, lay_out(batch)).sum() / trained).backward()
    assert torch.allclose(gradients(model), expected, rtol=1e-9, atol=1e-9)


def test_only_wanted_places_reach_the_output_layer_and_others_get_logits_as_ever():
    model, batch = a_model("llama"), texts()
    seen = []
    before = model(input_ids=torch.tensor([[1, 2, 3]])).logits
    scorer = Scorer(model)
    multiply = scorer._logits
    scorer._logits = lambda hidden: seen.append(tuple(hidden.shape)) or multiply(hidden)
    scorer.log_probs(model, lay_out(batch))
    # 5 + 2 + 16 + 3 of 4 x 17 places
    assert seen == [(26, 32)]
    assert torch.equal(model(input_ids=torch.tensor([[1, 2, 3]])).logits, before)


def test_the_log_probability_of_a_text_is_the_sum_over_its_tokens():
    model, batch = a_model("llama"), texts()
    scorer = Scorer(model)
    laid = lay_out(batch)
    together = laid.sums(scorer.log_probs(model, laid))
    assert laid.token_counts().tolist() == [5, 2, 16, 3]
    alone = [float(scorer.log_probs(model, lay_out([text])).detach().sum()) for text in batch]
    assert together.tolist() == pytest.approx(alone, rel=1e-9)


def test_texts_without_any_loss_give_a_gradient_of_zero_and_no_error():
    model = a_model("llama")
    silent = [Text([1, 2, 3], [NO_LOSS] * 3)]
    Scorer(model).log_probs(model, lay_out(silent)).sum().backward()
    assert float(gradients(model).abs().max()) == 0.0


def test_a_family_that_changes_logits_in_a_way_not_known_here_is_refused(monkeypatch):
    # at 3.0 a soft cap changes every log-probability that the output layer gave
    model = a_model("gemma2")
    monkeypatch.setattr(scoring, "CHANGES_LOGITS", ())
    with pytest.raises(TrainingRefused, match="'gemma2' does to logits after its output layer is not known"):
        Scorer(model).log_probs(model, lay_out(texts()))

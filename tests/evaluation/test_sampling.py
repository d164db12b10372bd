"""The draw of one token, against the definitions and against transformers' own processors."""

from random import Random

import pytest

from align.evaluation.sampling import draw, penalize


@pytest.fixture(scope="module")
def torch():
    import torch

    return torch


def test_the_nucleus_is_the_fewest_tokens_that_hold_the_share(torch) -> None:
    # probabilities 0.5, 0.3, 0.15, 0.05: the first two hold 0.8 < 0.85, so the third belongs to the nucleus and the fourth does not
    logits = torch.tensor([[0.05, 0.5, 0.15, 0.3]]).log()
    # in the nucleus's distribution (0.5, 0.3, 0.15) / 0.95 the steps lie at 0.526 and 0.842
    drawn = [draw(logits, [place], 1.0, 0.85).item() for place in (0.0, 0.52, 0.53, 0.84, 0.85, 0.999999)]
    assert drawn == [1, 1, 3, 3, 2, 2]


def test_a_nucleus_smaller_than_the_likeliest_token_still_has_that_token(torch) -> None:
    assert draw(torch.tensor([[0.1, 0.9]]).log(), [0.999999], 1.0, 0.01).item() == 1


def test_a_nucleus_of_everything_can_draw_the_last_token(torch) -> None:
    logits = torch.zeros(1, 1000)
    assert draw(logits, [1 - 2**-53], 1.0, 1.0).item() == 999
    assert draw(logits, [0.0], 1.0, 1.0).item() == 0


def test_temperature_zero_takes_the_likeliest(torch) -> None:
    assert draw(torch.tensor([[1.0, 3.0, 2.0], [5.0, 3.0, 2.0]]), [0.99, 0.99], 0.0, 0.9).tolist() == [1, 0]


def test_draws_follow_the_nucleus_distribution_of_transformers(torch) -> None:
    from scipy.stats import chisquare
    from transformers import TemperatureLogitsWarper, TopPLogitsWarper

    torch.manual_seed(1)
    logits = torch.randn(1, 40)
    warped = TopPLogitsWarper(0.9)(None, TemperatureLogitsWarper(0.7)(None, logits.clone()))
    expected = torch.softmax(warped, dim=-1)[0].double()
    random, count = Random(3), 20_000
    drawn = draw(logits.expand(count, -1), [random.random() for _ in range(count)], 0.7, 0.9)
    observed = torch.bincount(drawn, minlength=40).double()
    assert observed[expected == 0].sum() == 0
    inside = expected > 0
    assert inside.sum() > 3
    assert chisquare(observed[inside].numpy(), (expected[inside] / expected[inside].sum() * count).numpy()).pvalue > 0.001


def test_the_penalty_is_transformers_own_on_the_tokens_seen(torch) -> None:
    from transformers import RepetitionPenaltyLogitsProcessor

    torch.manual_seed(2)
    ids, logits = torch.tensor([[1, 2, 2, 5], [0, 0, 3, 4]]), torch.randn(2, 8)
    seen = torch.zeros(2, 8, dtype=torch.bool).scatter(1, ids[:, 2:], True)
    whole = RepetitionPenaltyLogitsProcessor(1.2, prompt_ignore_length=2)(ids, logits.clone())
    assert torch.equal(penalize(logits, seen, 1.2), whole)


def test_a_large_vocabulary_is_not_sorted_whole_and_gives_the_same_tokens(torch, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(4)
    peaked, flat, tied = torch.randn(8, 9000) * 4, torch.randn(8, 9000) * 0.1, torch.zeros(8, 9000)
    tied[:, 5000:5003] = 20.0
    uniforms = [Random(5).random() for _ in range(8)]
    several = (peaked, flat, tied, torch.cat([peaked[:4], flat[:4]]))
    found = [draw(logits, uniforms, 0.7, 0.9).tolist() for logits in several]
    monkeypatch.setattr("align.evaluation.sampling.CANDIDATES", 9000)
    assert found == [draw(logits, uniforms, 0.7, 0.9).tolist() for logits in several]
    assert set(found[2]) <= {5000, 5001, 5002}

"""How the next token is drawn: repetition penalty, temperature, nucleus; each row by its own random numbers.

Nothing here depends on which other rows share the batch, so a response is the same in any batch.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

CANDIDATES = 1024


def penalize(logits_RV: "torch.Tensor", seen_RV: "torch.Tensor", penalty: float) -> "torch.Tensor":
    """Make the tokens a row has seen less likely: positive logits are divided, negative ones multiplied (arXiv:1909.05858 §4.1).

    `generate` of transformers counts the prompt's tokens as seen whatever one asks, and with them the EOT that ends the
    prompt; who calls this says what was seen.
    """
    import torch

    return torch.where(seen_RV, torch.where(logits_RV < 0, logits_RV * penalty, logits_RV / penalty), logits_RV)


def draw(logits_RV: "torch.Tensor", uniforms: Sequence[float], temperature: float, top_p: float) -> "torch.Tensor":
    """One token a row from the nucleus, the fewest tokens that hold `top_p` of the probability (arXiv:1904.09751 §3.1).

    `uniforms` has one number in [0, 1) a row: the place in the nucleus's distribution, largest probability first.
    Temperature 0 takes the likeliest token.
    """
    import torch

    if temperature == 0:
        return logits_RV.argmax(dim=-1)
    probabilities_RV, order_RV = _likeliest_first(torch.softmax(logits_RV / temperature, dim=-1), top_p)
    mass_RV = probabilities_RV.cumsum(dim=-1)
    inside_RV = mass_RV - probabilities_RV < top_p
    inside_RV[:, 0] = True
    total_R1 = torch.where(inside_RV, mass_RV, 0).amax(dim=-1, keepdim=True)
    places_R1 = torch.tensor(uniforms, dtype=mass_RV.dtype, device=mass_RV.device).unsqueeze(-1) * total_R1
    chosen_R1 = (mass_RV <= places_R1).sum(dim=-1, keepdim=True)
    # a uniform a rounding error below 1 may point behind the last token
    last_R1 = inside_RV.sum(dim=-1, keepdim=True) - 1
    return order_RV.gather(-1, torch.minimum(chosen_R1, last_R1)).squeeze(-1)


def _likeliest_first(probabilities_RV: "torch.Tensor", top_p: float) -> "tuple[torch.Tensor, torch.Tensor]":
    """The probabilities and the tokens they belong to, at least as many as the nucleus has; of equal ones the lower id first."""
    count = probabilities_RV.shape[-1]
    if count > CANDIDATES * 4:  # sorting a vocabulary of 32,000 takes longer than a small model does to read
        top_RK, ids_RK = probabilities_RV.topk(CANDIDATES, dim=-1)
        # Tokens as likely as the last candidate may lie outside: the nucleus must be full without them.
        if bool(((top_RK * (top_RK > top_RK[:, -1:])).sum(dim=-1) >= top_p).all()):
            ids_RK = ids_RK.sort(dim=-1).values
            sorted_RK, places_RK = probabilities_RV.gather(-1, ids_RK).sort(dim=-1, descending=True, stable=True)
            return sorted_RK, ids_RK.gather(-1, places_RK)
    found: tuple[torch.Tensor, torch.Tensor] = probabilities_RV.sort(dim=-1, descending=True, stable=True)
    return found

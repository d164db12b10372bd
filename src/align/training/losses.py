"""Losses of preference training, one number a pair or a response, so that the cut into micro-batches changes none of them.

`chosen`, `rejected` and `gains` are log-ratios: the log-probability of a response under the model less that under the
reference. Formulas and names are TRL 1.16's.
"""

from collections.abc import Callable
from typing import Literal

import torch
from torch.nn.functional import logsigmoid

from align.training.dpo import PairLoss

LabelledLoss = Literal["kto", "apo_zero_unpaired"]

DISCOPOP_TEMPERATURE = 0.05
"""How sharply discopop turns from its logistic to its exponential part (arXiv 2406.08414; TRL's discopop_tau)."""


def pair_losses(
    loss: PairLoss, chosen: torch.Tensor, rejected: torch.Tensor, lengths: torch.Tensor, beta: float, smoothing: float
) -> torch.Tensor:
    """Loss of each of P pairs; `chosen`, `rejected` (P,), `lengths` (P, 2) tokens of the two responses."""
    if loss == "ipo":  # per token, as its authors confirmed to TRL
        return (chosen / lengths[:, 0] - rejected / lengths[:, 1] - 1 / (2 * beta)) ** 2
    if loss == "sigmoid_norm":
        return -logsigmoid(beta * (chosen / lengths[:, 0] - rejected / lengths[:, 1]))
    if loss == "sppo_hard":
        return (chosen - 0.5 / beta) ** 2 + (rejected + 0.5 / beta) ** 2
    return _LOSSES[loss](beta * chosen, beta * rejected, smoothing)


def labelled_losses(gains: torch.Tensor, desirable: torch.Tensor, baseline: torch.Tensor | float, beta: float) -> torch.Tensor:
    """Loss of each of N responses (N,), before weights: 1 - v(x, y) of KTO (arXiv 2402.01306, equation 7).

    `baseline` is z0, the model's distance from the reference; with 0 it is the unpaired loss of APO-zero.
    """
    above = gains - baseline
    return 1 - torch.sigmoid(beta * torch.where(desirable, above, -above))


def _sigmoid(chosen: torch.Tensor, rejected: torch.Tensor, smoothing: float) -> torch.Tensor:
    margin = chosen - rejected
    return -(1 - smoothing) * logsigmoid(margin) - smoothing * logsigmoid(-margin)


def _robust(chosen: torch.Tensor, rejected: torch.Tensor, smoothing: float) -> torch.Tensor:
    margin = chosen - rejected
    return (-(1 - smoothing) * logsigmoid(margin) + smoothing * logsigmoid(-margin)) / (1 - 2 * smoothing)


def _exo(chosen: torch.Tensor, rejected: torch.Tensor, smoothing: float) -> torch.Tensor:
    margin, wrong = chosen - rejected, torch.tensor(smoothing, device=chosen.device)
    right_way = torch.sigmoid(margin) * (logsigmoid(margin) - torch.log1p(-wrong))
    return right_way + torch.sigmoid(-margin) * (logsigmoid(-margin) - torch.log(wrong))


def _discopop(chosen: torch.Tensor, rejected: torch.Tensor, _: float) -> torch.Tensor:
    margin = chosen - rejected
    turned = torch.sigmoid(margin / DISCOPOP_TEMPERATURE)
    return -logsigmoid(margin) * (1 - turned) + torch.exp(-margin) * turned


_LOSSES: dict[str, Callable[[torch.Tensor, torch.Tensor, float], torch.Tensor]] = {
    "sigmoid": _sigmoid,
    "hinge": lambda chosen, rejected, _: torch.relu(1 - (chosen - rejected)),
    "robust": _robust,
    "exo_pair": _exo,
    "nca_pair": lambda chosen, rejected, _: -logsigmoid(chosen) - 0.5 * logsigmoid(-chosen) - 0.5 * logsigmoid(-rejected),
    "bco_pair": lambda chosen, rejected, _: -logsigmoid(chosen) - logsigmoid(-rejected),
    "apo_zero": lambda chosen, rejected, _: 1 - torch.sigmoid(chosen) + torch.sigmoid(rejected),
    "apo_down": lambda chosen, rejected, _: torch.sigmoid(chosen) + 1 - torch.sigmoid(chosen - rejected),
    "discopop": _discopop,
}

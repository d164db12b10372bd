"""Losses of preference training, one number a pair.

`chosen` and `rejected` are log-ratios: the log-probability of a response under the model less that under the reference.
Each is TRL 1.16's, which names the paper; there they are part of a trainer that pads every batch to its longest text.
"""

from collections.abc import Callable
from typing import Literal

import torch
from torch.nn.functional import logsigmoid

PairLoss = Literal["sigmoid", "hinge", "ipo", "robust", "apo_zero", "apo_down", "sppo_hard", "nca_pair"]


def pair_losses(
    loss: PairLoss, chosen: torch.Tensor, rejected: torch.Tensor, lengths: torch.Tensor, beta: float, smoothing: float
) -> torch.Tensor:
    """Loss of each of P pairs; `chosen`, `rejected` (P,), `lengths` (P, 2) tokens of the two responses."""
    if loss == "ipo":  # per token, as its authors confirmed to TRL
        return (chosen / lengths[:, 0] - rejected / lengths[:, 1] - 1 / (2 * beta)) ** 2
    if loss == "sppo_hard":
        return (chosen - 0.5 / beta) ** 2 + (rejected + 0.5 / beta) ** 2
    return _LOSSES[loss](beta * chosen, beta * rejected, smoothing)


def _robust(chosen: torch.Tensor, rejected: torch.Tensor, smoothing: float) -> torch.Tensor:
    margin = chosen - rejected
    return (-(1 - smoothing) * logsigmoid(margin) + smoothing * logsigmoid(-margin)) / (1 - 2 * smoothing)


_LOSSES: dict[str, Callable[[torch.Tensor, torch.Tensor, float], torch.Tensor]] = {
    "sigmoid": lambda chosen, rejected, _: -logsigmoid(chosen - rejected),
    "hinge": lambda chosen, rejected, _: torch.relu(1 - (chosen - rejected)),
    "robust": _robust,
    "nca_pair": lambda chosen, rejected, _: -logsigmoid(chosen) - 0.5 * logsigmoid(-chosen) - 0.5 * logsigmoid(-rejected),
    "apo_zero": lambda chosen, rejected, _: 1 - torch.sigmoid(chosen) + torch.sigmoid(rejected),
    "apo_down": lambda chosen, rejected, _: torch.sigmoid(chosen) + 1 - torch.sigmoid(chosen - rejected),
}

"""Learning what people accept: a logistic regression that is fitted in milliseconds, on numbers that cost nothing to look up."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from align.curation.pools.pool import Pool

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

VECTOR_SCALE = 10.0
"""A number of a unit vector of 256 is about 1/16: so scaled, vectors and the standardised columns beside them weigh alike."""
PENALTY = 30.0
"""Half of it times the squared weights is added to the loss; the labels weigh as many as they are."""
STEPS = 60
WIDEST = 3.0
"""A column's value beyond so many standard deviations counts as this: one outlier shall not decide."""
BLOCK = 16_384


@dataclass(slots=True)
class Features:
    """Numbers of every example: its vector, and standardised columns of signals and of its response's shape."""

    pool: Pool
    columns: "NDArray[np.float32]" = field(init=False)
    """Shape (rows, columns)."""

    def __post_init__(self) -> None:
        import numpy as np

        signals = [np.sign(column) * np.log1p(np.abs(column)) for column in self.pool.signals.values()]
        found = [_standardised(column) for column in (*self.pool.shapes.T, *signals)]
        self.columns = np.stack(found, axis=1)

    def rows(self, rows: "NDArray[np.int64]") -> "NDArray[np.float64]":
        """The numbers of some examples, and a 1 for the constant."""
        import numpy as np

        vectors = VECTOR_SCALE * np.asarray(self.pool.vectors[rows], dtype=np.float64)
        return np.hstack([vectors, self.columns[rows], np.ones((len(rows), 1))])

    def scores(self, weights: "NDArray[np.float64]") -> "NDArray[np.float32]":
        """The log-odds of every example."""
        import numpy as np

        width = self.pool.vectors.shape[1]
        first, rest = (VECTOR_SCALE * weights[:width]).astype(np.float32), weights[width:-1].astype(np.float32)
        found = np.empty(len(self.pool), dtype=np.float32)
        for start in range(0, len(self.pool), BLOCK):
            part = slice(start, start + BLOCK)
            found[part] = self.pool.vectors[part] @ first + self.columns[part] @ rest
        return found + np.float32(weights[-1])


def fit_logistic(rows: "NDArray[np.float64]", labels: "NDArray[np.bool_]") -> "NDArray[np.float64]":
    """Weights that tell the two classes apart, each class weighing half; the constant comes last and is not held back.

    Always from zero: with a start from the last fit, what is shown would depend on when the program was started.
    """
    import numpy as np
    from scipy.optimize import minimize

    counts = np.array([np.sum(~labels), np.sum(labels)])
    weighing = (len(labels) / (2 * counts))[labels.astype(np.int64)]
    signs = np.where(labels, 1.0, -1.0)
    penalty = np.full(rows.shape[1], PENALTY)
    penalty[-1] = 1e-3

    def loss(weights: "NDArray[np.float64]") -> "tuple[float, NDArray[np.float64]]":
        margins = signs * (rows @ weights)
        slope = -signs * weighing / (1 + np.exp(np.clip(margins, -30, 30)))
        value = weighing @ np.logaddexp(0, -margins) + 0.5 * penalty @ (weights * weights)
        return float(value), rows.T @ slope + penalty * weights

    return np.asarray(minimize(loss, np.zeros(rows.shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": STEPS}).x)


def logistic(scores: "NDArray[np.float32]") -> "NDArray[np.float32]":
    """Chances from log-odds."""
    import numpy as np

    return np.asarray(1 / (1 + np.exp(-np.clip(scores, -30, 30))), dtype=np.float32)


def _standardised(column: "NDArray[np.float32]") -> "NDArray[np.float32]":
    """Mean 0 and deviation 1, cut at `WIDEST`; what is no number counts as the median."""
    import numpy as np

    known = np.isfinite(column)
    filled = np.where(known, column, np.median(column[known]) if known.any() else 0.0).astype(np.float64)
    spread = filled.std()
    return np.asarray(np.clip((filled - filled.mean()) / (spread if spread > 1e-9 else 1.0), -WIDEST, WIDEST), dtype=np.float32)

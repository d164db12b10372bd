"""Whether a plain classifier guesses a response's source from its style: 0.5 is one voice, 1 is as many as there are sources."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from align.progress import track
from align.records import Measurement
from align.statistics import auc, resampled_auc
from align.style.ends import CLOSINGS, OPENINGS
from align.style.features import VOICE, Measured
from align.style.reference import LOGARITHMIC

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FOLDS = 5
FEWEST = 2 * FOLDS
"""A source with fewer responses is left out: no fold would hold two of it."""
DRAWS = 1000


def guess_sources(by_kind: Mapping[str, Sequence[Measured]], seed: int) -> list[Measurement]:
    """Cross-validated AUC of guessing the source from all features, and from the voice alone; none where there is one source."""
    kinds = {kind: several for kind, several in by_kind.items() if len(several) >= FEWEST}
    if len(kinds) < 2:
        return []
    found = []
    for metric, only in (("style_source_auc", None), ("style_voice_auc", VOICE)):
        classes, chances = _guess(kinds, only, seed)
        found += _aucs(metric, list(kinds), classes, chances, seed)
    return found


def _guess(
    kinds: Mapping[str, Sequence[Measured]], only: Sequence[str] | None, seed: int
) -> "tuple[NDArray[np.int64], NDArray[np.float64]]":
    """Number of each response's source, and the chances a classifier gave to each source that had not seen the response."""
    import numpy as np

    # Heavy, and on first use only.
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rows = np.array([_row(item, only) for several in kinds.values() for item in several])
    rows = np.where(np.isfinite(rows), rows, np.nanmedian(np.where(np.isfinite(rows).any(axis=0), rows, 0.0), axis=0))
    classes = np.repeat(np.arange(len(kinds)), [len(several) for several in kinds.values()])
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000, class_weight="balanced"))
    chances = np.empty((len(rows), len(kinds)))
    for known, held_out in track(list(folds.split(rows, classes)), "guessing sources by style", unit="folds"):
        chances[held_out] = model.fit(rows[known], classes[known]).predict_proba(rows[held_out])
    return classes, chances


def _row(item: Measured, only: Sequence[str] | None) -> list[float]:
    names = list(item.values) if only is None else only
    row = [math.log1p(item.values[name]) if name in LOGARITHMIC else item.values[name] for name in names]
    row += [float(item.opening == name) for name in OPENINGS]
    return row + [float(item.closing == name) for name in CLOSINGS]


def _aucs(
    metric: str, names: list[str], classes: "NDArray[np.int64]", chances: "NDArray[np.float64]", seed: int
) -> list[Measurement]:
    """The mean over sources, each against the rest, and each source's own."""
    import numpy as np

    each = [auc(chances[:, number], classes == number) for number in range(len(names))]
    every = (value for n in range(len(names)) for value in resampled_auc(chances[:, n], classes == n, _draws(len(classes), seed)))
    by_name = np.fromiter(track(every, "drawing responses anew", len(names) * DRAWS, "draws"), dtype=np.float64)
    bootstrap = np.ascontiguousarray(by_name.reshape(len(names), DRAWS).T)
    what = "all features of style" if metric == "style_source_auc" else "the voice (person, contractions, exclamations, ends)"
    how = f"AUC of logistic regression on {what}, {FOLDS}-fold, a source against the rest; bootstrap over responses, 95 %"
    low, high = np.nanquantile(np.nanmean(bootstrap, axis=1), [0.025, 0.975])
    mean = float(np.mean(each))
    found = [Measurement(metric, "all sources", mean, float(low), float(high), len(classes), f"mean over sources; {how}")]
    if len(names) > 2:
        lows, highs = np.nanquantile(bootstrap, [0.025, 0.975], axis=0)
        for number, name in enumerate(names):
            counted = int((classes == number).sum())
            found.append(Measurement(metric, name, each[number], float(lows[number]), float(highs[number]), counted, how))
    return found


def _draws(count: int, seed: int) -> "Iterator[NDArray[np.int64]]":
    """How often each response is taken, draw by draw: the same each time, and never held all at once."""
    import numpy as np

    random = np.random.default_rng(seed)
    for _ in range(DRAWS):
        yield np.bincount(random.integers(0, count, count), minlength=count)

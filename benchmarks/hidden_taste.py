"""A simulated curator: likes what a taste likes that the queue does not see, and errs in one decision of ten.

The taste is made of what the queue's model is not given: hashed runs of three to five characters, squeezed to 50 directions,
and eleven measures of readability by `align.style`. A random mixture of either, or of both, says how much an example is liked;
in each cell the best share of the examples is liked.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from align.records import Example
from align.style.features import measure

Kind = Literal["wording", "readability", "both"]
Noise = Literal["coin", "flip"]
READABILITY = (
    "flesch", "mtld", "sentence_spread", "sentence_words", "hedges", "imperatives", "second_person", "first_person",
    "punctuation", "acknowledgement", "contractions",
)  # fmt: skip
DIRECTIONS = 50
ERRORS = 0.1


class HiddenTaste:
    """Representations of a pool that only the simulated curator has."""

    def __init__(self, examples: Sequence[Example]) -> None:
        self.wording = wording_of(examples)
        self.readability = readability_of(examples)

    def liked(self, kind: Kind, rate: float, cells: NDArray[np.int32], seed: int) -> NDArray[np.bool_]:
        """Which examples the curator would take: the best `rate` of each cell."""
        random = np.random.default_rng(seed)
        wording = _standard(self.wording @ random.standard_normal(self.wording.shape[1]))
        readability = _standard(self.readability @ random.standard_normal(len(READABILITY)))
        scores = {"wording": wording, "readability": readability, "both": wording + readability}[kind]
        liked = np.zeros(len(scores), dtype=np.bool_)
        for cell in np.unique(cells):
            own = cells == cell
            liked[own] = scores[own] >= np.quantile(scores[own], 1 - rate)
        return liked


def decisions(liked: NDArray[np.bool_], noise: Noise, seed: int) -> NDArray[np.bool_]:
    """What the curator says of each example, if asked. One decision of ten is wrong.

    `coin`: it is made by lot at the rate at which examples are liked, so that the rate of acceptance is what it was.
    `flip`: it is the opposite, so that some of the many disliked ones are taken: where 10 % are liked, 18 % are accepted, half of
    them wrongly.
    """
    random = np.random.default_rng([seed, 7])
    is_wrong = random.random(len(liked)) < ERRORS
    instead = ~liked if noise == "flip" else random.random(len(liked)) < liked.mean()
    return np.where(is_wrong, instead, liked)


def wording_of(examples: Sequence[Example]) -> NDArray[np.float64]:
    """Hashed character n-grams, weighted and squeezed."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

    hashing = HashingVectorizer(analyzer="char_wb", ngram_range=(3, 5), n_features=2**18, norm=None, alternate_sign=False)
    counts = hashing.transform([f"{example.prompt}\n\n{example.response}" for example in examples])
    weighted = TfidfTransformer(sublinear_tf=True).fit_transform(counts)
    found = TruncatedSVD(min(DIRECTIONS, len(examples) - 1), random_state=0).fit_transform(weighted)
    return np.asarray(found - found.mean(axis=0))


def readability_of(examples: Sequence[Example]) -> NDArray[np.float64]:
    """Ranks of each measure, as deviations from the middle."""
    from scipy.stats import rankdata

    measured = [measure(example.response, example.prompt).values for example in examples]
    values = np.array([[row[name] for name in READABILITY] for row in measured])
    middle = np.nanmedian(np.where(np.isfinite(values), values, np.nan), axis=0)
    filled = np.where(np.isfinite(values), values, np.where(np.isfinite(middle), middle, 0))
    return np.asarray((np.apply_along_axis(rankdata, 0, filled) / len(filled) - 0.5) * np.sqrt(12))


def _standard(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((values - values.mean()) / values.std())

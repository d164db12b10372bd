"""A random forest as plain arrays: learnt with scikit-learn, kept without pickle, asked with numpy.

forest.safetensors    left, right (children, -1 at a leaf), feature, threshold, value: all trees one after the other; roots
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from align.errors import StoreError
from align.progress import Bar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ARRAYS = ("left", "right", "feature", "threshold", "value", "roots")
AT_ONCE = 10
"""Trees between two looks at how far it is."""


@dataclass(frozen=True, slots=True)
class Forest:
    """Regression trees whose mean is the answer (Breiman 2001, Machine Learning 45, p. 5)."""

    left: "NDArray[np.int64]"
    """Number of the node for values up to the threshold; -1 at a leaf."""
    right: "NDArray[np.int64]"
    feature: "NDArray[np.int64]"
    threshold: "NDArray[np.float64]"
    value: "NDArray[np.float64]"
    roots: "NDArray[np.int64]"
    """Number of each tree's first node."""

    def predict(self, rows: "NDArray[np.float32]") -> "NDArray[np.float64]":
        """The mean of the trees, added in their order, so that it equals scikit-learn's to the last bit; shape (rows,)."""
        import numpy as np

        total = np.zeros(len(rows))
        for root in self.roots:
            places = np.full(len(rows), root)
            while True:
                inner = np.flatnonzero(self.left[places] >= 0)
                if not len(inner):
                    break
                nodes = places[inner]
                goes_left = rows[inner, self.feature[nodes]] <= self.threshold[nodes]
                places[inner] = np.where(goes_left, self.left[nodes], self.right[nodes])
            total += self.value[places]
        return np.asarray(total / len(self.roots))

    def write(self, path: Path) -> None:
        """As safetensors: arrays and nothing that could be run."""
        import numpy as np
        from safetensors.numpy import save

        from align.files import commit_file

        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(path.name + ".tmp")
        temporary.write_bytes(save({name: np.ascontiguousarray(getattr(self, name)) for name in ARRAYS}))
        commit_file(temporary, path)

    @classmethod
    def read(cls, path: Path) -> "Forest":
        """What `write` wrote."""
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        try:
            arrays = load_file(path)
            return cls(**{name: arrays[name] for name in ARRAYS})
        except (OSError, SafetensorError, KeyError) as error:
            raise StoreError(
                f"{path}: no forest ({type(error).__name__}: {error}); run the stage `educational` again."
            ) from error


def grow_forest(rows: "NDArray[np.float32]", grades: "NDArray[np.float64]", trees: int, seed: int) -> Forest:
    """Learn the grades from the vectors."""
    with Bar("growing the forest", trees, unit="trees") as bar:
        return as_arrays(learnt_forest(rows, grades, trees, seed, bar.move))


def learnt_forest(
    rows: "NDArray[np.float32]", grades: "NDArray[np.float64]", trees: int, seed: int, grown: Callable[[int], None]
) -> Any:
    """scikit-learn's forest with our settings; a third of the features a split is Breiman's own advice for regression.

    It grows a few trees at a time, the same ones as at once, and tells how many there are.
    """
    # Heavy, and on first use only.
    from sklearn.ensemble import RandomForestRegressor

    forest = RandomForestRegressor(max_features=1 / 3, min_samples_leaf=2, random_state=seed, n_jobs=1, warm_start=True)
    for count in (*range(AT_ONCE, trees, AT_ONCE), trees):
        forest.set_params(n_estimators=count).fit(rows, grades)
        grown(count)
    return forest


def as_arrays(learnt: Any) -> Forest:
    """The trees of a fitted scikit-learn forest."""
    import numpy as np

    trees = [tree.tree_ for tree in learnt.estimators_]
    roots = np.cumsum([0, *(tree.node_count for tree in trees)])[:-1]
    left, right = (
        np.concatenate([np.where(side >= 0, side + root, -1) for side, root in zip(sides, roots, strict=True)])
        for sides in ([tree.children_left for tree in trees], [tree.children_right for tree in trees])
    )
    return Forest(
        left=left.astype(np.int64),
        right=right.astype(np.int64),
        feature=np.concatenate([np.maximum(tree.feature, 0) for tree in trees]).astype(np.int64),
        threshold=np.concatenate([tree.threshold for tree in trees]).astype(np.float64),
        value=np.concatenate([tree.value[:, 0, 0] for tree in trees]).astype(np.float64),
        roots=roots.astype(np.int64),
    )

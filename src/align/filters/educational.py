"""The `educational` stage: a forest learns the grades of a small sample from embeddings, and filters the rest (phi-1)."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, Self

from pydantic import Field, model_validator

from align.artifact import Counts
from align.embed.embedder import Embedder, Of, embedded_text
from align.embed.tfidf import TfIdf
from align.embed.vectors import embed_texts
from align.errors import EmptyResult, InputError
from align.files import RecordWriter, write_records
from align.filters.forest import Forest, grow_forest, learnt_forest
from align.parts import RawFile, StageName
from align.progress import Bar, track
from align.records import Example, Grade, Measurement, Rejection
from align.score_files import read_scores
from align.stage import Inputs, Stage
from align.statistics import LEVEL, Estimate, auc, rank_correlation, wilson

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

log = logging.getLogger(__name__)

FOREST = "files/forest.safetensors"
FOLDS = 5
FEWEST = 30
"""Fewer graded examples say nothing of how well the grades are learnt."""
DRAWS = 1000
BATCH = 4096

Figure = Callable[["NDArray[np.int64]"], float]
"""A figure of the graded examples with these numbers."""


class Educational(Stage):
    """Keep the examples whose grade, as a random forest on embeddings foresees it, is at least `min_score`.

    phi-1's filter (arXiv 2306.11644 §2.1). The forest learns from the examples that have a grade; these keep their own. How well
    it foresees grades it has not seen is measured by cross-validation: look at that before believing the rest. Each example
    that is kept has its score as a signal.
    """

    kind: Literal["educational"] = "educational"
    grades: StageName | None = None
    """A stage whose grades of some of these examples are learnt from: `grade_sample`."""
    graded: RawFile | None = None
    """Or a CSV file with the columns id and score, graded by whom you like on whatever scale."""
    min_score: float = 4.0
    """The least score; on the scale of the rubrics 4 teaches a fair amount."""
    signal: str = Field(default="educational", min_length=1)
    """Name of the signal that holds the score; a second filter, for `reasoning`, takes another."""
    embedder: Embedder = TfIdf()
    """What the forest sees of a text."""
    on: Of = "both"
    """Of a dialogue: its prompt, its response, or both."""
    trees: int = Field(default=200, ge=1)
    """Trees of the forest."""
    seed: int = 1
    """Decides the forest and the folds."""

    verb: ClassVar[str] = "kept"

    @model_validator(mode="after")
    def _check_one_source(self) -> Self:
        if (self.grades is None) == (self.graded is None):
            raise ValueError("write either `grades` (a stage) or `graded` (a CSV file)")
        return self

    def run(self, inputs: Inputs, work: Path) -> Counts:
        import numpy as np

        known = self._known(inputs)
        vectors = embed_texts(
            self.embedder, lambda: (embedded_text(item, self.on) for item in inputs.read(Example, "embedding")), work
        )
        rows, scores = _graded_rows(inputs, known)
        if len(rows) < FEWEST:
            raise InputError(
                f"educational: {len(rows):,} of the {len(vectors):,} examples that came in have a grade (of {len(known):,} "
                f"graded ids); at least {FEWEST} are needed. Grade a larger sample of these very examples."
            )
        learnt = np.asarray(vectors[rows])
        grades = np.array(scores)
        forest = grow_forest(learnt, grades, self.trees, self.seed)
        forest.write(work / FOREST)
        counts = self._filter(inputs, work, forest, vectors, dict(zip(rows, scores, strict=True)))
        unknown = len(known) - len(rows)
        noted = {"graded": len(rows)} | ({"grades of unknown examples": unknown} if unknown else {})
        measured = self._measure(learnt, grades, counts)
        write_records(work, Measurement, measured)
        self._warn(measured)
        return replace(counts, noted=noted)

    def _warn(self, measured: list[Measurement]) -> None:
        found = {item.metric: item for item in measured}
        quality = found.get(f"{self.signal}_auc")
        if quality is None:
            log.warning(
                "educational: all grades lie on one side of min_score %g: nothing says how well they are foreseen", self.min_score
            )
        elif quality.low is None or quality.low <= 0.5:
            log.warning(
                "educational: grades held out are foreseen no better than by chance (AUC %.2f, %.2f to %.2f): what it drops "
                "says nothing. Grade more examples, or other ones.",
                *(quality.value, quality.low, quality.high),
            )

    def _known(self, inputs: Inputs) -> dict[str, float]:
        """Grade of each graded example; the mean where several judges graded it."""
        if self.graded is not None:
            return read_scores(self.graded)
        found: dict[str, list[float]] = {}
        for grade in inputs.named["grades"].read(Grade):
            found.setdefault(grade.prompt_id, []).append(grade.value)
        if not found:
            raise EmptyResult(f"educational: stage {inputs.named['grades'].name} has no grades; name one of kind grade_sample.")
        return {name: sum(values) / len(values) for name, values in found.items()}

    def _filter(
        self, inputs: Inputs, work: Path, forest: Forest, vectors: "NDArray[np.float32]", own: dict[int, float]
    ) -> Counts:
        reason = f"{self.signal} below {self.min_score:g}"
        with RecordWriter(work, Example) as kept, RecordWriter(work, Rejection) as rejected:
            for number, (example, foreseen) in enumerate(zip(inputs.read(Example), _predictions(forest, vectors), strict=True)):
                score = own.get(number, foreseen)
                if score >= self.min_score:
                    kept.write(replace(example, signals={**example.signals, self.signal: score}))
                else:
                    how = "graded" if number in own else "foreseen"
                    rejected.write(Rejection(example.id, self.kind, reason, f"{score:.2f}, {how}"))
        if kept.count == 0:
            raise EmptyResult(
                f"0 of {len(vectors):,} examples have a score of {self.min_score:g} or more; the highest grade given is "
                f"{max(own.values()):g}. Lower `min_score`."
            )
        dropped = {f"{self.kind}: {reason}": rejected.count} if rejected.count else {}
        return Counts(len(vectors), kept.count, dropped)

    def _measure(self, learnt: "NDArray[np.float32]", grades: "NDArray[np.float64]", counts: Counts) -> list[Measurement]:
        """How well grades that were not seen are foreseen, and how much is kept."""
        foreseen = self._foreseen(learnt, grades)
        held_out = f"grades foreseen of examples held out, {FOLDS}-fold; bootstrap over examples, {100 * LEVEL:g} %"
        figures: dict[str, tuple[Figure, str]] = {
            "spearman": (lambda taken: rank_correlation(grades[taken], foreseen[taken]), "rank correlation with"),
            "auc": (
                lambda taken: auc(foreseen[taken], grades[taken] >= self.min_score),
                f"chance that one of {self.min_score:g} or more is foreseen higher than one below, by",
            ),
        }
        found = []
        for name, (figure, how) in figures.items():
            estimate = _bootstrapped(figure, len(grades), self.seed)
            if estimate is not None:
                found.append(Measurement(f"{self.signal}_{name}", "held out", *estimate, len(grades), f"{how} {held_out}"))
        kept = Estimate(counts.kept / counts.read, *wilson(counts.kept, counts.read))
        return [*found, Measurement(f"{self.signal}_kept_share", "the set", *kept, counts.read, "Wilson 95 %")]

    def _foreseen(self, learnt: "NDArray[np.float32]", grades: "NDArray[np.float64]") -> "NDArray[np.float64]":
        """Each grade by a forest that has not seen it."""
        import numpy as np
        from sklearn.model_selection import KFold

        foreseen = np.empty(len(grades))
        with Bar("foreseeing grades held out", FOLDS * self.trees, unit="trees") as bar:
            for fold, (known, held_out) in enumerate(KFold(FOLDS, shuffle=True, random_state=self.seed).split(learnt)):

                def moved(grown: int, before: int = fold * self.trees) -> None:
                    bar.move(before + grown)

                forest = learnt_forest(learnt[known], grades[known], self.trees, self.seed, moved)
                foreseen[held_out] = forest.predict(learnt[held_out])
        return foreseen


def _graded_rows(inputs: Inputs, known: dict[str, float]) -> tuple[list[int], list[float]]:
    rows, scores = [], []
    for number, example in enumerate(inputs.read(Example)):
        if example.id in known:
            rows.append(number)
            scores.append(known[example.id])
    return rows, scores


def _predictions(forest: Forest, vectors: "NDArray[np.float32]") -> Iterator[float]:
    import numpy as np

    for start in range(0, len(vectors), BATCH):
        yield from forest.predict(np.asarray(vectors[start : start + BATCH])).tolist()


def _bootstrapped(figure: Figure, count: int, seed: int) -> Estimate | None:
    """A figure of some of `count` examples with its interval; None where it cannot be told, as with all on one side."""
    import numpy as np

    value = figure(np.arange(count))
    if not np.isfinite(value):
        return None
    random = np.random.default_rng(seed)
    drawn = [figure(random.integers(0, count, count)) for _ in track(range(DRAWS), "drawing grades anew", unit="draws")]
    low, high = np.nanquantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(value, float(low), float(high))

"""Whether a text that is being written is there already: the same prompt, words copied, or the same thing said otherwise."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from align.embed.tfidf import TfIdf
from align.records import Turn
from align.text import normalize, words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from align.embed.embedder import Encoder

SAME = 0.9
"""Share of a prompt's characters that need no edit, from which two prompts are one."""
ALIKE = 0.7
"""Cosine from which two texts are shown as alike."""
RUN_WORDS = 13
"""So many words in a row that stand in both are copied (GPT-3, arXiv 2005.14165, appendix C)."""
LEARNT = 20_000
"""So many of the known texts teach which words are rare."""

How = Literal["same prompt", "shared words", "alike"]
Where = Literal["pool", "accepted", "authored", "other group"]


class Known(NamedTuple):
    """A text that a new one is compared with."""

    id: str
    where: Where
    prompt: str
    text: str
    """All turns; empty where the prompt alone is compared."""


class Likeness(NamedTuple):
    """What a new text has in common with a known one."""

    known: Known
    how: How
    share: float
    """Of characters, or the cosine, 0 to 1; of shared words, how many."""
    words: str = ""
    """The words that both have."""

    @property
    def is_duplicate(self) -> bool:
        """Whether one of the two should go."""
        return self.how != "alike"


class KnownTexts:
    """The texts that are there, ready to be compared with what a person types; nothing in it changes."""

    def __init__(self, known: Iterable[Known]) -> None:
        self.known = list(known)
        self._prompts = [normalize(item.prompt) for item in self.known]
        self._words = {word for item in self.known for word in words(item.prompt)}
        self._runs = _runs_of(self.known)
        self._encoder, self._vectors = self._embed()

    def find(self, turns: Sequence[Turn], most: int = 5, without: str = "") -> list[Likeness]:
        """What is most like the turns, duplicates first; the known text with the id `without` (its own) is left out."""
        found: dict[int, Likeness] = {}
        for likeness, number in (*self._alike(turns), *self._same_prompt(turns), *self._shared(turns)):
            if self.known[number].id != without:
                found[number] = likeness  # the stronger kinds come later and stay
        ranked = sorted(found.values(), key=lambda item: (not item.is_duplicate, -item.share, item.known.id))
        return ranked[:most]

    def _same_prompt(self, turns: Sequence[Turn]) -> list[tuple[Likeness, int]]:
        from rapidfuzz import fuzz, process

        asked = normalize(turns[0].text) if turns else ""
        if not asked:
            return []
        hits = process.extract(asked, self._prompts, scorer=fuzz.ratio, score_cutoff=100 * SAME, limit=10)
        return [(Likeness(self.known[number], "same prompt", score / 100), number) for _, score, number in hits]

    def _shared(self, turns: Sequence[Turn]) -> list[tuple[Likeness, int]]:
        counted: Counter[int] = Counter()
        first: dict[int, str] = {}
        for run in runs(" \n ".join(turn.text for turn in turns)):
            for number in self._runs.get(hash(run), ()):
                counted[number] += 1
                first.setdefault(number, run)
        return [
            (Likeness(self.known[number], "shared words", float(RUN_WORDS + count - 1), first[number]), number)
            for number, count in counted.most_common(10)
        ]

    def _alike(self, turns: Sequence[Turn]) -> list[tuple[Likeness, int]]:
        import numpy as np

        if self._encoder is None or self._vectors is None or not turns:
            return []
        asked = set(words(turns[0].text))
        # Words that no known prompt has are not in the vector; without this a single shared word would make two texts one.
        told = len(asked & self._words) / max(1, len(asked))
        cosines = self._vectors @ self._encoder.encode([turns[0].text])[0] * told
        best = np.argsort(-cosines, kind="stable")[:10]
        return [(Likeness(self.known[n], "alike", float(cosines[n])), int(n)) for n in best if cosines[n] >= ALIKE]

    def _embed(self) -> "tuple[Encoder | None, NDArray[np.float32] | None]":
        if not self.known:
            return None, None
        prompts = [item.prompt for item in self.known]
        step = -(-len(prompts) // LEARNT)
        encoder = TfIdf().prepare(prompts[::step])
        return encoder, encoder.encode(prompts)


def runs(text: str) -> list[str]:
    """Every thirteen words in a row."""
    found = words(text)
    return [" ".join(found[start : start + RUN_WORDS]) for start in range(len(found) - RUN_WORDS + 1)]


def _runs_of(known: Sequence[Known]) -> dict[int, list[int]]:
    index: dict[int, list[int]] = {}
    for number, item in enumerate(known):
        for run in set(runs(item.text)) if item.text else ():
            index.setdefault(hash(run), []).append(number)
    return index


def leaks(first: Iterable[Known], second: Iterable[Known]) -> list[tuple[Known, Likeness]]:
    """What of `second` stands in `first` too: the same prompt, or words copied, for the check between the two groups."""
    there = KnownTexts(first)
    found = []
    for item in second:
        asked = [Turn("user", item.prompt), *([Turn("assistant", item.text)] if item.text else [])]
        found += [(item, likeness) for likeness in there.find(asked) if likeness.is_duplicate]
    return found

"""The family of readers of preference data, and the stage that puts what they read into one clean set."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from align.artifact import Counts, in_words
from align.errors import EmptyResult
from align.files import RecordWriter
from align.lots import lot
from align.parts import Part, RawFile, StageName
from align.progress import track
from align.records import Author, Example, Origin, PreferencePair, Rejection, Turn
from align.rows import Row
from align.stage import Inputs, Stage

EMPTY = "empty answer"
EQUAL = "both answers equal"
DUPLICATE = "duplicate"
CONTRADICTED = "contradicted by another pair"
ELSEWHERE = "prompt in a set it must stay out of"
NOT_DRAWN = "not drawn"
DESIRABLE = "desirable"
"""Signal of a labelled answer: 1, or 0."""


class PairSource(Part):
    """Reads files of preference data into pairs."""

    paths: tuple[RawFile, ...] = Field(min_length=1)
    """Files (.json, .jsonl, .gz or .xz of them) or folders with such files."""
    author: str = ""
    """Who made the rows, for the attribution."""
    license: str = ""
    """Licence of the rows, e.g. `CC BY-NC 4.0`; it travels with each pair."""

    def read(self, skipped: Counter[str]) -> Iterator[PreferencePair | Rejection]:
        """The pairs, in the order of the files. Rows that form none are counted in `skipped` by reason."""
        raise NotImplementedError

    def responses(self, skipped: Counter[str]) -> Iterator[Example | Rejection]:
        """Each answer by itself, with the signal `desirable`, 1 or 0: by default 1 if it was preferred in a pair."""
        for item in self.read(skipped):
            if isinstance(item, Rejection):
                yield item
                continue
            for text, desirable in ((item.chosen, True), (item.rejected, False)):
                yield response_of(item.prompt, text, desirable, item.origin, item.tags)

    def raw_files(self) -> dict[str, Path]:
        """Each pair says which file it came from, so the name of the file, not its folder, decides too."""
        return {f"paths.{number}.{path.name}": path for number, path in enumerate(self.paths)}

    def pair(
        self,
        row: Row,
        prompt: tuple[Turn, ...],
        answers: tuple[str, str],
        *,
        margin: float | None = None,
        tags: tuple[str, ...] = (),
        native_id: str = "",
    ) -> PreferencePair:
        """One pair, named by what it says; `answers` are the preferred one and the other."""
        origin = self.origin(row, "preference pair", native_id)
        return PreferencePair(pair_id(self.kind, prompt, *answers), prompt, *answers, origin, margin, tags)

    def origin(self, row: Row, role: str, native_id: str = "") -> Origin:
        """Where a row came from, and whom to name."""
        authors = (Author(self.author, role=role, license=self.license),) if self.author or self.license else ()
        return Origin(self.kind, native_id or str(row.number), dump=row.path.name, authors=authors)


class Preferences(Stage):
    """One set of preference pairs: empty, equal, repeated and contradicting ones go, each with its reason."""

    kind: Literal["preferences"] = "preferences"
    sources: tuple[PairSource, ...] = Field(min_length=1)
    """Where the pairs come from: [{kind: beavertails, paths: [...]}, ...]; `align kinds pairsource` lists them."""
    without: tuple[StageName, ...] = ()
    """Stages whose prompts are left out, e.g. the training pairs of a held-out set; the same prompt under another pair counts."""
    limit: int | None = Field(default=None, ge=1)
    """Keep at most so many, drawn by lot; a larger limit with the same seed contains the smaller one."""
    seed: int = 1
    """Decides the draw of `limit`."""

    reads: ClassVar[Literal["none", "previous", "all"]] = "none"
    version: ClassVar[int] = 2  # 2: rows that form no pair are counted among those read

    def run(self, inputs: Inputs, work: Path) -> Counts:
        elsewhere = {_digest(pair.prompt) for artifact in inputs.several("without") for pair in artifact.read(PreferencePair)}
        sound = [_content(item) for item in self._read(Counter()) if isinstance(item, PreferencePair) and not _fault(item)]
        contents = set(sound)
        drawn = self._draw(elsewhere, contents)
        skipped: Counter[str] = Counter()
        dropped: Counter[str] = Counter()
        first: dict[str, str] = {}
        with RecordWriter(work, PreferencePair) as kept, RecordWriter(work, Rejection) as rejected:
            for item in track(self._read(skipped), "reading pairs", len(sound)):
                rejection = item if isinstance(item, Rejection) else self._rejection(item, elsewhere, contents, drawn, first)
                if rejection is None:
                    assert isinstance(item, PreferencePair)
                    kept.write(item)
                    continue
                rejected.write(rejection)
                dropped[f"{rejection.by}: {rejection.reason}"] += 1
        if kept.count == 0:
            raise EmptyResult(
                f"0 of {rejected.count:,} pairs are left: {in_words(dropped)}. Rows that formed none: {in_words(skipped)}."
            )
        read = kept.count + rejected.count + skipped.total()
        return Counts(read, kept.count, dict(dropped), {reason: count for reason, count in skipped.items() if count})

    def _read(self, skipped: Counter[str]) -> Iterator[PreferencePair | Rejection]:
        for source in self.sources:
            yield from source.read(skipped)

    def _draw(self, elsewhere: set[str], contents: set[str]) -> set[str] | None:
        """What `limit` keeps: the contents with the lowest lots among those that nothing speaks against."""
        if self.limit is None:
            return None
        first: dict[str, str] = {}
        for item in self._read(Counter()):
            if isinstance(item, PreferencePair):
                self._rejection(item, elsewhere, contents, None, first)
        return set(sorted(first, key=lambda content: lot("preferences", self.seed, content))[: self.limit])

    def _rejection(
        self, pair: PreferencePair, elsewhere: set[str], contents: set[str], drawn: set[str] | None, first: dict[str, str]
    ) -> Rejection | None:
        """Why a pair goes, or None; `first` collects the id of the first pair of each content that stays."""
        content, reverse = _content(pair), _digest(pair.prompt, pair.rejected, pair.chosen)
        reason, detail = _fault(pair), ""
        if not reason and reverse in contents:
            reason, detail = CONTRADICTED, "the same two answers, the other preferred"
        elif not reason and _digest(pair.prompt) in elsewhere:
            reason = ELSEWHERE
        elif not reason and content in first:
            reason, detail = DUPLICATE, first[content]
        elif not reason and drawn is not None and content not in drawn:
            reason = NOT_DRAWN
        if reason:
            return Rejection(pair.id, self.kind, reason, detail)
        first[content] = pair.id
        return None


def response_of(prompt: tuple[Turn, ...], text: str, desirable: bool, origin: Origin, tags: tuple[str, ...] = ()) -> Example:
    """One answer with its label, named by what it says and not by how it was labelled."""
    name = f"{origin.source}/{_digest(prompt, text)}"
    return Example(name, (*prompt, Turn("assistant", text)), origin, tags, {DESIRABLE: float(desirable)})


def pair_id(kind: str, prompt: tuple[Turn, ...], chosen: str, rejected: str) -> str:
    """The id of a pair: its reader and what it says, so that files may be cut, joined or renamed."""
    return f"{kind}/{_digest(prompt, chosen, rejected)}"


def _fault(pair: PreferencePair) -> str:
    """What is wrong with a pair by itself; empty where nothing is."""
    if not pair.chosen.strip() or not pair.rejected.strip():
        return EMPTY
    return EQUAL if pair.chosen.strip() == pair.rejected.strip() else ""


def _content(pair: PreferencePair) -> str:
    return _digest(pair.prompt, pair.chosen, pair.rejected)


def prompt_digest(prompt: tuple[Turn, ...]) -> str:
    """What two records have in common that ask the same."""
    return _digest(prompt)


def _digest(prompt: tuple[Turn, ...], *answers: str) -> str:
    said = [[turn.role, turn.text.strip()] for turn in prompt], [answer.strip() for answer in answers]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]

"""Rehydrate: the rows without text of a frozen set, filled from the user's own dumps and checked by their hashes."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from align.errors import InputError
from align.freezing.dumps import parse_dumps, read_again, sources_again
from align.freezing.folder import FrozenSet, read_frozen, write_folder
from align.freezing.rows import Row, digest_of_row, is_dehydrated, not_a_row, rebuilt_row
from align.freezing.source_texts import SourceTexts
from align.progress import track
from align.records import Example, content_of


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A row that could not be filled."""

    split: str
    id: str
    url: str
    why: Literal["gone", "changed", "no dump"]
    detail: str


@dataclass(frozen=True, slots=True)
class Rehydrated:
    """What a rehydration gave."""

    set: FrozenSet
    filled: int
    renamed: tuple[str, ...]
    """Rows whose text is what it was, but not what is told of it: an author has another name now, say."""
    left_out: tuple[LeftOut, ...]


def rehydrate(folder: Path, dumps: Sequence[str], target: Path) -> Rehydrated:
    """Write the whole set into `target`; rows that are gone or changed are left out and told.

    With the dumps that it was made of the result is, byte for byte, what `align freeze --dehydrated none` gives.
    """
    frozen = read_frozen(folder)
    if target.exists():
        raise InputError(f"{target}: is there already; name another folder with --to, or delete it")
    wanted = _wanted(frozen)
    if not wanted:
        raise InputError(f"{folder}: no row of it is without its text; there is nothing to fill")
    facts = frozen.facts
    recorded = {stage: facts["sources"][stage] for stage in wanted if stage in facts["sources"]}
    sources, missing = sources_again(recorded, parse_dumps(dumps, recorded))
    if not sources:
        raise InputError("no dump for any row: " + "; ".join(f"{stage} {said}" for stage, said in missing.items()))
    with SourceTexts.at(target.with_name(f".{target.name}.texts")) as texts:
        for stage, source in sources.items():
            found = track(read_again(source, wanted[stage]), f"reading {stage}", unit="rows")
            texts.add(stage, ((item, _rank(item, wanted[stage][item.id])) for item in found))
        fill = _Filling(texts, missing)
        left_out: list[dict[str, str]] = []
        facts |= {"dehydrated": "none", "left_out": left_out}
        rows = {split: fill.rows(frozen, split, left_out) for split in frozen.splits}
        written = write_folder(target, rows, facts)
    return Rehydrated(written, fill.filled, tuple(fill.renamed), tuple(fill.left_out))


def _wanted(frozen: FrozenSet) -> dict[str, dict[str, str]]:
    """By stage: the content that the source of each row had, by id."""
    wanted: dict[str, dict[str, str]] = {}
    for split in frozen.splits:
        for row in frozen.rows(split):
            if is_dehydrated(row):
                try:
                    wanted.setdefault(row["source_stage"], {})[row["id"]] = row["source_content"]
                except (KeyError, TypeError) as error:
                    raise not_a_row(row, error) from error
    return wanted


def _rank(example: Example, content: str) -> str:
    """Of several rows of one id the one that is what it was comes first, then the newest."""
    return f"{int(content_of(example.turns) == content)} {example.origin.modified}"


class _Filling:
    """Fills rows, and remembers how it went."""

    def __init__(self, texts: SourceTexts, missing: dict[str, str]) -> None:
        self.filled = 0
        self.renamed: list[str] = []
        self.left_out: list[LeftOut] = []
        self._texts = texts
        self._missing = missing

    def rows(self, frozen: FrozenSet, split: str, told: list[dict[str, str]]) -> Iterator[Row]:
        """The rows of a split with their text; what is left out goes to `told`, too."""
        for row in frozen.rows(split):
            found = self._whole(split, row) if is_dehydrated(row) else row
            if isinstance(found, LeftOut):
                self.left_out.append(found)
                told.append(asdict(found))
            else:
                yield found

    def _whole(self, split: str, row: Row) -> Row | LeftOut:
        url = row["origin"].get("url", "")
        found = self._texts.find(row["id"])
        if found is None:
            missing = self._missing.get(row["source_stage"])
            if missing is not None:
                return LeftOut(split, row["id"], url, "no dump", f"{row['source_stage']} {missing}")
            return LeftOut(split, row["id"], url, "gone", "stands in the dump no more, or forms no example there")
        source = found[1]
        if content_of(source.turns) != row["source_content"]:
            return LeftOut(split, row["id"], url, "changed", f"its text is another now; last active {source.origin.modified}")
        whole = rebuilt_row(row, source)
        if digest_of_row(whole) != row["sha256"]:
            self.renamed.append(row["id"])
        self.filled += 1
        return whole

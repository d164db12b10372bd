"""Questions of a local file: rows by subject, those that are asked and those that are shown solved."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import ClassVar, Generic, Self, TypeVar

from pydantic import Field, model_validator

from align.errors import InputError
from align.evaluation.benchmarks.benchmark import Benchmark, refuse_code
from align.files import visible_files
from align.parts import RawFile
from align.records import Turn
from align.rows import KINDS, Row, kind_of, read_csv, read_rows

Q = TypeVar("Q")

SPLITS = ("_test", "_dev", "_val", "_validation", "_train")
"""What the names of files of one subject end with: astronomy_test.csv, astronomy_dev.csv."""
CODE_COLUMNS = ({"entry_point", "test"}, {"test_list"})
"""Columns by which HumanEval and MBPP are known."""


@dataclass(frozen=True, slots=True)
class Asking(Generic[Q]):
    """One question, and the solved ones shown before it."""

    id: str
    subject: str
    question: Q
    shown: tuple[Q, ...]


class LocalBenchmark(Benchmark):
    """What benchmarks from local files have in common."""

    files: tuple[RawFile, ...] = Field(min_length=1)
    """Files of questions, or folders of them: .csv, .jsonl, .json. Each of several is a subject, by its name without `_test`."""
    columns: tuple[str, ...] = ()
    """Names of the columns of CSV files without a first row that names them, as MMLU ships: [question, A, B, C, D, answer]."""
    subject: str | None = None
    """Column with the subject of a row, instead of one file a subject."""
    question: str = "question"
    """Column with the question."""
    shots_from: tuple[RawFile, ...] = ()
    """Files whose rows are shown solved, one a subject (`astronomy_dev.csv`) or one for all; by default the first `shots` rows of
    each subject are shown and not asked."""
    seed: int | None = None
    """Draws which rows are shown, the same for all questions of a subject; by default the first ones, as MMLU has it."""
    preamble: str = ""
    """Text before everything, e.g. what the questions are about."""

    @model_validator(mode="after")
    def _check_shots(self) -> Self:
        if self.shots_from and not self.shots:
            raise ValueError(
                "shots_from names solved questions to show, and shots says to show none; write shots, or leave it out"
            )
        return self

    how_to_get: ClassVar[str] = (
        "MMLU: people.eecs.berkeley.edu/~hendrycks/data.tar (folders dev and test); GSM8K: github.com/openai/grade-school-math; "
        "TruthfulQA: github.com/sylinrl/TruthfulQA; or a .csv or .jsonl of your own."
    )

    def raw_files(self) -> dict[str, Path]:
        """The files by number and name: a subject is called by the name of its file."""
        fields = (("files", self.files), ("shots_from", self.shots_from))
        return {f"{field}.{number}.{path.name}": path for field, several in fields for number, path in enumerate(several)}

    def askings(self, read: Callable[[Row], Q]) -> list[Asking[Q]]:
        """Every question with those shown before it; `read` makes a question of a row or says what is wrong with it."""
        asked = self._by_subject(self.files, read)
        shown = self._by_subject(self.shots_from, read) if self.shots_from else {}
        found: list[Asking[Q]] = []
        for subject, rows in asked.items():
            solved, left = self._shown(subject, rows, shown)
            numbers = list(left)[: self.limit]
            place = f"{self.name}/{subject}" if subject else self.name
            found += [Asking(f"{place}/{number}", subject, rows[number - 1], solved) for number in numbers]
        return found

    def _shown(self, subject: str, rows: list[Q], shown: dict[str, list[Q]]) -> tuple[tuple[Q, ...], Iterator[int] | range]:
        """What is shown solved, and the numbers of the rows that are asked, from 1."""
        if not self.shots:
            return (), range(1, len(rows) + 1)
        pool = shown.get(subject, shown.get("")) if self.shots_from else rows
        if pool is None:
            known = ", ".join(map(repr, shown))
            raise InputError(
                f"{self.name}: shots_from has no file for the subject {subject!r} (it has {known}): give one file a subject, "
                f"named as that of `files` ({subject}_dev.csv for {subject}_test.csv), or a single one for all."
            )
        least = self.shots + (0 if self.shots_from else 1)
        if len(pool) < least:
            asks = "" if self.shots_from else ", and one at least to ask"
            raise InputError(
                f"{self.name}: {subject or 'the file'} has {len(pool)} rows, shots wants {self.shots} to show{asks}."
            )
        places = range(len(pool))
        chosen = list(places[: self.shots]) if self.seed is None else Random(f"{self.seed}/{subject}").sample(places, self.shots)
        solved = tuple(pool[place] for place in chosen)
        taken = set() if self.shots_from else set(chosen)
        return solved, (place + 1 for place in range(len(rows)) if place not in taken)

    def _by_subject(self, paths: Sequence[Path], read: Callable[[Row], Q]) -> dict[str, list[Q]]:
        found: dict[str, list[Q]] = {}
        files = [file for path in paths for file in _files(path)]
        for file in files:
            rows = self._rows(file)
            for number, row in enumerate(rows):
                if number == 0:
                    _refuse_code(self.name, row)
                found.setdefault(self._subject(row, len(files)), []).append(read(row))
        return found

    def _rows(self, file: Path) -> Iterator[Row]:
        if not self.columns:
            return read_rows([file])
        if kind_of(file) != ".csv":
            raise InputError(
                f"{file}: columns names those of CSV files without a first row of names; leave it out for this file."
            )
        return _never_empty(file, read_csv(file, self.columns))

    def _subject(self, row: Row, files: int) -> str:
        if self.subject is not None:
            return text_of(row, self.subject, "subject")
        if files == 1:
            return ""
        stem = row.path.name.split(".")[0]
        return next((stem.removesuffix(split) for split in SPLITS if stem.endswith(split)), stem)


def text_of(row: Row, name: str, field: str) -> str:
    """The text in a column that a field of the benchmark names; never empty."""
    if name not in row.data:
        found = ", ".join(map(repr, row.data)) or "none"
        raise InputError(
            f"{row.place}: no column {name!r}, which `{field}` names; the row has: {found}. Write {field}: NAME, or, for a CSV "
            f"file whose first row holds no names, columns: [...]."
        )
    value = row.data[name]
    if not isinstance(value, (str, int, float)) or isinstance(value, bool) or not str(value).strip():
        raise InputError(f"{row.place}: {name}: a text is wanted (got {value!r:.80})")
    return str(value).strip()


def written_out(blocks: Sequence[tuple[str, str]], asked: str, preamble: str, chat: bool) -> tuple[Turn, ...]:
    """Solved questions and the one that is asked, as a dialogue or as one plain text.

    Solved ones follow each other as in phi-3's appendix A: `Answer: A`, a line feed, and the next question.
    """
    before = f"{preamble}\n" if preamble else ""
    if not chat:
        shown = "".join(f"{block} {answer}\n" for block, answer in blocks)
        return (Turn("document", f"{before}{shown}{asked}"),)
    turns = [turn for block, answer in blocks for turn in (Turn("user", block), Turn("assistant", answer))]
    turns.append(Turn("user", asked))
    return (Turn("user", before + turns[0].text), *turns[1:])


def _files(path: Path) -> list[Path]:
    files = [file for file in visible_files(path) if kind_of(file) in KINDS] if path.is_dir() else [path]
    if not files:
        raise InputError(f"{path}: holds no file of questions: wanted {', '.join(KINDS)}")
    return files


def _never_empty(file: Path, rows: Iterator[Row]) -> Iterator[Row]:
    row = None
    for row in rows:
        yield row
    if row is None:
        raise InputError(f"{file}: holds no rows")


def _refuse_code(name: str, row: Row) -> None:
    if any(columns <= set(row.data) for columns in CODE_COLUMNS):
        refuse_code(name, str(row.path))

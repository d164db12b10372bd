"""A plugin for tests: a source of numbers, a filter and a few stages, each with one trap. Fixture `toy` copies it."""

import json
import os
import signal
import time
from pathlib import Path
from typing import ClassVar, Literal

from align.artifact import Counts
from align.errors import InputError
from align.files import RecordWriter, write_json, write_records
from align.filters.filter import Drop, Filter
from align.parts import Part, RawFile, StageName
from align.records import Author, Decision, Example, Measurement, Origin, Rejection, Turn, content_of
from align.stage import Forecast, Inputs, Stage


class Countdown(Part):
    """A family of the test's own: where the numbers come from."""


class Numbers(Countdown):
    kind: Literal["numbers"] = "numbers"
    count: int = 4


class RawNumbers(Countdown):
    """As many numbers as a file has lines."""

    kind: Literal["raw_numbers"] = "raw_numbers"
    file: RawFile
    how_to_get: ClassVar[str] = "Count to four and write it down, a number a line."

    @property
    def count(self) -> int:
        return len(self.file.read_text(encoding="utf-8").splitlines())


class Count(Stage):
    """n4, n3, n2, n1: a response of four, three, two, one characters. `n0` is rejected at once."""

    kind: Literal["count"] = "count"
    source: Countdown
    reads: ClassVar[Literal["none", "previous", "all"]] = "none"

    def run(self, inputs: Inputs, work: Path) -> Counts:
        count: int = self.source.count
        write_records(work, Example, (example(number) for number in range(count, 0, -1)))
        write_records(work, Rejection, [Rejection("n0", "numbers", "nothing to say")])
        return Counts(count + 1, count, {"numbers: nothing to say": 1}, {"negative": 2})


def example(number: int) -> Example:
    author = Author("Ada", "https://example.org/ada", "answer", "CC BY-SA 4.0")
    origin = Origin("count", str(number), f"https://example.org/{number}", "count.txt", "2024-01-02", "", (author,))
    turns = (Turn("user", "How much?"), Turn("assistant", "x" * number))
    return Example(f"n{number}", turns, origin, ("number",), {"size": number})


class MinChars(Filter):
    """Drops responses that are too short."""

    kind: Literal["min_chars"] = "min_chars"
    limit: int
    """The least number of characters."""

    def reason_to_drop(self, example: Example) -> Drop | None:
        return Drop("too short", example.response) if len(example.response) < self.limit else None


class Retell(Stage):
    """Someone edits one example and rejects another."""

    kind: Literal["retell"] = "retell"
    edited: str = "n3"
    rejected: str = "n2"

    def run(self, inputs: Inputs, work: Path) -> Counts:
        examples = list(inputs.read(Example))
        kept = [self._told(example) for example in examples if example.id != self.rejected]
        write_records(work, Example, kept)
        write_records(work, Rejection, [Rejection(self.rejected, "person", "dull", "says nothing")])
        turns = (Turn("user", "How much?"), Turn("assistant", "three"))
        decisions = [
            Decision(self.rejected, content_of(turns), "reject", "grace", "2024-05-01T10:00:00Z", (), "dull", "says nothing"),
            Decision(self.edited, content_of(turns), "edit", "grace", "2024-05-01T10:01:00Z", turns),
        ]
        write_records(work, Decision, decisions)
        return Counts(len(examples), len(kept), {"person: dull": 1}, noted={"edited": 1})

    def _told(self, example: Example) -> Example:
        if example.id != self.edited:
            return example
        return Example(example.id, (Turn("user", "How much?"), Turn("assistant", "three")), example.origin, example.tags)


class First(Stage):
    """Draws the first few; the others have no rejection."""

    kind: Literal["first"] = "first"
    take: int = 1
    verb: ClassVar[str] = "drawn"

    def run(self, inputs: Inputs, work: Path) -> Counts:
        examples = list(inputs.read(Example))
        return Counts(len(examples), write_records(work, Example, examples[: self.take]))


class Learn(Stage):
    """A model that knows how many examples it saw; a figure of it."""

    kind: Literal["learn"] = "learn"
    rate: float = 0.5
    base: StageName | None = None

    def run(self, inputs: Inputs, work: Path) -> Counts:
        count = inputs.count(Example)
        write_json(work / "model" / "config.json", {"model_type": "abacus", "beads": count})
        (work / "model" / "config.json").chmod(0o600)  # as safetensors leaves its files
        write_records(work, Measurement, [Measurement("loss", "learn", self.rate * count, count=count)])
        return Counts(count, count)

    def forecast(self, data: list[Forecast], named: dict[str, Forecast]) -> Forecast:
        examples = data[0].examples
        if examples is None:
            return Forecast(notes=("no examples to count",))
        figures = {"steps": examples * 2, "gpu_gigabytes": 1.5, "hours": 0.25}
        return Forecast(examples, data[0].tokens, data[0].basis, {"model_type": "abacus"}, figures)


class Pages(Stage):
    """A page for people; reads every stage above."""

    kind: Literal["pages"] = "pages"
    reads: ClassVar[Literal["none", "previous", "all"]] = "all"
    sees_manifests: ClassVar[bool] = True

    def run(self, inputs: Inputs, work: Path) -> Counts:
        (work / "report.html").write_text(f"<p>{len(inputs.data)} stages", encoding="utf-8")
        return Counts()


class Parts(Stage):
    """Five parts, one after the other; killed after part $TOY_KILL_AT, it goes on with those that are missing."""

    kind: Literal["parts"] = "parts"
    salt: int = 0

    def run(self, inputs: Inputs, work: Path) -> Counts:
        scratch = work / "scratch"
        scratch.mkdir(exist_ok=True)
        with (work / "logs").open("a", encoding="utf-8") as log:
            for number in range(5):
                if (scratch / str(number)).exists():
                    continue
                log.write(f"{os.getpid()} {number}\n")
                log.flush()
                with RecordWriter(work, Example, number) as writer:
                    writer.write(example(number + 1))
                    if os.environ.get("TOY_KILL_AT") == str(number):
                        (work / "model").mkdir(exist_ok=True)
                        (work / "model" / "half.json.1.tmp").write_text("{", encoding="utf-8")
                        os.kill(os.getpid(), signal.SIGKILL)
                write_json(scratch / str(number), {})
        write_json(work / "model" / "config.json", {"parts": 5})
        return Counts(5, 5)


class Wait(Stage):
    """Notes that it runs, then waits for a file, so that a second process meets the first one at work."""

    kind: Literal["wait"] = "wait"
    folder: str

    def run(self, inputs: Inputs, work: Path) -> Counts:
        folder = Path(self.folder)
        with (folder / "runs.log").open("a", encoding="utf-8") as log:
            log.write(f"{os.getpid()}\n")
        deadline = time.monotonic() + 30
        while not (folder / "go").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        return Counts(1, write_records(work, Example, [example(1)]))


class Fill(Stage):
    """Writes until the disk is full."""

    kind: Literal["fill"] = "fill"
    megabytes: int = 1
    through: Literal["records", "bytes", "library"] = "records"

    def run(self, inputs: Inputs, work: Path) -> Counts:
        if self.through == "records":
            noise = (os.urandom(50_000).hex() for _ in range(self.megabytes * 20))
            origin = Origin("noise", "")
            write_records(work, Example, (Example("noise", (Turn("document", text),), origin) for text in noise))
        else:
            (work / "files").mkdir(exist_ok=True)
            try:
                (work / "files" / "noise").write_bytes(os.urandom(self.megabytes * 2**20))
            except OSError as error:
                if self.through == "bytes":
                    raise
                raise RuntimeError(f"could not serialize: I/O error: {error}") from None
        return Counts()


class Break(Stage):
    """Goes wrong in the way it is asked to."""

    kind: Literal["break"] = "break"
    how: Literal["bug", "mistake", "missing", "interrupt", "record"] = "bug"

    def run(self, inputs: Inputs, work: Path) -> Counts:
        if self.how == "mistake":
            raise InputError("count.txt: line 3 is no number")
        if self.how == "missing":
            Path("/nowhere/count.txt").read_text(encoding="utf-8")
        if self.how == "interrupt":
            raise KeyboardInterrupt
        if self.how == "record":
            write_records(work, Example, [Example("n1", (Turn("user", json.loads('"\\ud83d"')),), Origin("count", "1"))])
        raise ZeroDivisionError("the abacus is broken")

"""Super-NaturalInstructions (arXiv 2204.07705): one instance of each English generation task (LIMA §2.1)."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from align.errors import InputError
from align.files import visible_files
from align.lots import lot
from align.parts import RawFile, nearest
from align.progress import track
from align.raw_lines import opened
from align.records import Author, Example, Origin, Rejection, Turn
from align.rows import Row, check_columns, parse_json
from align.sources.ingest import Shard, Source

GENERATION = (
    "Code to Text",
    "Data to Text",
    "Dialogue Generation",
    "Explanation",
    "Grammar Error Correction",
    "Paraphrasing",
    "Poem Generation",
    "Question Generation",
    "Question Rewriting",
    "Sentence Composition",
    "Sentence Compression",
    "Sentence Expansion",
    "Story Composition",
    "Style Transfer",
    "Summarization",
    "Text Completion",
    "Text Simplification",
    "Text to Code",
    "Title Generation",
)
"""Categories whose output is written and not chosen, of the 76 of the set."""
UNSTATED = "unstated"


TASKS_A_SHARD = 100


@dataclass(frozen=True, slots=True)
class TaskFiles(Shard):
    """Some task files; `path` is the first of them."""

    files: tuple[Path, ...] = ()


class NaturalInstructions(Source):
    """Reads tasks/taskNNN_*.json; prompt: the task's definition and the instance's input; response: one of its outputs."""

    kind: Literal["natural_instructions"] = "natural_instructions"
    tasks: tuple[RawFile, ...] = Field(min_length=1)
    """Folders of task files, or task files (`task059_ropes_story_generation.json`)."""
    categories: tuple[str, ...] = GENERATION
    """Which tasks to take, by their first category (LIMA §2.1: natural language generation: summaries, paraphrases, style
    transfer, ...)."""
    language: str | None = "English"
    """The language of definition, input and output; null for any."""
    per_task: int = Field(default=1, ge=1)
    """Instances of each task (LIMA §2.1: one), drawn by lot; a larger number with the same seed contains the smaller one."""
    date: str = ""
    """Date of the release, which the files do not tell, e.g. `2022-11-01`."""
    seed: int = 1
    """Decides the draw of instances, and of one output where an instance has several."""

    how_to_get: ClassVar[str] = "Super-NaturalInstructions: github.com/allenai/natural-instructions, its folder tasks/."

    def raw_files(self) -> dict[str, Path]:
        """The files by number and name: an example's origin tells the name of its file."""
        return {f"tasks.{number}.{path.name}": path for number, path in enumerate(self.tasks)}

    def shards(self) -> list[Shard]:
        # A hundred tasks a shard: 1,600 parts of one example each would help nobody.
        self._check_categories()
        seen: dict[str, Path] = {}
        for path in self._files():
            name = _name(path)
            if name in seen:
                raise InputError(f"{path}: task {name} stands in {seen[name]} already; name each task once.")
            seen[name] = path
        files = tuple(seen.values())
        starts = range(0, len(files), TASKS_A_SHARD)
        return [TaskFiles(f"tasks-{start:05d}", files[start], files=files[start : start + TASKS_A_SHARD]) for start in starts]

    def work_bytes(self, shard: Shard) -> int:
        assert isinstance(shard, TaskFiles)
        return sum(file.stat().st_size for file in shard.files)

    def read(self, shard: Shard, skipped: Counter[str]) -> Iterator[Example | Rejection]:
        assert isinstance(shard, TaskFiles)
        for path in track(shard.files, "reading tasks", unit="files"):
            task = _read_task(path)
            reason = self._reason_to_skip(task)
            if reason:
                skipped[reason] += len(task.data["Instances"]) or 1
                continue
            yield from self._instances(task, _name(path), skipped)

    def _files(self) -> Iterator[Path]:
        for path in self.tasks:
            files = [path]
            if path.is_dir():
                files = [file for file in visible_files(path) if file.name.startswith("task") and file.suffix == ".json"]
            if not files or not path.exists():
                raise InputError(f"{path}: no task files there: wanted task*.json. {self.how_to_get}")
            yield from files

    def _check_categories(self) -> None:
        asked = set(self.categories) - set(GENERATION)
        found = {_category(_read_task(path)) for path in self._files()} if asked else set()
        unknown = [f"{name!r} ({nearest(name, found)})" for name in sorted(asked - found)]
        if unknown:
            raise InputError(f"natural_instructions: categories: no task is of category {', '.join(unknown)}.")

    def _reason_to_skip(self, task: Row) -> str:
        languages = {
            item for name in ("Input_language", "Output_language", "Instruction_language") for item in _texts(task, name)
        }
        if self.language is not None and languages - {self.language}:
            return "another language"
        if not task.data["Instances"]:
            return "task without instances"
        return "" if _category(task) in self.categories else "another category"

    def _instances(self, task: Row, name: str, skipped: Counter[str]) -> Iterator[Example]:
        instances = list(enumerate(task.data["Instances"], 1))
        drawn = sorted(instances, key=lambda pair: lot("natural_instructions", self.seed, name, pair[0]))
        taken = 0
        for number, instance in drawn:
            if taken == self.per_task:
                skipped["instance not drawn"] += 1
                continue
            example = self._example(task, name, _instance(task, number, instance))
            if example is None:
                skipped["instance without input or output"] += 1
                continue
            taken += 1
            yield example

    def _example(self, task: Row, name: str, instance: Row) -> Example | None:
        definition = "\n".join(_texts(task, "Definition")).strip()
        asked = instance.data["input"].strip()
        outputs = [text.strip() for text in _texts(instance, "output") if text.strip()]
        if not asked or not outputs:
            return None
        native = str(instance.data.get("id") or f"{name}-{instance.number}")
        response = min(outputs, key=lambda text: lot("natural_instructions output", self.seed, native, text))
        licenses = ", ".join(_texts(task, "Instance License")) if "Instance License" in task.data else ""
        writers = _texts(task, "Contributors") if "Contributors" in task.data else []
        authors = [Author(writer, role="task", license="Apache-2.0") for writer in writers]
        authors.append(Author(", ".join(_texts(task, "Source")) or "unknown", role="instance", license=licenses or UNSTATED))
        url = next(iter(_texts(task, "URL")), "") if "URL" in task.data else ""
        origin = Origin("natural_instructions", f"{name}/{native}", url, task.path.name, self.date, self.date, tuple(authors))
        turns = (Turn("user", f"{definition}\n\n{asked}"), Turn("assistant", response))
        signals = {"outputs": float(len(outputs)), "cleaned_chars": float(len(response))}
        return Example(f"natural_instructions/{name}/{native}", turns, origin, (_category(task),), signals)


def _name(path: Path) -> str:
    return path.name.removesuffix(".json")


def _read_task(path: Path) -> Row:
    with opened(path) as file:
        data = parse_json(file.read(), str(path), ". Fetch the file again.")
    if not isinstance(data, dict):
        raise InputError(f"{path}: a task file must be one JSON object (got {type(data).__name__})")
    task = Row(path, 1, data)
    check_columns(task, ("Categories", "Definition", "Source", "Input_language", "Output_language", "Instances"))
    data.setdefault("Instruction_language", [])
    if not isinstance(data["Instances"], list):
        raise InputError(f"{path}: Instances must be a list (got {data['Instances']!r:.80})")
    for name in ("Categories", "Definition", "Source", "Input_language", "Output_language", "Instruction_language"):
        _texts(task, name)
    return task


def _instance(task: Row, number: int, data: Any) -> Row:
    place = f"{task.path}: Instances: number {number}"
    if not isinstance(data, dict) or not isinstance(data.get("input"), str) or "output" not in data:
        raise InputError(f"{place}: wanted {{input: text, output: [text, ...]}} (got {data!r:.80})")
    instance = Row(task.path, number, data)
    _texts(instance, "output")
    return instance


def _texts(row: Row, name: str) -> list[str]:
    """A column that is a text or a list of texts, as older and newer releases have it."""
    value = row.data[name]
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise InputError(f"{row.place}: {name} must be a text or a list of texts (got {value!r:.80})")
    return texts


def _category(task: Row) -> str:
    return next(iter(_texts(task, "Categories")), "")

"""JSON lines: prompts, examples and dialogues in the forms in which people keep them."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import ValidationError

from align.dialogue import alternate, turns_of
from align.errors import InputError
from align.parts import RawFile
from align.records import Author, Example, Origin, Rejection, Role, Turn, adapter, content_of
from align.rows import Row, column, read_rows
from align.sources.ingest import Shard, Source

PROMPTS = ("prompt", "instruction", "question", "input")
RESPONSES = ("response", "output", "completion", "answer")
DIALOGUES = ("messages", "conversations", "conversation")
DOCUMENT = "text"
IDS = ("id", "question_id")


class JsonLines(Source):
    """One example a row: {prompt, response}, {prompt}, {messages}, ShareGPT's {conversations}, Alpaca's columns.

    {text} is a document to pretrain on, {turns, origin} an example as `align show` prints it. Also .json (a list), and
    either as .gz or .xz. `id`, `url`, `date`, `author`, `license`, `tags` and numbers in `signals` are kept.
    """

    kind: Literal["json_lines"] = "json_lines"
    paths: tuple[RawFile, ...]
    """Files, or folders of them; their order is that of the examples."""
    prompt: str | None = None
    """Column of the prompt; by default the first of prompt, instruction, question, input."""
    response: str | None = None
    """Column of the response; by default the first of response, output, completion, answer. A row without one is a prompt
    alone."""
    source: str = "authored"
    """What the source is called in origins, quotas and the report; the first part of an id that a row does not have."""
    license: str = ""
    """Licence of rows that state none."""
    tags: tuple[str, ...] = ()
    """Tags that every example gets, beside its own."""

    how_to_get: ClassVar[str] = (
        'Write one example a line, e.g. {"id": "a-1", "prompt": "...", "response": "...", "license": "CC0-1.0"}.'
    )

    def raw_files(self) -> dict[str, Path]:
        """The files by number and name: an example's origin tells the name of its file."""
        return {f"paths.{number}.{path.name}": path for number, path in enumerate(self.paths)}

    def shards(self) -> list[Shard]:
        # One shard: an id that stands in two files is found only where both are read together.
        return [Shard(self.source.replace("/", "-") or "rows", self.paths[0])]

    def read(self, shard: Shard, skipped: Counter[str]) -> Iterator[Example | Rejection]:
        places: dict[str, str] = {}
        for row in read_rows(self.paths):
            example = self._example(row)
            if example.id in places:
                raise InputError(f"{row.place}: id {example.id!r} stands already in {places[example.id]}; ids must be unique.")
            places[example.id] = row.place
            yield example

    def _example(self, row: Row) -> Example:
        if "turns" in row.data:
            shown = _as_shown(row)
            return replace(shown, tags=(*self.tags, *shown.tags))
        turns = self._turns(row)
        found = next((str(row.data[name]) for name in IDS if row.data.get(name) not in (None, "")), None)
        native = found or content_of(turns)
        example_id = found or f"{self.source}/{native}"
        url, date = (column(row, name, str, "text") if row.data.get(name) else "" for name in ("url", "date"))
        origin = Origin(self.source, native, url, row.path.name, date, date, self._authors(row))
        return Example(example_id, turns, origin, (*self.tags, *_tags(row)), _signals(row))

    def _turns(self, row: Row) -> tuple[Turn, ...]:
        dialogue = next((name for name in DIALOGUES if name in row.data), None)
        if self.prompt is None and dialogue is not None:
            return _dialogue(row, dialogue)
        name = self.prompt or next((name for name in PROMPTS if name in row.data), None)
        if name is None and DOCUMENT in row.data:
            return (Turn("document", _filled(row, DOCUMENT, column(row, DOCUMENT, str, "text").strip())),)
        if name is None or name not in row.data:
            wanted = repr(self.prompt) if self.prompt else f"one of {', '.join((*PROMPTS, *DIALOGUES, DOCUMENT))}"
            raise InputError(
                f"{row.place}: has no prompt: wanted a column {wanted}; the row has: {', '.join(map(repr, row.data)) or 'none'}. "
                f"Name the column with `prompt:` in the recipe."
            )
        text = column(row, name, str, "text").strip()
        if name == "instruction" and row.data.get("input"):
            text = f"{text}\n\n{column(row, 'input', str, 'text').strip()}"
        history = [turn for pair in row.data.get("history") or () for turn in _pair(row, pair)]
        asked = (*history, Turn("user", _filled(row, name, text)))
        answer = self.response or next((name for name in RESPONSES if name in row.data), None)
        if answer is None:
            return asked
        if answer not in row.data:
            raise InputError(f"{row.place}: has no column {answer!r}; the row has: {', '.join(map(repr, row.data))}.")
        return (*asked, Turn("assistant", _filled(row, answer, column(row, answer, str, "text").strip())))

    def _authors(self, row: Row) -> tuple[Author, ...]:
        license_name = str(row.data.get("license") or self.license)
        name = str(row.data.get("author") or "")
        return (Author(name or "unknown", license=license_name),) if name or license_name else ()


def _as_shown(row: Row) -> Example:
    """An example as `align show` prints it, with the origin it had."""
    try:
        example: Example = adapter(Example).validate_python(row.data)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise InputError(
            f"{row.place}: {field}: {first['msg']} (got {first['input']!r:.80}); "
            f"a row with turns must be an example as `align show` prints it, with id, turns and origin."
        ) from error
    return example


def _dialogue(row: Row, name: str) -> tuple[Turn, ...]:
    """Messages, or what LIMA's files hold: a text that is a prompt, or texts of user and assistant in turn."""
    value = row.data[name]
    if isinstance(value, str):
        return (Turn("user", _filled(row, name, value.strip())),)
    if isinstance(value, list) and value and all(isinstance(text, str) for text in value):
        roles: tuple[Role, Role] = ("user", "assistant")
        return tuple(Turn(role, _filled(row, name, text.strip())) for role, text in zip(cycle(roles), value, strict=False))
    turns = turns_of(row, name)
    if not alternate(turns):
        said = " ".join(turn.role for turn in turns)
        raise InputError(f"{row.place}: {name}: user and assistant must take turns, the user first (got {said})")
    for turn in turns:
        _filled(row, name, turn.text)
    return turns


def _pair(row: Row, pair: Any) -> tuple[Turn, Turn]:
    if isinstance(pair, list) and len(pair) == 2 and all(isinstance(text, str) for text in pair):
        return Turn("user", pair[0].strip()), Turn("assistant", pair[1].strip())
    raise InputError(f"{row.place}: history must be a list of [user, assistant] texts (got {pair!r:.80})")


def _filled(row: Row, name: str, text: str) -> str:
    if not text:
        raise InputError(f"{row.place}: {name} is empty; fill it in or take the row out.")
    return text


def _tags(row: Row) -> tuple[str, ...]:
    tags = row.data.get("tags") or []
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise InputError(f"{row.place}: tags must be a list of texts (got {tags!r:.80})")
    return tuple(tags)


def _signals(row: Row) -> dict[str, float]:
    signals = row.data.get("signals") or {}
    if not isinstance(signals, dict) or not all(type(value) in (int, float) for value in signals.values()):
        raise InputError(f"{row.place}: signals must be an object of numbers (got {signals!r:.80})")
    return {str(name): float(value) for name, value in signals.items()}

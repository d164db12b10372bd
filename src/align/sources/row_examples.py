"""Rows as examples: the forms in which people keep prompts, answers and dialogues, whatever their columns are called."""

import logging
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import cycle
from typing import Any, Literal

from pydantic import ValidationError, model_validator

from align.dialogue import alternate, turns_of
from align.errors import InputError
from align.records import Author, Example, Origin, Role, Turn, adapter, content_of
from align.rows import Row, check_columns, column
from align.sources.ingest import Source

log = logging.getLogger(__name__)

PROMPTS = ("prompt", "instruction", "question", "input")
RESPONSES = ("response", "output", "completion", "answer")
DIALOGUES = ("messages", "conversations", "conversation")
DOCUMENT = "text"
IDS = ("id", "question_id")

REPEATED = "repeated row"
SKIP_THEM = " Or set unusable: skip to count such rows and go on."
_UNCOUNTABLE = re.compile(r"(?:;| \(got|: wanted|(?<=not readable as JSON):).*", re.DOTALL)
"""What of an error is about one row, and no reason that several share."""

Form = Literal["pairs", "alpaca", "sharegpt", "messages", "document", "example"]
COLUMNS: dict[str, tuple[str, ...]] = {
    "example": ("turns", "origin"),
    "sharegpt": ("conversations", "conversation"),
    "messages": ("messages",),
    "alpaca": ("instruction", "input", "output", "history"),
    "pairs": (*PROMPTS, *RESPONSES),
    "document": (DOCUMENT,),
}
"""What each form reads."""
Name = Literal["prompt", "response", "messages", "text", "id", "url", "date", "author", "license", "tags", "signals"]


class RowSource(Source):
    """What sources of rows share: how a row becomes an example. A base without a kind."""

    prompt: str | None = None
    """Column of the prompt; by default the first of prompt, instruction, question, input."""
    response: str | None = None
    """Column of the response; by default the first of response, output, completion, answer. A row without one is a prompt
    alone."""
    format: Form | None = None
    """The form of the rows: `pairs` {prompt, response}, `alpaca` {instruction, input, output}, `sharegpt` {conversations of from
    and value}, `messages` {role, content}, `document` {text}, `example` as `align show` prints it. By default each row tells it,
    and the log says what was found."""
    fields: dict[Name, str] = {}
    """Columns of other names: {prompt: question, response: best_answer, url: link}; a row that lacks one is an error."""
    source: str = "authored"
    """What the source is called in origins, quotas and the report; the first part of an id that a row does not have."""
    license: str = ""
    """Licence of rows that state none."""
    tags: tuple[str, ...] = ()
    """Tags that every example gets, beside its own."""
    unusable: Literal["stop", "skip"] = "stop"
    """A row that makes no example (an empty answer, speakers out of turn, a line that is no JSON): stop and name it, which finds
    what you mistyped; or count it by its reason and go on, for what others published (Alpaca has empty outputs, ShareGPT answers
    without a prompt)."""

    @model_validator(mode="after")
    def _check_columns(self) -> "RowSource":
        for name, column_name in (("prompt", self.prompt), ("response", self.response)):
            if column_name is not None and name in self.fields:
                raise ValueError(f"{name} is given twice, as {name}: {column_name} and in fields; leave one out")
        if self.format in ("sharegpt", "messages", "document", "example") and (self._prompt or self._response):
            raise ValueError(f"format: {self.format} has no columns for prompt and response; leave those or the format out")
        return self

    @property
    def _prompt(self) -> str | None:
        return self.prompt or ("prompt" if "prompt" in self.fields else None)

    @property
    def _response(self) -> str | None:
        return self.response or ("response" if "response" in self.fields else None)

    def examples(self, rows: Iterable[Row], skipped: Counter[str]) -> Iterator[Example]:
        """One example a row; an id that stands twice is an error that names both places.

        A row without an id that says what another one said is counted in `skipped`, and so are unusable ones if they may be.
        """
        places: dict[str, str] = {}
        forms: set[str] = set()
        for row in rows:
            try:
                example = self._example(self._told(row, forms))
            except InputError as error:
                self.pass_over(skipped, row.place, error)
                continue
            if example.id not in places:
                places[example.id] = row.place
                yield example
            elif example.id == f"{self.source}/{content_of(example.turns)}":
                skipped[REPEATED] += 1
            else:
                raise InputError(f"{row.place}: id {example.id!r} stands already in {places[example.id]}; ids must be unique.")

    def pass_over(self, skipped: Counter[str], place: str, problem: InputError) -> None:
        """Count a row by what is wrong with it, or raise where none may be unusable."""
        if self.unusable == "stop":
            raise InputError(f"{problem}{SKIP_THEM}") from problem
        reason = _UNCOUNTABLE.sub("", str(problem).removeprefix(place).lstrip(": "))
        if reason not in skipped:
            log.info("%s  %s  the first one skipped", self.kind, problem)
        skipped[reason] += 1

    def _told(self, row: Row, forms: set[str]) -> Row:
        """The row by our names; a form that had not been met is told."""
        named = self._named(row)
        form = self.format or _form_of(named)
        if form not in forms:
            log.info("%s  %s  rows read as %s", self.kind, row.path.name, form)
            forms.add(form)
        return named

    def _named(self, row: Row) -> Row:
        """The row with the columns that `fields` names under our names, and without those of other forms than `format`."""
        if self.fields:
            check_columns(row, tuple(self.fields.values()))
            others = {name: value for name, value in row.data.items() if name not in self.fields.values()}
            row = row._replace(data=others | {name: row.data[theirs] for name, theirs in self.fields.items()})
        if self.format is None:
            return row
        own = COLUMNS[self.format]
        if not any(name in row.data for name in (*own, self._prompt) if name):
            check_columns(row, own[:1])
        foreign = {name for names in COLUMNS.values() for name in names} - {*own, self._prompt, self._response}
        return row._replace(data={name: value for name, value in row.data.items() if name not in foreign})

    def _example(self, row: Row) -> Example:
        if "messages" in row.data and isinstance(row.data.get("origin"), dict):
            row = row._replace(data=_as_frozen(row))
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
        if self._prompt is None and dialogue is not None:
            return _dialogue(row, dialogue)
        name = self._prompt or next((name for name in PROMPTS if name in row.data), None)
        if name is None and DOCUMENT in row.data:
            return (Turn("document", _filled(row, DOCUMENT, column(row, DOCUMENT, str, "text").strip())),)
        if name is None or name not in row.data:
            wanted = repr(self._prompt) if self._prompt else f"one of {', '.join((*PROMPTS, *DIALOGUES, DOCUMENT))}"
            raise InputError(
                f"{row.place}: has no prompt: wanted a column {wanted}; the row has: {', '.join(map(repr, row.data)) or 'none'}. "
                f"Name the column with `prompt:` in the recipe."
            )
        text = column(row, name, str, "text").strip()
        if name == "instruction" and row.data.get("input"):
            text = f"{text}\n\n{column(row, 'input', str, 'text').strip()}"
        history = [turn for pair in _history(row) for turn in _pair(row, pair)]
        asked = (*history, Turn("user", _filled(row, name, text)))
        answer = self._response or next((name for name in RESPONSES if name in row.data), None)
        if answer is None:
            return asked
        if answer not in row.data:
            raise InputError(f"{row.place}: has no column {answer!r}; the row has: {', '.join(map(repr, row.data))}.")
        return (*asked, Turn("assistant", _filled(row, answer, column(row, answer, str, "text").strip())))

    def _authors(self, row: Row) -> tuple[Author, ...]:
        license_name = str(row.data.get("license") or self.license)
        name = str(row.data.get("author") or "")
        return (Author(name or "unknown", license=license_name),) if name or license_name else ()


def _form_of(row: Row) -> str:
    """What a row looks like, in the order in which it is read."""
    names = ("example", "sharegpt", "messages", "alpaca", "pairs", "document")
    return next(
        (name for name in names if any(own in row.data for own in COLUMNS[name][: 1 if name in ("example", "alpaca") else None])),
        "pairs",
    )


def _as_frozen(row: Row) -> dict[str, Any]:
    """A row of a frozen set in the form of `align show`: with its origin, and without what only publishing needs."""
    turns = [{"role": turn.role, "text": turn.text} for turn in turns_of(row, "messages")]
    kept: dict[str, Any] = {name: row.data[name] for name in ("id", "origin", "tags", "signals") if name in row.data}
    return kept | {"turns": turns}


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


def _history(row: Row) -> list[Any]:
    history = row.data.get("history") or []
    if not isinstance(history, list):
        raise InputError(f"{row.place}: history must be a list of [user, assistant] texts (got {history!r:.80})")
    return history


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

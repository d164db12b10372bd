"""The records that flow between stages: plain frozen dataclasses, text in, text out.

A record type has a table name (the folder it is written to in an artifact) and one Arrow schema,
derived from its fields, so that polars, duckdb, `datasets` and daft read the Parquet as it is.
"""

import hashlib
import json
import math
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import TypeAdapter

Role = Literal["system", "user", "assistant", "document"]


@dataclass(frozen=True, slots=True)
class Turn:
    """One utterance of a dialogue; role `document` holds plain text to pretrain on."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class Author:
    """Someone to name when the text is passed on."""

    name: str
    url: str = ""
    role: str = ""
    """What they wrote: question, answer, article, story, ..."""
    license: str = ""
    """SPDX-like name of the licence of their part, e.g. `CC BY-SA 4.0`."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a record came from; enough to attribute it and to find it again."""

    source: str
    """Kind of the source, e.g. `stack_exchange`."""
    native_id: str
    """The source's own name of it, e.g. `QUESTION_ID/ANSWER_ID`."""
    url: str = ""
    dump: str = ""
    """File name of the dump it was read from."""
    date: str = ""
    """ISO 8601 date of creation."""
    modified: str = ""
    """ISO 8601 date of the last activity: of one id in two dumps the later one wins. What align changed in the text
    follows after a semicolon."""
    authors: tuple[Author, ...] = ()
    title: str = ""
    """What its source calls it, for the attribution: the title of a question, also where the body is the prompt."""


@dataclass(frozen=True, slots=True)
class Example:
    """A dialogue, or a prompt alone, or a document. `id` never changes between stages."""

    id: str
    turns: tuple[Turn, ...]
    origin: Origin
    tags: tuple[str, ...] = ()
    signals: dict[str, float] = field(default_factory=dict)
    """Numbers about it: `question_score`, `answer_score`, `raw_chars` (before cleaning), ..."""

    @property
    def prompt(self) -> str:
        """The first utterance of the user; empty where there is none."""
        return next((turn.text for turn in self.turns if turn.role == "user"), "")

    @property
    def response(self) -> str:
        """The last utterance of the assistant; empty for a prompt alone."""
        last = self.turns[-1] if self.turns else None
        return last.text if last is not None and last.role == "assistant" else ""


@dataclass(frozen=True, slots=True)
class PreferencePair:
    """Two answers to one prompt, of which the first is preferred."""

    id: str
    prompt: tuple[Turn, ...]
    """The dialogue so far; its last turn is the user's."""
    chosen: str
    rejected: str
    origin: Origin
    margin: float | None = None
    """How much better the chosen one is, in the source's own unit; None where it does not say."""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rejection:
    """A record that was formed and then dropped, and why."""

    example_id: str
    by: str
    """The kind of the part that dropped it, or `person`."""
    reason: str
    """A short phrase that can be counted."""
    detail: str = ""
    """What exactly: the matched words, the length, the duplicate's id."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person said of one example, tied to the content it was said of."""

    example_id: str
    example_content: str
    action: Literal["accept", "reject", "edit", "flag", "skip"]
    curator: str
    at: str
    turns: tuple[Turn, ...] = ()
    """The edited dialogue, where `action` is `edit` (an edit is an acceptance)."""
    reason: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Response:
    """What a model said to a prompt."""

    prompt_id: str
    model: str
    """Name of the stage that made the model."""
    turns: tuple[Turn, ...]
    """The whole dialogue; the last turn is the model's."""
    sampling: str
    """The sampling parameters as JSON."""
    sample: int = 0
    """Number of the response, 0 to samples - 1."""
    tokens: int = 0
    """Length of the response in tokens, its EOT included."""
    ended: bool = False
    """Whether the model ended it with EOT; False: cut at `max_new_tokens`."""

    @property
    def text(self) -> str:
        return self.turns[-1].text


@dataclass(frozen=True, slots=True)
class Comparison:
    """One judgement of two responses to one prompt, shown in one order."""

    prompt_id: str
    first: str
    """Model whose response was shown first."""
    second: str
    verdict: Literal["first", "second", "tie", "unparsed"]
    judge: str
    explanation: str = ""
    sample: int = 0
    """Number of the two responses, where a prompt has several."""


@dataclass(frozen=True, slots=True)
class Grade:
    """One judgement of one response on a scale."""

    prompt_id: str
    model: str
    scale: str
    value: float
    judge: str
    explanation: str = ""
    sample: int = 0


@dataclass(frozen=True, slots=True)
class Measurement:
    """One figure about one subject, with its interval where it has one."""

    metric: str
    """What was measured, e.g. `win_rate`, `perplexity`, `eot_rate`."""
    subject: str
    """Of what: a model, a checkpoint, `first vs second`."""
    value: float
    low: float | None = None
    high: float | None = None
    count: int = 0
    """How many independent items (prompts, pairs, tokens) it rests on."""
    method: str = ""
    """How, in words: `Wilson 95 %`, `bootstrap over prompts, 95 %`, ..."""


@dataclass(frozen=True, slots=True)
class TrainingStep:
    """One logged figure of a training run; never a time, so that equal runs give equal rows."""

    step: int
    epoch: float
    name: str
    value: float


Record = Example | PreferencePair | Rejection | Decision | Response | Comparison | Grade | Measurement | TrainingStep

TABLES: dict[str, type[Any]] = {
    "examples": Example,
    "pairs": PreferencePair,
    "rejections": Rejection,
    "decisions": Decision,
    "responses": Response,
    "comparisons": Comparison,
    "grades": Grade,
    "measurements": Measurement,
    "steps": TrainingStep,
}
_names = {record: name for name, record in TABLES.items()}
_adapters: dict[type[Any], TypeAdapter[Any]] = {}


def table_name(record: type[Any]) -> str:
    """The folder that holds records of this type in an artifact."""
    return _names[record]


def adapter(record: type[Any]) -> TypeAdapter[Any]:
    """The pydantic reader and writer of a record type, built on first use."""
    if record not in _adapters:
        _adapters[record] = TypeAdapter(record)
    return _adapters[record]


def content_of(turns: tuple[Turn, ...]) -> str:
    """Hash of what an example says, 16 hexadecimal digits; a decision names it as `example_content`."""
    text = json.dumps([[turn.role, turn.text] for turn in turns], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def as_json(record: Any) -> str:
    """One record as one line of JSON; whole numbers lose their `.0`, and what is no number is null."""
    return json.dumps(_plain(adapter(type(record)).dump_python(record, mode="json")), ensure_ascii=False)


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return int(value) if value.is_integer() else value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value

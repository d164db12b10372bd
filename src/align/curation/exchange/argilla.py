"""Argilla's records, as `dataset.records.to_json` writes and `from_json` reads them (Argilla 2).

`SETTINGS` makes a dataset for them.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from align.curation.exchange.said import QUESTIONS, Answers, answers_of, dialogue_of, last_words, read_list, time_of
from align.errors import InputError
from align.records import Decision, Example, content_of

SETTINGS = """\
rg.Settings(
    fields=[rg.ChatField("dialogue")],
    questions=[
        rg.LabelQuestion("decision", labels=["accept", "reject", "edit", "flag", "skip"]),
        *(rg.TextQuestion(name, required=False) for name in ("reason", "note", "edited_prompt", "edited_response")),
    ],
    metadata=[rg.TermsMetadataProperty(name) for name in ("source", "url", "license", "example_content", "curators")],
)
"""
"""Python for Argilla's SDK."""
WANTED = "what Argilla's dataset.records.to_json writes"


def user_id(curator: str) -> str:
    """The id under which a curator's answers stand; Argilla wants a UUID. The same name gives the same id."""
    return str(uuid5(NAMESPACE_URL, f"align:curator:{curator}"))


def records(items: Iterable[tuple[Example, tuple[Decision, ...]]]) -> list[dict[str, Any]]:
    """One record an example, with what was decided about it."""
    return [_record(example, tuple(last_words(decisions))) for example, decisions in items]


def _record(example: Example, decisions: tuple[Decision, ...]) -> dict[str, Any]:
    responses: dict[str, list[dict[str, str]]] = {}
    for decision in decisions:
        for question, answer in answers_of(decision).items():
            responses.setdefault(question, []).append({"value": answer, "user_id": user_id(decision.curator)})
    names = sorted({decision.curator for decision in decisions})
    metadata = {
        "source": example.origin.source,
        "url": example.origin.url,
        "license": sorted({author.license for author in example.origin.authors if author.license}),
        "example_content": content_of(example.turns),
        "curators": [f"{user_id(name)}={name}" for name in names],
    }
    return {
        "id": example.id,
        "fields": {"dialogue": [{"role": turn.role, "content": turn.text} for turn in example.turns]},
        "metadata": {name: value for name, value in metadata.items() if value},
        "suggestions": {},
        "responses": responses,
        "vectors": {},
    }


def answers(path: Path, at: str, names: Mapping[str, str] | None = None) -> Iterator[Answers]:
    """The answers of a file, a person and record each. Argilla writes no times, so all are `at`.

    `names` says who a user id is; an id that nobody names stands for itself.
    """
    for number, record in enumerate(read_list(path, WANTED), 1):
        place = f"{path}: record {number}"
        responses, fields = record.get("responses") or {}, record.get("fields") or {}
        if not record.get("id") or not isinstance(responses, dict) or not isinstance(fields, dict):
            raise InputError(f"{place}: has no id, or its fields or responses are no objects; wanted is {WANTED}.")
        shown = dialogue_of(fields.get("dialogue"), place, "role", "content")
        who = _curators(record) | dict(names or {})
        by_user: dict[str, dict[str, str]] = {}
        for question in QUESTIONS:
            for answer in responses.get(question) or ():
                if not isinstance(answer, dict) or "user_id" not in answer:
                    raise InputError(f"{place}: responses.{question}: an answer is {{value, user_id}} (got {answer!r:.80})")
                if answer.get("value"):
                    by_user.setdefault(str(answer["user_id"]), {})[question] = str(answer["value"])
        for user, given in by_user.items():
            yield Answers(place, str(record["id"]), shown, who.get(user, user), time_of(at, at), given)


def _curators(record: dict[str, Any]) -> dict[str, str]:
    """User ids that our own export names."""
    listed = (record.get("metadata") or {}).get("curators") or []
    pairs = (str(item).partition("=") for item in (listed if isinstance(listed, list) else [listed]))
    return {user: name for user, _, name in pairs if name}

"""Label Studio's tasks, as its JSON export writes and its import reads them."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from align.curation.exchange.said import DECISION, QUESTIONS, Answers, answers_of, dialogue_of, last_words, read_list, time_of
from align.errors import InputError
from align.records import Decision, Example, content_of

WANTED = "Label Studio's JSON export (not JSON-MIN or CSV)"
CURATOR = "curator"
"""A text answer with the person's name, since a user of align need not be one of Label Studio."""

LABELING_CONFIG = """\
<View>
  <Paragraphs name="dialogue" value="$dialogue" nameKey="role" textKey="text" layout="dialogue"/>
  <Choices name="decision" toName="dialogue" choice="single" required="true" showInline="true">
    <Choice value="accept" hotkey="a"/>
    <Choice value="reject" hotkey="x"/>
    <Choice value="edit" hotkey="e"/>
    <Choice value="flag" hotkey="f"/>
    <Choice value="skip" hotkey="s"/>
  </Choices>
  <TextArea name="reason" toName="dialogue" placeholder="Why" maxSubmissions="1"/>
  <TextArea name="note" toName="dialogue" placeholder="Note" maxSubmissions="1"/>
  <TextArea name="edited_prompt" toName="dialogue" placeholder="The prompt as it should be" rows="4" maxSubmissions="1"/>
  <TextArea name="edited_response" toName="dialogue" placeholder="The response as it should be" rows="12" maxSubmissions="1"/>
  <TextArea name="curator" toName="dialogue" placeholder="Your name" maxSubmissions="1"/>
</View>
"""
"""The labelling interface of a project for these tasks."""


def tasks(items: Iterable[tuple[Example, tuple[Decision, ...]]]) -> list[dict[str, Any]]:
    """One task an example, with an annotation for each person who decided about it."""
    return [
        {"data": _data(example), "annotations": [_annotation(item) for item in last_words(decisions)]}
        for example, decisions in items
    ]


def _data(example: Example) -> dict[str, Any]:
    return {
        "example_id": example.id,
        "example_content": content_of(example.turns),
        "dialogue": [{"role": turn.role, "text": turn.text} for turn in example.turns],
        "source": example.origin.source,
        "url": example.origin.url,
        "license": ", ".join(sorted({author.license for author in example.origin.authors if author.license})),
    }


def _annotation(decision: Decision) -> dict[str, Any]:
    said = {**answers_of(decision), CURATOR: decision.curator}
    return {"result": [_result(question, answer) for question, answer in said.items()], "created_at": decision.at}


def _result(question: str, answer: str) -> dict[str, Any]:
    kind, value = ("choices", {"choices": [answer]}) if question == DECISION else ("textarea", {"text": [answer]})
    return {"from_name": question, "to_name": "dialogue", "type": kind, "value": value}


def answers(path: Path, at: str, names: Mapping[str, str] | None = None) -> Iterator[Answers]:
    """The answers of a file, one an annotation; a task that was skipped there is a skip. `at` stands in where a time lacks.

    `names` says who a user is, by e-mail address or number; one that nobody names stands for itself.
    """
    for number, task in enumerate(read_list(path, WANTED), 1):
        place = f"{path}: task {number}"
        data, annotations = task.get("data"), task.get("annotations")
        if not isinstance(data, dict) or not data.get("example_id"):
            raise InputError(f"{place}: data.example_id is missing; export the tasks that align wrote, as JSON.")
        if not isinstance(annotations, list):
            raise InputError(f"{place}: annotations is no list; wanted is {WANTED}.")
        shown = dialogue_of(data.get("dialogue"), place, "role", "text")
        for annotation in annotations:
            given = _given(annotation, place)
            if annotation.get("was_cancelled"):
                given = {**given, DECISION: "skip"}
            curator = given.pop(CURATOR, "") or _user(annotation, names or {}, place)
            when = time_of(annotation.get("updated_at") or annotation.get("created_at"), at)
            yield Answers(place, str(data["example_id"]), shown, curator, when, given)


def _given(annotation: Any, place: str) -> dict[str, str]:
    try:
        found: dict[str, str] = {}
        for result in annotation["result"]:
            values = result["value"].get("choices") or result["value"].get("text") or []
            text = values if isinstance(values, str) else "\n".join(values)
            if result["from_name"] in (*QUESTIONS, CURATOR) and text:
                found[result["from_name"]] = text
        return found
    except (TypeError, KeyError, AttributeError) as error:
        raise InputError(f"{place}: an annotation is not as Label Studio writes it ({error!r}); wanted is {WANTED}.") from error


def _user(annotation: dict[str, Any], names: Mapping[str, str], place: str) -> str:
    by = annotation.get("completed_by")
    user = str(by.get("email") or by.get("id") or "") if isinstance(by, dict) else "" if by is None else str(by)
    if not user:
        raise InputError(f"{place}: nobody stands as the curator; answer the question `curator`, or export with completed_by.")
    return names.get(user, user)

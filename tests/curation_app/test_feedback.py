"""What the page says of a text while it is written."""

from pathlib import Path
from typing import Any

import pytest
from team_seed import small_project

from align.curation.writing.authoring import AuthoredExample
from align.records import Turn
from curation_app.write.feedback import remarks

PROMPT = Turn("user", "How does one keep bees through a long and wet winter in the north of Norway?")


@pytest.fixture
def project(tmp_path: Path) -> Any:
    return small_project(tmp_path)


def levels(project: Any, version: int, *turns: Turn) -> dict[str, str]:
    written = AuthoredExample("authored/a-1", "A", "example", turns, version=version)
    [ben] = [person for person in project.store.people() if person.name == "ben"]
    return {remark.said: remark.level for remark in remarks(project, ben, written, turns)}


def test_nothing_is_wrong_with_an_example_before_a_letter_is_typed(project: Any) -> None:
    assert levels(project, 1) == {"write a prompt and its response": "need"}


def test_what_is_still_to_be_written_becomes_a_mistake_only_when_it_was_saved_so(project: Any) -> None:
    lacking = "a train example ends with an answer"
    assert levels(project, 1, PROMPT)[lacking] == "need"
    assert levels(project, 2, PROMPT)[lacking] == "stop"

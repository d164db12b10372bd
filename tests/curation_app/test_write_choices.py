"""What the page Write begins with: the boxes as they stand when the button is pressed, though the page was not drawn since."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest
from team_seed import small_project


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Any]:
    opened = small_project(tmp_path)
    yield opened
    opened.store.close()


def write(project: Any, name: str) -> AppTest:
    """The page as somebody sees it."""

    def page(project: object, name: str) -> None:
        from curation_app.views import write

        write.draw(project, next(person for person in project.store.people() if person.name == name))

    return AppTest.from_function(page, kwargs={"project": project, "name": name}, default_timeout=20).run()


def start(test: AppTest) -> None:
    """Press the button; whatever was chosen just before arrives together with it."""
    next(button for button in test.button if button.label == "Start an example").click().run()
    assert not test.exception


def test_a_choice_made_right_before_the_press_counts(project: Any) -> None:
    project.store.set_group("ada", "ben", "A")
    test = write(project, "ben")
    test.selectbox(key="start_form").set_value("dialogue")
    test.selectbox(key="start_split_A").set_value("dev")
    start(test)
    (written,) = project.store.all_authored()
    assert (written.group, written.form, written.split) == ("A", "dialogue", "dev")


def test_a_group_chosen_right_before_the_press_is_the_one_written_for(project: Any) -> None:
    test = write(project, "lea")  # a lead in no group chooses, and what they write first puts them there for good
    next(item for item in test.button_group if item.key == "write_group").set_value("B")
    start(test)
    (written,) = project.store.all_authored()
    assert (written.group, written.meant_for, written.id[:11]) == ("B", "test", "authored/b-")
    assert project.store.groups() == {"lea": "B"}

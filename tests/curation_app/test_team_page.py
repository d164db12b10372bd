"""The team page, drawn without a browser: who sees what, and what a press does."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest
from team_seed import decide, small_project

from align.curation.review.many import asks_for
from align.curation.review.progress import decided_since
from align.curation.store import Ask
from align.curation.team.conflicts import find_conflicts
from align.records import Turn, content_of
from curation_app.team.texts import marked, plain


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Any]:
    opened = small_project(tmp_path)
    yield opened
    opened.store.close()


def team(project: Any, name: str, section: str = "People") -> AppTest:
    """The page as somebody sees it."""

    def page(project: object, name: str) -> None:
        from curation_app.views import team

        team.draw(project, next(person for person in project.store.people() if person.name == name))

    test = AppTest.from_function(page, kwargs={"project": project, "name": name}, default_timeout=20)
    test.query_params["section"] = section
    return test.run()


def texts(test: AppTest) -> str:
    kinds = (test.markdown, test.info, test.caption, test.error, test.warning, test.success)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


SECTIONS = ("People", "Guidelines", "Work", "Agreement", "Conflicts", "Pace", "History")


@pytest.mark.parametrize("section", SECTIONS)
def test_every_section_of_a_fresh_project_says_what_to_do(project: Any, section: str) -> None:
    test = team(project, "ada", section)
    assert not test.exception
    told = {
        "People": "also adds people", "Guidelines": "begin with the starter", "Work": "a `quota` stage in the recipe names groups",
        "Agreement": "Calibration and overlap", "Conflicts": "Nothing to settle", "Pace": "after the first decisions",
        "History": "Nothing here is ever changed",
    }  # fmt: skip
    assert told[section] in texts(test)


@pytest.mark.parametrize("section", SECTIONS)
def test_every_section_of_a_project_at_work_is_drawn(project: Any, section: str) -> None:
    decide(project)
    project.store.write_guidelines("lea", "## Look\nfor $2 and :red[that]")
    project.store.write_guidelines("lea", "## Look\nfor $3 and :red[that]")
    test = team(project, "lea", section)
    assert not test.exception
    assert texts(test)


@pytest.mark.parametrize("section", ["Agreement", "Conflicts", "History"])
def test_who_is_still_to_decide_sees_nobody_elses_decisions(project: Any, section: str) -> None:
    decide(project)
    test = team(project, "ben", section)
    assert section not in test.button_group[0].options
    assert "cem" not in [frame.value.to_string() for frame in test.dataframe].__str__()
    assert "poor style" not in texts(test)


def test_a_curator_sees_their_own_pace_alone(project: Any) -> None:
    decide(project)
    assert list(team(project, "ben", "Pace").dataframe[0].value["Curator"]) == ["ben"]
    assert list(team(project, "lea", "Pace").dataframe[0].value["Curator"]) == ["ben", "cem"]


def test_an_admin_adds_people_by_the_name_they_come_in_with(project: Any) -> None:
    test = team(project, "ada")
    test.text_input(key="new_name_0").input(" Dee@Example.org ")
    next(button for button in test.button if button.label == "Add").click()
    test.run()
    assert project.store.role_of("dee@example.org") == "curator"
    # the same name again is refused in words, and what was typed stays
    test.text_input(key="new_name_1").input("ben")
    next(button for button in test.button if button.label == "Add").click()
    test.run()
    assert "ben takes part already" in test.error[0].value


def test_an_admin_gives_roles_and_removes(project: Any) -> None:
    test = team(project, "ada")
    test.selectbox(key="role_ben_curator").select("lead").run()
    assert project.store.role_of("ben") == "lead"
    test.button(key="remove_cem").click().run()
    assert project.store.role_of("cem") is None
    test.selectbox(key="role_ada_admin").select("viewer").run()
    assert "ada is the only admin" in test.error[0].value
    assert project.store.role_of("ada") == "admin"


def test_others_than_an_admin_have_no_boxes_to_change_people(project: Any) -> None:
    for name in ("lea", "ben", "vic"):
        test = team(project, name)
        assert not any(box.key.startswith("role_") for box in test.selectbox)
        assert "Add" not in [button.label for button in test.button]


def test_settings_are_saved_together_and_only_those_that_changed(project: Any) -> None:
    test = team(project, "lea", "Work")
    box = next(item for item in test.slider if item.label == "Second, blind decision")
    box.set_value(25)
    next(item for item in test.text_area if item.label.startswith("Reasons")).input("dull\n\n wrong ")
    next(button for button in test.button if button.label == "Save settings").click()
    test.run()
    now = project.store.settings()
    assert (now.overlap_share, now.reasons) == (0.25, ("dull", "wrong"))
    assert [row.about for row in project.store.audit() if row.what == "set setting"] == ["reasons", "overlap_share"]


def test_a_lead_settles_a_conflict_with_the_text_they_chose(project: Any) -> None:
    decide(project)
    test = team(project, "lea", "Conflicts")
    count = int(test.markdown[0].value.split("of ")[1].split("*")[0])
    area = next(item for item in test.text_area if item.label == "Response")
    area.input(area.value.replace("calm", "quiet"))
    next(item for item in test.text_input if item.label.startswith("Why")).input("says it better")
    next(button for button in test.button if button.label == "Accept this text").click()
    test.run()
    assert not test.exception
    settled = [event for event in project.store.events_since(0) if event.action == "adjudicate"]
    assert [(event.decides, event.note) for event in settled] == [("edit", "says it better")]
    assert "is quiet in winter" in settled[0].turns[1].text
    decision = next(item for item in project.store.decisions() if item.example_id == settled[0].example_id)
    assert (decision.action, decision.curator) == ("edit", "lea")
    assert test.markdown[0].value.startswith(f"**1 of {count - 1}**")


def test_a_conflict_about_what_was_taken_down_is_shown_no_more(project: Any) -> None:
    decide(project)
    test = team(project, "lea", "Conflicts")
    gone = next(item for item in find_conflicts(project.store) if any(position.turns for position in item.positions))
    count = len(find_conflicts(project.store))
    assert test.markdown[0].value.startswith(f"**1 of {count}**")
    project.store.take_down([gone.example_id])
    test.run()  # the same session, and nobody has decided since
    assert test.markdown[0].value.startswith(f"**1 of {count - 1}**")
    assert gone.example_id not in [item.example_id for item in find_conflicts(project.store)]


def test_a_settled_conflict_comes_back_when_the_lead_takes_it_back(project: Any) -> None:
    decide(project)
    test = team(project, "lea", "Conflicts")
    before = test.markdown[0].value
    next(button for button in test.button if button.label == "Reject").click()
    test.run()
    assert test.markdown[0].value != before
    project.store.undo("lea", "undo")
    assert team(project, "lea", "Conflicts").markdown[0].value == before


def test_history_is_read_page_by_page_without_a_gap(project: Any) -> None:
    decide(project)  # 48 decisions and 5 people
    test = team(project, "ada", "History")
    seen = list(test.dataframe[0].value["Number"])
    next(button for button in test.button if button.label == "Older").click()
    test.run()
    seen += list(test.dataframe[0].value["Number"])
    assert seen == list(range(53, 0, -1))
    next(button for button in test.button if button.label == "Newer").click()
    test.run()
    assert test.dataframe[0].value["Number"].iloc[0] == 53


def test_no_sign_of_a_record_becomes_markup() -> None:
    hostile = '<img src=x onerror=alert(1)> </ins><script>1</script> & "q"'
    for shown in (marked(hostile, hostile), marked("calm", hostile), marked(hostile, "calm")):
        assert "<img" not in shown
        assert "<script" not in shown
    assert marked("a b", "a c") == "<span>a </span><del>b</del><ins>c</ins>"
    assert plain("![x](ftp://y) $z$ :red[stop]\n# h") == r"\!\[x\]\(ftp\://y\) \$z\$ \:red\[stop\] \# h"


def test_turns_of_a_position_are_marked_against_the_original(project: Any) -> None:
    original = (Turn("user", "Why?"), Turn("assistant", "It is calm."))
    assert marked(original[1].text, "It is very calm.") == "<span>It is </span><ins>very </ins><span>calm.</span>"


def test_sections_of_all_pages_have_headings_of_one_size(project: Any) -> None:
    test = team(project, "ada", "Work")
    assert [heading.value for heading in test.header] == ["Assignment", "Settings"]
    assert not any(str(text.value).startswith("#") for text in test.markdown)


def test_pace_draws_no_curve_of_one_point_and_says_when_it_will(project: Any) -> None:
    decide(project)  # ben and cem decide about 24 examples each
    assert "more than 50 decisions: a point stands for 50 of them (24 so far)" in texts(team(project, "ada", "Pace"))


def test_one_person_has_one_count_of_decisions_on_every_page(project: Any) -> None:
    decide(project)
    for number in range(3):
        project.store.undo("ben", f"back {number}")
    ids, versions = project.pool.ids, project.store.versions("ben")
    contents = [content_of(project.pool.example(name).turns) for name in ids]
    # he thinks again about the first one, and skips the last, on which his word was undone
    project.store.decide(Ask("again", ids[0], contents[0], versions[ids[0]], "flag", "ben"))
    project.store.decide(Ask("pass", ids[-1], contents[-1], versions[ids[-1]], "skip", "ben"))
    stands = len(ids) - 3
    names = team(project, "ada").markdown
    place = next(number for number, text in enumerate(names) if text.value == "**ben**")
    assert str(stands) in [text.value for text in names[place : place + 5]]
    frame = team(project, "ada", "Pace").dataframe[0].value
    assert frame.set_index("Curator").loc["ben", "Decisions"] == stands
    assert decided_since(project.queue.catch_up().doings("ben"), "") == stands


def test_a_curator_who_only_decided_many_at_once_has_a_count_and_no_pace(project: Any) -> None:
    rows = range(len(project.pool))
    project.store.decide_many(asks_for(project.pool, rows, "reject", "ben", {}, "one press", reason="dull"))
    test = team(project, "ben", "Pace")
    assert not test.exception
    row = test.dataframe[0].value.iloc[0]
    assert (row["Decisions"], row["Accepted"]) == (len(rows), "")
    assert f"{len(rows)} of the decisions were made many at once" in texts(test)

"""What pages send to the browser of somebody who may not know all of it: every byte is looked at."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from served_app import write_recipe
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.local_script_runner import LocalScriptRunner

from align.curating import open_pool, prepare_desk
from align.curation.database.place import VARIABLE
from align.curation.queueing.accepted import Accepted
from align.curation.queueing.queue import Queue
from align.curation.state.watching import TakedownWatch
from align.curation.store import Ask, CurationStore, NotAllowed, Person
from align.curation.team.identity import Door
from align.curation.writing.authoring import AuthoredExample, export_lines
from align.recipe import load_recipe
from align.records import Turn
from align.runner import run_recipe
from curation_app.freezing.exchange import items_for
from curation_app.freezing.jobs import run_align
from curation_app.freezing.preview import packed_for
from curation_app.session import Project

SECRETS = {"A": "sourdough starters in a suitcase", "B": "nine muses at a picnic"}
PAGES = ("review", "browse", "board", "write", "freeze", "team")
ADDRESSES = (
    *((name, {}) for name in PAGES),
    ("browse", {"words": "muses OR sourdough"}), ("browse", {"like": "authored/b-1"}), ("browse", {"like": "authored/a-1"}),
    ("browse", {"source": "authored"}), ("review", {"example": "authored/b-1"}), ("review", {"example": "authored/a-1"}),
    ("write", {"piece": "authored/b-1"}), ("write", {"piece": "authored/a-1"}), ("freeze", {"section": "Decisions"}),
    *(("team", {"section": section}) for section in ("Conflicts", "History", "Pace", "Agreement", "Work")),
)  # fmt: skip


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """The small recipe with an example of each group in its pool; ada admin, lea a lead of group A, ben of A, cem of B."""
    tmp_path = tmp_path_factory.mktemp("hidden")
    store_folder = tmp_path / "store"
    store_folder.mkdir()
    url = f"sqlite:///{store_folder}/curation.db"
    store = CurationStore.open(url)
    store.add_person("ada", "ada")
    for name, role in (("lea", "lead"), ("ben", "curator"), ("cem", "curator"), ("dee", "curator"), ("vic", "viewer")):
        store.add_person("ada", name, role)
    for name, group in (("lea", "A"), ("ben", "A"), ("cem", "B")):
        store.set_group("ada", name, group)
    for who, group, split, answer in (("ben", "A", "train", (Turn("assistant", "Dry it."),)), ("cem", "B", "test", ())):
        turns = (Turn("user", f"What of {SECRETS[group]}?"), *answer)
        store.write_authored(who, AuthoredExample(f"authored/{group.lower()}-1", group, "example", turns, "ready", split=split))
    recipe_file = write_recipe(tmp_path, 12)
    lines = "".join("".join(export_lines(store.all_authored(), split)) for split in ("train", "test"))
    with (tmp_path / "asked.jsonl").open("a", encoding="utf-8") as file:
        file.write(lines)
    desk = prepare_desk(recipe_file, None, store_folder)
    recipe = load_recipe(recipe_file)
    pool = open_pool(desk, recipe)
    queue = Queue(pool, store)
    watch = TakedownWatch(store_folder, store)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, url)
        yield Project(desk, recipe, store, pool, queue, (), None, Accepted(pool, queue.tally), Door(), watch)
    queue.close()
    store.close()


def person(project: Project, name: str) -> Person:
    return next(item for item in project.store.people() if item.name == name)


def sent(project: Project, name: str, page: str, query: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> bytes:
    """All that a page sends to the browser of somebody."""

    def script(project, person, page):  # type: ignore[no-untyped-def]
        import importlib

        import streamlit as st

        from align.errors import AlignError

        try:
            project.heed_takedowns()
            importlib.import_module(f"curation_app.views.{page}").draw(project, person)
        except AlignError as error:
            st.error(str(error))

    found: list[bytes] = []
    messages = LocalScriptRunner.forward_msgs

    def kept(self: LocalScriptRunner) -> Any:
        told = messages(self)
        found.extend(message.delta.SerializeToString() for message in told)
        return told

    with monkeypatch.context() as patch:
        patch.setattr(LocalScriptRunner, "forward_msgs", kept)
        test = AppTest.from_function(script, kwargs={"project": project, "person": person(project, name), "page": page})
        for key, value in query.items():
            test.query_params[key] = value
        test.run(timeout=60)
    assert not test.exception, test.exception
    assert found
    return b"\n".join(found)


@pytest.mark.parametrize(("page", "query"), ADDRESSES)
def test_no_page_sends_a_text_of_the_other_group(
    project: Project, monkeypatch: pytest.MonkeyPatch, page: str, query: dict[str, str]
) -> None:
    for name, other in (("ben", "B"), ("lea", "B"), ("cem", "A")):
        assert SECRETS[other].encode() not in sent(project, name, page, query, monkeypatch), (name, page, query)


def test_the_look_at_what_is_sent_finds_a_text_that_is_there(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, group in (("ben", "A"), ("cem", "B"), ("ada", "A"), ("ada", "B")):
        assert SECRETS[group].encode() in sent(project, name, "browse", {"source": "authored"}, monkeypatch)
    assert SECRETS["A"].encode() in sent(project, "ben", "write", {"piece": "authored/a-1"}, monkeypatch)
    assert SECRETS["A"].encode() in sent(project, "ben", "review", {"example": "authored/a-1"}, monkeypatch)


def test_what_applies_freezes_or_leaves_the_project_takes_a_lead_whatever_the_page_offers(project: Project) -> None:
    frozen = Path(project.desk.store) / "frozen-sets" / "none"
    for name, told in (("ben", "ben is a curator and cannot align freeze"), ("vic", "vic is a viewer"), ("eve", "eve takes no")):
        with pytest.raises(NotAllowed, match=told):
            run_align(project, name, "Freezing", ["freeze", project.desk.recipe, "picked"])
        who = Person(name, "lead", "", "")  # a page that believes them to be one
        with pytest.raises(NotAllowed, match=f"{name} (is a|takes no)"):
            packed_for(project, who, project.recipe, {"train": "picked"}, frozen)
        with pytest.raises(NotAllowed, match="take decisions out"):
            next(items_for(project, who, whole=True))
    assert not frozen.exists()
    assert "align freeze" not in [row.what for row in project.store.audit()]


def test_a_lead_of_a_group_gets_neither_the_frozen_set_nor_the_decisions_on_what_the_other_wrote(project: Project) -> None:
    store = project.store
    for number, name in enumerate(project.pool.ids):
        content = project.pool.contents[project.pool.row(name)]
        store.decide(Ask(f"g{number}", name, content, 0, "accept", "dee", blind=True))
    run_recipe(project.recipe, Path(project.desk.store), "picked")
    lea, ada = person(project, "lea"), person(project, "ada")
    frozen = Path(project.desk.store)
    with pytest.raises(NotAllowed, match="1 of the examples were written by the other group of authors, and lea is in group A"):
        packed_for(project, lea, project.recipe, {"train": "picked"}, frozen / "runs")
    assert packed_for(project, ada, project.recipe, {"train": "picked"}, frozen / "runs")
    given = {
        name: {example.id for example, _ in items_for(project, person(project, name), whole=True)} for name in ("lea", "ada")
    }
    assert given["ada"] - given["lea"] == {"authored/b-1"}
    noted = [(row.who, row.what) for row in store.audit(6)]
    assert ("ada", "download frozen set") in noted
    assert ("lea", "take decisions out") in noted


def test_blind_no_page_tells_what_others_decided_and_not_blind_it_does(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """By then somebody has accepted all of the pool; gil, who has just come, knows nothing of it."""
    store = project.store
    store.add_person("ada", "gil")
    store.add_person("ada", "fay")
    for number, name in enumerate(project.pool.ids):
        content = project.pool.contents[project.pool.row(name)]
        store.decide(Ask(f"f{number}", name, content, 0, "accept", "fay", reason="fay's reason", note="fay's note", blind=True))
    pages = (("browse", {}), ("browse", {"state": "accepted"}), ("freeze", {}), ("freeze", {"section": "Decisions"}))
    pages += (("write", {}), ("review", {"example": "harbour/1"}))
    pages += tuple(("team", {"section": section}) for section in ("Conflicts", "History", "Pace", "Agreement"))
    for page, query in pages:
        told = sent(project, "gil", page, query, monkeypatch)
        assert b"fay's" not in told
        if page != "review":  # its own counter says "0 accepted"
            assert not set(_counts(told)) - {b"undecided (14)", b"accepted (0)"}, (page, query)
    assert b"undecided (14)" in sent(project, "gil", "browse", {"state": "undecided"}, monkeypatch)
    assert b"accepted (14)" in sent(project, "ada", "browse", {"state": "accepted"}, monkeypatch)
    store.set_setting("ada", "blind", False)
    assert b"accepted (14)" in sent(project, "gil", "browse", {"state": "accepted"}, monkeypatch)
    store.set_setting("ada", "blind", True)


def _counts(told: bytes) -> list[bytes]:
    return re.findall(rb"(?:undecided|accepted|rejected|flagged) \(\d+\)", told)

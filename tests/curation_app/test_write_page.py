"""Writing new examples, in a real browser."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from served_app import Served, browser_page, served_app
from team_seed import small_project

from align.curation.store import CurationStore
from align.records import Example
from align.sources.ingest import Shard
from align.sources.json_lines import JsonLines

pytestmark = pytest.mark.long

ASKED = "How do I keep a sourdough starter alive while I travel for a month?"
ANSWERED = (
    "A month is no trouble for a starter: dry it. Spread it thinly on paper, let it dry for two days, and crumble it into a jar. "
    * 2
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    small_project(tmp_path).store.close()
    return tmp_path


def open_store(folder: Path) -> CurationStore:
    return CurationStore.open(f"sqlite:///{folder}/store/curation.db")


def start(page: Any, app: Served, person: str) -> None:
    page.goto(f"{app.address}/write?as={person}")
    page.get_by_role("button", name="Start an example").click()
    page.get_by_label("Prompt").wait_for()


def test_what_is_typed_is_kept_compared_saved_and_exported(folder: Path) -> None:
    with served_app(folder) as app, browser_page(accept_downloads=True) as page:
        start(page, app, "lea")
        # live: nothing is pressed and the field is not left
        page.get_by_label("Prompt").press_sequentially("What does salt do in winter, case 00?")
        page.get_by_text("nearly the same prompt as pool harbour/0").wait_for()
        page.get_by_text("a train example ends with an answer").wait_for()
        page.get_by_label("Prompt").fill(ASKED)
        page.get_by_label("Response").press_sequentially(ANSWERED[:40])
        page.get_by_text("the response is short: 40 characters").wait_for()
        page.wait_for_timeout(2000)
        page.reload()
        assert page.get_by_label("Response").input_value() == ANSWERED[:40]
        page.get_by_label("Response").fill(ANSWERED)
        # one press saves the text as it stands, though the field has just been typed in
        page.get_by_label("Response").press("Control+Enter")
        page.get_by_text("version 2, by lea").wait_for()
        page.get_by_role("button", name="Ready", exact=True).click()
        page.get_by_text("version 3, by lea").wait_for()
        page.get_by_text("train: 1 of 200").wait_for()
        with page.expect_download() as download:
            page.get_by_role("button", name="train: 1 ready, as JSON lines").click()
        path = folder / "authored_train.jsonl"
        download.value.save_as(path)
    (read,) = list(JsonLines(paths=(path,)).read(Shard("rows", path), Counter()))
    assert isinstance(read, Example)
    assert (read.prompt, read.response) == (ASKED, ANSWERED.strip())
    assert [(author.name, author.license) for author in read.origin.authors] == [("lea", "CC BY-SA 4.0")]
    store = open_store(folder)
    assert [item.state for item in store.versions_of_authored("lea", read.id)] == ["draft", "draft", "ready"]
    assert store.groups() == {"lea": "A"}
    store.close()


def test_an_incomplete_example_is_not_ready_and_what_was_typed_stays(folder: Path) -> None:
    with served_app(folder) as app, browser_page() as page:
        start(page, app, "lea")
        page.get_by_label("Prompt").fill(ASKED)
        page.get_by_role("button", name="Ready", exact=True).click()
        page.get_by_text("is not ready: a train example ends with an answer").wait_for()
        assert page.get_by_label("Prompt").input_value() == ASKED
    store = open_store(folder)
    assert [(item.version, item.state) for item in store.all_authored()] == [(1, "draft")]
    store.close()


def test_one_group_finds_nothing_of_the_other_at_any_address(folder: Path) -> None:
    secret = "Which of the nine muses would you invite to a picnic by the sea?"
    with served_app(folder) as app:
        store = open_store(folder)
        store.set_group("ada", "ben", "A")
        store.set_group("ada", "cem", "B")
        with browser_page() as page:
            start(page, app, "cem")
            page.get_by_label("Prompt").fill(secret)
            page.get_by_label("Prompt").press("Control+Enter")
            page.get_by_text("version 2, by cem").wait_for()
            (written,) = store.all_authored()
        with browser_page() as page:
            frames: list[bytes] = []
            page.on(
                "websocket",
                lambda socket: socket.on(
                    "framereceived", lambda data: frames.append(data if isinstance(data, bytes) else data.encode())
                ),
            )
            page.goto(f"{app.address}/write?as=ben&piece={written.id}")
            page.get_by_text("Start an example at the left").wait_for()
            page.get_by_role("button", name="Start an example").click()
            page.get_by_label("Prompt").press_sequentially(secret.replace("nine", "mine"), delay=2)
            page.get_by_text("something that the other group has written").wait_for()
            assert not any(b"nine muses" in frame for frame in frames)
            assert not any(written.id.encode() in frame and b"muses" in frame for frame in frames)
        store.close()


def test_a_second_example_starts_empty_whatever_was_open(folder: Path) -> None:
    with served_app(folder) as app, browser_page() as page:
        start(page, app, "lea")
        page.get_by_label("Prompt").fill(ASKED)
        page.get_by_label("Response").fill(ANSWERED)
        page.get_by_label("Response").press("Control+Enter")
        page.get_by_text("version 2, by lea").wait_for()
        # the form of the next one asks for four boxes: the text of two, seen as four, is not what was sent last
        page.get_by_role("combobox", name="Form").first.click()
        page.get_by_role("option", name="Dialogue").click()
        page.get_by_role("button", name="Start an example").click()
        page.get_by_label("User, turn 3").wait_for()
        page.wait_for_timeout(2500)  # longer than a draft is on its way
        page.reload()
        page.get_by_label("User, turn 3").wait_for()
        assert [area.input_value() for area in page.locator("textarea").all()] == ["", "", "", ""]


def test_a_dialogue_grows_by_exchanges_and_an_earlier_version_comes_back(folder: Path) -> None:
    with served_app(folder) as app, browser_page() as page:
        start(page, app, "lea")
        page.get_by_role("combobox", name="Form").nth(1).click()
        page.get_by_role("option", name="Dialogue").click()
        page.get_by_label("User, turn 3").wait_for()
        for number, text in enumerate(("Why is the sea salt?", "Rivers carry it.", "And lakes?", "They drain."), 1):
            page.get_by_label(f"{'User' if number % 2 else 'Assistant'}, turn {number}").fill(text)
        page.get_by_role("button", name="Add an exchange").click()
        page.get_by_label("User, turn 5").fill("All of them?")
        page.get_by_label("Assistant, turn 6").fill("Not the Dead Sea.")
        page.get_by_role("button", name="Ready", exact=True).click()
        page.get_by_text("version 2, by lea").wait_for()
        page.get_by_role("button", name="Remove the last exchange").click()
        page.get_by_label("Assistant, turn 4").press("Control+Enter")
        page.get_by_text("version 3, by lea").wait_for()
        page.get_by_text("3 versions").click()
        page.get_by_role("radio", name="2", exact=True).click()
        page.get_by_role("button", name="Put this text into the editor").click()
        page.get_by_label("Assistant, turn 6").wait_for()
        assert page.get_by_label("Assistant, turn 6").input_value() == "Not the Dead Sea."
    store = open_store(folder)
    versions = store.versions_of_authored("lea", store.all_authored()[0].id)
    assert [(item.form, len(item.turns)) for item in versions] == [("example", 0), ("dialogue", 6), ("dialogue", 4)]
    store.close()

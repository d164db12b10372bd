"""The pages about the whole set in a real browser: Browse, Board, Freeze."""

import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from app_server import App

from align.curation.decisions import decision_for
from align.curation.exchange import argilla
from align.records import Example, Origin, Turn
from curation_app.team.texts import JOINER

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.long

Open = Callable[..., "Page"]
RUNNING = "[data-test-script-state=notRunning]"


@pytest.fixture
def look(app: App, browser: "Browser") -> Iterator[Open]:
    """Open a page of the app as somebody; an error in the page fails the test."""
    wrong: list[str] = []
    contexts = []

    def opened(name: str, path: str) -> "Page":
        app.add(name)
        context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.on("pageerror", lambda error: wrong.append(f"{error}"))
        page.goto(f"{app.url}/{path}{'&' if '?' in path else '?'}as={name}")
        settle(page)
        return page

    yield opened
    for context in contexts:
        assert context.pages[0].locator("[data-testid=stException]").count() == 0
        context.close()
    assert wrong == []


def settle(page: "Page") -> None:
    page.wait_for_timeout(400)
    page.wait_for_selector(RUNNING, timeout=60_000)
    page.wait_for_timeout(300)


@pytest.mark.parametrize("path", ["browse?like={}", "review?example={}"])
def test_nothing_in_a_link_is_drawn_as_markdown_or_fetched(look: Open, path: str) -> None:
    picture = "![seen](https://elsewhere.invalid/seen.png) [go](https://elsewhere.invalid/) https://elsewhere.invalid www.elsewhere.invalid"
    page = look("ada", "browse")
    asked: list[str] = []
    page.context.on("request", lambda request: asked.append(request.url))
    page.goto(f"{page.url.partition('/browse')[0]}/{path.format(quote(picture))}&as=ada")
    settle(page)
    assert picture in page.locator("[data-testid=stAlert]").inner_text().replace(JOINER, "")
    assert page.locator("img[src*=elsewhere]").count() == 0
    assert page.locator("a[href*=elsewhere]").count() == 0
    assert [url for url in asked if "elsewhere.invalid" in url.partition("?")[0]] == []


def test_a_search_is_a_link_that_shows_the_same_to_another(app: App, look: Open) -> None:
    page = look("ada", "browse")
    page.get_by_role("textbox", name="Search").fill('"loaf number 17"')
    page.keyboard.press("Enter")
    page.get_by_text("1 of 203 examples").wait_for()
    assert "words=%22loaf+number+17%22" in page.url or "words=%22loaf%20number%2017%22" in page.url
    other = look("ben", "browse?words=%22loaf%20number%2017%22")
    other.get_by_text("1 of 203 examples").wait_for()


def test_many_are_decided_only_after_a_tick_and_can_be_undone_together(app: App, look: Open) -> None:
    """Ten loaves have a number from 40 to 49 in their prompt."""
    page = look("cleo", "browse?words=" + "%20OR%20".join(f"prompt:{number}" for number in range(40, 50)))
    page.get_by_text("Decide about all 10").click()
    page.get_by_label("Reason").fill("too short")
    page.get_by_role("button", name="Decide", exact=True).click()
    page.get_by_text("Tick the box first").wait_for()
    assert app.events("cleo") == []
    page.get_by_text("Yes, decide about 10 examples").click()
    page.get_by_role("button", name="Decide", exact=True).click()
    page.get_by_text("Decided about 10 examples: reject").first.wait_for()
    assert sorted(name for action, name in app.events("cleo") if action == "reject") == [f"posts/{n}" for n in range(40, 50)]
    page.get_by_role("button", name="Undo it").click()
    page.get_by_text("Took back 10 decisions").wait_for()
    assert [action for action, _ in app.events("cleo")].count("undo") == 10


def test_a_tick_is_of_an_example_and_not_of_a_place(app: App, look: Open) -> None:
    page = look("edda", "browse")
    table = page.locator("[data-testid=stDataFrame] canvas").first.bounding_box()
    assert table is not None
    page.mouse.click(table["x"] + 16, table["y"] + 48)
    page.get_by_role("button", name="Find similar").click()
    page.get_by_text("Any example").wait_for()
    settle(page)
    # what stands first in the new list was ticked by nobody
    page.get_by_text("Tick a row to read the example").wait_for()


def test_a_search_that_cannot_be_read_says_so(app: App, look: Open) -> None:
    page = look("edda", "browse?words=%22zebra")
    page.get_by_text("The search was not understood").wait_for()
    assert page.get_by_text("not understood: missing delimiter").count() == 1


def test_what_was_found_is_reviewed_one_after_the_other(app: App, look: Open) -> None:
    page = look("dora", "browse?words=%22loaf%20number%2051%22%20OR%20%22loaf%20number%2052%22&order=pool")
    page.get_by_role("button", name="Review these").click()
    page.wait_for_selector(".page[data-state=ready][data-settled=yes]")
    first = page.get_attribute(".page", "data-painted") or ""
    assert first.startswith("posts/51")
    page.keyboard.press("a")
    page.wait_for_function(
        """first => document.querySelector('[data-testid=stBidiComponentIsolated]').shadowRoot
            .querySelector('.page').dataset.painted !== first""",
        arg=first,
    )
    assert (page.get_attribute(".page", "data-painted") or "").startswith("posts/52")


def test_a_region_of_the_map_is_reviewed(app: App, look: Open) -> None:
    page = look("emil", "board")
    chart = page.locator("[data-testid=stVegaLiteChart] canvas, [data-testid=stVegaLiteChart] svg").first
    chart.wait_for()
    box = chart.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 30, box["y"] + 90)  # below the legend
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 20, box["y"] + box["height"] - 10, steps=12)
    page.mouse.up()
    page.get_by_text("examples in the region").wait_for()
    page.get_by_role("button", name="Review the").click()  # "these", or "the first 200" of a large region
    page.wait_for_selector(".page[data-state=ready][data-settled=yes]")


def test_decisions_become_a_frozen_set_that_can_be_downloaded(app: App, look: Open, tmp_path: Path) -> None:
    store = app.store
    shown = [Turn("user", "How do I bake loaf number 60?"), Turn("assistant", BAKED.format(60, 61))]
    example = Example("posts/60", tuple(shown), Origin("authored", "posts/60"))
    app.add("ada")
    assert store.import_decisions("ada", [decision_for(example, "accept", "ada")]).refused == {}
    store.close()
    page = look("ada", "freeze")
    page.get_by_role("button", name="Apply decisions").first.click()
    page.get_by_text("no example is in two splits").wait_for(timeout=90_000)
    page.get_by_role("button", name="Freeze", exact=True).click()
    download = page.get_by_role("button", name="Download", exact=True)
    download.wait_for(timeout=90_000)
    settle(page)
    with page.expect_download() as waiting:
        download.click()
    packed = tmp_path / "set.zip"
    waiting.value.save_as(packed)
    with zipfile.ZipFile(packed) as opened:
        names = {name.partition("/")[2] for name in opened.namelist()}
    assert {"README.md", "ATTRIBUTION.md", "manifest.json"} <= names


BAKED = "Knead loaf {0}, let it rise for {1} hours, then bake it **hot**."


def test_decisions_of_another_tool_come_in_by_a_file(app: App, look: Open, tmp_path: Path) -> None:
    app.add("ada", "fred")
    examples = [
        Example(
            f"posts/{number}",
            (Turn("user", f"How do I bake loaf number {number}?"), Turn("assistant", BAKED.format(number, number + 1))),
            Origin("authored", f"posts/{number}"),
        )
        for number in (70, 71)
    ]
    items = [(example, (decision_for(example, "reject", "fred", reason="dull"),)) for example in examples]
    sent = tmp_path / "records.json"
    sent.write_text(json.dumps(argilla.records(items)), encoding="utf-8")
    page = look("ada", "freeze?section=Decisions")
    page.get_by_label("Form").nth(1).click()
    page.get_by_role("option", name="Argilla (JSON)").click()
    settle(page)
    page.locator("input[type=file]").set_input_files(str(sent))
    page.get_by_role("button", name="Import 2 decisions").click()
    page.get_by_text("2 decisions are in.").wait_for()
    assert app.events("fred") == [("reject", "posts/70"), ("reject", "posts/71")]

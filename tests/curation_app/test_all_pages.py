"""Every page opens without an error, for the first person on a machine and when there is nothing left to do."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from app_server import free_port, serving

from curation_app.views import found_pages

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.long


def test_pages_are_found_by_themselves_in_the_order_of_the_bar() -> None:
    pages = found_pages()
    assert pages[0].name == "review"
    assert [page.info.order for page in pages] == sorted(page.info.order for page in pages)
    assert len({page.info.title for page in pages}) == len(pages)


def test_the_first_person_says_their_name_reviews_all_and_every_page_opens(tmp_path: Path, browser: "Browser") -> None:
    wrong: list[str] = []
    with serving(tmp_path, count=1) as app:
        page = browser.new_context().new_page()
        page.on("pageerror", lambda error: wrong.append(f"{error}"))
        page.on(
            "request",
            lambda request: (
                request.url.startswith(("http", "ws")) and "localhost" not in request.url and wrong.append(request.url)
            ),
        )
        page.goto(app.url)
        page.get_by_label("Your name").fill("ada")
        page.get_by_role("button", name="Start").click()
        seen = ""
        for _ in range(4):  # one post and three special ones
            page.wait_for_selector(f".page[data-state=ready][data-settled=yes]:not([data-painted='{seen}'])", timeout=30_000)
            seen = page.get_attribute(".page", "data-painted") or ""
            page.keyboard.press("a")
        page.wait_for_selector(".page[data-state=empty]", timeout=30_000)
        assert "Nothing is waiting for you" in page.locator(".nothing").inner_text()
        assert "Board" in page.locator(".nothing").inner_text()
        assert len(app.events("ada")) == 4
        for found in found_pages():
            page.goto(f"{app.url}/{found.name}?as=ada")
            page.wait_for_selector("[data-test-script-state=notRunning]", timeout=30_000)
            page.wait_for_timeout(1000)
            assert page.locator("[data-testid=stException], [data-testid=stAlertContentError]").count() == 0, found.name
        page.context.close()
    assert wrong == []
    assert "Traceback" not in (tmp_path / "app.log").read_text()


def test_a_server_that_is_killed_loses_nothing_that_was_typed_or_decided(tmp_path: Path, browser: "Browser") -> None:
    ready = ".page[data-state=ready][data-settled=yes]"
    port = free_port()
    page = browser.new_context().new_page()
    with serving(tmp_path, count=5, port=port) as app:
        app.add("ada")
        page.goto(f"{app.url}/?as=ada")
        page.wait_for_selector(ready, timeout=30_000)
        first = page.get_attribute(".page", "data-painted")
        page.keyboard.press("e")
        page.keyboard.type("Typed. ")
        page.wait_for_timeout(2000)
        app.process.kill()
    page.keyboard.press("Control+Enter")  # nobody hears it yet
    with serving(tmp_path, count=5, port=port) as app:
        page.wait_for_selector(f"{ready}:not([data-painted='{first}'])", timeout=60_000)
        assert app.events("ada") == [("edit", first)]
    page.context.close()

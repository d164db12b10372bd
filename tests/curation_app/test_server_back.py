"""The server is killed with -9 and started anew while a person types or decides: their tab goes on by itself and loses nothing."""

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from app_server import App, free_port, serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.long

READY = ".page[data-state=ready][data-settled=yes]"
KEPT = "() => Object.entries(sessionStorage).filter(([name]) => name.startsWith('align-unsent-')).map(([, kept]) => kept).join()"
SILENCE_IS_TOLD = "The app does not answer. What you decided and typed is kept in this tab"


@pytest.mark.parametrize("is_loaded_anew", [False, True])
def test_text_typed_around_a_kill_is_kept_by_the_tab_and_saved_by_the_next_server(
    tmp_path: Path, browser: "Browser", is_loaded_anew: bool
) -> None:
    port = free_port()
    with serving(tmp_path, count=20, port=port) as app:
        page = opened(app, browser, "amy")
        first = page.get_attribute(READY, "data-painted") or ""
        page.keyboard.press("e")
        page.keyboard.type("Half a thought")  # nothing was saved of this example before
        kill_server(app)
        page.keyboard.type(" and the rest of it. ")
        page.wait_for_function(f"() => ({KEPT})().includes('the rest of it')")
        page.get_by_text(SILENCE_IS_TOLD).wait_for(timeout=30_000)
    with serving(tmp_path, count=20, port=port) as app:
        if is_loaded_anew:
            page.reload()
        page.wait_for_function(f"() => !({KEPT})()", timeout=60_000)
        store = app.store
        draft = store.draft("amy", first)
        store.close()
        assert draft is not None
        assert draft.turns[1].text.startswith("Half a thought and the rest of it. Knead")
        page.wait_for_selector(READY)
        assert page.get_by_text(SILENCE_IS_TOLD).is_hidden()
        if is_loaded_anew:
            assert "Half a thought and the rest of it. " in page.locator(".texts").inner_text()
        page.locator(".texts").focus()  # the new server may have drawn the page without its editor
        page.keyboard.press("Control+Enter")
        page.wait_for_selector(f"{READY}:not([data-painted='{first}'])", timeout=30_000)
        page.wait_for_function(f"() => !({KEPT})()")
        assert app.events("amy") == [("edit", first)]
    page.context.close()


def test_all_that_lay_ready_is_decided_without_a_server_and_the_page_goes_on_when_it_is_back(
    tmp_path: Path, browser: "Browser"
) -> None:
    from playwright.sync_api import TimeoutError as TimeoutIsOver

    port, decided = free_port(), []
    with serving(tmp_path, count=20, port=port) as app:
        page = opened(app, browser, "bea")
        kill_server(app)
        while page.locator(READY).or_(page.locator(".page[data-settled=no]")).count():
            page.wait_for_selector(".page[data-settled=yes]")
            shown = page.get_attribute(".page", "data-painted") or ""
            page.locator(".texts").focus()
            page.keyboard.press("a")
            try:
                page.wait_for_selector(f".page:not([data-painted='{shown}'])", timeout=2_000)
            except TimeoutIsOver:  # the dialog in which Streamlit says that the server is gone took the key
                break
            decided.append(shown)
            if page.get_by_text("The next example is on its way").count():
                break
        page.get_by_text(SILENCE_IS_TOLD).wait_for(timeout=30_000)
        page.get_by_role("button", name="Reload").wait_for()
    with serving(tmp_path, count=20, port=port) as app:
        page.wait_for_selector(READY, timeout=60_000)
        page.wait_for_function(f"() => !({KEPT})()", timeout=30_000)
        assert len(decided) > 1
        assert app.events("bea") == [("accept", example) for example in decided]
        assert page.get_attribute(READY, "data-painted") not in decided
        assert page.get_by_text(SILENCE_IS_TOLD).is_hidden()
    page.context.close()


def opened(app: App, browser: "Browser", name: str) -> "Page":
    app.add("ada", name)
    page = browser.new_context().new_page()
    page.goto(f"{app.url}/?as={name}")
    page.wait_for_selector(READY, timeout=60_000)
    return page


def kill_server(app: App) -> None:
    """The server itself, which is a child of `align app`."""
    children: Any = Path(f"/proc/{app.process.pid}/task/{app.process.pid}/children").read_text().split()
    for child in children:
        os.kill(int(child), signal.SIGKILL)
    app.process.wait(60)

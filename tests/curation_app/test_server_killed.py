"""The server is killed with -9 while people decide in their browsers: what a page took as saved is there, and once."""

import os
import random
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from app_server import App, free_port, serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.long

CURATORS = ("amy", "bea", "cleo")
KILLS = 3
ROUNDS = 3
"""Decisions of each between two kills."""
READY = ".page[data-state=ready][data-settled=yes]"
UNSENT_IS_EMPTY = """() => Object.keys(sessionStorage).filter((name) => name.startsWith("align-unsent-"))
    .every((name) => !JSON.parse(sessionStorage.getItem(name) || "[]").some((message) => message.kind === "decide"))"""
"""The server has answered every decision of this tab."""


def test_of_decisions_in_browsers_none_is_lost_and_none_is_double_when_the_server_is_killed(
    tmp_path: Path, browser: "Browser"
) -> None:
    port, dice = free_port(), random.Random(1)
    pressed: dict[str, list[str]] = {name: [] for name in CURATORS}
    told: dict[str, list[str]] = {name: [] for name in CURATORS}
    pages: dict[str, Page] = {}
    for kill in range(KILLS + 1):
        with serving(tmp_path, count=60, port=port) as app:
            for name in CURATORS:
                if name not in pages:
                    app.add("ada", name)
                    pages[name] = browser.new_context().new_page()
                    pages[name].goto(f"{app.url}/?as={name}")
                settle(pages[name], pressed[name][-1:])  # after a kill: what was open is sent again by itself
                told[name] = list(pressed[name])
            for _ in range(ROUNDS):
                for name, page in pages.items():
                    press(page, pressed[name])
                for name, page in pages.items():
                    settle(page, pressed[name][-1:])
                    told[name] = list(pressed[name])
            check(app, pressed, told)
            if kill < KILLS:
                for name, page in pages.items():
                    press(page, pressed[name])
                time.sleep(dice.uniform(0, 0.3))
                kill_server(app)
                check(app, pressed, told)
            else:
                for name in CURATORS:
                    assert app.events(name) == [("accept", example) for example in pressed[name]]
    assert sum(map(len, pressed.values())) == len(CURATORS) * (KILLS + (KILLS + 1) * ROUNDS)
    for page in pages.values():
        page.context.close()


def press(page: "Page", pressed: list[str]) -> None:
    """Accept what is shown; while the page says that it has lost its server, keys go to that notice."""
    page.wait_for_selector("[role=dialog]", state="detached", timeout=90_000)
    pressed.append(page.get_attribute(READY, "data-painted") or "")
    page.keyboard.press("a")


def settle(page: "Page", last: list[str]) -> None:
    """Wait until the server has answered everything and another example stands there."""
    other = f":not([data-painted='{last[0]}'])" if last else ""
    page.wait_for_selector(READY + other, timeout=90_000)
    page.wait_for_function(UNSENT_IS_EMPTY, timeout=90_000)


def check(app: App, pressed: dict[str, list[str]], told: dict[str, list[str]]) -> None:
    """In the database: all that pages were told of, at most what was pressed, each once and in its order."""
    for name in CURATORS:
        found = [example for _, example in app.events(name)]
        assert found[: len(told[name])] == told[name]
        assert found == pressed[name][: len(found)]


def kill_server(app: App) -> None:
    """The server itself, which is a child of `align app`."""
    children: Any = Path(f"/proc/{app.process.pid}/task/{app.process.pid}/children").read_text().split()
    for child in children:
        os.kill(int(child), signal.SIGKILL)
    app.process.wait(60)

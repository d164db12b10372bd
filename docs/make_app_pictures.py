"""Photograph the app's pages for docs/app/, in light and dark, at two widths.

    .venv/bin/python docs/make_app_pictures.py

Serves the quickstart's examples from a store of its own and decides a few, so that there are neighbours to show.
Needs Chromium (`apt-get install -y chromium fonts-dejavu-core`).
"""

import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "app"
ROOT = Path(__file__).parents[1]
PORT = 8591
QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
)  # fmt: skip
READY = ".page[data-state=ready][data-settled=yes]"
OTHERS = {"board": "", "browse": "&words=oven", "write": "", "team": "&section=Work", "freeze": ""}
"""The other pages, with what stands in their address."""
SHOTS = (("light", 1280, 800), ("dark", 1920, 1080))


def main() -> None:
    """Start the app, look at it, end it."""
    from playwright.sync_api import sync_playwright

    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        sys.exit("no Chromium found: apt-get install -y chromium fonts-dejavu-core")
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as store:
        command = [sys.executable, "-m", "align", "app", str(ROOT / "recipes" / "quickstart.yaml"), "--store", store]
        with subprocess.Popen([*command, "--port", str(PORT), "--no-browser"], stdout=subprocess.PIPE, text=True) as app:
            try:
                assert app.stdout is not None
                address = app.stdout.readline().strip()
                with sync_playwright() as driver:
                    opened = driver.chromium.launch(executable_path=browser, args=list(QUIET))
                    _begin(opened.new_page(), address)
                    for scheme, width, height in SHOTS:
                        context = opened.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
                        _photograph(context.new_page(), address, scheme)
                        context.close()
                    opened.close()
            finally:
                app.send_signal(signal.SIGTERM)


def _begin(page: Any, address: str) -> None:
    page.goto(address)
    page.get_by_label("Your name").fill("Ada")
    page.get_by_role("button", name="Start").click()
    seen = ""
    for key in "aaafaaaasaaaa":
        page.wait_for_selector(f"{READY}:not([data-painted='{seen}'])", timeout=60_000)
        seen = page.get_attribute(".page", "data-painted")
        page.keyboard.press(key)
    page.wait_for_selector(f"{READY}:not([data-painted='{seen}'])", timeout=60_000)


def _photograph(page: Any, address: str, scheme: str) -> None:
    page.goto(f"{address}/?as=Ada")
    page.wait_for_selector(READY, timeout=60_000)
    page.wait_for_timeout(500)
    _keep(page, f"review-{scheme}")
    page.keyboard.press("e")
    page.keyboard.type("In my experience, ")
    page.wait_for_timeout(2500)
    _keep(page, f"edit-{scheme}")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    page.wait_for_timeout(300)
    _keep(page, f"keys-{scheme}")
    page.keyboard.press("Escape")
    page.keyboard.press("e")
    for _ in range(18):  # as it was, so that the next picture begins alike
        page.keyboard.press("Delete")
    page.wait_for_timeout(2000)
    for name, query in OTHERS.items():
        page.goto(f"{address}/{name}?as=Ada{query}")
        _settle(page)
        if name == "freeze" and page.get_by_text("Press Apply decisions").count():
            page.get_by_role("button", name="Apply decisions").first.click()
            page.get_by_text("no example is in two splits").wait_for(timeout=120_000)
            page.goto(f"{address}/{name}?as=Ada{query}")
            _settle(page)
        _keep(page, f"{name}-{scheme}")


def _settle(page: Any) -> None:
    page.wait_for_timeout(1000)
    page.wait_for_selector("[data-test-script-state=notRunning]", timeout=60_000)
    page.wait_for_timeout(2000)


def _keep(page: Any, name: str) -> None:
    from PIL import Image  # comes with Streamlit

    path = FOLDER / f"{name}.png"
    page.screenshot(path=str(path))
    with Image.open(path) as picture:  # few colours stand on a page: a palette of them takes a third of the room
        small = picture.convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    small.save(path, optimize=True)
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB", file=sys.stderr)  # noqa: T201


if __name__ == "__main__":
    main()

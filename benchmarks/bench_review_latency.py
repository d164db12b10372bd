"""From the key press to the next example painted, in a real browser, while twenty people decide.

    python benchmarks/bench_review_latency.py [--examples 100000] [--rounds 3] [--presses 12] [--db postgresql+psycopg://...]

Three people sit at tabs of Chromium of their own; the other seventeen speak Streamlit's protocol over a socket each, so that the
server does for them what it does for a browser. Everybody decides about every seven seconds. Beside the app stands a bare
Streamlit page with the same component and as much data, without pool, queue and database; the two take turns, so that both meet
the same load of the machine. Taken inside the page: from the key's own time stamp to the frame after the next example was
painted, and to the server's confirmation, before which no further decision is taken. Wanted: painted in 350 ms in the median and
800 ms at 95 %, and in 1.3 times what the bare page takes.
"""

import argparse
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from playwright.sync_api import Browser, Page, sync_playwright
from review_people import SocketPerson
from review_setting import PEOPLE, fill, open_pool, write_setting

HERE = Path(__file__).parent
TABS = 3
MEDIAN_MS, LATE_MS, RATIO = 350, 800, 1.3
READY = ".page[data-state=ready][data-settled=yes]"
CHROMIUM = "/usr/bin/chromium"
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--no-first-run")
WATCH = """
window.taken = []
let begun = null, painted = null, armed = false
window.arm = () => {
  const page = document.querySelector("[data-testid=stBidiComponentIsolated]").shadowRoot.querySelector(".page")
  if (!page.watched) {
    page.watched = new MutationObserver((changes) => {
      if (begun === null) return
      const now = performance.now()
      if (painted === null && changes.some((change) => change.attributeName === "data-painted")) painted = now
      if (painted !== null && page.dataset.state === "ready") {
        window.taken.push([painted - begun, now - begun])
        begun = painted = null
      }
    })
    page.watched.observe(page, { attributes: true, attributeFilter: ["data-painted", "data-state"] })
  }
  armed = true
}
window.addEventListener("keydown", (event) => {
  if (armed) begun = event.timeStamp
  armed = false
}, true)
"""


@dataclass
class Arm:
    """A server, the people at it and what they waited for."""

    name: str
    url: str
    server: psutil.Process
    tabs: list[Page] = field(default_factory=list)
    sockets: list[SocketPerson] = field(default_factory=list)
    taken: list[tuple[float, float]] = field(default_factory=list)
    """Milliseconds until the next example was painted, and until the server had confirmed."""
    decided: int = 0
    processor: float = 0.0

    def sit_down(self, browser: Browser, pause: float) -> None:
        self.sockets = [SocketPerson(self.url, name, pause) for name in PEOPLE[TABS:]]
        for name in PEOPLE[:TABS]:
            page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
            page.add_init_script(WATCH)
            began = time.perf_counter()
            page.goto(f"{self.url}/?as={name}")
            page.wait_for_selector(READY, timeout=60_000)
            print(f"{self.name}: page open after {time.perf_counter() - began:.1f} s")
            self.tabs.append(page)

    def round(self, presses: int, pause: float) -> None:
        """Everybody decides; the tabs so often each."""
        stop = threading.Event()
        before, asked = _processor(self.server), sum(len(person.waited) for person in self.sockets)
        threads = [threading.Thread(target=person.review, args=(stop,)) for person in self.sockets]
        for thread in threads:
            thread.start()
        draw = random.Random(presses)
        for _ in range(presses):
            for page in self.tabs:
                time.sleep(draw.uniform(0.4, 1.6) * pause / len(self.tabs))
                self._press(page, draw)
        stop.set()
        for thread in threads:
            thread.join()
        self.processor += _processor(self.server) - before
        self.decided += presses * len(self.tabs) + sum(len(person.waited) for person in self.sockets) - asked

    def _press(self, page: Page, draw: random.Random) -> None:
        """One decision: mostly a rejection with its reason, whose last key counts."""
        page.wait_for_selector(READY, timeout=60_000)
        keys = draw.choices((("a",), ("x", "1"), ("s",)), (0.2, 0.7, 0.1))[0]
        for key in keys[:-1]:
            page.keyboard.press(key)
        page.evaluate("arm()")
        before = page.evaluate("taken.length")
        page.keyboard.press(keys[-1])
        page.wait_for_function("before => taken.length > before", arg=before, timeout=60_000)
        self.taken.append(tuple(page.evaluate("taken.at(-1)")))


def main() -> None:
    told = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    told.add_argument("--examples", type=int, default=100_000)
    told.add_argument("--decided", type=int, default=5000)
    told.add_argument("--rounds", type=int, default=3)
    told.add_argument("--presses", type=int, default=12, help="Of each tab in each round.")
    told.add_argument("--pause", type=float, default=7)
    told.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "align-review-latency")
    told.add_argument("--db", default="", help="URL of an empty database; SQLite in the folder by default.")
    asked = told.parse_args()
    desk = write_setting(asked.folder, asked.examples)
    url = asked.db or f"sqlite:///{asked.folder}/latency-{os.getpid()}.db"
    fill(url, open_pool(desk), asked.decided)
    with ExitStack() as stack:
        app = stack.enter_context(_served("align", _app_command(asked.folder, url)))
        browser = stack.enter_context(sync_playwright()).chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        stack.callback(browser.close)
        app.sit_down(browser, asked.pause)
        _keep_pages(app, asked.folder / "bare.json")
        bare = stack.enter_context(_served("bare page", _bare_command(), {"BARE_PAGES": str(asked.folder / "bare.json")}))
        bare.sit_down(browser, asked.pause)
        for number in range(asked.rounds):
            for arm in (app, bare) if number % 2 == 0 else (bare, app):
                arm.round(asked.presses, asked.pause)
            print(f"round {number + 1}: load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)
        _tell(app, bare)


def _keep_pages(app: Arm, path: Path) -> None:
    """What the app shows, for the bare page to show, too."""
    pages = [json.loads(person.shown) for person in app.sockets]
    path.write_text(json.dumps([page | {"cards": [card]} for page in pages for card in page["cards"]]), encoding="utf-8")


def _tell(app: Arm, bare: Arm) -> None:
    medians: dict[str, Any] = {}
    for arm in (app, bare):
        painted, confirmed = np.array(arm.taken).T
        others = 1000 * np.array([waited for person in arm.sockets for waited in person.waited])
        sent = [size for person in arm.sockets for size in person.bytes]
        print(f"{arm.name}: {arm.decided:,} decisions, {len(painted)} of them in the browser; milliseconds, median and 95 %")
        for name, times in (("painted", painted), ("confirmed", confirmed), ("answered over a socket", others)):
            print(f"  {name:22} {np.median(times):7.0f} {np.percentile(times, 95):7.0f}")
        print(f"  processor of the server {1000 * arm.processor / arm.decided:.1f} ms a decision")
        print(f"  sent for a decision {np.median(sent) / 1e3:.1f} kB")
        print(f"  memory of the server {arm.server.memory_info().rss / 2**20:,.0f} MiB, mapped files included")
        refused = [said for person in arm.sockets for said in person.refused]
        print(f"  refused: {len(refused)} {refused[:2] if refused else ''}")
        medians[arm.name] = np.median(painted), np.percentile(painted, 95), np.median(confirmed), np.percentile(confirmed, 95)
    own, other = medians[app.name], medians[bare.name]
    ratios = [a / b for a, b in zip(own, other, strict=True)]
    print(f"app / bare: painted {ratios[0]:.2f} (95 %: {ratios[1]:.2f}), confirmed {ratios[2]:.2f} (95 %: {ratios[3]:.2f})")
    for what, got, limit in (("median", own[0], MEDIAN_MS), ("95 %", own[1], LATE_MS), ("times the bare page", ratios[0], RATIO)):
        print(f"painted, {what}: {got:.2f}, wanted at most {limit}: {'kept' if got <= limit else 'missed'}")


def _app_command(folder: Path, url: str) -> list[str]:
    more = ["--store", str(folder / "store"), "--db", url, "--no-browser", "--port"]
    return [sys.executable, "-m", "align", "app", str(folder / "latency.yaml"), *more]


def _bare_command() -> list[str]:
    flags = [
        "--server.address=127.0.0.1",
        "--server.headless=true",
        "--server.fileWatcherType=none",
        "--runner.postScriptGC=false",
    ]
    return [sys.executable, "-m", "streamlit", "run", str(HERE / "bare_review.py"), *flags, "--server.port"]


@contextmanager
def _served(name: str, command: list[str], more: dict[str, str] | None = None) -> Iterator[Arm]:
    """A server on a free port, until the end of the context."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = (
        os.environ | {"PYTHONPATH": os.pathsep.join([str(HERE.parent), os.environ.get("PYTHONPATH", "")])} | (more or {})
    )
    process = subprocess.Popen([*command, str(port)], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port, process)
        children = psutil.Process(process.pid).children()
        yield Arm(name, f"http://localhost:{port}", children[0] if children else psutil.Process(process.pid))
    finally:
        process.terminate()
        process.wait(30)


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise SystemExit("the server did not come up")


def _processor(server: psutil.Process) -> float:
    times = server.cpu_times()
    return times.user + times.system


if __name__ == "__main__":
    main()

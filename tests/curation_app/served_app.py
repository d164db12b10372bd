"""`align app` on a small recipe, in a process of its own, and a browser that waits for it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from forwarding_proxy import free_port

CHROMIUM = "/usr/bin/chromium"
SUBJECTS = ("salt", "tides", "bread", "chess", "lenses", "bees")
RECIPE = """\
name: small
stages:
  asked:
    kind: ingest
    source: {kind: json_lines, paths: [asked.jsonl], source: harbour, license: CC0-1.0}
  picked: {kind: curate, decisions: database, undecided: drop}
"""


def write_recipe(folder: Path, count: int = 24) -> Path:
    """A recipe whose curate stage has `count` examples."""
    rows = []
    for number in range(count):
        subject = SUBJECTS[number % len(SUBJECTS)]
        answer = f"{subject.capitalize()} number {number} is calm in winter. " + "It rests, and then it does not. " * 6
        rows.append(
            {"id": f"harbour/{number}", "prompt": f"What does {subject} do in winter, case {number}?", "response": answer}
        )
    (folder / "asked.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    path = folder / "small.yaml"
    path.write_text(RECIPE, encoding="utf-8")
    return path


@dataclass(frozen=True, slots=True)
class Served:
    """An app that answers."""

    port: int
    log: Path
    process: "subprocess.Popen[str]"

    @property
    def address(self) -> str:
        return f"http://localhost:{self.port}"


@contextmanager
def served_app(folder: Path, *options: str, environment: Mapping[str, str] | None = None) -> Iterator[Served]:
    """Start the app on a free port; what it says goes into a file."""
    if not (folder / "small.yaml").exists():
        write_recipe(folder)
    port, log = free_port(), folder / "app.log"
    command = [sys.executable, "-m", "align", "app", str(folder / "small.yaml"), "--store", str(folder / "store")]
    command += ["--port", str(port), "--no-browser", *options]
    with log.open("w") as out:
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=out,
            text=True,
            env=os.environ | dict(environment or {}) | {"PYTHONUNBUFFERED": "1"},
        )
    try:
        assert process.stdout is not None
        first = process.stdout.readline()
        assert first.startswith("http"), log.read_text(encoding="utf-8")
        yield Served(port, log, process)
    finally:
        process.terminate()
        process.wait(30)
        if process.stdout is not None:
            process.stdout.close()


@contextmanager
def browser_page(**options: Any) -> Iterator[Any]:
    """A page of a fresh browser; skips where there is none."""
    playwright = pytest.importorskip("playwright.sync_api")
    if not Path(CHROMIUM).exists():
        pytest.skip(f"no browser at {CHROMIUM}")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            context = browser.new_context(viewport={"width": 1280, "height": 900}, **options)
            context.set_default_timeout(20_000)
            yield context.new_page()
        finally:
            browser.close()

"""The app as `align app` serves it, on a small pool, and a real browser to look at it with."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from align.curation.store import CurationStore

RECIPE = """\
name: small
stages:
  posts: {kind: ingest, source: {kind: json_lines, paths: [posts.jsonl]}}
  rules: {kind: filter, filters: [{kind: length, min_chars: 5}]}
  picked: {kind: curate, decisions: database}
"""
HOSTILE = "evil/1"
HOSTILE_TEXT = (
    "Look <script>document.title='hacked'</script> here <img src=http://outside.example/x.png onerror=\"document.title='hacked'\">\n\n"
    "![pixel](http://outside.example/pixel.png) and [press](javascript:document.title='hacked') $x^2$ :red[stop] :material/delete:\n\n"
    '<iframe src="http://outside.example"></iframe><style>body{display:none}</style><svg onload="document.title=\'hacked\'">\n\n'
    "<a href='http://outside.example'>link</a> <b onmouseover=document.title='hacked'>bold</b> $$\\href{javascript:alert(1)}{y}$$\n\n"
)
LONG = "evil/2"
TITLED = "stack_exchange/baking/7"


def posts(count: int) -> list[dict[str, Any]]:
    """Short ones, a hostile one, one of 100 kB, and a question that was taken by its body."""
    rows = [
        {
            "id": f"posts/{number}",
            "prompt": f"How do I bake loaf number {number}?",
            "response": f"Knead loaf {number}, let it rise for {number + 1} hours, then bake it **hot**.",
            "url": f"https://posts.example/{number}",
            "license": "CC0-1.0",
        }
        for number in range(count)
    ]
    hostile = {
        "id": HOSTILE,
        "prompt": "What <b>is</b> this?",
        "response": HOSTILE_TEXT,
        "url": "javascript:document.title='hacked'",
    }
    long = {"id": LONG, "prompt": "How long?", "response": HOSTILE_TEXT + "word *and* `code` " * 5600}
    turns = [
        {"role": "user", "text": "My loaf came out flat again."},
        {"role": "assistant", "text": "Let it rise **longer** next time."},
    ]
    origin = {"source": "stack_exchange", "native_id": "7/8", "title": "Why is my loaf flat?"}
    return [*rows, hostile, long, {"id": TITLED, "turns": turns, "origin": origin}]


@dataclass(frozen=True)
class App:
    """A running app."""

    url: str
    folder: Path
    process: "subprocess.Popen[str]"

    @property
    def store(self) -> CurationStore:
        return CurationStore.open(f"sqlite:///{self.folder}/store/curation.db")

    def add(self, *names: str) -> None:
        """People, ada first: she is the admin."""
        store = self.store
        known = {person.name for person in store.people()}
        for name in names:
            if name not in known:
                store.add_person("ada" if known else name, name)
                known.add(name)
        store.close()

    def events(self, curator: str) -> list[tuple[str, str]]:
        store = self.store
        found = [(event.action, event.example_id) for event in store.events_since(0) if event.curator == curator]
        store.close()
        return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(folder: Path, count: int = 200, port: int | None = None, more: Sequence[str] = ()) -> Iterator[App]:
    """`align app` on a pool of `count` posts and three special ones; ended with Ctrl-C."""
    (folder / "posts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in posts(count)), encoding="utf-8")
    (folder / "small.yaml").write_text(RECIPE, encoding="utf-8")
    port = port or free_port()
    command = [sys.executable, "-m", "align", "app", str(folder / "small.yaml"), "--store", str(folder / "store")]
    with (
        (folder / "app.log").open("w") as log,
        # A shell that runs the tests in the background has Ctrl-C switched off for what it starts.
        subprocess.Popen(
            [*command, "--port", str(port), "--no-browser", *more],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        ) as process,
    ):
        try:
            assert process.stdout is not None
            line = process.stdout.readline().strip()
            assert line == f"http://localhost:{port}", (folder / "app.log").read_text()
            yield App(line, folder, process)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                process.wait(30)

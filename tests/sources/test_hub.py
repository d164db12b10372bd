import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from pydantic import ValidationError

from align.sources.hub import Hub

REVISION = "0123456789abcdef0123456789abcdef01234567"
ROWS = [
    {"question": "Why do cats purr?", "answer": "To mend.", "id": "c1"},
    {"question": "And dogs?", "answer": "No.", "id": "c2"},
]
DATA = "".join(json.dumps(row) + "\n" for row in ROWS).encode()
FILES = {"train.jsonl": DATA, "README.md": b"# Cats\n"}


class HubServer(BaseHTTPRequestHandler):
    """As much of the hub's protocol as reading one public data set at one commit takes."""

    tokens: set[str | None] = set()

    def do_GET(self) -> None:
        self.tokens.add(self.headers.get("Authorization"))
        path = self.path.partition("?")[0]
        if path.startswith(f"/datasets/ada/cats/resolve/{REVISION}/"):
            self._file(path.rpartition("/")[2])
        elif path.startswith("/api/datasets/ada/cats/tree/"):
            entries = [{"type": "file", "path": name, "size": len(data), "oid": _oid(data)} for name, data in FILES.items()]
            self._json(entries if path.rpartition("/")[2] == REVISION else [])
        elif path.startswith("/api/datasets/ada/cats"):
            siblings = [{"rfilename": name} for name in FILES]
            self._json({"_id": "1", "id": "ada/cats", "sha": REVISION, "siblings": siblings, "private": False, "tags": []})
        else:
            self._json({"error": "not found"}, 404)

    do_HEAD = do_GET

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["paths"]
        self._json(
            [
                {"type": "file", "path": name, "size": len(FILES[name]), "oid": _oid(FILES[name])}
                for name in asked
                if name in FILES
            ]
        )

    def _file(self, name: str) -> None:
        if name not in FILES:
            self._json({"error": "not found"}, 404)
            return
        self._send(FILES[name], 200, {"X-Repo-Commit": REVISION, "ETag": f'"{_oid(FILES[name])}"'})

    def _json(self, value: Any, status: int = 200) -> None:
        code = {"X-Error-Code": "EntryNotFound"} if status == 404 else {}
        self._send(json.dumps(value).encode(), status, {"Content-Type": "application/json", **code})

    def _send(self, data: bytes, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


def _oid(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


@pytest.fixture
def address() -> Iterator[str]:
    HubServer.tokens.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), HubServer)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


READ = f"""
import json, sys
from collections import Counter
from align.errors import AlignError
from align.records import as_json
from align.sources.hub import Hub
source = Hub(dataset="ada/cats", revision={REVISION!r}, fields={{"prompt": "question", "response": "answer"}}, license="CC0-1.0")
try:
    for record in source.read(source.shards()[0], Counter()):
        print(as_json(record))
except AlignError as error:
    print("refused:", error)
"""


def read(address: str, home: Path, **environment: str) -> list[str]:
    """In a process of its own: the client reads its address once, when it is imported."""
    known = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
    asked = known | {"HF_ENDPOINT": address, "HF_HOME": str(home), "HF_HUB_DISABLE_TELEMETRY": "1"} | environment
    done = subprocess.run([sys.executable, "-c", READ], env=asked, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.slow
def test_a_pinned_set_is_read_then_comes_from_the_cache_and_else_the_reason_is_told(address: str, tmp_path: Path) -> None:
    first = read(address, tmp_path / "home", HF_TOKEN="hf_secret")
    assert "Bearer hf_secret" in HubServer.tokens
    found = [json.loads(line) for line in first]
    assert [row["id"] for row in found] == ["c1", "c2"]
    assert [turn["text"] for turn in found[0]["turns"]] == ["Why do cats purr?", "To mend."]
    origin = found[0]["origin"]
    assert (origin["url"], origin["dump"]) == ("https://huggingface.co/datasets/ada/cats", f"ada/cats@{REVISION} train")
    assert origin["authors"][0]["license"] == "CC0-1.0"
    nowhere = "http://127.0.0.1:9"
    assert read(nowhere, tmp_path / "home", HF_HUB_OFFLINE="1") == first
    [said] = read(nowhere, tmp_path / "empty", HF_HUB_OFFLINE="1")
    assert said.startswith("refused: hub: ada/cats at 0123456789ab, split 'train', cannot be loaded: ")
    assert "whether the network is there" in said


@pytest.mark.parametrize("revision", ["main", "0123456", REVISION.upper()])
def test_a_branch_or_a_short_commit_is_refused(revision: str) -> None:
    with pytest.raises(ValidationError, match="revision\n.*write a commit, 40 hexadecimal digits .* under Files and versions"):
        Hub(dataset="ada/cats", revision=revision)
    with pytest.raises(ValidationError, match="write OWNER/NAME"):
        Hub(dataset="https://huggingface.co/datasets/ada/cats", revision=REVISION)

"""As much of the Hugging Face hub as an upload asks for: repositories that are private or not, and commits."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Hub:
    def __init__(self) -> None:
        self.address = ""
        self.private: dict[str, bool] = {}
        self.files: dict[str, dict[str, bytes]] = {}
        self.tokens: set[str] = set()

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        if path == "/api/repos/create":
            return self._create(json.loads(body))
        if path == "/api/validate-yaml":  # the front matter of README.md
            return 200, {"errors": [], "warnings": []}
        name, _, rest = path.removeprefix("/api/models/").partition("/")
        owner, name = name, rest.partition("/")[0]
        repository, action = f"{owner}/{name}", rest.partition("/")[2]
        if repository not in self.private:
            return 404, {"error": "no such repository"}
        if action.startswith("preupload"):
            files = [{"path": item["path"], "uploadMode": "regular", "shouldIgnore": False} for item in json.loads(body)["files"]]
            return 200, {"files": files}
        if action.startswith("commit"):
            return self._commit(repository, body)
        return 200, {"id": repository, "private": self.private[repository], "siblings": [], "sha": "0" * 40, "tags": []}

    def _create(self, asked: dict[str, Any]) -> tuple[int, Any]:
        name = f"{asked.get('organization') or 'pond'}/{asked['name']}"
        if name in self.private:
            return 409, {"error": "exists", "url": f"{self.address}/{name}"}
        self.private[name] = asked.get("private", asked.get("visibility") == "private")
        return 200, {"url": f"{self.address}/{name}", "name": name}

    def _commit(self, repository: str, body: bytes) -> tuple[int, Any]:
        lines = [json.loads(line) for line in body.splitlines()]
        files = {line["value"]["path"]: base64.b64decode(line["value"]["content"]) for line in lines if line["key"] == "file"}
        self.files.setdefault(repository, {}).update(files)
        return 200, {"commitUrl": f"{self.address}/{repository}/commit/1", "commitOid": "1" * 40, "success": True}


@contextmanager
def serve() -> Iterator[Hub]:
    hub = Hub()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            hub.tokens.add(self.headers.get("authorization", ""))
            if self.headers.get("transfer-encoding") == "chunked":
                body = b""
                while size := int(self.rfile.readline().strip() or b"0", 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
            else:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
            code, found = hub.answer(self.command, self.path.partition("?")[0], body)
            sent = json.dumps(found).encode()
            self.send_response(code)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(sent)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(sent)

        do_GET = do_POST = do_HEAD = _answer

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

"""A real HTTP server that speaks /v1/chat/completions, and misbehaves on demand."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Reply:
    """What the server sends: a judge's words, or a status with a body."""

    words: str | None = '{"reason": "clearer", "verdict": "first"}'
    status: int = 200
    body: Any = None
    seconds: float = 0.0


@dataclass
class JudgeServer:
    base_url: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    answer: Callable[[dict[str, Any]], Reply] = lambda request: Reply()

    def says(self, *replies: Reply) -> None:
        """Send these in turn, the last one for good."""
        left = list(replies)
        self.answer = lambda request: left.pop(0) if len(left) > 1 else left[0]


@contextmanager
def judge_server() -> Iterator[JudgeServer]:
    state = JudgeServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._send(
                200,
                {
                    "object": "list",
                    "data": [{"id": name, "object": "model", "created": 0, "owned_by": "us"} for name in ("small", "large")],
                },
            )

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            state.requests.append(request)
            state.headers.append({name.casefold(): value for name, value in self.headers.items()})
            reply = state.answer(request)
            time.sleep(reply.seconds)
            self._send(reply.status, completion(request["model"], reply.words) if reply.body is None else reply.body)

        def _send(self, status: int, body: Any) -> None:
            data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            try:
                self.send_response(status)
                self.send_header("Content-Type", "text/html" if isinstance(body, str) else "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.send_header("retry-after-ms", "1")  # the openai client waits as long as it is told
                self.end_headers()
                self.wfile.write(data)
            except OSError:  # a client that did not wait
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    state.base_url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def completion(model: str, words: str | None) -> dict[str, Any]:
    message = {"role": "assistant", "content": words}
    return {
        "id": "1",
        "object": "chat.completion",
        "created": 0,
        "model": model,
        "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
    }

"""A scripted model server on this host: it lists its models and always answers the same."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

SAID = "The scripted model answers."
OPENAI = {"/v1/models": {"object": "list", "data": [{"id": "embed-1"}, {"id": "scripted-1"}]}}
OLLAMA: dict[str, Any] = {
    "/api/tags": {"models": [{"name": "scripted-1:latest", "model": "scripted-1:latest"}]},
    "/v1/models": {"object": "list", "data": [{"id": "scripted-1:latest"}]},
}
LM_STUDIO = {"/api/v1/models": {"models": [{"type": "llm", "key": "author/scripted-1"}]}, **OPENAI}


class Scripted(ThreadingHTTPServer):
    """The server.

    Attributes:
        lists: the answers to GET, by path.
        asked: the bodies of all requests for a completion.
    """

    daemon_threads = True

    def __init__(self, address: tuple[str, int], lists: dict[str, Any]) -> None:
        self.lists = lists
        self.asked: list[dict[str, Any]] = []
        super().__init__(address, _Handler)

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Scripted

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self._answer(self.server.lists.get(self.path))

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(body)
        if self.path != "/v1/chat/completions":
            self._answer(None)
        elif body.get("stream"):
            self._stream(body["model"])
        else:
            choice = {"index": 0, "message": {"role": "assistant", "content": SAID}, "finish_reason": "stop"}
            self._answer({"id": "1", "object": "chat.completion", "model": body["model"], "choices": [choice]})

    def _answer(self, body: object) -> None:
        content = json.dumps(body if body is not None else {"error": "not found"}).encode()
        self.send_response(200 if body is not None else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _stream(self, model: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        head = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": model}
        said = {"index": 0, "delta": {"role": "assistant", "content": SAID}, "finish_reason": None}
        for choice in (said, {"index": 0, "delta": {}, "finish_reason": "stop"}):
            self.wfile.write(b"data: " + json.dumps({**head, "choices": [choice]}).encode() + b"\n\n")
        self.wfile.write(b"data: [DONE]\n\n")


@contextmanager
def serving(lists: dict[str, Any], host: str = "127.0.0.1", port: int = 0) -> Iterator[Scripted]:
    """A scripted server at an address of this host; port 0 for a free one."""
    with Scripted((host, port), lists) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()

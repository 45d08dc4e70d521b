"""The answer to one request; only GET and HEAD, and nothing without the token or the cookie."""

from __future__ import annotations

from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import TYPE_CHECKING

from idlehands_deploy.web.guard import HEADERS, ROOT, is_from_the_page, is_this_host

if TYPE_CHECKING:
    from idlehands_deploy.web.server import PageServer

# For a request and its answer, and for each event of a stream; seconds.
SECONDS = 10.0
STATIC = Path(__file__).parent / "static"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
FILES = {
    ROOT + path.name.removesuffix("index.html"): (TYPES[path.suffix], path.read_bytes())
    for path in STATIC.iterdir()
    if path.suffix in TYPES
}
MESSAGE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="color-scheme" content="light dark">{}</html>\n'
)
# Not a redirect: a browser that comes from another site's link does not send a strict cookie along with one.
WAY_IN = MESSAGE.format(
    f'<meta http-equiv="refresh" content="0; url={ROOT}"><title>Opening</title>'
    f'<p><a href="{ROOT}">Open the page</a></p>'
)
REFUSAL = MESSAGE.format(
    "<title>Not open</title><h1>This page needs its link</h1>"
    "<p>A link is valid until its server ends. The command that serves the page prints the current one: "
    "<code>idlehands-deploy dashboard</code>, or <code>idlehands-deploy dashboard --link</code> for a watch.</p>"
)


class Handler(BaseHTTPRequestHandler):
    """Answers one request, and ends the connection."""

    server: PageServer
    protocol_version = "HTTP/1.1"
    timeout = SECONDS

    def do_GET(self) -> None:
        """Answer."""
        self.close_connection = True
        path, _, query = self.path.partition("?")
        if not is_this_host(self.headers.get_all("Host") or []):
            self.send_error(HTTPStatus.MISDIRECTED_REQUEST)
        elif not is_from_the_page(self.headers):
            self.send_error(HTTPStatus.FORBIDDEN)
        elif path == "/" and self.server.door.opens_for(query):
            self._send(HTTPStatus.OK, TYPES[".html"], WAY_IN.encode(), {"Set-Cookie": self.server.door.cookie()})
        elif path == "/" and not query:  # the cookie is not for this path
            self._send(HTTPStatus.SEE_OTHER, "text/plain", b"", {"Location": ROOT})
        elif not self.server.door.knows(self.headers.get("Cookie")):
            self._send(HTTPStatus.FORBIDDEN, TYPES[".html"], REFUSAL.encode())
        elif path == f"{ROOT}stream":
            self._stream()
        elif path in FILES:
            self._send(HTTPStatus.OK, *FILES[path])
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    do_HEAD = do_GET  # noqa: N815 - the base class's name

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """Send a short answer, without what the client sent; also called by the base class."""
        # The base class calls any other method 501, and a request that it cannot read comes here before it has one.
        status = HTTPStatus.METHOD_NOT_ALLOWED if code == HTTPStatus.NOT_IMPLEMENTED else HTTPStatus(code)
        allow = {"Allow": "GET, HEAD"} if status == HTTPStatus.METHOD_NOT_ALLOWED else {}
        self.close_connection = True
        self._send(status, "text/plain; charset=utf-8", f"{status.phrase}\n".encode(), allow)

    def version_string(self) -> str:
        """Name no version."""
        return "idlehands-deploy"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Log nothing: the first request has the token in it."""

    def _send(self, status: HTTPStatus, kind: str, content: bytes, headers: dict[str, str] | None = None) -> None:
        self._begin(status, kind, {"Content-Length": str(len(content)), **(headers or {})})
        if self.command != "HEAD":
            self.wfile.write(content)

    def _begin(self, status: HTTPStatus, kind: str, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Connection": "close", **HEADERS, **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def _stream(self) -> None:
        with self.server.streaming(self.connection) as allowed:
            if not allowed:
                self._send(HTTPStatus.SERVICE_UNAVAILABLE, "text/plain", b"Too many pages are open.\n")
                return
            self._begin(HTTPStatus.OK, "text/event-stream", {})
            if self.command != "HEAD":
                for event in self.server.parts.stream(self.headers.get("Last-Event-ID", "")):
                    self.wfile.write(event)

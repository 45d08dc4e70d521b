"""A page of the fleet with invented gateways, and a browser of a few lines that reads it."""

from __future__ import annotations

import json
import re
import socket
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from idlehands_deploy.deployment.directory import Deployment
from idlehands_deploy.doctor.examine import Diagnosis
from idlehands_deploy.engine.usage import Usage
from idlehands_deploy.fleet.ports import plan_ports
from idlehands_deploy.health.observe import Observation
from idlehands_deploy.health.verdict import Verdict
from idlehands_deploy.operations.watch import PageSource
from idlehands_deploy.redaction.repeated import RepeatedRedaction
from idlehands_deploy.watch.page.overview import Overview, Watched
from idlehands_deploy.web.server import served
from tests.support.containers import RUNNING
from tests.support.helpers import fleet

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from idlehands_deploy.findings import Finding
    from idlehands_deploy.health.verdict import State

SECONDS = 20
FLEET = "name: bots\nprofiles: {main: , rescue: }\n"


@dataclass
class Answer:
    """An answer over HTTP."""

    status: int
    headers: dict[str, str]
    body: str


@dataclass
class Page:
    """A served page.

    Attributes:
        link: the one that it was given.
        cookie: what a browser sends after its first load; empty before.
    """

    link: str
    source: PageSource
    cookie: str = ""
    port: int = field(init=False)
    token: str = field(init=False)

    def __post_init__(self) -> None:
        found = re.fullmatch(r"http://127\.0\.0\.1:(\d+)/\?token=([\w-]{43})", self.link)
        assert found, self.link
        self.port, self.token = int(found[1]), found[2]

    def enter(self) -> Page:
        """Load the link, and keep the cookie."""
        said = self.get(f"/?token={self.token}")
        assert said.status == 200
        self.cookie = said.headers["set-cookie"].partition(";")[0]
        return self

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), SECONDS)

    def ask(self, path: str, method: str = "GET", **headers: str | None) -> socket.socket:
        """Send a request; a header of None is left out."""
        fields = {"Host": f"127.0.0.1:{self.port}", "Cookie": self.cookie or None, **headers}
        lines = [f"{name.replace('_', '-')}: {value}" for name, value in fields.items() if value is not None]
        connection = self.connect()
        connection.sendall("\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode())
        return connection

    def get(self, path: str, method: str = "GET", **headers: str | None) -> Answer:
        """Send a request and read its answer to the end."""
        with self.ask(path, method, **headers) as connection:
            return read_answer(connection)

    @contextmanager
    def stream(self, **headers: str) -> Iterator[Iterator[dict[str, Any]]]:
        """The events of a stream as they come, each with its ``id``."""
        with self.ask("/fleet/stream", **headers) as connection, connection.makefile(encoding="utf-8") as lines:
            assert " 200 " in lines.readline()
            yield _events(lines)

    def see(self, profile: str, state: State, reason: str = "", **more: Any) -> None:
        """Observe a gateway."""
        usage = Usage(800 << 20, 0.02, 100.0)
        facts = replace(RUNNING, profile=profile, memory_limit=2 << 30)
        self.source.overview.see(Observation(Verdict(profile, state, reason), facts, usage=usage, **more))


def read_answer(connection: socket.socket) -> Answer:
    """What comes until the end of a connection."""
    content = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = content.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return Answer(int(status.split()[1]), headers, body.decode())


@contextmanager
def page(root: Path, findings: tuple[Finding, ...] = ()) -> Iterator[Page]:
    """Serve a page with main and rescue, of which nothing was seen yet."""
    (root / "fleet.yaml").write_text(FLEET)
    deployment, shown = Deployment(root), fleet(FLEET)
    overview = Overview(deployment.journal_file, is_own=True)
    overview.begin(Watched(shown, plan_ports(shown), list(shown.profiles)))
    source = PageSource(overview, RepeatedRedaction(deployment), root, lambda: Diagnosis(2, list(findings)))
    with served(source, "127.0.0.1", 0, "--port") as link:
        yield Page(link, source)


def _events(lines: Any) -> Iterator[dict[str, Any]]:
    number = ""
    for line in lines:
        if line.startswith("id: "):
            number = line.removeprefix("id: ").strip()
        elif line.startswith("data: "):
            yield json.loads(line.removeprefix("data: ")) | {"id": number}

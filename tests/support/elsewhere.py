"""Another computer: a container that only a cable connects with this host, with a browser in it once it needs one."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import requests

from tests.support.helpers import ROOT
from tests.support.site import IMAGE, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    import docker

DEBUG_PORT = 9333
BROWSER = f"""
socat TCP-LISTEN:{DEBUG_PORT},fork,reuseaddr TCP:127.0.0.1:9222 &
exec chromium --headless=new --remote-debugging-port=9222 --user-data-dir=/tmp/browser --disable-gpu --no-first-run \\
    --disable-background-networking --ignore-certificate-errors --host-resolver-rules="MAP *.test $HOST" about:blank
"""
ASK = "import sys; from idlehands_deploy.gateway.handshake import ask_entry; \
print(ask_entry((sys.argv[1], int(sys.argv[2])), sys.argv[3]))"


@dataclass
class Elsewhere:
    """Another computer.

    Attributes:
        host: this host's address at the cable.
        own: the other computer's.
    """

    container: Any
    host: str
    own: str

    def command(self, *words: str) -> list[str]:
        """A command of this host, typed there: with its own network."""
        return ["nsenter", f"--net=/proc/{self.container.attrs['State']['Pid']}/ns/net", *words]

    def ask(self, origin: str, port: int) -> str:
        """How a gateway answers a browser there that opened its dashboard at an origin."""

        def answer() -> str | None:
            done = subprocess.run(
                self.command(sys.executable, "-P", "-c", ASK, self.host, str(port), origin),
                env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True,
            )  # fmt: skip
            return None if "unknown" in done.stdout else done.stdout.strip()

        return until("an answer", answer)

    def reaches(self, host: str, port: int) -> bool | None:
        """Whether something listens there, as seen from there; None if not, for `until`."""
        return self.container.exec_run(["bash", "-c", f"exec 3<>/dev/tcp/{host}/{port}"]).exit_code == 0 or None

    def opens(self, link: str) -> str:
        """Where a dashboard leads that is opened there; only one that is connected leads on."""
        there = f"http://{self.own}:{DEBUG_PORT}/json"
        if not _listens(self.own):
            self.container.exec_run(["bash", "-c", BROWSER], detach=True)
            until("a browser elsewhere", lambda: _listens(self.own), 60)
        page = requests.put(f"{there}/new?{quote(link, safe='')}", timeout=20).json()["id"]

        def leads_on() -> str | None:
            urls = {item["id"]: item["url"] for item in requests.get(f"{there}/list", timeout=20).json()}
            return str(urls[page]) if "/settings/" in urls[page] else None

        try:
            return until("a dashboard that leads on", leads_on, 180)
        finally:
            requests.get(f"{there}/close/{page}", timeout=20)


@contextmanager
def elsewhere(engine: docker.DockerClient, seccomp: str) -> Iterator[Elsewhere]:
    """Another computer with a browser, which finds every name that ends in .test on this host."""
    net = f"10.{200 + secrets.randbelow(50)}.{secrets.randbelow(256)}"
    host, own, cable = f"{net}.1", f"{net}.2", f"cable-{secrets.token_hex(3)}"
    container: Any = engine.containers.run(
        IMAGE, ["infinity"], entrypoint="sleep", detach=True, network_mode="none", init=True,
        environment={"HOST": host}, security_opt=[f"seccomp={seccomp}"], cap_drop=["ALL"], shm_size="256m",
        tmpfs={"/tmp": "exec"},  # noqa: S108 - the container's
    )  # fmt: skip
    try:
        container.reload()
        there = Elsewhere(container, host, own)
        pid = str(container.attrs["State"]["Pid"])
        for command in (
            ["ip", "link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", pid],
            ["ip", "address", "add", f"{host}/24", "dev", cable],
            ["ip", "link", "set", cable, "up"],
            there.command("ip", "address", "add", f"{own}/24", "dev", "eth0"),
            there.command("ip", "link", "set", "eth0", "up"),
        ):
            subprocess.run(command, check=True, capture_output=True)
        yield there
    finally:
        # The cable's other end goes with it.
        container.remove(force=True, v=True)


def _listens(address: str) -> bool | None:
    try:
        return requests.get(f"http://{address}:{DEBUG_PORT}/json/version", timeout=5).ok or None
    except requests.RequestException:
        return None

"""From another computer: a real gateway, and a real browser behind a cable of its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import requests

from idlehands_deploy.fleet.access import RISK
from idlehands_deploy.gateway.handshake import ask_entry
from tests.support.elsewhere import elsewhere
from tests.support.helpers import ROOT
from tests.support.site import root_only, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import docker

    from tests.support.elsewhere import Elsewhere
    from tests.support.site import Site

pytestmark = [pytest.mark.engine, root_only]
PROXY, TLS, SSH = 3, 93, 94
PAGE = (ROOT / "docs" / "remote-access.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def open_site(make_site: Callable[[], Site]) -> Site:
    """A gateway that listens on every address of this host, behind a proxy too."""
    site = make_site()
    site.write(
        "bind: 0.0.0.0\nhosts: [nas.test]\nprofiles:\n"
        f"  main: {{stop_grace_period: 40s, origins: ['https://bots.test:{site.base + TLS}']}}\n"
    )
    assert f"Other computers reach main over plain HTTP: {RISK}." in site.ok("up", "--timeout", "300").out.splitlines()
    return site


@pytest.fixture(scope="module")
def there(engine: docker.DockerClient, open_site: Site) -> Iterator[Elsewhere]:
    with elsewhere(engine, (open_site.root / "seccomp.json").read_text()) as computer:
        yield computer


@pytest.mark.full
def test_a_browser_elsewhere_is_let_in_at_the_fleet_file_s_addresses_and_at_no_other(
    open_site: Site, there: Elsewhere
) -> None:
    base = open_site.base
    asked = [there.host, "nas.test", "other.test", "localhost"]
    assert [there.ask(f"http://{host}:{base}", base) for host in asked] == [
        "accepted",
        "accepted",
        "refused",
        "accepted",
    ]
    assert there.ask(f"https://bots.test:{base + TLS}", base) == "accepted"
    # A tunnel that begins at another port.
    assert there.ask(f"http://127.0.0.1:{base + 1}", base) == "refused"


@pytest.mark.full
def test_what_a_proxy_says_is_believed_on_the_proxy_s_port_alone(open_site: Site) -> None:
    base, origin = open_site.base, f"https://bots.test:{open_site.base + TLS}"
    assert entry(base + PROXY, origin) == "accepted"
    assert entry(base, origin) == "untrusted proxy"
    # And this host itself is not taken for a proxy, whose unforwarded requests a gateway refuses.
    assert requests.get(f"http://127.0.0.1:{base}/readyz", timeout=10).status_code == 200


@pytest.mark.full
def test_a_link_lets_a_browser_elsewhere_in_without_the_token(open_site: Site, there: Elsewhere) -> None:
    links = open_site.ok("url", "main", "--pair").out.splitlines()
    (link,) = (link for link in links if link.startswith(f"http://{there.host}:"))
    assert open_site.token("main") not in "".join(links)
    assert "/settings/model-setup" in there.opens(link)
    # It is known from now on, and opened without any link.
    assert "/settings/model-setup" in there.opens(f"http://{there.host}:{open_site.base}/")


@pytest.mark.full
def test_doctor_finds_every_address_of_the_fleet_file_in_effect(open_site: Site) -> None:
    found = open_site.run("doctor", "--json").json["findings"]
    said = [f"{item['level']} {item['place']}: {item['what']}" for item in found]
    assert [line for line in said if "is refused" in line or "fleet.yaml:bind" in line] == [
        line for line in said if "other computers reach the gateways over plain HTTP" in line
    ]


@pytest.mark.full
def test_the_documented_caddy_serves_the_dashboard_by_tls(open_site: Site, there: Elsewhere, tmp_path: Path) -> None:
    if shutil.which("caddy") is None:
        subprocess.run(
            ["apt-get", "install", "-y", "--no-install-recommends", "caddy"], check=True, capture_output=True
        )
    block = re.findall(r"^```\n(bots\.example\.org \{.*?)^```", PAGE, re.MULTILINE | re.DOTALL)[0]
    own = block.replace("bots.example.org {", f"bots.test:{open_site.base + TLS} {{\n\ttls internal")
    own = own.replace("18792", str(open_site.base + PROXY))
    (tmp_path / "Caddyfile").write_text(
        f"{{\n\tadmin off\n\tskip_install_trust\n\tauto_https disable_redirects\n}}\n{own}"
    )
    (link, *_) = open_site.ok("url", "main", "--pair").out.splitlines()
    assert link.startswith(f"https://bots.test:{open_site.base + TLS}/#")
    caddy = ["caddy", "run", "--config", str(tmp_path / "Caddyfile")]
    with running(caddy, XDG_DATA_HOME=str(tmp_path), XDG_CONFIG_HOME=str(tmp_path)):
        authority = tmp_path / "caddy/pki/authorities/local/root.crt"
        until("Caddy's authority", lambda: authority.exists() or None, 30)
        assert "/settings/model-setup" in there.opens(link)
    # The gateway saw the browser's own address through the proxy.
    assert there.own in open_site.ok("exec", "main", "devices", "list", "--json").out


@pytest.mark.full
def test_the_printed_tunnel_leads_to_the_dashboard(open_site: Site, there: Elsewhere, tmp_path: Path) -> None:
    if not shutil.which("sshd", path="/usr/sbin"):
        packages = ["openssh-server", "openssh-client"]
        subprocess.run(
            ["apt-get", "install", "-y", "--no-install-recommends", *packages], check=True, capture_output=True
        )
    for key in ("host", "person"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / key)], check=True)
    os.makedirs("/run/sshd", exist_ok=True)  # noqa: PTH103 - sshd's own
    port = open_site.base + SSH
    options = {
        "Port": port, "ListenAddress": there.host, "HostKey": tmp_path / "host", "StrictModes": "no", "UsePAM": "no",
        "AuthorizedKeysFile": tmp_path / "person.pub", "PidFile": "none",
    }  # fmt: skip
    server = ["/usr/sbin/sshd", "-D", "-f", "/dev/null", *(f"-o{name}={value}" for name, value in options.items())]
    came = {"SSH_CONNECTION": f"{there.own} 40000 {there.host} {port}"}
    shown = open_site.run("url", "main", environ=came)
    command = next(line.strip() for line in shown.err.splitlines() if "ssh -N" in line).removeprefix("1. ").split()
    assert command[1:5] == ["-N", "-L", f"{open_site.base}:127.0.0.1:{open_site.base}", "-p"]
    known = f"-o StrictHostKeyChecking=no -o UserKnownHostsFile={tmp_path}/known -i {tmp_path}/person".split()
    with running(server):
        until("a server", lambda: there.reaches(there.host, port), 30)
        with running(there.command("ssh", *known, *command[1:])):
            until("a tunnel", lambda: there.reaches("127.0.0.1", open_site.base), 30)
            assert "/settings/model-setup" in there.opens(shown.out.strip())


@contextmanager
def running(command: list[str], **environ: str) -> Iterator[None]:
    """A program that runs meanwhile."""
    with subprocess.Popen(command, env=os.environ | environ, stderr=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.terminate()


def entry(port: int, origin: str) -> str:
    """The answer of a gateway to a proxy on this host."""

    def ask() -> str | None:
        said = ask_entry(("127.0.0.1", port), origin, proxied=True)
        return None if said == "unknown" else said

    return until("an answer", ask)

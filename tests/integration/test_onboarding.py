"""The gateway's own onboarding, in its container."""

from __future__ import annotations

import fcntl
import os
import pty
import secrets
import select
import struct
import termios
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.site import Site

pytestmark = pytest.mark.engine


@pytest.mark.full
def test_a_key_in_the_secrets_sets_a_new_gateway_up_and_is_written_nowhere_else(site: Site) -> None:
    key = f"sk-ant-{secrets.token_hex(24)}"
    site.write("profiles: {main: {secrets: [ANTHROPIC_API_KEY]}}\n")
    site.secret("main", "ANTHROPIC_API_KEY", key).parent.chmod(0o700)
    done = site.ok("onboard", "main", "--non-interactive")
    assert "main is ready" in done.out
    config = site.config("main").read_text()
    assert '"anthropic:default"' in config
    assert '"OPENCLAW_GATEWAY_TOKEN"' in config
    for text in (config, done.out, done.err, site.logs("main")):
        assert key not in text
        assert site.token("main") not in text
    state = site.config("main").parent
    assert not [path for path in state.rglob("*") if path.is_file() and key.encode() in path.read_bytes()]
    # The new config follows the plan, and the gateway still accepts the token.
    assert [item for item in site.run("doctor", "--json").json["findings"] if item["level"] != "note"] == []
    assert site.get(site.base + 2, "/", site.token("main")).status_code == 200


@pytest.mark.full
def test_at_a_terminal_the_onboarding_asks(site: Site) -> None:
    site.write("profiles: {main: {}}\n")
    site.ok("up")
    pid, terminal = pty.fork()
    if pid == 0:
        command = site.command("onboard", "main")
        os.execve(command[0], command, site.environ | {"TERM": "xterm"})  # noqa: S606 - on purpose without a shell
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    assert "Continue?" in read_until(terminal, "Continue?", 60)
    os.write(terminal, b"\x03")
    read_until(terminal, "ended with exit code", 60)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 5


def read_until(terminal: int, text: str, seconds: float) -> str:
    """The output of a terminal up to this text; all of it if the text never comes."""
    shown, deadline = "", time.monotonic() + seconds
    while text not in shown and time.monotonic() < deadline:
        if select.select([terminal], [], [], 1)[0]:
            try:
                shown += os.read(terminal, 65536).decode(errors="replace")
            except OSError:  # the other end is closed
                break
    return shown

"""Notifications sent to real HTTP servers on loopback and to real commands."""

from __future__ import annotations

import json
import os
import secrets
import shlex
import threading
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from queue import Queue
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from idlehands_deploy.errors import FleetError
from idlehands_deploy.watch import notifications, sender
from idlehands_deploy.watch.notifications import Notification
from idlehands_deploy.watch.sender import Notifier, check_notify
from tests.support.helpers import fleet, session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from idlehands_deploy.fleet.model import Fleet

SECONDS = 20
HUNG = Notification("2026-01-01T00:00:00Z", "main", "problem", "hung", "main is hung: it never responds", "up main")
READY = Notification("2026-01-01T00:01:00Z", "main", "recovered", "ready", "main is ready again")


class Received(NamedTuple):
    path: str
    headers: dict[str, str]
    body: bytes


class Receiver(HTTPServer):
    """Accepts messages after a number of refusals."""

    def __init__(self, refusals: int) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.refusals = refusals
        self.received: Queue[Received] = Queue()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.refusals -= 1
        self.send_response(500 if self.server.refusals >= 0 else 204)
        self.end_headers()
        if self.server.refusals < 0:
            self.server.received.put(Received(self.path, dict(self.headers), body))

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def receiving(refusals: int = 0) -> Iterator[Receiver]:
    with Receiver(refusals) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "COMBINE_SECONDS", 0.1)


def wanted(**notify: object) -> Fleet:
    return fleet(f"name: bots\nprofiles: {{main: }}\nwatch: {{notify: {json.dumps(notify)}}}\n")


def sent(root: Path, to: Fleet, *items: Notification) -> list[str]:
    """Send notifications; returns what could not be sent."""
    failures: list[str] = []
    with Notifier(session(root), to, lambda name, why: failures.append(f"{name}: {why}")) as notifier:
        for item in items:
            notifier.send(item)
    return failures


def test_a_webhook_gets_json_with_every_event_and_one_text_for_all(tmp_path: Path) -> None:
    with receiving() as server:
        assert sent(tmp_path, wanted(webhook=server.url + "/hook"), HUNG, READY) == []
        got = server.received.get(timeout=SECONDS)
    body: dict[str, Any] = json.loads(got.body)
    assert (got.path, got.headers["Content-Type"]) == ("/hook", "application/json")
    assert (body["version"], body["project"]) == (1, "bots")
    assert body["text"] == "main is hung: it never responds.\nNext: up main\nmain is ready again."
    assert body["events"] == [HUNG.__dict__, READY.__dict__]


def test_ntfy_gets_plain_text_with_the_priority_of_the_worst_notification(tmp_path: Path) -> None:
    with receiving() as server:
        assert sent(tmp_path, wanted(ntfy=server.url + "/topic"), READY, HUNG) == []
        got = server.received.get(timeout=SECONDS)
    assert got.body.decode() == "main is ready again.\nmain is hung: it never responds.\nNext: up main"
    assert (got.headers["Priority"], got.headers["Tags"]) == ("high", "warning")
    assert got.headers["Title"].startswith("bots on ")


def test_a_command_gets_the_json_on_its_standard_input(tmp_path: Path) -> None:
    assert sent(tmp_path, wanted(command=["sh", "-c", "cat > events.json"]), HUNG) == []
    assert json.loads((tmp_path / "events.json").read_text())["events"][0]["state"] == "hung"


def test_a_command_gets_each_of_its_words_as_it_was_written(tmp_path: Path) -> None:
    words = ["$HOME", "${X}", "%h", "a b", "'\"", "\\", "*", ";id", "`id`", "a\nb", "", "#", "~"]
    to = wanted(command=["sh", "-c", 'printf "%s\\0" "$@" > words', "sh", *words])
    assert sent(tmp_path, to, HUNG) == []
    assert (tmp_path / "words").read_text() == "".join(f"{word}\0" for word in words)


def test_an_address_can_be_in_a_secret_file(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    with receiving() as server:
        (tmp_path / "secrets" / "webhook.url").write_text(f"{server.url}/hook\n")
        assert sent(tmp_path, wanted(webhook="secrets/webhook.url"), HUNG) == []
        assert server.received.get(timeout=SECONDS).path == "/hook"


def test_a_missing_address_file_is_reported_and_the_other_receivers_get_their_message(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    address = tmp_path / "secrets" / "webhook.url"
    to = wanted(webhook="secrets/webhook.url", command=["sh", "-c", "cat > events.json"])
    assert sent(tmp_path, to, HUNG) == [f"webhook: {address} does not contain an address."]
    assert (tmp_path / "events.json").exists()


def test_an_unexpected_error_loses_one_message_and_shows_no_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/no/such/bundle")
    key = secrets.token_hex(16)
    to = wanted(webhook=f"https://127.0.0.1:9/{key}", command=["sh", "-c", "cat > events.json"])
    assert sent(tmp_path, to, HUNG) == ["webhook: cannot send: OSError"]
    assert (tmp_path / "events.json").exists()


def test_a_secret_that_a_gateway_quotes_is_removed(tmp_path: Path) -> None:
    key = secrets.token_hex(20)
    file = tmp_path / "secrets" / "main" / "OPENAI_API_KEY"
    file.parent.mkdir(parents=True)
    file.write_text(key)
    item = replace(HUNG, text=f"main is misconfigured: no key {key} is known")
    assert sent(tmp_path, wanted(command=["sh", "-c", "cat > events.json"]), item) == []
    assert key not in (tmp_path / "events.json").read_text()
    assert "main is misconfigured: no key " in (tmp_path / "events.json").read_text()


def test_a_refused_message_is_sent_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failures: Queue[str] = Queue()
    monkeypatch.setattr(Notifier, "_sleep", lambda *_: None)
    with receiving(refusals=sender.ATTEMPTS - 1) as server:
        to = wanted(webhook=server.url)
        with Notifier(session(tmp_path), to, lambda name, why: failures.put(f"{name}: {why}")) as notifier:
            notifier.send(HUNG)
            assert server.received.get(timeout=SECONDS)
    assert failures.empty()


def test_a_message_that_is_always_refused_is_dropped_and_the_other_receivers_get_it(
    tmp_path: Path,
) -> None:
    key = secrets.token_hex(16)
    with receiving(refusals=1000) as server:
        to = wanted(webhook=f"{server.url}/{key}", command=["sh", "-c", "cat > events.json"])
        assert sent(tmp_path, to, HUNG) == ["webhook: it returns HTTP 500"]
    assert (tmp_path / "events.json").exists()
    assert sent(tmp_path, wanted(ntfy=f"{server.url}/{key}"), HUNG) == ["ntfy: it cannot be reached"]


def test_a_redirection_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Handler, "send_response", lambda self, _: BaseHTTPRequestHandler.send_response(self, 302))
    with receiving() as server:
        assert sent(tmp_path, wanted(webhook=server.url), HUNG) == ["webhook: it returns HTTP 302"]


def test_a_command_that_fails_or_does_not_exist_is_reported(tmp_path: Path) -> None:
    assert sent(tmp_path, wanted(command=["sh", "-c", "exit 3"]), HUNG) == ["command: it ended with exit code 3"]
    assert sent(tmp_path, wanted(command=["/no/such"]), HUNG) == [
        "command: it cannot be run: No such file or directory"
    ]


def test_a_command_that_does_not_end_is_killed_with_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "HOOK_SECONDS", 0.5)
    script = "sleep 600 & echo $! > child; wait"
    assert sent(tmp_path, wanted(command=["sh", "-c", script]), HUNG) == [
        "command: it did not end within 0.5 s and was killed"
    ]
    assert not _lives(Path(f"/proc/{int((tmp_path / 'child').read_text())}/stat"))


def _lives(stat: Path) -> bool:
    """Whether a process is there, and not just dead and not yet collected by whoever inherited it."""
    try:
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_nothing_is_sent_without_a_receiver(tmp_path: Path) -> None:
    assert sent(tmp_path, wanted(), HUNG) == []


def test_a_file_without_an_address_is_refused_before_the_watch_starts(tmp_path: Path) -> None:
    to = wanted(webhook="secrets/webhook.url", ntfy="secrets/ntfy.url")
    with pytest.raises(FleetError) as caught:
        check_notify(session(tmp_path), to, os.geteuid())
    assert [problem.path for problem in caught.value.problems] == ["watch.notify.webhook", "watch.notify.ntfy"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_root_runs_no_command_from_a_directory_that_another_user_can_replace(tmp_path: Path) -> None:
    root = tmp_path / "home" / "deployment"
    root.mkdir(parents=True)
    (root / "fleet.yaml").write_text("")
    check_notify(session(root), wanted(command=["true"]), 0)
    os.chown(root.parent, 1000, 1000)
    with pytest.raises(FleetError, match=f"move the deployment out of {root.parent}, "):
        check_notify(session(root), wanted(command=["true"]), 0)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_root_runs_no_command_that_another_user_can_write(tmp_path: Path) -> None:
    root = tmp_path / "$(id) 'of' mine"
    root.mkdir(mode=0o755)
    file = root / "fleet.yaml"
    file.write_text("")
    to = wanted(command=["true"])
    check_notify(session(root), to, 0)
    os.chown(file, 1000, 1000)
    check_notify(session(root), to, 1000)
    with pytest.raises(FleetError, match="root does not run a command that others can change") as caught:
        check_notify(session(root), to, 0)
    (problem,) = caught.value.problems
    fix = problem.problem.partition(" or: ")[2]
    assert shlex.split(fix) == ["chown", "root:root", str(file), "&&", "chmod", "go-w", str(file)]


def test_the_worst_notification_sets_the_priority() -> None:
    gave_up = Notification("", "main", "gave-up", "hung", "x")
    assert notifications.ntfy_headers("bots", "host", [READY, gave_up, HUNG])["Priority"] == "urgent"
    assert notifications.ntfy_headers("bots", "hölle", [READY])["Title"] == "bots on h?lle"

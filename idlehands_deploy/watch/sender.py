"""Send notifications to the receivers in the fleet file, in a separate thread: a slow one never delays the watch."""

from __future__ import annotations

import platform
import queue
import shlex
import stat
import threading
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from idlehands_deploy.deployment.secret_values import read_secret_file
from idlehands_deploy.errors import DeployError, DirectoryError, FleetError, Problem
from idlehands_deploy.fleet.values import is_web_address
from idlehands_deploy.host.denials import unusable
from idlehands_deploy.watch import notifications

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from idlehands_deploy.deployment.session import Session
    from idlehands_deploy.fleet.model import Fleet
    from idlehands_deploy.watch.notifications import Notification

    # Sends one message; returns why it could not, or None.
    Send = Callable[[Sequence[Notification]], str | None]

# Notifications within one second are combined into one message, as when the engine stops and many gateways fail.
COMBINE_SECONDS = 1.0
# Time limit of one attempt, and the number of attempts.
SECONDS = 10.0
ATTEMPTS = 4
HOOK_SECONDS = 30.0
# More never wait unless every receiver is down; further ones are then dropped.
MOST = 1000
JSON_HEADERS = {"Content-Type": "application/json"}
_END = None


class Notifier:
    """Sends notifications, one message after the other; a context manager that sends what is left at its end.

    Args:
        failed: called with the receiver's name and the reason when a message is dropped.
    """

    def __init__(self, session: Session, fleet: Fleet, failed: Callable[[str, str], None]) -> None:
        self._session = session
        self._senders = {name: _caught(send) for name, send in _senders(session, fleet)}
        self._failed = failed
        self._queue: queue.Queue[Notification | None] = queue.Queue(MOST)
        self._thread = threading.Thread(target=self._run, name="notifier", daemon=True)
        self._ending = threading.Event()

    def send(self, item: Notification) -> None:
        """Queue a notification; returns at once."""
        if self._senders:
            try:
                self._queue.put_nowait(item)
            except queue.Full:
                self._failed("notify", "too many notifications are waiting")

    def __enter__(self) -> Notifier:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        with suppress(queue.Full):
            self._queue.put(_END, timeout=SECONDS)
        # A message that is being sent gets the time of one attempt.
        self._thread.join(SECONDS)

    def _run(self) -> None:
        while (first := self._queue.get()) is not _END:
            batch, more = self._collect(first)
            batch = _without_secrets(self._session, batch)
            for name, send in self._senders.items():
                if why := self._retry(send, batch):
                    self._failed(name, why)
            if not more:
                return

    def _collect(self, first: Notification) -> tuple[list[Notification], bool]:
        batch, deadline = [first], time.monotonic() + COMBINE_SECONDS
        while (left := deadline - time.monotonic()) > 0:
            try:
                item = self._queue.get(timeout=left)
            except queue.Empty:
                break
            if item is _END:
                return batch, False
            batch.append(item)
        return batch, True

    def _retry(self, send: Send, batch: Sequence[Notification]) -> str | None:
        from tenacity import Retrying, retry_if_result, stop_after_attempt, stop_when_event_set  # noqa: PLC0415
        from tenacity.wait import wait_exponential  # noqa: PLC0415

        why: str | None = Retrying(
            retry=retry_if_result(bool),
            stop=stop_after_attempt(ATTEMPTS) | stop_when_event_set(self._ending),
            wait=wait_exponential(multiplier=2, max=30),
            sleep=self._sleep,
            retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
        )(send, batch)
        return why

    def _sleep(self, seconds: float) -> None:
        self._ending.wait(seconds)


def _without_secrets(session: Session, batch: Sequence[Notification]) -> list[Notification]:
    """The notifications without secrets: a gateway that rejects its config may quote it."""
    from idlehands_deploy.redaction.known_secrets import known_secrets  # noqa: PLC0415 - reads many files
    from idlehands_deploy.redaction.redactor import Redactor  # noqa: PLC0415

    redactor = Redactor(known_secrets(session.deployment, {}))
    return [replace(item, text=redactor.text(item.text)) for item in batch]


def _caught(send: Send) -> Send:
    """Turn an error, such as a missing file, into a reason, so that it is retried and the other receivers go on."""

    def caught(batch: Sequence[Notification]) -> str | None:
        try:
            return send(batch)
        except DeployError as error:
            return error.what
        except Exception as error:  # noqa: BLE001 - an error would end the thread and all notifications
            return f"cannot send: {type(error).__name__}"  # its text could contain the address

    return caught


def check_notify(session: Session, fleet: Fleet, uid: int) -> None:
    """Check that notifications can be sent, before anybody relies on them.

    Args:
        uid: the user who will send them.

    Raises:
        FleetError: with every receiver that cannot be used.
    """
    if problems := list(_problems(session, fleet, uid)):
        raise FleetError(str(session.deployment.fleet_file), problems)


def _problems(session: Session, fleet: Fleet, uid: int) -> Iterator[Problem]:
    notify = fleet.watch.notify
    for key, value in (("webhook", notify.webhook), ("ntfy", notify.ntfy)):
        if value:
            try:
                _address(session, value)
            except DirectoryError as error:
                yield Problem(f"watch.notify.{key}", f"{error.what} {error.remedy}")
    if notify.command and uid == 0 and (problem := _unsafe_command(session)):
        yield Problem("watch.notify.command", problem)


def _unsafe_command(session: Session) -> str | None:
    """Why root must not run the command in the fleet file: another user who can change it would become root."""
    file, root = session.deployment.fleet_file, session.deployment.root
    for path in dict.fromkeys((file, *file.parents, *file.resolve().parents)):
        found = path.stat()
        # In a sticky directory such as /tmp users can remove only their own files.
        is_shared = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and (path == file or not found.st_mode & stat.S_ISVTX)
        if found.st_uid != 0 or is_shared:
            shown = shlex.quote(str(path))
            fix = f"chown root:root {shown} && chmod go-w {shown}"
            if path not in {file, root}:
                fix = f"move the deployment out of {path}, to a directory that only root can write"
            return f"root does not run a command that others can change: run `watch` as the owner's user, or: {fix}"
    return None


def _senders(session: Session, fleet: Fleet) -> Iterator[tuple[str, Send]]:
    from idlehands_deploy.gateway.probe import send  # noqa: PLC0415 - requests is slow to load
    from idlehands_deploy.host.programs.hooks import run_hook  # noqa: PLC0415

    notify, who = fleet.watch.notify, (fleet.name, platform.node())
    if webhook := notify.webhook:
        yield (
            "webhook",
            lambda batch: send(_address(session, webhook), notifications.as_bytes(*who, batch), JSON_HEADERS, SECONDS),
        )
    if ntfy := notify.ntfy:
        yield (
            "ntfy",
            lambda batch: send(
                _address(session, ntfy),
                notifications.as_text(batch).encode(),
                notifications.ntfy_headers(*who, batch),
                SECONDS,
            ),
        )
    if command := notify.command:
        yield (
            "command",
            lambda batch: run_hook(
                command, notifications.as_bytes(*who, batch), session.deployment.root, session.environ, HOOK_SECONDS
            ),
        )


def _address(session: Session, value: str) -> str:
    """The address, read from its file if it has one: the file may change at any time.

    Raises:
        DirectoryError: the file is missing or contains something else.
    """
    if not value.startswith("secrets/"):
        return value
    path = session.deployment.root / value
    try:
        reading = read_secret_file(path)
    except OSError as error:
        raise unusable("read", path, error) from None
    text = reading.value if reading else ""
    if not is_web_address(text):
        raise DirectoryError(f"{path} does not contain an address.", "Write the address into it, as its only line.")
    return text

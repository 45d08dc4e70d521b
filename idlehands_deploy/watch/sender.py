"""Send news where the fleet file wants them: in a thread of their own, so that no receiver holds up the watch."""

from __future__ import annotations

import platform
import queue
import stat
import threading
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from idlehands_deploy.deployment.directory import read_text
from idlehands_deploy.errors import DeployError, DirectoryError, FleetError, Problem
from idlehands_deploy.fleet.values import is_web_address
from idlehands_deploy.watch import notifications as news

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from idlehands_deploy.deployment.session import Session
    from idlehands_deploy.fleet.model import Fleet
    from idlehands_deploy.watch.notifications import News

# News of one moment, as when the engine goes away under many gateways, are one message.
GATHER = 1.0
# Of one try, and how many there are.
SECONDS = 10.0
TRIES = 4
HOOK_SECONDS = 30.0
# More than ever wait where everything is well; then the oldest are given up.
MOST = 1000
JSON_HEADERS = {"Content-Type": "application/json"}
_END = None


class Notifier:
    """Sends news one message after the other; use it as a context, which sends what is left.

    Args:
        failed: called with a receiver's name and the reason when a message was given up.
    """

    def __init__(self, session: Session, fleet: Fleet, failed: Callable[[str, str], None]) -> None:
        self._session = session
        self._senders = {name: _careful(send) for name, send in _senders(session, fleet)}
        self._failed = failed
        self._queue: queue.Queue[News | None] = queue.Queue(MOST)
        self._thread = threading.Thread(target=self._run, name="notifier", daemon=True)
        self._ending = threading.Event()

    def tell(self, item: News) -> None:
        """Send this soon; returns at once."""
        if self._senders:
            try:
                self._queue.put_nowait(item)
            except queue.Full:
                self._failed("notify", "too many news wait")

    def __enter__(self) -> Notifier:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        with suppress(queue.Full):
            self._queue.put(_END, timeout=SECONDS)
        # What is on its way gets the time of one try.
        self._thread.join(SECONDS)

    def _run(self) -> None:
        while (first := self._queue.get()) is not _END:
            batch, more = self._gather(first)
            batch = _without_secrets(self._session, batch)
            for name, send in self._senders.items():
                if why := self._insist(send, batch):
                    self._failed(name, why)
            if not more:
                return

    def _gather(self, first: News) -> tuple[list[News], bool]:
        batch, deadline = [first], time.monotonic() + GATHER
        while (left := deadline - time.monotonic()) > 0:
            try:
                item = self._queue.get(timeout=left)
            except queue.Empty:
                break
            if item is _END:
                return batch, False
            batch.append(item)
        return batch, True

    def _insist(self, send: Callable[[Sequence[News]], str | None], batch: Sequence[News]) -> str | None:
        from tenacity import Retrying, retry_if_result, stop_after_attempt, stop_when_event_set  # noqa: PLC0415
        from tenacity.wait import wait_exponential  # noqa: PLC0415

        why: str | None = Retrying(
            retry=retry_if_result(bool),
            stop=stop_after_attempt(TRIES) | stop_when_event_set(self._ending),
            wait=wait_exponential(multiplier=2, max=30),
            sleep=self._sleep,
            retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
        )(send, batch)
        return why

    def _sleep(self, seconds: float) -> None:
        self._ending.wait(seconds)


def _without_secrets(session: Session, batch: Sequence[News]) -> list[News]:
    """News as a stranger may see them: a gateway that refuses its config may quote it."""
    from idlehands_deploy.redaction.known_secrets import known_secrets  # noqa: PLC0415 - reads many files
    from idlehands_deploy.redaction.redactor import Redactor  # noqa: PLC0415

    redactor = Redactor(known_secrets(session.deployment, {}))
    return [replace(item, text=redactor.text(item.text)) for item in batch]


def _careful(send: Callable[[Sequence[News]], str | None]) -> Callable[[Sequence[News]], str | None]:
    """Let an error, as of a file that has gone, be tried again like a refusal, and the other receivers get theirs."""

    def careful(batch: Sequence[News]) -> str | None:
        try:
            return send(batch)
        except DeployError as error:
            return error.what
        except Exception as error:  # noqa: BLE001 - without this thread nobody is told anything any more
            return f"it cannot be told: {type(error).__name__}"  # whose text could hold the address

    return careful


def check_notify(session: Session, fleet: Fleet, uid: int) -> None:
    """See that news could be sent, before anything depends on it.

    Args:
        uid: the user who is to send them.

    Raises:
        FleetError: with every receiver that cannot be.
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
    if notify.command and uid == 0 and (problem := _strangers_command(session)):
        yield Problem("watch.notify.command", problem)


def _strangers_command(session: Session) -> str | None:
    """Why root must not run a command of the fleet file: whoever may write that is not root could become it."""
    file, root = session.deployment.fleet_file, session.deployment.root
    for path in dict.fromkeys((file, *file.parents, *file.resolve().parents)):
        found = path.stat()
        # Of a directory such as /tmp nobody can take away what is not theirs.
        is_shared = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and (path == file or not found.st_mode & stat.S_ISVTX)
        if found.st_uid != 0 or is_shared:
            mend = f"chown root:root {path} && chmod go-w {path}"
            mend = (
                mend if path in {file, root} else f"move the deployment to where only root can write, not below {path}"
            )
            return f"root does not run what others can write: watch as their own user, or: {mend}"
    return None


def _senders(session: Session, fleet: Fleet) -> Iterator[tuple[str, Callable[[Sequence[News]], str | None]]]:
    from idlehands_deploy.gateway.probe import send  # noqa: PLC0415 - requests is slow to load
    from idlehands_deploy.host.hooks import run_hook  # noqa: PLC0415

    notify, who = fleet.watch.notify, (fleet.name, platform.node())
    if webhook := notify.webhook:
        yield (
            "webhook",
            lambda batch: send(_address(session, webhook), news.as_bytes(*who, batch), JSON_HEADERS, SECONDS),
        )
    if ntfy := notify.ntfy:
        yield (
            "ntfy",
            lambda batch: send(
                _address(session, ntfy), news.as_text(batch).encode(), news.ntfy_headers(*who, batch), SECONDS
            ),
        )
    if command := notify.command:
        yield (
            "command",
            lambda batch: run_hook(
                command, news.as_bytes(*who, batch), session.deployment.root, session.environ, HOOK_SECONDS
            ),
        )


def _address(session: Session, value: str) -> str:
    """The address itself, from its file where it has one, which may be changed at any time.

    Raises:
        DirectoryError: the file is missing or holds something else.
    """
    if not value.startswith("secrets/"):
        return value
    path = session.deployment.root / value
    text = (read_text(path) or "").strip()
    if not is_web_address(text):
        raise DirectoryError(f"{path} does not hold an address.", "Write it there, as its only line.")
    return text

"""Redact the same texts again and again, as a page that is open for days does."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from idlehands_deploy.redaction.known_secrets import known_secrets
from idlehands_deploy.redaction.redactor import Redactor

if TYPE_CHECKING:
    from idlehands_deploy.deployment.directory import Deployment

# How long the secrets that were read last are used: reading them opens many files; seconds.
FRESH = 60.0
# Texts whose result is kept.
MOST = 2000


class RepeatedRedaction:
    """Removes this deployment's secrets from texts; a text that repeats costs nothing."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._lock = threading.Lock()
        self._redactor: Redactor | None = None
        self._until = 0.0
        self._done: dict[tuple[str, bool], str] = {}

    def text(self, text: str) -> str:
        """What others said, without secrets."""
        return self._redact(text, is_ours=False)

    def command(self, text: str) -> str:
        """A command or a path of ours, without known secrets."""
        return self._redact(text, is_ours=True)

    def _redact(self, text: str, *, is_ours: bool) -> str:
        with self._lock:
            now = time.monotonic()
            if self._redactor is None or now >= self._until:
                self._redactor, self._until = Redactor(known_secrets(self._deployment, {})), now + FRESH
                # A text may hold a secret that was not known when it was shown first.
                self._done.clear()
            if (done := self._done.get((text, is_ours))) is not None:
                return done
            if len(self._done) >= MOST:
                self._done.clear()
            done = self._redactor.command(text) if is_ours else self._redactor.text(text)
            self._done[text, is_ours] = done
            return done

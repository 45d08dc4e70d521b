"""A person's credentials for a registry, from Docker's client configuration or from the helper that it names."""

from __future__ import annotations

import queue
import threading
from typing import Any

from docker import auth
from docker.utils import parse_repository_tag

# A helper may ask a keyring; one that waits for a window on a host without a screen never ends. Seconds.
LIMIT = 20.0


def registry_credentials(reference: str) -> tuple[dict[str, Any], str]:
    """The credentials for an image's registry, and why there are none: empty if nobody has set any up.

    A public image needs none, so that what is wrong with them matters only if the image cannot be pulled.
    """
    answers: queue.SimpleQueue[tuple[dict[str, Any], str]] = queue.SimpleQueue()
    # In a thread, since docker-py waits for a helper without end.
    threading.Thread(target=lambda: answers.put(_find(reference)), daemon=True).start()
    try:
        return answers.get(timeout=LIMIT)
    except queue.Empty:
        return {}, f"Docker's credential helper did not end within {LIMIT:g} s"


def _find(reference: str) -> tuple[dict[str, Any], str]:
    try:
        registry, _ = auth.resolve_repository_name(parse_repository_tag(reference)[0])
        return dict(auth.resolve_authconfig(auth.load_config(), registry) or {}), ""
    except Exception:  # noqa: BLE001 - a helper is another's program, and docker-py checks nothing that it says
        return {}, "Docker's credential helper failed: see credsStore and credHelpers in ~/.docker/config.json"

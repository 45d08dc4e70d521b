"""Whether a container has the secrets that its files hold: by content, as far as its start is known."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING, Literal

from idlehands_deploy.deployment.secret_values import read_secret_file
from idlehands_deploy.errors import DirectoryError
from idlehands_deploy.host.file_facts import read_ordinary
from idlehands_deploy.host.files import PRIVATE_FILE, write_atomic
from idlehands_deploy.targets.compose import secret_names

if TYPE_CHECKING:
    from pathlib import Path

    from idlehands_deploy.deployment.directory import Deployment
    from idlehands_deploy.engine.facts import ContainerFacts
    from idlehands_deploy.fleet.model import Profile

# `touched` if the start was not ours, so that only the dates of the files are known.
Change = Literal["changed", "touched"]


def read_values(deployment: Deployment, profile: Profile, name: str) -> bytes | None:
    """What a profile's gateway would get as its secrets, as one value; None if this user cannot read them all."""
    parts = []
    for secret in secret_names(profile):
        try:
            reading = read_secret_file(deployment.secret_file(name, secret))
        except OSError:
            return None
        value = reading.value.encode() if reading else b""
        parts.append(f"{secret}\0{len(value)}\0".encode() + value)
    return b"".join(parts)


def record_start(deployment: Deployment, facts: ContainerFacts, values: bytes) -> None:
    """Keep what a container was started with, so that nobody can read it from the record.

    Without a record the dates of the files have to do, so one that cannot be written is no error.
    """
    path, salt = deployment.start_file(facts.profile), secrets.token_hex(32)
    record = {**_start(facts), "salt": salt, "digest": _digest(salt, values)}
    with suppress(DirectoryError):
        write_atomic(path, json.dumps(record) + "\n", PRIVATE_FILE)


def is_same_start(one: ContainerFacts, other: ContainerFacts) -> bool:
    """Whether a container was not started between two looks at it."""
    return _start(one) == _start(other)


def secret_change(deployment: Deployment, profile: Profile, facts: ContainerFacts) -> Change | None:
    """What became of a profile's secrets since its container started; None if they are the same."""
    record = _read(deployment.start_file(facts.profile))
    if record.items() >= _start(facts).items():
        values = read_values(deployment, profile, facts.profile)
        if values is not None:
            is_same = hmac.compare_digest(_digest(record.get("salt", ""), values), record.get("digest", ""))
            return None if is_same else "changed"
    return "touched" if _touched_at(deployment, profile, facts.profile) > facts.started else None


def _start(facts: ContainerFacts) -> dict[str, str]:
    """What tells one start of a container from every other: the engine starts it again by itself, too."""
    return {"container": facts.id, "started_at": facts.started_at}


def _digest(salt: str, values: bytes) -> str:
    return hmac.new(salt.encode(), values, hashlib.sha256).hexdigest()


def _read(path: Path) -> dict[str, str]:
    with suppress(OSError, ValueError):
        record = json.loads(read_ordinary(path) or "{}")
        if isinstance(record, dict):
            return {key: value for key, value in record.items() if isinstance(value, str)}
    return {}


def _touched_at(deployment: Deployment, profile: Profile, name: str) -> float:
    """When one of the files was last changed in any way; a copy can keep an earlier date of its content, not this."""
    touched = 0.0
    for secret in secret_names(profile):
        with suppress(OSError):
            touched = max(touched, deployment.secret_file(name, secret).stat().st_ctime)
    return touched

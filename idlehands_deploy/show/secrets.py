"""The secrets of profiles as a table for people and as JSON for scripts, never with a value."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from idlehands_deploy.remedies import Remedy, ours
from idlehands_deploy.show.layout.table import Column
from idlehands_deploy.timestamps import timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from idlehands_deploy.deployment.secret_files import Secret

COLUMNS = (
    Column("PROFILE"),
    Column("KEY"),
    Column("STATE", label="state", wraps=True),
    Column("CHANGED", gives=1, label="changed"),
)


def rows(secrets: Sequence[Secret]) -> list[tuple[str, ...]]:
    """One row per secret."""
    return [(secret.profile, secret.name, _state(secret), _when(secret)) for secret in secrets]


def notes(secrets: Sequence[Secret]) -> Iterator[Remedy]:
    """What to do about each secret that no gateway can use."""
    if not secrets:
        yield Remedy("There is none. Set one: ", ours("secret", "set", "NAME", "KEY"))
    for secret in secrets:
        words = secret.profile, secret.name
        if secret.state in {"missing", "empty"}:
            yield Remedy(
                f"{secret.name} of {secret.profile} is {secret.state}. Set it: ", ours("secret", "set", *words)
            )
        elif secret.state == "unusable":
            yield Remedy(
                f"What the file of {secret.name} of {secret.profile} holds cannot be a value. Set it again: ",
                ours("secret", "set", *words),
            )
        elif not secret.named:
            yield Remedy(
                f"fleet.yaml does not name {secret.name} of {secret.profile}. Name it there, or delete it: ",
                ours("secret", "rm", *words),
            )


def as_json(secrets: Sequence[Secret]) -> list[dict[str, Any]]:
    """One object per secret."""
    return [
        {
            "profile": secret.profile,
            "key": secret.name,
            "state": secret.state,
            "named": secret.named,
            "changed_at": timestamp(secret.changed_at) if secret.changed_at else None,
        }
        for secret in secrets
    ]


def _state(secret: Secret) -> str:
    return secret.state if secret.named else "not named"


def _when(secret: Secret) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(secret.changed_at)) if secret.changed_at else "-"

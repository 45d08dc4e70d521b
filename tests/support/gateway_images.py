"""Images of gateways of several versions, and what a deep check of them finds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from idlehands_deploy.engine.facts import ImageFacts
from idlehands_deploy.health.deep_check.checked import Checked
from idlehands_deploy.health.deep_check.judge import Step
from idlehands_deploy.operations.state import upgrade
from idlehands_deploy.state import verbs

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from idlehands_deploy.deployment.look import Look

NEW, OLD = "idlehands/gateway:2026.10.1", "idlehands/gateway:2026.9.6"


def image(version: str) -> ImageFacts:
    return ImageFacts(
        "sha256:" + version.replace(".", "").ljust(64, "0"), 1 << 30, {"idlehands.gateway.version": version}
    )


def deep(monkeypatch: pytest.MonkeyPatch, status: Callable[[Look], Any]) -> None:
    """What a deep check finds; a test double, since it needs a browser."""

    def prove_all(look: Look, seen: Any) -> list[Checked]:
        return [Checked(item, (Step("page", status(look), 1.0, "it is blank"),)) for item in seen]

    for module in (verbs, upgrade):
        monkeypatch.setattr(module, "prove_all", prove_all)

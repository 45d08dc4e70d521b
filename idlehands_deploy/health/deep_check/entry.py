"""How the answer to a dashboard is judged; no I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idlehands_deploy.contract import CONFIG_NAME
from idlehands_deploy.health.deep_check.judge import Doors, FailedError
from idlehands_deploy.remedies import Remedy

if TYPE_CHECKING:
    from idlehands_deploy.gateway.handshake import Entry


def judge_entry(doors: Doors, origin: str, entry: Entry) -> str:
    """How far a dashboard's handshake came that was opened at the address which `url` prints."""
    if entry == "accepted":
        return f"lets a browser in that opened {origin}/"
    config = f"profiles/{doors.profile}/state/{CONFIG_NAME}"
    if entry == "refused":
        raise FailedError(
            f"refuses a browser that opened {origin}/",
            f"gateway.controlUi.allowedOrigins in {config} lists other addresses", Remedy.run("doctor"),
        )  # fmt: skip
    raise FailedError(
        f"does not respond to the WebSocket of its dashboard on port {doors.gateway}", "its log says why",
        Remedy.run("logs", doors.profile, "--tail", "50"),
    )  # fmt: skip

"""The gateway's own link that lets one browser in, once; made for another address than its own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMAND = ("idlehands", "dashboard", "--json")
# How long such a link works (2026.9.6); minutes.
MINUTES = 10


class HandoffError(ValueError):
    """The gateway gave no link; the message completes a sentence."""


class BusyError(HandoffError):
    """The gateway was too slow this time."""


def pairing_links(said: str, origins: Sequence[str]) -> list[str]:
    """The link for each of these origins; whichever is opened first uses them all up.

    Args:
        said: what COMMAND wrote.

    Raises:
        BusyError: the gateway was too slow.
        HandoffError: there is no link in it. The message quotes at most the gateway's own reason.
    """
    parameters = dict(parse_qsl(urlsplit(_browser_url(said)).fragment))
    if "bootstrapToken" not in parameters:
        raise HandoffError("this version of it has no such link")
    return [f"{origin}/#{urlencode(parameters | {'gatewayUrl': _socket(origin)})}" for origin in origins]


def _browser_url(said: str) -> str:
    try:
        # The gateway may write a warning before it.
        answer = json.loads(said[said.index("{") :])
    except (ValueError, RecursionError):
        raise HandoffError("this version of it has no such link") from None
    if not isinstance(answer, dict) or not isinstance(answer.get("browserUrl"), str):
        reason = answer.get("reason") if isinstance(answer, dict) else None
        why = reason if isinstance(reason, str) else "this version of it has no such link"
        raise BusyError(why) if "timed out" in why else HandoffError(why)
    return str(answer["browserUrl"])


def _socket(origin: str) -> str:
    scheme, _, host = origin.partition("://")
    return f"{'wss' if scheme == 'https' else 'ws'}://{host}"

"""Whether a gateway lets in a browser that opened its dashboard at some address, asked as a dashboard asks it."""

from __future__ import annotations

import secrets
from typing import Literal

from idlehands_deploy.gateway.channel import Channel, ChannelError

# `unknown` if the gateway gave no answer that tells.
Entry = Literal["accepted", "refused", "untrusted proxy", "unknown"]
SECONDS = 5.0
# Addresses reserved for documentation (RFC 5737): no client has one.
SOME_CLIENT = "198.51.100.1"
_REFUSED = "CONTROL_UI_ORIGIN_NOT_ALLOWED"
_UNTRUSTED = 403
_MOST_EVENTS = 10


def ask_entry(address: tuple[str, int], origin: str, *, proxied: bool = False) -> Entry:
    """Begin a dashboard's handshake, without any credential, and see how far it comes.

    Args:
        address: where the gateway listens, as seen from here.
        origin: at which the dashboard would have been opened.
        proxied: ask as a reverse proxy on this host would for its client.
    """
    scheme, _, host = origin.partition("://")
    headers = {"Origin": origin}
    if proxied:
        headers |= {"X-Forwarded-For": SOME_CLIENT, "X-Forwarded-Proto": scheme, "X-Forwarded-Host": host}
    try:
        channel = Channel(address, f"ws://{host}/", "the gateway's protocol", SECONDS, headers)
    except ChannelError as error:
        return "untrusted proxy" if proxied and error.status == _UNTRUSTED else "unknown"
    try:
        return _ask(channel)
    except ChannelError:
        return "unknown"
    finally:
        channel.end()


def _ask(channel: Channel) -> Entry:
    request = secrets.token_hex(8)
    client = {"id": "webchat-ui", "version": "0", "platform": "linux", "mode": "webchat"}
    # Every version that the gateway may speak: the origin is checked before anything else of the request.
    parameters = {"minProtocol": 1, "maxProtocol": 99, "client": client, "role": "operator", "scopes": []}
    channel.send({"type": "req", "id": request, "method": "connect", "params": parameters})
    for _ in range(_MOST_EVENTS):
        answer = channel.receive()
        if answer.get("id") == request:
            return _entry(answer)
    return "unknown"


def _entry(answer: dict[str, object]) -> Entry:
    error = answer.get("error")
    details = error.get("details") if isinstance(error, dict) else None
    code = details.get("code") if isinstance(details, dict) else None
    if code == _REFUSED:
        return "refused"
    # What is asked for once the origin is accepted, in the words of one version or another.
    wanted = ("AUTH", "DEVICE", "PAIRING")
    return "accepted" if any(word in str(code) for word in wanted) else "unknown"

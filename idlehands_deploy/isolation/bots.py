"""The chat bots in a gateway's config and secrets."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from idlehands_deploy.gateway.config import GatewayConfig

# A secret with the token of a bot. Other keys may serve several gateways.
BOT_SECRET = re.compile(r"(?:BOT|APP|CHANNEL_ACCESS)_TOKEN$")
BOT_KEYS = ("botToken", "appToken", "channelAccessToken", "token", "accessToken")
# Anything shorter is a placeholder.
SHORTEST = 8


class Bot(NamedTuple):
    """A chat bot that a gateway uses.

    Attributes:
        token: only compared, never shown.
        place: the config key or secret file with the token.
    """

    token: str
    place: str


def config_bots(config: GatewayConfig | None) -> Iterator[Bot]:
    """The bots whose token is in a config, directly or by a variable."""
    if config is None:
        return
    for channel, settings in config.mappings("channels"):
        yield from _bots(config, f"channels.{channel}", settings)
        accounts = settings.get("accounts")
        for name, account in accounts.items() if isinstance(accounts, dict) else ():
            if isinstance(account, dict) and settings.get("enabled") is not False:
                yield from _bots(config, f"channels.{channel}.accounts.{name}", account)


def _bots(config: GatewayConfig, key: str, settings: dict[str, Any]) -> Iterator[Bot]:
    if settings.get("enabled") is False:
        return
    for name in BOT_KEYS:
        token = settings.get(name)
        token = config.reveal(token) if isinstance(token, str) else ""
        if len(token) >= SHORTEST and "${" not in token:
            yield Bot(token, f"{config.place}:{key}.{name}")

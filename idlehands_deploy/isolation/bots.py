"""The bots of chat services that a gateway's config and secrets speak of."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from idlehands_deploy.gateway.config import GatewayConfig

# A secret that is the login of a bot; other keys may well serve several gateways.
BOT_SECRET = re.compile(r"(?:BOT|APP|CHANNEL_ACCESS)_TOKEN$")
BOT_KEYS = ("botToken", "appToken", "channelAccessToken", "token", "accessToken")
# What is shorter was made up to fill a place.
SHORTEST = 8


class Account(NamedTuple):
    """A bot as which a gateway reads and writes.

    Attributes:
        token: its login; compared, never shown.
        place: where it is given.
    """

    token: str
    place: str


def config_accounts(config: GatewayConfig | None) -> Iterator[Account]:
    """The bots whose login a config holds, in itself or by a variable."""
    if config is None:
        return
    for channel, settings in config.mappings("channels"):
        yield from _accounts(config, f"channels.{channel}", settings)
        accounts = settings.get("accounts")
        for name, account in accounts.items() if isinstance(accounts, dict) else ():
            if isinstance(account, dict) and settings.get("enabled") is not False:
                yield from _accounts(config, f"channels.{channel}.accounts.{name}", account)


def _accounts(config: GatewayConfig, key: str, settings: dict[str, Any]) -> Iterator[Account]:
    if settings.get("enabled") is False:
        return
    for name in BOT_KEYS:
        token = settings.get(name)
        token = config.reveal(token) if isinstance(token, str) else ""
        if len(token) >= SHORTEST and "${" not in token:
            yield Account(token, f"{config.place}:{key}.{name}")

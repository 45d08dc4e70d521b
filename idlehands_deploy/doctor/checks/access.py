"""Checks of the ways from other computers: what is at stake on them, and where a gateway lets nobody in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from idlehands_deploy.findings import Finding
from idlehands_deploy.fleet.access import RISK
from idlehands_deploy.fleet.addresses import LOOPBACK, is_private
from idlehands_deploy.fleet.origins import allowed_origins, is_everywhere, is_open, trusted_proxies
from idlehands_deploy.remedies import Remedy, ours

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Sequence

    from idlehands_deploy.fleet.model import Fleet
    from idlehands_deploy.gateway.handshake import Entry


class Asked(NamedTuple):
    """A gateway's answer to a browser that opened its dashboard at an origin.

    Attributes:
        is_listed: whether the plan has the gateway allow it.
    """

    profile: str
    base: int
    origin: str
    is_listed: bool
    entry: Entry = "unknown"


def check_access(
    fleet: Fleet, addresses: Sequence[str], asked: Sequence[Asked], stale: Container[str]
) -> Iterator[Finding]:
    """What is at stake for whom the gateways are open, and what does not work from there.

    Args:
        addresses: of this host, at which other machines reach it.
        asked: the gateways' answers.
        stale: the profiles whose containers are older than the fleet file.
    """
    if is_open(fleet.bind):
        yield from _check_plain_http(fleet, addresses)
    else:
        for key in (key for key, named in (("hosts", fleet.hosts), ("proxies", fleet.proxies)) if named):
            yield Finding(
                "note", f"fleet.yaml:{key}", f"has no effect while `bind` is {fleet.bind}",
                "no other machine reaches the gateways without a tunnel or a proxy on this host",
                Remedy("remove it, or set `bind` to an address of this host"),
            )  # fmt: skip
    for item in asked:
        if item.entry == "refused" and item.is_listed:
            yield _not_merged(fleet, item, stale, "refused", "gateway.controlUi.allowedOrigins")
        elif item.entry == "untrusted proxy":
            yield _not_merged(fleet, item, stale, "refused from a reverse proxy on this host", "gateway.trustedProxies")
    if outside := [item for item in asked if item.entry == "refused" and not item.is_listed]:
        yield _unlisted(outside)


def _check_plain_http(fleet: Fleet, addresses: Sequence[str]) -> Iterator[Finding]:
    reached = [fleet.bind]
    if is_everywhere(fleet.bind):
        reached = [host for host in addresses if (":" in host) == (":" in fleet.bind)]
    public = [host for host in reached if not is_private(host)]
    first = next(iter(fleet.profiles), "NAME")
    yield Finding(
        "warning" if public else "note", "fleet.yaml:bind",
        f"is {fleet.bind}: other computers reach the gateways over plain HTTP"
        + (f", at {', '.join(public)} from anywhere" if public else ""),
        f"{RISK}, the token too",
        Remedy(f"set `bind: {LOOPBACK}`, and use a tunnel or a reverse proxy: ", ours("url", first)),
    )  # fmt: skip


def _not_merged(fleet: Fleet, item: Asked, stale: Container[str], how: str, key: str) -> Finding:
    """An origin of the plan that is not in effect."""
    fix = Remedy.run("up", item.profile)
    if item.profile not in stale:
        # The entrypoint writes no config with comments or includes.
        fix = Remedy(ours("exec", item.profile, "config", "set", key, _wanted(fleet, item, key), "--strict-json"))
        if key == "gateway.trustedProxies":
            fix = fix.then(" && ", ours("restart", item.profile))
    return Finding(
        "warning", item.profile, f"a browser that opens it at {item.origin} is {how}",
        "the page loads there, but never connects: its config lacks what the fleet file says", fix,
    )  # fmt: skip


def _wanted(fleet: Fleet, item: Asked, key: str) -> str:
    profile = fleet.profiles[item.profile]
    if key == "gateway.trustedProxies":
        return json.dumps(trusted_proxies(fleet, profile))
    return json.dumps(allowed_origins(fleet, profile, item.base))


def _unlisted(items: Sequence[Asked]) -> Finding:
    """Addresses of this host that the gateways do not know."""
    hosts = dict.fromkeys(item.origin.partition("://")[2].rpartition(":")[0].strip("[]") for item in items)
    names = dict.fromkeys(item.profile for item in items)
    return Finding(
        "note", "fleet.yaml:hosts", f"does not list {', '.join(hosts)}, which other computers reach",
        "the dashboard's page loads there, but never connects",
        Remedy(f"if you must: `hosts: [{', '.join(hosts)}]`, then: ", ours("up", *names)),
    )  # fmt: skip

"""Checks of model servers on this host: whether gateways reach them, and who else does."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from idlehands_deploy.findings import Finding
from idlehands_deploy.fleet.addresses import HOST, is_loopback, url_host
from idlehands_deploy.gateway.model_servers import LM_STUDIO, OLLAMA, OTHER, host_port
from idlehands_deploy.isolation.claims import config_command
from idlehands_deploy.remedies import Remedy, ours

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from idlehands_deploy.findings import Level
    from idlehands_deploy.gateway.model_servers import ConfigModel, ModelServer
    from idlehands_deploy.health.model_servers import Way

UNIT = "/etc/systemd/system/ollama.service"
LAN = "other machines in your networks can use it, and it asks for no password"


@dataclass(frozen=True)
class Surroundings:
    """What the advice depends on.

    Attributes:
        addresses: of this host.
        has_ollama_unit: whether systemd starts Ollama.
        has_ufw: whether the firewall is set by `ufw`.
    """

    addresses: Collection[str]
    has_ollama_unit: bool = False
    has_ufw: bool = False


@dataclass(frozen=True)
class NamedModel:
    """A model server that a gateway's config names.

    Attributes:
        place: of its key, for messages.
        way: how the gateway's container gets to the port.
    """

    profile: str
    place: str
    model: ConfigModel
    way: Way


def out_of_reach(server: ModelServer, way: Way, here: Surroundings) -> tuple[str, str, Remedy] | None:
    """What keeps a gateway from a server, why, and the one change that helps; None if nothing does, or is known to."""
    if way.outcome == "open":
        return None
    if server.is_on_loopback_alone:
        what = f"{server} listens only on this host's own loopback"
        why = "a container has a loopback of its own, so that no gateway reaches it"
        return what, why, _listen_on_bridge(server, way, here)
    if way.outcome == "dropped":
        what = f"{server} gets nothing from the gateways: a firewall on this host drops their packets"
        return (
            what,
            "containers come in through the engine's bridge, which the firewall does not know",
            _open(server, way, here),
        )
    if way.outcome == "refused" and not server.is_everywhere and way.address not in server.addresses:
        what = f"{server} listens on {', '.join(sorted(server.addresses))}, and not on {way.address}"
        return what, f"{way.address} is this host for a container", _listen_on_bridge(server, way, here)
    return None


def check_models(
    servers: Sequence[ModelServer], named: Sequence[NamedModel], ways: Mapping[int, Way], here: Surroundings
) -> Iterator[Finding]:
    """What keeps gateways from the models on this host.

    Args:
        named: the servers in the gateways' configs that are on this host, or were meant to be.
        ways: how a gateway gets to a port, for those that no config names.
    """
    by_port = {server.port: server for server in servers}
    for item in named:
        yield from _check_named(item, by_port, here)
    in_use = {host_port(item.model.url) for item in named}
    for server in servers:
        if server.port not in in_use and server.kind != OTHER and (way := ways.get(server.port)):
            trouble = out_of_reach(server, way, here)
            if trouble:
                what, why, fix = trouble
                yield Finding("note", f"port {server.port}", what, why, fix)
        if server.is_everywhere:
            yield Finding(
                "note", f"port {server.port}", f"{server} listens at every address of this host", LAN,
                _listen_on_bridge(server, ways.get(server.port), here),
            )  # fmt: skip


def _check_named(named: NamedModel, servers: Mapping[int, ModelServer], here: Surroundings) -> Iterator[Finding]:
    key, url, is_default = named.model
    port = host_port(url)
    if port is None:
        return
    server = servers.get(port)
    level: Level = "error" if is_default else "warning"
    silent = f"the agents of {named.profile} get no answer from that model"
    if is_loopback(url_host(url)):
        yield Finding(
            level, named.place, f"{url_host(url)} is the container itself, not this host", silent,
            config_command("set", named.profile, key, url.replace(url_host(url), HOST, 1)),
        )  # fmt: skip
    if server is None:
        yield Finding(
            level, named.place, f"nothing listens on port {port} of this host", silent,
            Remedy("start the model server, or correct the address: ").then(
                config_command("set", named.profile, key, f"http://{HOST}:PORT")
            ),
        )  # fmt: skip
    elif trouble := out_of_reach(server, named.way, here):
        what, _, fix = trouble
        yield Finding(level, named.place, what, silent, fix)


def _listen_on_bridge(server: ModelServer, way: Way | None, here: Surroundings) -> Remedy:
    """The change that lets a server listen where containers of this host reach it, and no other machine."""
    address = way.address if way else ""
    if not address:
        return Remedy("bring a gateway up, then look again: ", ours("doctor"))
    if address not in here.addresses:
        # A rootless engine, or one in a virtual machine.
        return Remedy(
            f"the engine has a network of its own, where {address} is not this host; if it is a rootless Docker, set "
            "DOCKERD_ROOTLESS_ROOTLESSKIT_DISABLE_HOST_LOOPBACK=false for its unit and "
            '"host-gateway-ip": "10.0.2.2" in its daemon.json, restart it, then: ',
            ours("up"),
        )
    fix = _rebind(server, address, here)
    if way and way.outcome == "dropped":
        fix = fix.then("   (then let it through the firewall: ", _open(server, way, here), ")")
    return fix


def _rebind(server: ModelServer, address: str, here: Surroundings) -> Remedy:
    at = address if server.port == server.kind.port else f"{address}:{server.port}"
    if server.kind == OLLAMA and here.has_ollama_unit:
        drop_in = "/etc/systemd/system/ollama.service.d"
        return Remedy(
            f"sudo mkdir -p {drop_in} && printf '[Service]\\nEnvironment=OLLAMA_HOST={at}\\n' | "
            f"sudo tee {drop_in}/address.conf && sudo systemctl daemon-reload && sudo systemctl restart ollama"
            f"   (your own `ollama` commands then need: export OLLAMA_HOST={at})"
        )
    if server.kind == OLLAMA:
        return Remedy(f"stop it, then: OLLAMA_HOST={at} ollama serve")
    if server.kind == LM_STUDIO:
        return Remedy(f"lms server stop && lms server start --port {server.port} --bind {address}")
    return Remedy(f"let it listen on {address}, for most servers with: --host {address}")


def _open(server: ModelServer, way: Way, here: Surroundings) -> Remedy:
    """The rule that lets the gateways through this host's firewall, and nobody else."""
    source = str(ipaddress.ip_network(way.subnet)) if way.subnet else "the gateways' networks"
    if here.has_ufw and way.subnet:
        return Remedy(f"sudo ufw allow proto tcp from {source} to {way.address} port {server.port}")
    return Remedy(f"let TCP from {source} to {way.address} port {server.port} through the firewall")

"""Model servers on this host, and whether a gateway's container reaches them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from idlehands_deploy.fleet.addresses import HOST
from idlehands_deploy.gateway.model_servers import OTHER, USUAL_PORTS, ModelServer, identify
from idlehands_deploy.gateway.probe import GatewayProbe
from idlehands_deploy.host.network.listeners import listeners

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from idlehands_deploy.deployment.look import Look

Outcome = Literal["open", "refused", "dropped", "unknown"]
# Seconds; the script's own limit is shorter.
LIMIT = 2.0
DROPPED = 124
SCRIPT = f"""
address=$(getent ahostsv4 {HOST} | {{ read -r address _; echo "$address"; }})
echo "$address"
[[ $address ]] && timeout 2 bash -c 'exec 3<> /dev/tcp/"$0"/"$1"' "$address" "$1" 2> /dev/null
"""


@dataclass(frozen=True)
class Way:
    """How a gateway's container gets to a port of this host.

    Attributes:
        address: of this host, as the container sees it; empty if that is not known.
        subnet: of the gateway's network.
    """

    outcome: Outcome
    address: str = ""
    subnet: str = ""


def find_servers(named: Collection[int] = ()) -> list[ModelServer]:
    """The model servers on the usual ports of this host, and whatever listens on the named ones."""
    found = listeners({*USUAL_PORTS, *named})
    servers = []
    for port in dict.fromkeys((*USUAL_PORTS, *named)):
        if addresses := found.get(port):
            server = identify(port, addresses, _ask)
            if server is None and port in named:
                server = ModelServer(OTHER, port, addresses)
            servers += [server] if server else []
    return servers


def way_to(look: Look, profile: str, port: int) -> Way:
    """Try to connect from a gateway's container to a port of this host."""
    facts = look.containers.get(profile)
    if facts is None or facts.state != "running":
        return Way("unknown", look.engine.bridge_address())
    code, output = look.engine.run(facts.id, ["bash", "-c", SCRIPT, "bash", str(port)])
    address = output.strip()
    outcome: Outcome = "unknown" if code < 0 or not address else "open" if code == 0 else "refused"
    return Way("dropped" if code == DROPPED else outcome, address, facts.subnet)


def _ask(host: str, port: int, path: str) -> Mapping[str, Any]:
    answer = GatewayProbe(host, port, None).call("GET", path, seconds=LIMIT, within=LIMIT)
    return answer.body if answer.ok else {}

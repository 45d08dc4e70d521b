"""Examine the model servers on this host, and the gateways' ways to them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from idlehands_deploy.doctor.checks.models import UNIT, NamedModel, Surroundings, check_models
from idlehands_deploy.gateway.model_servers import config_models, host_port
from idlehands_deploy.health.model_servers import find_servers, way_to
from idlehands_deploy.host.network.sockets import own_addresses

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from idlehands_deploy.deployment.look import Look
    from idlehands_deploy.findings import Finding
    from idlehands_deploy.isolation.claims import Setup


def examine_models(look: Look, setups: Sequence[Setup]) -> Iterator[Finding]:
    """What keeps gateways from the models on this host; asks no container if there are none."""
    wanted = [
        (setup, model, port)
        for setup in setups
        for model in config_models(setup.config)
        if (port := host_port(model.url)) is not None
    ]
    servers = find_servers({port for *_, port in wanted})
    if not servers and not wanted:
        return
    named = [
        NamedModel(setup.name, setup.in_config(model.key), model, way_to(look, setup.name, port))
        for setup, model, port in wanted
    ]
    running = next((name for name, facts in look.containers.items() if facts.state == "running"), "")
    ways = {server.port: way_to(look, running, server.port) for server in servers}
    yield from check_models(servers, named, ways, surroundings())


def surroundings() -> Surroundings:
    """What advice on this host depends on."""
    return Surroundings(own_addresses(), Path(UNIT).exists(), shutil.which("ufw") is not None)

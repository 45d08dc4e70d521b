"""Set a gateway up with a model provider: run its own onboarding in its container."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from idlehands_deploy.contract import CONFIG_NAME
from idlehands_deploy.deployment.look import take_look
from idlehands_deploy.doctor.checks.models import out_of_reach
from idlehands_deploy.doctor.models import surroundings
from idlehands_deploy.engine.compose import exec_arguments
from idlehands_deploy.errors import EngineFailedError, UsageError
from idlehands_deploy.gateway.model_servers import KINDS, USUAL_PORTS, config_models, host_port
from idlehands_deploy.gateway.onboarding import auth_choice, local_arguments, onboard_arguments, provider_keys
from idlehands_deploy.health.model_servers import Way, find_servers, way_to
from idlehands_deploy.host.denials import unusable
from idlehands_deploy.host.file_facts import Limits, read_ordinary
from idlehands_deploy.host.network.sockets import own_addresses
from idlehands_deploy.isolation.overrides import check_overrides
from idlehands_deploy.isolation.setups import plan_here, read_setups
from idlehands_deploy.operations.lifecycle import UpResult, restart, up
from idlehands_deploy.remedies import Remedy, ours

if TYPE_CHECKING:
    from collections.abc import Sequence

    from idlehands_deploy.deployment.look import Look
    from idlehands_deploy.deployment.session import Session
    from idlehands_deploy.findings import Finding
    from idlehands_deploy.gateway.model_servers import ModelServer


@dataclass(frozen=True)
class LocalModel:
    """A wish for a model on this host.

    Attributes:
        port: of its server; None for the usual ones.
        model: its name there; empty for the first that the server lists.
    """

    port: int | None = None
    model: str = ""


def onboard(
    session: Session,
    name: str,
    choice: str | None,
    more: Sequence[str],
    timeout: float,
    *,
    terminal: bool,
    local: LocalModel | None = None,
) -> tuple[UpResult, list[Finding]]:
    """Bring a profile up, run its onboarding, and wait until it is usable with its new config.

    Args:
        local: the model on this host to set it up with; nothing is asked then.
        choice: the provider, as the gateway names it; None for that of the profile's first key.
        more: further arguments for the onboarding.
        terminal: whether the onboarding may ask a person.

    Returns:
        The gateway's state, and findings where its new config differs from the plan.

    Raises:
        UsageError: there is no terminal, and no key to choose a provider by; or there is no such model on this host,
            or the gateway does not reach it.
        EngineFailedError: the onboarding failed; its output says why.
        NotReadyError: the gateway is not usable, before or after the onboarding.
    """
    terminal = terminal and local is None
    server = _server(session, name, choice, local) if local else None
    if server and server.is_on_loopback_alone:
        # Only with an engine in a network of its own can a container reach it all the same.
        address = session.engine().bridge_address()
        if address in own_addresses():
            _refuse_out_of_reach(name, server, Way("refused", address))
    if not terminal and choice is None and not server:
        choice = _choice(session, name)
    result = up(session, [name], timeout).usable()
    fleet = session.fleet()
    look = take_look(session, fleet, result.ports)
    if local and server:
        _refuse_out_of_reach(name, server, way_to(look, name, server.port))
        choice = server.kind.choice
        more = [*local_arguments(server, local.model or server.default_model), *more]
    elif terminal:
        _tell_of_servers(look, name)
    base = result.ports.profiles[name].base
    command = ["idlehands", *onboard_arguments(base, None if terminal else choice, more)]
    before = _config(session, name)
    session.progress.close()
    if code := session.compose(fleet).attach(*exec_arguments(name, command, terminal=terminal)):
        raise EngineFailedError(
            f"The onboarding of {name} ended with exit code {code}; see its output above.",
            Remedy("Run it again, or read the gateway's log: ", ours("logs", name, "--tail", "50")),
        )
    if _config(session, name) != before:
        # Otherwise the gateway would restart by itself, shortly after it was reported as ready.
        session.progress.say(f"Restarting {name}: its onboarding changed its config.")
        # The gateway itself wrote it, and checked it then.
        result = restart(session, [name], timeout, force=True).usable()
    setups = [setup for setup in read_setups(session, fleet, result.ports) if setup.name == name]
    return result, [finding for setup in setups for finding in check_overrides(setup)]


def _server(session: Session, name: str, choice: str | None, wish: LocalModel) -> ModelServer:
    """The model server on this host to use.

    Raises:
        UsageError: there is none, there are several, or it has no such model.
    """
    ports = [wish.port] if wish.port else _named_ports(session, name)
    found = [server for server in find_servers(ports) if wish.port in {None, server.port}]
    found = [server for server in found if choice in {None, server.kind.choice} and (server.models or wish.model)]
    if not found:
        tried = f"port {wish.port}" if wish.port else ", ".join(f"{kind.name} on {kind.port}" for kind in KINDS[:-1])
        raise UsageError(
            f"No model server with a model answers on this host: tried {tried}.",
            "Start it, and let it get a model (Ollama: ollama pull NAME). For another port, add: --port PORT",
        )
    if len(found) > 1:
        choices = " or ".join(f"--port {server.port} ({server.kind.name})" for server in found)
        raise UsageError(f"There are {len(found)} model servers on this host.", f"Choose one: {choices}")
    (server,) = found
    known = [*server.models, *(model.removesuffix(":latest") for model in server.models)]
    if (wish.model and server.models and wish.model not in known) or not (wish.model or server.default_model):
        has = ", ".join(server.models)
        raise UsageError(f"{server} has no model {wish.model or 'for chats'}; it has: {has}.", "Choose: --model NAME")
    return server


def _named_ports(session: Session, name: str) -> list[int]:
    """The ports of this host that a profile's config already names for models."""
    if not session.deployment.fleet_file.exists():
        return []
    fleet = session.fleet()
    setups = [setup for setup in read_setups(session, fleet, plan_here(session, fleet)) if setup.name == name]
    ports = [host_port(model.url) for setup in setups for model in config_models(setup.config)]
    return [port for port in ports if port is not None]


def _refuse_out_of_reach(name: str, server: ModelServer, way: Way) -> None:
    if trouble := out_of_reach(server, way, surroundings()):
        what, why, fix = trouble
        again = ours(
            "onboard", name, "--local", *(["--port", str(server.port)] if server.port not in USUAL_PORTS else [])
        )
        raise UsageError(f"{what[0].upper()}{what[1:]}: {why}.", fix.then("   (then again: ", again, ")"))


def _tell_of_servers(look: Look, name: str) -> None:
    """Say where the models of this host are for a gateway, since its onboarding knows the container alone."""
    for server in find_servers():
        trouble = out_of_reach(server, way_to(look, name, server.port), surroundings())
        if trouble:
            what, why, fix = trouble
            look.session.progress.say(f"{what}: {why}.")
            look.session.progress.say(Remedy("  ").then(fix))
        else:
            look.session.progress.say(f"{server} is at {server.url} for this gateway.")


def _config(session: Session, name: str) -> str | None:
    state = session.deployment.state_directory(name)
    try:
        return read_ordinary(state / CONFIG_NAME, Limits((state,)))
    except OSError as error:
        raise unusable("read", state / CONFIG_NAME, error) from None


def _choice(session: Session, name: str) -> str:
    there = session.deployment.fleet_file.exists()
    profile = session.fleet().profiles.get(name) if there else None
    keys = provider_keys(profile.secrets) if profile else []
    if not keys:
        raise UsageError(
            f"No secret of {name} is a provider's key, so there is nothing to set it up with.",
            Remedy(
                "Set one, such as: ",
                ours("secret", "set", name, "OPENAI_API_KEY"),
                "   (or: --auth-choice skip, or --local for a model on this host)",
            ),
        )
    if len(keys) > 1:
        session.progress.say(f"{name} has {len(keys)} providers' keys; its onboarding uses the first, {keys[0]}.")
    return auth_choice(keys[0])

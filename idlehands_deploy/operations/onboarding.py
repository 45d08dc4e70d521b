"""Set a gateway up with a model provider: run its own onboarding in its container."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idlehands_deploy.contract import CONFIG_NAME
from idlehands_deploy.engine.compose import exec_arguments
from idlehands_deploy.errors import EngineFailedError, UsageError
from idlehands_deploy.gateway.onboarding import auth_choice, onboard_arguments, provider_keys
from idlehands_deploy.host.files import read_text
from idlehands_deploy.isolation.overrides import check_overrides
from idlehands_deploy.isolation.setups import read_setups
from idlehands_deploy.operations.lifecycle import UpResult, restart, up
from idlehands_deploy.remedies import Remedy, ours

if TYPE_CHECKING:
    from collections.abc import Sequence

    from idlehands_deploy.deployment.session import Session
    from idlehands_deploy.findings import Finding


def onboard(
    session: Session, name: str, choice: str | None, more: Sequence[str], timeout: float, *, terminal: bool
) -> tuple[UpResult, list[Finding]]:
    """Bring a profile up, run its onboarding, and wait until it is usable with its new config.

    Args:
        choice: the provider, as the gateway names it; None for that of the profile's first key.
        more: further arguments for the onboarding.
        terminal: whether the onboarding may ask a person.

    Returns:
        The gateway's state, and findings where its new config differs from the plan.

    Raises:
        UsageError: there is no terminal, and no key to choose a provider by.
        EngineFailedError: the onboarding failed; its output says why.
        NotReadyError: the gateway is not usable, before or after the onboarding.
    """
    if not terminal and choice is None:
        choice = _choice(session, name)
    result = up(session, [name], timeout).usable()
    fleet = session.fleet()
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


def _config(session: Session, name: str) -> str | None:
    return read_text(session.deployment.state_directory(name) / CONFIG_NAME)


def _choice(session: Session, name: str) -> str:
    there = session.deployment.fleet_file.exists()
    profile = session.fleet().profiles.get(name) if there else None
    keys = provider_keys(profile.secrets) if profile else []
    if not keys:
        raise UsageError(
            f"No secret of {name} is a provider's key, so there is nothing to set it up with.",
            f"Write one to secrets/{name}/OPENAI_API_KEY and name it under profiles.{name}.secrets in fleet.yaml, "
            "or choose: --auth-choice skip",
        )
    if len(keys) > 1:
        session.progress.say(f"{name} has {len(keys)} providers' keys; its onboarding uses the first, {keys[0]}.")
    return auth_choice(keys[0])

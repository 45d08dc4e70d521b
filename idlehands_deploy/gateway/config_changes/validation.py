"""What a gateway says of a config, and what it refuses at its start without saying so before."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from idlehands_deploy.contract import CONFIG_NAME, STATE_TARGET, TOKEN_SECRET
from idlehands_deploy.errors import Problem
from idlehands_deploy.text import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from idlehands_deploy.gateway.config import GatewayConfig

# The gateway's own validation (2026.9.6), which only reads.
VALIDATE = ("idlehands", "config", "validate", "--json")
# At its start a gateway first brings a config of an older version up to date, if that is in one file and becomes
# valid by it. Its validation refuses such a config, so that this is tried on a copy: it is done before the first line
# of the gateway proper.
MIGRATED = "the gateway brings this config up to date at its start"
TRY_MIGRATION = ("bash", "-c", rf"""
mkdir -m 0700 /tmp/try && cp {STATE_TARGET}/{CONFIG_NAME} /tmp/try/ && cd /tmp/try || exit
export IDLEHANDS_STATE_DIR=/tmp/try IDLEHANDS_CONFIG_PATH=/tmp/try/{CONFIG_NAME} {TOKEN_SECRET}=try
while read -r line; do
    [[ $line != *"[gateway]"* ]] || break
done < <(idlehands gateway 2>&1)
cmp -s {CONFIG_NAME} {STATE_TARGET}/{CONFIG_NAME} || echo "{MIGRATED}"
""")  # fmt: skip
# More problems than a person reads at once.
MOST = 20
# Braces before the judgement: each could be its beginning, and costs a reading of the rest.
MOST_BRACES = 100


def read_validation(output: str) -> tuple[Problem, ...] | None:
    """The problems that a gateway's validation found; None if it made no judgement.

    Args:
        output: its standard output.
    """
    said = _document(output)
    if said.get("valid") is True:
        return ()
    issues = said.get("issues")
    # Without issues it failed for another reason than the config.
    if said.get("valid") is not False or not isinstance(issues, list) or not issues:
        return None
    found = [
        Problem(_key(issue.get("path")), plain(issue.get("message") or "is refused"))
        for issue in issues
        if isinstance(issue, dict)
    ]
    return tuple(dict.fromkeys(found[:MOST]))


def own_problems(config: GatewayConfig) -> Iterator[Problem]:
    """What is wrong with a config that needs no gateway to see: flaws, and what the validation passes."""
    for flaw in config.flaws:
        yield Problem("", flaw)
    mode = config.get("gateway", "mode")
    if config.unreadable or config.flaws or mode == "local":
        return
    # The validation (2026.9.6) passes these, and the start ends with exit code 78.
    yield Problem("gateway.mode", "is missing" if mode is None else "is not local, so that no gateway starts")


def _key(path: object) -> str:
    return "" if path in {None, "<root>"} else plain(path)


def _document(output: str) -> dict[str, Any]:
    """The judgement in an output that may hold other lines."""
    at = -1
    for _ in range(MOST_BRACES):
        at = output.find("{", at + 1)
        if at < 0:
            break
        try:
            found, _ = json.JSONDecoder().raw_decode(output, at)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, dict) and "valid" in found:
            return found
    return {}

from __future__ import annotations

from pathlib import Path

import pytest

from idlehands_deploy.deployment.directory import Deployment
from idlehands_deploy.health.held import host_text, told_for_host
from idlehands_deploy.health.verdict import Verdict

HERE = Deployment(Path("/srv/my bots"))
INSIDE = "/home/idlehands/.idlehands"
STATE, SECRETS = "/srv/my bots/profiles/main/state", "/srv/my bots/secrets/main"
UP = "; then: idlehands-deploy up main"
# What the image says, what is told, and the command.
TABLE = {
    f"state directory {INSIDE} is not writable for uid 1000, because it belongs to uid 4321: on the host, "
    "chown -R 1000 the directory mounted there, or run the container with --user 4321": (
        f"state directory {STATE} is not writable for uid 1000, because it belongs to uid 4321",
        f"sudo chown -R 1000 '{STATE}'{UP}",
    ),
    "workspace /home/idlehands/workspace is not writable although it belongs to uid 1000: mount it without :ro, "
    "or on the host chmod u+rwx the directory mounted there": (
        "workspace /srv/my bots/profiles/main/workspace is not writable although it belongs to uid 1000",
        f"sudo chmod u+rwx '/srv/my bots/profiles/main/workspace'{UP}",
    ),
    f"{INSIDE}/credentials/stray is not readable and writable for uid 1000, because it belongs to uid 0: on the host, "
    f"chown -R 1000 the directory mounted at {INSIDE}": (
        f"{STATE}/credentials/stray is not readable and writable for uid 1000, because it belongs to uid 0",
        f"sudo chown -R 1000 '{STATE}'{UP}",
    ),
    "secret /run/secrets/A_KEY is not readable for uid 1000: on the host, chown it to 1000": (
        f"secret {SECRETS}/A_KEY is not readable for uid 1000",
        f"sudo chown 1000 '{SECRETS}/A_KEY'{UP}",
    ),
    "secret /run/secrets/A_KEY is empty: write its value into the file mounted there, and restart the container": (
        f"secret {SECRETS}/A_KEY is empty",
        f"write its value into '{SECRETS}/A_KEY'{UP}",
    ),
    "secret /run/secrets/A_KEY is UTF-16 text, not UTF-8: write its value into the file mounted there, and restart the "
    "container": (f"secret {SECRETS}/A_KEY is UTF-16 text, not UTF-8", f"write its value into '{SECRETS}/A_KEY'{UP}"),
    "token file /run/secrets/IDLEHANDS_GATEWAY_TOKEN holds only white space (uid 1000): write the gateway token into "
    "it, and restart the container": (
        f"token file {SECRETS}/IDLEHANDS_GATEWAY_TOKEN holds only white space (uid 1000)",
        f"rm '{SECRETS}/IDLEHANDS_GATEWAY_TOKEN'   (a new one is made){UP}",
    ),
    f"state directory {INSIDE} has 3 MB free, but 16 MB are needed: free some space on the host": (
        f"state directory {STATE} has 3 MB free, but 16 MB are needed",
        f"df -h '{STATE}'   (free some space there){UP}",
    ),
    f"exit code 78: config {INSIDE}/idlehands.json is damaged (JSON5: invalid end of input at 2:1): fix it": (
        f"exit code 78: config {STATE}/idlehands.json is damaged (JSON5: invalid end of input at 2:1)",
        "idlehands-deploy config edit main",
    ),
    f"exit code 78: config {INSIDE}/idlehands.json is damaged (JSON5: x): fix it, or restore the one of the last "
    f"start: cp -p idlehands.json.last-start idlehands.json in the directory mounted at {INSIDE}": (
        f"exit code 78: config {STATE}/idlehands.json is damaged (JSON5: x)",
        "idlehands-deploy config edit main   (or go back to the one of its last start: "
        f"cp -p '{STATE}/idlehands.json.last-start' '{STATE}/idlehands.json')",
    ),
    # Several at once, and one that nobody knows, keep the image's own advice.
    "secret /run/secrets/A is empty: write its value into the file mounted there, and restart the container "
    "secret /run/secrets/B is empty: write its value into the file mounted there, and restart the container": (
        f"secret {SECRETS}/A is empty: write its value into the file mounted there, and restart the container "
        f"secret {SECRETS}/B is empty: write its value into the file mounted there, and restart the container",
        "idlehands-deploy doctor",
    ),
}


@pytest.mark.parametrize("said", TABLE)
def test_what_a_container_says_is_told_with_the_host_s_paths_and_a_command(said: str) -> None:
    failing = ("config",) if said.startswith("exit code 78") else ("surroundings",)
    verdict = Verdict("main", "misconfigured", said, failing)
    told = told_for_host(verdict, HERE)
    reason, remedy = TABLE[said]
    assert (told.reason, str(told.remedy) or "idlehands-deploy doctor") == (reason, remedy)
    assert (told.state, told.failing) == (verdict.state, verdict.failing)


def test_other_verdicts_stay_as_they_are() -> None:
    verdict = Verdict("main", "degraded", f"{INSIDE} is full", ("disk",))
    assert told_for_host(verdict, HERE) is verdict


def test_only_whole_paths_are_replaced() -> None:
    said = f"/x{INSIDE} {INSIDE}-other {INSIDE}/x {INSIDE}: y"
    other = "/srv/my bots/profiles/main/home/.idlehands-other"
    assert host_text(said, "main", HERE) == f"/x{INSIDE} {other} {STATE}/x {STATE}: y"

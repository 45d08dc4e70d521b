"""What a container says that holds its gateway back, told for the host: its own paths mean nothing there."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

from idlehands_deploy.contract import SECRETS_TARGET
from idlehands_deploy.remedies import Remedy, ours

if TYPE_CHECKING:
    from pathlib import Path

    from idlehands_deploy.deployment.directory import Deployment
    from idlehands_deploy.health.verdict import Verdict

# The image's sentences, each with the command that mends it here. What follows the colon is its own advice, which has
# to do without the host's paths. Each must be the whole: a container can have several problems.
_DIRECTORY = r"(?P<what>(?:state directory|workspace) (?P<path>/\S+) is not writable"
_OWNER = r"for uid (?P<uid>\d+), because it belongs to uid \d+): on the host, chown -R \d+ the directory mounted "
_MENDS: tuple[tuple[str, str], ...] = (
    (rf"{_DIRECTORY} {_OWNER}there, or run the container with --user \d+", "sudo chown -R {uid} {path}"),
    (
        rf"{_DIRECTORY} although it belongs to uid (?P<uid>\d+)): "
        r"mount it without :ro, or on the host chmod u\+rwx the directory mounted there",
        "sudo chmod u+rwx {path}",
    ),
    (rf"(?P<what>/\S+ is not readable and writable {_OWNER}at (?P<path>/\S+)", "sudo chown -R {uid} {path}"),
    (
        r"(?P<what>(?:config|secret|token file) (?P<path>/\S+) is not readable for uid (?P<uid>\d+)): "
        r"on the host, chown it to \d+",
        "sudo chown {uid} {path}",
    ),
    (
        r"(?P<what>state directory (?P<path>/\S+) has [^:]+): free some space on the host",
        "df -h {path}   (free some space there)",
    ),
    (
        r"(?P<what>secret (?P<path>/\S+) [^:]+): "
        r"write its value into the file mounted there, and restart the container",
        "write its value into {path}",
    ),
    (
        r"(?P<what>token file (?P<path>/\S+) [^:]+ \(uid \d+\)): "
        r"write the gateway token into it, and restart the container",
        "rm {path}   (a new one is made)",
    ),
)
_DAMAGED = r"(?P<what>exit code 78: config (?P<path>/\S+) is (?:missing|damaged \(.*\))): fix it.*"
_COPY = r"cp -p (?P<copy>\S+) \S+ in the directory mounted at (?P<directory>/\S+)"


def told_for_host(verdict: Verdict, deployment: Deployment) -> Verdict:
    """A verdict with the host's paths in place of the container's, and with commands that can be pasted here."""
    if not verdict.is_held:
        return verdict
    place = _Places(deployment, verdict.profile)
    if found := re.fullmatch(_DAMAGED, verdict.reason):
        return replace(verdict, reason=place.translate(found["what"]), remedy=_restored(verdict, place))
    for pattern, command in _MENDS:
        if found := re.fullmatch(pattern, verdict.reason):
            path = shlex.quote(place.translate(found["path"]))
            mend = command.format(path=path, uid=found.groupdict().get("uid"))
            remedy = Remedy(f"{mend}; then: ", ours("up", verdict.profile))
            return replace(verdict, reason=place.translate(found["what"]), remedy=remedy)
    return replace(verdict, reason=place.translate(verdict.reason))


def host_text(text: str, profile: str, deployment: Deployment) -> str:
    """A text of a container with the host's paths."""
    return _Places(deployment, profile).translate(text)


def _restored(verdict: Verdict, place: _Places) -> Remedy:
    remedy = Remedy(ours("config", "edit", verdict.profile))
    if not (found := re.search(_COPY, verdict.reason)):
        return remedy
    config = re.fullmatch(_DAMAGED, verdict.reason)
    inside = config["path"] if config else ""
    files = shlex.join(place.translate(path) for path in (f"{found['directory']}/{found['copy']}", inside))
    return remedy.then(f"   (or go back to the one of its last start: cp -p {files})")


class _Places:
    """A profile's files here, by their paths in its container."""

    def __init__(self, deployment: Deployment, profile: str) -> None:
        self._places: dict[str, Path] = {
            SECRETS_TARGET: deployment.secrets_directory(profile),
            **deployment.mounted(profile),
        }

    def translate(self, text: str) -> str:
        """A text with the host's paths."""
        for inside, outside in self._places.items():
            text = re.sub(rf"(?<![\w./-]){re.escape(inside)}(?![\w.-])", str(outside).replace("\\", r"\\"), text)
        return text

"""The limits of the watch's service: it reads what gateways write, which may be hostile, and it may be root's."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from idlehands_deploy.targets.unit_words import listed_path

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

# Gateways' directories are closed to others, and root's files in another user's deployment become that user's.
ROOT_CAPABILITIES = ("CAP_CHOWN", "CAP_DAC_OVERRIDE")
LOW_PORT = "CAP_NET_BIND_SERVICE"
TEMPORARY = re.compile(r"(\w+://)?(/var)?/tmp/")
# These work without root, and so in a user's service manager as well.
# - AF_NETLINK: to list this host's addresses.
# - MemoryMax: several times what a watch and Compose take.
# - TasksMax: a gateway whose answers never end holds up to eight threads on each of its ports.
# - No MemoryDenyWriteExecute: a person's command for notifications may be Node or Java, which compile as they run.
LIMITS = """\
LockPersonality=yes
MemoryMax=1G
NoNewPrivileges=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallErrorNumber=EPERM
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
TasksMax=2048
UMask=0077
"""
# - ProtectHome: this tool, Docker's contexts and native gateways may be in home directories.
# - ReadOnlyPaths: ProtectSystem=strict leaves /run writable, where units and much else of root's may be. Sockets serve
#   as before.
# - No ProtectProc, no ProcSubset: memory and CPU of gateways are read from their control groups.
SYSTEM_LIMITS = """\
PrivateDevices=yes
PrivateMounts=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHome=read-only
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectSystem=strict
ReadOnlyPaths=/run
"""


def watch_limits(
    directory: Path, command: Sequence[str], environ: Mapping[str, str], *, user: bool, is_root: bool
) -> str:
    """The lines of a unit that limit its watch.

    Args:
        directory: the deployment's, which alone stays writable.
        user: whether it is for a user's service manager, which can set up none of the limits on files.
        is_root: whether root runs the watch.
    """
    if user:
        return LIMITS
    capabilities = (*ROOT_CAPABILITIES, *([LOW_PORT] if _has_low_port(command) else [])) if is_root else ()
    lines = [f"CapabilityBoundingSet={' '.join(capabilities)}\n", LIMITS]
    # Later lines add to the filter, and take from it.
    lines += ["SystemCallFilter=@chown\n"] if is_root else []
    # A /tmp of its own would hide what is there. The host's is read-only, like all else.
    uses_temporary = any(map(TEMPORARY.match, (f"{directory}/", *command, *environ.values())))
    lines += [] if uses_temporary else ["PrivateTmp=yes\n"]
    return "".join([*lines, SYSTEM_LIMITS, f"ReadWritePaths={listed_path(directory)}\n"])


def _has_low_port(command: Sequence[str]) -> bool:
    """Whether the watch listens where only root may."""
    addresses = [value for option, value in pairwise(command) if option in {"--metrics", "--dashboard"}]
    return any(int(address.rpartition(":")[2]) < 1024 for address in addresses)

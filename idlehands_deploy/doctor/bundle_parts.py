"""The parts of a bug report that need no engine: files as outlines, directories as listings, the host as facts."""

from __future__ import annotations

import difflib
import json
import os
import platform
import re
import shutil
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from idlehands_deploy.contract import CONFIG_NAME, TOKEN_SECRET
from idlehands_deploy.deployment.directory import read_text
from idlehands_deploy.errors import DeployError
from idlehands_deploy.fleet.file import read_data
from idlehands_deploy.gateway.config import parse_json5
from idlehands_deploy.planning.draft import make_draft
from idlehands_deploy.redaction.allowlist import COMPOSE_FILE, FLEET_FILE, GATEWAY_CONFIG, outline
from idlehands_deploy.redaction.known_secrets import read_plain
from idlehands_deploy.targets.compose import GENERATED, SECCOMP_FILE, render, secret_names
from idlehands_deploy.targets.seccomp import seccomp_text

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from idlehands_deploy.deployment.directory import Deployment
    from idlehands_deploy.deployment.session import Session

    # Redacts the texts of an outline.
    Clean = Callable[[Any], Any]

NOTHING = "There is no such file.\n"
# What every gateway has in its state; the name of anything else may be somebody's affair.
_WELL_KNOWN = frozenset({
    CONFIG_NAME, f"{CONFIG_NAME}.last-start", f"{CONFIG_NAME}.bak", "openclaw.json", "config-journal-fingerprint.key",
    "agents", "backups", "browser", "cache", "canvas", "completions", "credentials", "cron", "devices", "extensions",
    "hooks", "identity", "logs", "media", "memory", "nodes", "npm", "plugins", "sandbox", "sandboxes", "secrets",
    "sessions", "skills", "state", "tasks", "tmp", "workspace", "lost+found",
})  # fmt: skip
_KERNEL = (
    "kernel/unprivileged_userns_clone", "kernel/apparmor_restrict_unprivileged_userns", "user/max_user_namespaces",
    "kernel/pid_max", "kernel/threads-max", "vm/overcommit_memory", "fs/file-max", "fs/inotify/max_user_instances",
    "fs/inotify/max_user_watches", "net/ipv4/ip_forward", "net/ipv4/ip_local_port_range",
)  # fmt: skip
# Counting goes no further in a directory; an old gateway's browser has a hundred thousand files.
MOST_COUNTED = 20_000


def fleet_text(deployment: Deployment, names: Collection[str], clean: Clean) -> str:
    """The fleet file's structure, without its comments and its private values."""
    text = read_text(deployment.fleet_file)
    if text is None:
        return NOTHING
    return _yaml(clean(outline(read_data(text, deployment.fleet_file.name), FLEET_FILE, names)))


def compose_text(deployment: Deployment, names: Collection[str], clean: Clean) -> str:
    """The Compose file's structure, without the values of its variables."""
    text = read_text(deployment.compose_file)
    if text is None:
        return NOTHING
    own = "" if text.startswith(GENERATED) else "# Not a file that idlehands-deploy generated.\n"
    return own + _compose_outline(text, names, clean)


def difference(session: Session, names: Collection[str], clean: Clean) -> str:
    """What ``generate`` would change."""
    deployment = session.deployment
    plan = make_draft(session, session.fleet_text())
    lines = []
    for path, wanted in (
        (deployment.compose_file, plan.compose_text),
        (deployment.root / SECCOMP_FILE, seccomp_text()),
    ):
        found = read_text(path)
        missing = "missing" if found is None else "stale"
        lines.append(f"{path.name}: {'up to date' if found == wanted else missing}")
    found = read_text(deployment.compose_file)
    if found is not None and found != plan.compose_text:
        old, new = (_compose_outline(text, names, clean).splitlines() for text in (found, plan.compose_text))
        changes = list(difflib.unified_diff(old, new, "compose.yaml", "compose.yaml as generated", lineterm=""))
        lines += ["", *(changes or ["(only values that are not shown here, comments or the order differ)"])]
    return "\n".join(lines)


def config_text(deployment: Deployment, name: str, clean: Clean) -> str:
    """A gateway's config as an outline.

    Raises:
        ValueError: it is damaged.
    """
    path = deployment.state_directory(name) / CONFIG_NAME
    path.lstat()  # says whether it is missing or out of reach
    text = read_plain(path)
    if text is None:
        raise ValueError("it is no ordinary file of a config's size")
    return json.dumps(clean(outline(parse_json5(text), GATEWAY_CONFIG)), indent=2)


def secrets_listing(session: Session, name: str) -> str:
    """Names, modes, owners and rounded sizes of a profile's secrets; names that the fleet file has, and no others."""
    try:
        expected = secret_names(session.fleet().profiles[name])
    except (DeployError, KeyError):
        expected = [TOKEN_SECRET]
    directory = session.deployment.secrets_directory(name)
    present = {path.name: path.lstat() for path in directory.iterdir()}
    lines = [_row(directory.lstat(), ".")]
    for secret, found in sorted(present.items()):
        shown = secret if secret in expected else f"(not in the fleet file, a name of {len(secret)} characters)"
        lines.append(_row(found, shown, rounded=True))
    lines += [f"{secret} is missing" for secret in expected if secret not in present]
    return "\n".join(lines)


def state_listing(directory: Path) -> str:
    """What lies in a gateway's state: well-known names with modes, owners and sizes, the rest counted."""
    return "\n".join([_row(directory.lstat(), "."), *_listed(directory, "")])


def host_facts(root: Path) -> dict[str, Any]:
    """The kernel, the distribution, memory and disk of this host."""
    found = platform.uname()
    release = read_text(Path("/etc/os-release")) or ""
    pretty = re.search(r'^PRETTY_NAME="?([^"\n]*)', release, re.MULTILINE)
    memory = re.findall(r"^(MemTotal|MemAvailable|SwapTotal|SwapFree):\s+(\d+)", _proc("meminfo"), re.MULTILINE)
    disk = shutil.disk_usage(root)
    return {
        "kernel": f"{found.system} {found.release} {found.machine}",
        "distribution": pretty.group(1) if pretty else None,
        "cpus": os.cpu_count(),
        "load": [round(number, 2) for number in os.getloadavg()],
        "memory_kib": {name: int(number) for name, number in memory},
        "disk_mib": {"total": disk.total >> 20, "free": disk.free >> 20},
        "cgroup": 2 if Path("/sys/fs/cgroup/cgroup.controllers").exists() else 1,
        "settings": {name: _proc(f"sys/{name}").strip() or None for name in _KERNEL},
        "root": os.geteuid() == 0,
    }


def _yaml(value: Any) -> str:  # noqa: ANN401
    return render(value).removeprefix(_header())


def _header() -> str:
    return render({}).removesuffix("{}\n")


def _compose_outline(text: str, names: Collection[str], clean: Clean) -> str:
    import yaml  # noqa: PLC0415 - only commands that read it back pay for it

    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError:
        raise ValueError("compose.yaml is not YAML") from None
    return _yaml(clean(outline(document, COMPOSE_FILE, {*names, *_secret_sources(document)})))


def _secret_sources(document: object) -> Iterator[str]:
    """The names of a Compose document's secrets, which say whose they are and nothing more."""
    sources = document.get("secrets") if isinstance(document, dict) else None
    for source in sources if isinstance(sources, dict) else ():
        if re.fullmatch(r"[\w-]+\.[A-Z][A-Z_]*", str(source)):
            yield str(source)


def _listed(directory: Path, within: str) -> Iterator[str]:
    others = 0
    with os.scandir(directory) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.name not in _WELL_KNOWN and not re.fullmatch(
                r"(openclaw|idlehands)\.sqlite(-wal|-shm)?", entry.name
            ):
                others += 1
                continue
            name = within + entry.name
            yield _row(entry.stat(follow_symlinks=False), name)
            if name == "state":
                yield from _listed(Path(entry.path), "state/")
            elif entry.is_dir(follow_symlinks=False):
                yield f"{'':32}{_counted(Path(entry.path))}"
    if others:
        yield f"{others} more below {within or './'} whose names are not shown"


def _counted(directory: Path) -> str:
    files = size = 0
    for folder, _, names in os.walk(directory):
        for name in names:
            files += 1
            size += (Path(folder) / name).lstat().st_size
            if files >= MOST_COUNTED:
                return f"more than {MOST_COUNTED} files"
    return f"{files} files, {size >> 10} KiB"


def _row(found: os.stat_result, name: str, *, rounded: bool = False) -> str:
    size = f"<={-(-found.st_size // 32) * 32}" if rounded else str(found.st_size)
    return f"{stat.filemode(found.st_mode)} {found.st_uid}:{found.st_gid:<6} {size:>10}  {name}"


def _proc(name: str) -> str:
    try:
        return (Path("/proc") / name).read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""

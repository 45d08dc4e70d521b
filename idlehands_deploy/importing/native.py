"""A natively installed gateway on this host: what its state directory contains, and whether it is running."""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from idlehands_deploy.errors import Problem, StateRefusedError, UsageError
from idlehands_deploy.gateway.json5_text import FlawError, parse_json5
from idlehands_deploy.host.file_facts import ForeignError, Limits, UnfitError, open_ordinary, read_ordinary_bytes
from idlehands_deploy.importing.rewrite import (
    Move,
    agent_workspaces,
    main_workspace,
    native_port,
    relocate,
    shape_problems,
    state_moves,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG_NAMES = ("idlehands.json", "openclaw.json")
# The state directory's name; a profile's name follows its prefix.
_STATE_NAME = re.compile(r"\.(?:idlehands|openclaw)(?:-(.+))?")
TOKEN_VARIABLES = ("IDLEHANDS_GATEWAY_TOKEN", "OPENCLAW_GATEWAY_TOKEN")


@dataclass(frozen=True)
class Native:
    """A native gateway's files.

    Attributes:
        state: its state directory, with symbolic links resolved.
        given: the same path as the person wrote it, made absolute.
        config_file: the config in it.
        text: the config's text.
        config: the parsed config.
        home: what ``~`` means in it.
        workspace: the main workspace, with symbolic links resolved; it may not exist.
        workspace_named: the same path as in the config; None if the config does not name one.
        others: workspaces outside the two and outside each other, each with its new name in the state directory.
    """

    state: Path
    given: Path
    config_file: Path
    text: str
    config: dict[str, Any]
    home: Path
    workspace: Path
    workspace_named: str | None
    others: dict[Path, str]

    @property
    def moves(self) -> list[Move]:
        """Each of its paths with the path in the container, in every spelling that the config may use."""
        workspaces = {str(self.workspace), *([self.workspace_named] if self.workspace_named else [])}
        others = {str(path): name for path, name in self.others.items()}
        found = state_moves(sorted({str(self.state), str(self.given)}), sorted(workspaces), others)
        longest_first = sorted(found, key=lambda move: len(move.old), reverse=True)
        for written in agent_workspaces(self.config, str(self.home)).values():
            path = str(Path(written).resolve())
            if path != written and (new := relocate(path, longest_first, str(self.home))):
                found += [Move(path, new), Move(written, new)]
        return list(dict.fromkeys(found))

    @property
    def port(self) -> int | None:
        """The base port in its config."""
        return native_port(self.config)


def find_native(directory: Path) -> Native:
    """Read a native gateway's state directory.

    Raises:
        UsageError: it contains no gateway config, or one that cannot be read.
        StateRefusedError: its files do not all belong to one user.
    """
    given = _absolute(directory)
    state = given.resolve()
    config_file = _config_file(state, given)
    text, config = _read_config(config_file, state.stat().st_uid)
    home = given.parent if _STATE_NAME.fullmatch(given.name) else _home_of(state)
    named = main_workspace(config, str(home))
    workspace = Path(named).resolve() if named else _default_workspace(state, given)
    outside: dict[Path, str] = {}
    for agent, written in agent_workspaces(config, str(home)).items():
        path = Path(written).resolve()
        if path.is_dir() and not path.is_relative_to(state) and not path.is_relative_to(workspace):
            outside.setdefault(path, agent)
    others: dict[Path, str] = {}
    for path, agent in outside.items():
        if not outside.keys() & set(path.parents):  # else it is inside another agent's, and stays there
            others[path] = _free_name(state, agent, others)
    native = Native(state, given, config_file, text, config, home, workspace, named, others)
    _refuse_unfit_workspaces(native)
    return native


def env_token(native: Native) -> str | None:
    """The gateway token in the ``.env`` beside the config, which a native gateway reads as well."""
    with suppress(OSError):
        content = read_ordinary_bytes(native.state / ".env", Limits(owner=native.state.stat().st_uid)) or b""
        for line in content.decode(errors="replace").splitlines():
            name, _, value = line.removeprefix("export ").partition("=")
            if name.strip() in TOKEN_VARIABLES and (token := value.strip().strip("\"'")).isascii() and token:
                return token
    return None


def running_evidence(native: Native, state: Path | None = None) -> list[str]:
    """Evidence that a gateway, or one of its commands, uses this state now; empty if there is none.

    Args:
        state: where the state directory has been moved to.
    """
    evidence = [*state_evidence(native.state), *(state_evidence(state) if state and state != native.state else [])]
    if not evidence and native.port is not None and (holder := _port_holder(native.port)):
        evidence.append(f"port {native.port} of its config is held by {holder}")
    return evidence


def state_evidence(state: Path) -> list[str]:
    """Evidence from a state directory alone, without a port."""
    return list(dict.fromkeys([*_database_locks(state), *_lock_files(state)]))


def _absolute(directory: Path) -> Path:
    try:
        return Path(os.path.normpath(directory.expanduser().absolute()))
    except (OSError, RuntimeError) as error:
        raise UsageError(f"{directory}: {error}", "Give the native gateway's state directory with --from.") from None


def _home_of(state: Path) -> Path:
    import pwd  # noqa: PLC0415 - not on every platform

    with suppress(KeyError):
        return Path(pwd.getpwuid(state.stat().st_uid).pw_dir)
    return state.parent


def _config_file(state: Path, given: Path) -> Path:
    try:
        found = [state / name for name in CONFIG_NAMES if (state / name).is_file()]
    except OSError as error:
        raise UsageError(
            f"{given}: cannot be read: {error.strerror}", "Run the command as its owner or as root."
        ) from None
    names = " or ".join(CONFIG_NAMES)
    if not state.is_dir():
        raise UsageError(f"{given}: no such directory", "Give the native gateway's state directory with --from.")
    if not os.access(state, os.R_OK | os.X_OK):
        raise UsageError(f"{given}: you may not read it", "Run the command as its owner or as root.")
    if not found:
        raise UsageError(
            f"{given}: contains no gateway config ({names})",
            "Give the native gateway's state directory with --from, such as ~/.idlehands-rescue.",
        )
    if len(found) > 1:
        raise UsageError(
            f"{given}: contains both {' and '.join(CONFIG_NAMES)}", "Move away the one that the gateway does not use."
        )
    return found[0]


def _read_config(path: Path, owner: int) -> tuple[str, dict[str, Any]]:
    try:
        # A gateway's user must not make root read files which that user may not read.
        text = (read_ordinary_bytes(path, Limits(owner=owner)) or b"").decode()
        config = parse_json5(text)
    except ForeignError as error:
        raise StateRefusedError(
            f"{path} {str(error.strerror).removeprefix('it ')}, but its directory to uid {owner}.",
            f"Give both the same owner: chown {owner} {shlex.quote(str(path))}",
        ) from None
    except UnfitError as error:
        raise UsageError(
            f"{path}: {error.strerror}", f"Check that {path.parent} is the state of a gateway that ran on this host."
        ) from None
    except OSError as error:
        raise UsageError(
            f"{path}: cannot be read: {error.strerror}", "Run the command as its owner or as root."
        ) from None
    except UnicodeDecodeError:
        raise UsageError(f"{path}: is not UTF-8 text", "Save the file as UTF-8.") from None
    except FlawError as error:
        raise UsageError(f"{path}: {error}", "Fix it, or restore its .bak file.") from None
    if problems := shape_problems(config):
        lines = "\n".join(str(Problem(f"{path.name}: {item.path}".rstrip(": "), item.problem)) for item in problems)
        raise UsageError(lines, f"Check that {path.parent} is the state of a gateway that ran on this host.")
    assert isinstance(config, dict)  # noqa: S101 - for the type checker
    return text, config


def _default_workspace(state: Path, given: Path) -> Path:
    """A gateway's workspace if its config names none; older versions had another place."""
    profile = _STATE_NAME.fullmatch(given.name)
    older = [given.parent / f".{kind}" / f"workspace-{profile[1]}" for kind in ("idlehands", "openclaw")] if (
        profile and profile[1]
    ) else []  # fmt: skip
    return next((path for path in [state / "workspace", *older] if path.is_dir()), state / "workspace").resolve()


def _free_name(state: Path, agent: str, others: dict[Path, str]) -> str:
    """The name that the gateway itself gives an agent's workspace, made unique in the state directory."""
    name = "workspace-" + re.sub(r"[^A-Za-z0-9_-]", "-", agent)
    while (state / name).exists() or name in others.values():
        name += "-imported"
    return name


def _refuse_unfit_workspaces(native: Native) -> None:
    owner = native.state.stat().st_uid
    for path in (native.workspace, *native.others):
        if native.state.is_relative_to(path):
            raise UsageError(
                f"{native.config_file.name}: the workspace {path} contains the state directory",
                "Give that gateway a separate workspace first.",
            )
        # A gateway's user must not make root copy files which that user may not read.
        if path.is_dir() and path.stat().st_uid != owner:
            raise StateRefusedError(
                f"The workspace {path} belongs to uid {path.stat().st_uid}, but the state to uid {owner}.",
                f"Give both the same owner: chown -R {owner} {shlex.quote(str(path))}",
            )


def _database_locks(state: Path) -> Iterator[str]:
    """Processes with a lock on a database: the kernel releases a lock when its process ends, however it ends."""
    if sys.platform != "linux":
        return
    held: dict[int, list[str]] = {}
    for pattern in ("state/*.sqlite*", "agents/*/agent/*.sqlite*", "tmp/*/*.sqlite*"):
        for path in sorted(state.glob(pattern)):
            if pid := _lock_holder(path):
                held.setdefault(pid, []).append(str(path.relative_to(state)))
    for pid, paths in held.items():
        more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        yield f"{_process(pid)} has {paths[0]}{more} locked"


def _lock_holder(path: Path) -> int | None:
    """The pid that holds a lock on a file; -1 if the pid is unknown, None if there is no lock."""
    import fcntl  # noqa: PLC0415 - not on every platform
    import struct  # noqa: PLC0415

    try:
        # Nothing of it is read, so that it may be of any size.
        with open_ordinary(path, Limits(links=False, largest=sys.maxsize)) as file:
            question = struct.pack("hhqqi", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
            kind, _, _, _, pid = struct.unpack("hhqqi", fcntl.fcntl(file, fcntl.F_GETLK, question))
    except OSError:
        return None
    if kind == fcntl.F_UNLCK:
        return None
    return pid or -1


def _lock_files(state: Path) -> Iterator[str]:
    """The gateway's lock files that name a running process which is older than the file."""
    import psutil  # noqa: PLC0415 - only this command pays for it

    for path in sorted(state.glob("tmp/*/gateway.*.lock")):
        with suppress(OSError, ValueError, TypeError, KeyError, RecursionError, OverflowError, psutil.Error):
            pid = json.loads(read_ordinary_bytes(path, Limits((state,))) or b"")["pid"]
            process = psutil.Process(pid)
            if process.cmdline() and process.create_time() <= path.stat().st_mtime:
                yield f"{_process(pid)} is named in {path.relative_to(state)}"


def _port_holder(port: int) -> str | None:
    from idlehands_deploy.host.network.sockets import process_on  # noqa: PLC0415

    holder = process_on(port)
    # A container's port belongs to another gateway: this one is native.
    return None if holder is None or holder.startswith("docker-proxy ") else holder


def _process(pid: int) -> str:
    import psutil  # noqa: PLC0415

    with suppress(psutil.Error, ValueError):
        return f"{psutil.Process(pid).name()} (pid {pid})"
    return f"a process (pid {pid})" if pid > 0 else "a process that this user cannot see"

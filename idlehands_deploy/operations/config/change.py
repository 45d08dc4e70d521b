"""`config set`, `config unset`, and what becomes of a change that was saved."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from idlehands_deploy.errors import ConfigError, UsageError
from idlehands_deploy.gateway.config_changes.edit import read_path, read_value, with_value, without
from idlehands_deploy.gateway.config_changes.owner import find_owner
from idlehands_deploy.gateway.config_changes.reload import Reload, read_reload
from idlehands_deploy.gateway.json5_text import FlawError
from idlehands_deploy.operations.config.check import check_drafts, find_look
from idlehands_deploy.operations.config.files import ConfigFiles
from idlehands_deploy.remedies import Remedy, ours

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from idlehands_deploy.deployment.look import Look
    from idlehands_deploy.deployment.session import Session
    from idlehands_deploy.errors import Problem
    from idlehands_deploy.gateway.config_changes.edit import Edited
    from idlehands_deploy.gateway.config_changes.edit import Path as Keys
    from idlehands_deploy.health.config_check import ConfigCheck
    from idlehands_deploy.remedies import Command

# A gateway reads an edit one to two seconds after it, and says within another what it does about it; seconds.
READ, SAID = 8.0, 3.0
PAUSE = 0.25
LOG_LINES = 200


@dataclass(frozen=True)
class Saved:
    """A change of a config that is on disk.

    Attributes:
        file: that was changed, on this host; None if there was nothing to change.
        lost: comments that stood inside of what was replaced.
        left: problems that the config had before, too.
        is_asked: whether the gateway itself was asked.
        effect: what takes effect when, and the next command.
    """

    file: Path | None
    effect: Remedy = Remedy()  # noqa: RUF009 - a value
    lost: tuple[str, ...] = ()
    left: tuple[Problem, ...] = ()
    is_asked: bool = True


def set_value(session: Session, name: str, key: str, text: str) -> Saved:
    """Set one value of a config, in the file in which it takes effect.

    Args:
        key: a dotted path.
        text: the value, as JSON5; any other text is that text.

    Raises:
        UsageError: the key or the value is none, or the config cannot hold it.
        ConfigError: the gateway would refuse it; nothing was changed.
        StateRefusedError: somebody else changed the file meanwhile; nothing was changed.
    """
    with told(name, key):
        value = read_value(text)
    retry = ours("config", "set", name, key, text)
    return _change(ConfigFiles.of(session, name), key, lambda before, path: with_value(before, path, value), retry)


def unset_value(session: Session, name: str, key: str) -> Saved:
    """Take one value out of a config, from the file in which it stands.

    Raises:
        UsageError, ConfigError, StateRefusedError: as for `set_value`.
    """
    return _change(ConfigFiles.of(session, name), key, without, ours("config", "unset", name, key))


def _change(files: ConfigFiles, key: str, edit: Callable[[str, Keys], Edited], retry: Command) -> Saved:
    session, name = files.session, files.name
    with told(name, key):
        file, inner = find_owner(files.main, read_path(key), files.reader, files.mounts)
        before = files.read(file)
        edited = edit(before.content.decode(), inner)
    if edited.text.encode() == before.content:
        return Saved(None)
    look = find_look(session)
    found = check_drafts(files, look, {file: edited.text})
    left = _old_problems(files, look, found)
    if new := [problem for problem in found.problems if problem not in left]:
        raise refused(name, key, new)
    began = time.time()
    if not files.save(file, edited.text, before):
        raise files.changed_meanwhile(file, Remedy("Try it again: ", retry))
    return Saved(file, effect_of(look, name, began), edited.lost, left, found.is_its_own)


@contextmanager
def told(name: str, key: str) -> Iterator[None]:
    """What is wrong with a key, a value or a file as an error for the person who named them."""
    remedy = Remedy("Look at the config: ", ours("config", "show", name))
    try:
        yield
    except UnicodeDecodeError:
        raise UsageError(f"The config of {name} is not UTF-8 text.", remedy) from None
    except (FlawError, OSError) as error:
        raise UsageError(f"{key or 'The key'} {error}.", remedy) from None


def refused(name: str, key: str, problems: list[Problem]) -> ConfigError:
    """The error for a value that the gateway would refuse."""
    what = f"{name} would not start with this {key}; nothing was changed:"
    return ConfigError(what, problems, Remedy("Look at the whole: ", ours("config", "show", name)))


def effect_of(look: Look | None, name: str, began: float) -> Remedy:
    """What a gateway does about a change, in its own words if it says so.

    Args:
        began: just before the change was saved, in seconds since 1970.
    """
    state = look.state(name) if look else ""
    if look is None or state not in {"running", "restarting"}:
        return Remedy(f"It takes effect when {name} starts: ", ours("up", name))
    facts = look.containers[name]
    look.session.progress.update(name, "waiting for what it says of the change")
    deadline, seen = time.monotonic() + READ, False
    while True:
        reload = read_reload(look.engine.last_logs(facts.id, LOG_LINES, since=began))
        if reload.effect == "seen" and not seen:
            deadline, seen = time.monotonic() + SAID, True
        if reload.is_final or time.monotonic() > deadline:
            return _worded(name, reload)
        time.sleep(PAUSE)


def _worded(name: str, reload: Reload) -> Remedy:
    what, restart = reload.what, ours("restart", name)
    words: dict[str, Remedy] = {
        "applied": Remedy(f"{name} applied it while running: {what}."),
        "seen": Remedy(f"{name} has read it while running: {what}."),
        "restarts": Remedy(f"{name} restarts by itself for {what}. Wait for it: ", ours("health", name, "--wait")),
        "starts": Remedy(f"{name} starts with it now. Wait for it: ", ours("health", name, "--wait")),
        "waits": Remedy(f"{name} restarts by itself for {what}, once {reload.more} is done."),
        "off": Remedy("gateway.reload.mode is off, so that it takes effect after: ", restart),
        "refused": Remedy(f"{name} refuses it and goes on as before: {what}. Mend it: ", ours("config", "edit", name)),
        "unseen": Remedy(f"{name} has not said what it does about it. To be certain: ", restart),
    }
    return words[reload.effect]


def _old_problems(files: ConfigFiles, look: Look | None, found: ConfigCheck) -> tuple[Problem, ...]:
    """Those of the problems that the config on disk has too, so that each can be mended by itself."""
    if not found.problems:
        return ()
    before = check_drafts(files, look, {}).problems
    return tuple(problem for problem in found.problems if problem in before)

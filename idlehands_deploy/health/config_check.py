"""Whether a gateway would start with its config: what it accepted before, what is plain to see, and its own word."""

from __future__ import annotations

import os
import shlex
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from idlehands_deploy.contract import CONFIG_NAME, HOME_TARGET, STATE_TARGET
from idlehands_deploy.deployment.profile_files import container_user
from idlehands_deploy.errors import Problem
from idlehands_deploy.gateway.config_changes.validation import (
    MIGRATED,
    TRY_MIGRATION,
    VALIDATE,
    own_problems,
    read_validation,
)
from idlehands_deploy.host.file_facts import resolved
from idlehands_deploy.host.owned_files import read_version
from idlehands_deploy.isolation.setups import read_profile_config
from idlehands_deploy.remedies import Remedy, ours
from idlehands_deploy.targets.compose import SCRATCH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from idlehands_deploy.deployment.directory import Deployment
    from idlehands_deploy.engine.client import Engine
    from idlehands_deploy.fleet.model import Fleet
    from idlehands_deploy.gateway.config import GatewayConfig

# The image's copy of the config that the gateway started with last, and the gateway's of the one that it accepted last.
LAST_START = f"{CONFIG_NAME}.last-start"
ACCEPTED = (f"{CONFIG_NAME}.last-good", LAST_START)
# What a power cut, or an editor, leaves of a file.
BLANK = b"\0 \t\r\n"
# The validation takes five seconds; a small board several times that.
SECONDS = 240


@dataclass(frozen=True)
class ConfigCheck:
    """The judgement of one config.

    Attributes:
        problems: why the gateway would not start with it; their paths are keys in it.
        is_its_own: whether the gateway itself was asked, or accepted this config before.
        accepted_copy: the last config that it accepted, if this is not it.
    """

    profile: str
    file: Path
    problems: tuple[Problem, ...] = ()
    is_its_own: bool = True
    accepted_copy: Path | None = None

    @property
    def remedies(self) -> list[Remedy]:
        """The ways to a config that is accepted."""
        ways = [Remedy("Mend it: ", ours("config", "edit", self.profile))]
        if not self.file.exists():
            ways = [Remedy("Make the first one again: ", ours("generate"))]
        if self.accepted_copy:
            files = shlex.join((str(self.accepted_copy), str(self.file)))
            ways.append(Remedy(f"Or go back to the one that it accepted last: cp -p {files}"))
        return ways


@dataclass(frozen=True)
class ConfigJudge:
    """Judges the configs of a fleet.

    Attributes:
        engine: None if it cannot be asked, so that only what is plain to see is judged.
        drafts: texts to judge in place of files, by their path on this host.
    """

    deployment: Deployment
    fleet: Fleet
    engine: Engine | None
    drafts: Mapping[Path, str] = field(default_factory=dict)

    def file(self, name: str) -> Path:
        """A profile's config on this host."""
        return resolved(self.deployment.state_directory(name)) / CONFIG_NAME

    def check(
        self, name: str, image: str | None, *, again: bool = False, tell: Callable[[], None] = lambda: None
    ) -> ConfigCheck:
        """Judge one config; the gateway is asked only about one that it has not accepted before.

        Args:
            image: that its gateway would start from, by name or id; None if there is none yet.
            again: ask the gateway in any case.
            tell: called before that, which takes seconds.
        """
        file = self.file(name)
        copy = next((path for other in ACCEPTED if _content(path := file.with_name(other))), None)
        config = self.read(name)
        if config is None:
            return ConfigCheck(name, file, (Problem("", "does not exist"),), accepted_copy=copy)
        plain = tuple(own_problems(config))
        if self.is_accepted(name, config) and not again:
            return ConfigCheck(name, file, plain)
        if self._is_restored(file):
            return ConfigCheck(name, file)
        said = None
        if image and self.engine:
            tell()
            said = self._ask(name, image, config)
        if said is None:
            return ConfigCheck(name, file, plain, is_its_own=False, accepted_copy=copy)
        if config.flaws:  # ours names the line, but the gateway's own reading counts
            return ConfigCheck(name, file, plain if said else (), accepted_copy=copy)
        return ConfigCheck(name, file, tuple(dict.fromkeys((*said, *plain))), accepted_copy=copy)

    def read(self, name: str) -> GatewayConfig | None:
        """A profile's config as this user can read it; None if there is none yet."""
        return read_profile_config(self.deployment, name, self.fleet.profiles[name], drafts=self.drafts)

    def is_accepted(self, name: str, config: GatewayConfig) -> bool:
        """Whether the gateway has accepted exactly this config before, with the files that it includes."""
        file = self.file(name)
        content = _content(file)
        if content is None or self.drafts:
            return False
        copies = [path for other in ACCEPTED if _content(path := file.with_name(other)) == content]
        included = max((_changed(path) for path in config.includes), default=0)
        return any(_changed(path) >= included for path in copies)

    @staticmethod
    def _is_restored(file: Path) -> bool:
        """Whether the image restores the config of the last start: a power cut has emptied this one."""
        content = _content(file)
        return content is not None and not content.strip(BLANK) and bool(_content(file.with_name(LAST_START)))

    def _ask(self, name: str, image: str, config: GatewayConfig) -> tuple[Problem, ...] | None:
        """The gateway's own judgement; None if it makes none."""
        output = self._run(name, image, VALIDATE)
        problems = None if output is None else read_validation(output)
        may_migrate = problems and not (config.flaws or config.includes or config.unreadable)
        if may_migrate and MIGRATED in (self._run(name, image, TRY_MIGRATION) or ""):
            return ()
        return problems

    def _run(self, name: str, image: str, command: Sequence[str]) -> str | None:
        """The output of a command in a container that sees the profile's state, and can change nothing."""
        from idlehands_deploy.engine.one_off import OneOff  # noqa: PLC0415 - docker is slow to load

        if self.engine is None:
            return None
        profile = self.fleet.profiles[name]
        user = profile.user_or(container_user(self.fleet, self.deployment))
        state = resolved(self.deployment.state_directory(name))
        scratch = dict(entry.split(":", 1) for entry in (*SCRATCH, f"{HOME_TARGET}:mode=1777,size=64m"))
        with self._drafted(state, user) as drafts:
            mounts = {state: STATE_TARGET} | drafts
            return self.engine.run_one_off(OneOff(image, command, user, profile.environment, mounts, scratch), SECONDS)

    @contextmanager
    def _drafted(self, state: Path, user: str) -> Iterator[dict[Path, str]]:
        """The drafts as files that the container's user can read, by their place in the container."""
        if not self.drafts:
            yield {}
            return
        # Beside the profiles: the engine sees this directory, whatever else it sees.
        with tempfile.TemporaryDirectory(prefix=".config-", dir=self.deployment.root) as directory:
            mounts = {}
            for number, (path, text) in enumerate(self.drafts.items()):
                copy = Path(directory) / str(number)
                copy.write_text(text, encoding="utf-8", newline="")
                copy.chmod(0o600)
                if os.geteuid() == 0:
                    os.chown(copy, *map(int, user.split(":")))
                mounts[copy] = str(PurePosixPath(STATE_TARGET) / path.relative_to(state))
            yield mounts


def _content(path: Path) -> bytes | None:
    try:
        found = read_version(path)
    except OSError:
        return None
    return found.content if found else None


def _changed(path: Path) -> int:
    try:
        return path.lstat().st_ctime_ns
    except OSError:
        return 0

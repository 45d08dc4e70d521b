"""What every operation starts from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from idlehands_deploy.directory import find_deployment, read_text
from idlehands_deploy.errors import EngineUnreachableError, Problem, UsageError
from idlehands_deploy.fleet_file import parse_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from idlehands_deploy.directory import Deployment
    from idlehands_deploy.engine.client import Engine
    from idlehands_deploy.engine.compose import Compose
    from idlehands_deploy.fleet import Fleet
    from idlehands_deploy.progress import Progress


@dataclass(frozen=True)
class Session:
    """One command's surroundings.

    Attributes:
        may_install: asked before anything is installed on this host.
    """

    deployment: Deployment
    environ: Mapping[str, str]
    progress: Progress
    may_install: Callable[[str], bool]

    @classmethod
    def start(
        cls,
        directory: Path | None,
        environ: Mapping[str, str],
        working: Path,
        home: Path,
        progress: Progress,
        may_install: Callable[[str], bool],
    ) -> Session:
        """Find the deployment directory and keep the rest."""
        return cls(find_deployment(directory, environ, working, home), environ, progress, may_install)

    def fleet_text(self) -> str:
        """The fleet file's text.

        Raises:
            UsageError: there is none.
        """
        text = read_text(self.deployment.fleet_file)
        if text is None:
            raise UsageError(
                f"There is no fleet file at {self.deployment.fleet_file}.",
                "Begin with a gateway: idlehands-deploy up main   (or name another directory with -C)",
            )
        return text

    def fleet(self) -> Fleet:
        """The fleet as it is on disk.

        Raises:
            UsageError: there is none.
            FleetError: it is wrong.
        """
        return parse_text(self.fleet_text(), str(self.deployment.fleet_file))

    def engine(self) -> Engine:
        """The Docker Engine; installed first if it is missing and that was allowed.

        Raises:
            EngineUnreachableError: none answers, and none may be installed.
        """
        from idlehands_deploy.engine.client import Engine  # noqa: PLC0415 - docker is slow to load

        try:
            return Engine.connect(self.environ)
        except EngineUnreachableError:
            # An engine somewhere else is not mended by installing one here.
            if self.environ.get("DOCKER_HOST") or not self.may_install("a Docker Engine (docker.io)"):
                raise
        from idlehands_deploy.engine.install import install_engine  # noqa: PLC0415

        return install_engine(self.environ, self.progress)

    def compose(self, fleet: Fleet) -> Compose:
        """Compose for this deployment."""
        from idlehands_deploy.engine.compose import Compose  # noqa: PLC0415

        return Compose(self.deployment.root, fleet.name, self.environ)


def select(fleet: Fleet, names: Sequence[str]) -> list[str]:
    """The asked-for profiles in the order asked, all of them for no name.

    Raises:
        UsageError: with every name that is not there, or there is no profile at all.
    """
    if problems := [
        Problem(name, f"no such profile; there are: {', '.join(fleet.profiles) or 'none'}")
        for name in names
        if name not in fleet.profiles
    ]:
        raise UsageError("\n".join(map(str, problems)), "See them: idlehands-deploy list")
    if not fleet.profiles:
        raise UsageError("The fleet has no profile yet.", "Add the first: idlehands-deploy up main")
    return list(dict.fromkeys(names)) or list(fleet.profiles)

"""Install and start the distribution's own Docker Engine."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

from idlehands_deploy.engine.client import Engine
from idlehands_deploy.errors import EngineForbiddenError, EngineUnreachableError
from idlehands_deploy.host.packages import as_root, install_packages, run_logged
from idlehands_deploy.host.programs.start import starting

if TYPE_CHECKING:
    from collections.abc import Mapping

    from idlehands_deploy.progress import Progress

# docker.io only recommends iptables, but no port can be published without it. Registries need the certificates.
PACKAGES = ("docker.io", "iptables", "ca-certificates")
START_TIMEOUT = 60.0
LOG = "/var/log/dockerd.log"


def install_engine(environ: Mapping[str, str], progress: Progress) -> Engine:
    """Install the missing packages, start the engine, and wait until it answers.

    Raises:
        UsageError: this is not Debian or Ubuntu, or sudo is missing.
        EngineFailedError: a package could not be installed.
        EngineUnreachableError: the engine did not answer in time.
    """
    if shutil.which("dockerd") is None:
        progress.say(f"Installing {' and '.join(PACKAGES)} from this distribution's packages.")
        install_packages(PACKAGES, progress)
    _start(progress)
    return _wait(environ, progress)


def _start(progress: Progress) -> None:
    progress.update("engine", "starting")
    if Path("/run/systemd/system").is_dir():
        run_logged(as_root(["systemctl", "enable", "--now", "docker"]))
        return
    # Without a service manager, as in a container, nothing else starts the engine.
    command = as_root(["sh", "-c", f"exec dockerd >>{LOG} 2>&1"])
    with starting(command[0]):
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    progress.say(f"Started dockerd in the background, because no service manager is running here. Its log: {LOG}.")
    progress.say("dockerd keeps running after this command, until it is stopped or the machine shuts down.")


def _wait(environ: Mapping[str, str], progress: Progress) -> Engine:
    deadline = time.monotonic() + START_TIMEOUT
    progress.update("engine", "waiting until it answers")
    while True:
        try:
            return Engine.connect(environ)
        except EngineForbiddenError:
            raise
        except EngineUnreachableError:
            if time.monotonic() > deadline:
                raise EngineUnreachableError(
                    f"The Docker Engine was started, but did not answer within {START_TIMEOUT:.0f} s.",
                    f"See its log: tail {LOG}   (or: journalctl -u docker -n 50)",
                ) from None
            time.sleep(0.2)

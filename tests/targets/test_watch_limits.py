"""What the unit of a watch permits it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from idlehands_deploy.targets.boot_units import watch_unit_text
from idlehands_deploy.targets.watch_limits import watch_limits

# On a scale to 10; `--threshold` takes ten times as much.
MOST_EXPOSED = 3.0
# What a user's service manager cannot set up: mounts need root, or namespaces that not every host permits.
ROOT_S_WORK = ("CapabilityBoundingSet", "Private", "Protect", "ReadOnlyPaths", "ReadWritePaths")


def limits(
    directory: str = "/srv/bots",
    *more: str,
    python: str = "/opt/python",
    environ: dict[str, str] | None = None,
    user: bool = False,
    is_root: bool = True,
) -> list[str]:
    command = [python, "-m", "idlehands_deploy", "-C", directory, "watch", *more]
    return watch_limits(Path(directory), command, environ or {}, user=user, is_root=is_root).splitlines()


def test_root_s_watch_writes_in_its_directory_alone_with_two_capabilities() -> None:
    assert limits() == [
        "CapabilityBoundingSet=CAP_CHOWN CAP_DAC_OVERRIDE",
        "LockPersonality=yes",
        "MemoryMax=1G",
        "NoNewPrivileges=yes",
        "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK",
        "RestrictNamespaces=yes",
        "RestrictRealtime=yes",
        "RestrictSUIDSGID=yes",
        "SystemCallArchitectures=native",
        "SystemCallErrorNumber=EPERM",
        "SystemCallFilter=@system-service",
        "SystemCallFilter=~@privileged @resources",
        "TasksMax=2048",
        "UMask=0077",
        "SystemCallFilter=@chown",
        "PrivateTmp=yes",
        "PrivateDevices=yes",
        "PrivateMounts=yes",
        "ProtectClock=yes",
        "ProtectControlGroups=yes",
        "ProtectHome=read-only",
        "ProtectHostname=yes",
        "ProtectKernelLogs=yes",
        "ProtectKernelModules=yes",
        "ProtectKernelTunables=yes",
        "ProtectSystem=strict",
        "ReadOnlyPaths=/run",
        'ReadWritePaths="-/srv/bots"',
    ]


def test_an_ordinary_user_s_watch_has_no_capability_and_gives_no_file_away() -> None:
    found = limits(is_root=False)
    assert "CapabilityBoundingSet=" in found
    assert set(limits()) - set(found) == {"CapabilityBoundingSet=CAP_CHOWN CAP_DAC_OVERRIDE", "SystemCallFilter=@chown"}


def test_a_user_s_service_manager_gets_what_works_without_root() -> None:
    found = limits(user=True, is_root=False)
    assert set(limits()) >= set(found) >= {"NoNewPrivileges=yes", "SystemCallFilter=@system-service", "MemoryMax=1G"}
    assert not [line for line in found if line.startswith(ROOT_S_WORK)]


@pytest.mark.parametrize("option", ["--metrics", "--dashboard"])
@pytest.mark.parametrize(
    ("address", "is_low"), [("127.0.0.1:80", True), ("[::1]:1023", True), ("127.0.0.1:1024", False)]
)
def test_root_s_watch_may_listen_on_a_low_port_only_if_it_is_told_to(
    option: str, address: str, *, is_low: bool
) -> None:
    (capabilities,) = (line for line in limits("/srv/bots", option, address) if line.startswith("Capab"))
    assert capabilities.endswith(" CAP_NET_BIND_SERVICE") == is_low


@pytest.mark.parametrize(
    ("directory", "python", "environ"),
    [
        ("/tmp/bots", "/opt/python", {}),  # noqa: S108 - nothing is written
        ("/var/tmp/bots", "/opt/python", {}),  # noqa: S108 - nothing is written
        ("/srv/bots", "/tmp/venv/bin/python", {}),  # noqa: S108 - nothing is written
        ("/srv/bots", "/opt/python", {"DOCKER_HOST": "unix:///tmp/docker.sock"}),
        ("/srv/bots", "/opt/python", {"DOCKER_CONFIG": "/tmp/docker"}),  # noqa: S108 - nothing is written
    ],
)
def test_nothing_that_the_watch_needs_is_hidden_by_a_tmp_of_its_own(
    directory: str, python: str, environ: dict[str, str]
) -> None:
    assert "PrivateTmp=yes" not in limits(directory, python=python, environ=environ)


@pytest.mark.parametrize(
    ("directory", "written"),
    [
        ("/srv/my bots", '"-/srv/my bots"'),
        ("/srv/50%", '"-/srv/50%%"'),
        ("/srv/$bots", '"-/srv/$bots"'),
        ('/srv/a"b\\', '"-/srv/a\\"b\\\\"'),
        # A list of paths cannot hold a line break.
        ("/srv/bots/a\nb/c", '"-/srv/bots"'),
    ],
)
def test_the_writable_directory_is_escaped_for_systemd(directory: str, written: str) -> None:
    assert limits(directory)[-1] == f"ReadWritePaths={written}"


def rating_problem() -> str:
    """Why this host's systemd cannot rate a unit; empty if it can."""
    if shutil.which("systemd-analyze") is None:
        return "systemd-analyze is not installed"
    said = subprocess.run(["systemd-analyze", "--help"], capture_output=True, text=True, check=False).stdout
    return "" if "--offline" in said else "systemd-analyze is older than 250 and rates only what runs"


@pytest.mark.parametrize("run_as", ["", "daemon"])
def test_systemd_rates_the_watch_s_exposure_low(tmp_path: Path, run_as: str) -> None:
    if problem := rating_problem():
        pytest.skip(problem)
    unit = tmp_path / "idlehands-bots.watch.service"
    unit.write_text(watch_unit_text("bots", Path("/srv/my bots"), ["/bin/true"], {}, run_as, user=False))
    command = ["systemd-analyze", "security", "--offline=true", f"--threshold={MOST_EXPOSED * 10:.0f}", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout

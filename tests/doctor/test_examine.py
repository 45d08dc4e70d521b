"""What `doctor` says of facts: a row a fault, with the place it names."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import sys
import tarfile
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.doctor.checks.engine import check_engine, check_image
from idlehands_deploy.doctor.checks.host import check_host
from idlehands_deploy.doctor.checks.running import (
    check_browser_doctor,
    check_drift,
    check_generated,
    check_orphans,
    check_verdict,
)
from idlehands_deploy.doctor.examine import examine
from idlehands_deploy.engine.compose import read_hashes
from idlehands_deploy.engine.facts import CONTEXT_LABEL, ContainerFacts, EngineFacts, ImageFacts
from idlehands_deploy.health.verdict import Verdict
from idlehands_deploy.host.facts import (
    INOTIFY_INSTANCES,
    INOTIFY_WATCHES,
    USER_NAMESPACES,
    DiskFacts,
    HostFacts,
    look_at_host,
)
from tests.support.helpers import NOBODY, fleet, run, session, snapshot

if TYPE_CHECKING:
    from collections.abc import Iterable

    from idlehands_deploy.findings import Finding

GB = 1 << 30
PAIR = fleet("profiles: {main: {}, rescue: {port: 19789}}")
HOST = HostFacts(
    {USER_NAMESPACES: 1000, INOTIFY_INSTANCES: 1024, INOTIFY_WATCHES: 100_000},
    8 * GB, (DiskFacts("/srv", 100 * GB, 1_000_000),), 1_800_000_000.0,
)  # fmt: skip
ENGINE = EngineFacts("28.1.1", "/var/lib/docker", 4, True, True, True, True)
CONTAINER = ContainerFacts(
    "c0ffee" * 10, "main", "running", "healthy", None, False, 0, "2026-01-01T00:00:00Z", "/srv",
    image_id="sha256:1", config_hash="h1",
)  # fmt: skip
IMAGE = ImageFacts("sha256:1", GB, {CONTEXT_LABEL: "d1"})


def brief(findings: Iterable[Finding]) -> list[str]:
    return [f"{finding.level} {finding.place}: {finding.what}" for finding in findings]


def with_setting(name: str, value: int) -> HostFacts:
    return replace(HOST, settings=HOST.settings | {name: value})


def with_disk(free: int, files: int | None = 1_000_000) -> HostFacts:
    return replace(HOST, disks=(DiskFacts("/srv", free, files),))


@pytest.mark.parametrize(
    ("host", "said"),
    [
        (HOST, []),
        (replace(HOST, settings={}, available_memory=None), []),
        (
            with_setting(USER_NAMESPACES, 0),
            ["warning user.max_user_namespaces: is 0: nobody but root may make a user namespace"],
        ),
        (
            with_setting("kernel.unprivileged_userns_clone", 0),
            ["warning kernel.unprivileged_userns_clone: is 0: nobody but root may make a user namespace"],
        ),
        (with_setting(INOTIFY_INSTANCES, 30), ["warning fs.inotify.max_user_instances: is 30, and 2 gateways want 38"]),
        (with_setting(INOTIFY_WATCHES, 99), ["warning fs.inotify.max_user_watches: is 99, and 2 gateways want 8192"]),
        (
            replace(HOST, taken={INOTIFY_INSTANCES: 1020, INOTIFY_WATCHES: 99_900}),
            [
                "warning fs.inotify.max_user_instances: is 1024, of which 1020 are taken, and the next gateway wants 6",
                "warning fs.inotify.max_user_watches: is 100000, of which 99900 are taken, "
                "and the next gateway wants 1000",
            ],
        ),
        (replace(HOST, taken={INOTIFY_INSTANCES: 1018, INOTIFY_WATCHES: 99_000}), []),
        (replace(HOST, available_memory=GB), ["warning memory: 1.0 GB are free, and 2 more gateways want 2.0 GB"]),
        (with_disk(900 << 20), ["warning /srv: only 900 MB are free"]),
        (with_disk(63 << 20), ["error /srv: only 63 MB are free"]),
        (with_disk(100 * GB, 10), ["warning /srv: has room for only 10 more files"]),
        (with_disk(100 * GB, None), []),
    ],
)  # fmt: skip
def test_a_host_that_lacks_something_is_told(host: HostFacts, said: list[str]) -> None:
    assert brief(check_host(host, PAIR, 2, {})) == said


def test_a_required_sandbox_makes_missing_namespaces_an_error() -> None:
    wanted = fleet("profiles: {main: {browser: {sandbox: required}}}")
    (finding,) = check_host(with_setting(USER_NAMESPACES, 0), wanted, 0, {})
    assert (finding.level, finding.fix) == ("error", "sudo sysctl -w user.max_user_namespaces=15000")


def test_who_wants_no_sandbox_wants_no_namespaces() -> None:
    wanted = fleet("profiles: {main: {browser: {sandbox: 'off'}}}")
    assert list(check_host(with_setting(USER_NAMESPACES, 0), wanted, 0, {})) == []


def test_a_file_from_the_future_means_a_clock_that_went_back() -> None:
    written = {"fleet.yaml": HOST.now + 3 * 86400, "compose.yaml": HOST.now + 60}
    assert brief(check_host(HOST, PAIR, 0, written)) == ["error clock: fleet.yaml was written 3 days from now"]


def test_this_host_can_be_looked_at(tmp_path: Path) -> None:
    host = look_at_host([tmp_path / "not/yet/there"], os.getuid())
    (disk,) = host.disks
    assert disk.path == str(tmp_path)
    assert abs(disk.free - shutil.disk_usage(tmp_path).free) < GB
    assert host.available_memory


@pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")
def test_what_a_user_has_of_inotify_is_counted() -> None:
    libc = ctypes.CDLL(None)
    watcher = libc.inotify_init1(os.O_CLOEXEC)
    assert libc.inotify_add_watch(watcher, b"/", 0x100) > 0
    try:
        taken = look_at_host([], os.getuid()).taken
    finally:
        os.close(watcher)
    assert taken[INOTIFY_INSTANCES] > 0
    assert taken[INOTIFY_WATCHES] > 0


@pytest.mark.parametrize(
    ("engine", "said"),
    [
        (ENGINE, []),
        (
            replace(ENGINE, version="19.03.1"),
            [
                "error Docker Engine: is version 19.03.1",
                "note Docker Engine: 19.03.1 lets the host's network segment reach ports published on 127.0.0.1",
            ],
        ),
        (replace(ENGINE, has_seccomp=False), ["error Docker Engine: has no seccomp"]),
        (
            replace(ENGINE, limits_memory=False),
            ["warning resources.memory: cannot be held by this kernel's cgroups"],
        ),
        (replace(ENGINE, limits_pids=False), ["warning resources.pids: cannot be held by this kernel's cgroups"]),
        (replace(ENGINE, limits_cpus=False), []),
    ],
)
def test_an_engine_that_lacks_something_is_told(engine: EngineFacts, said: list[str]) -> None:
    assert brief(check_engine(engine, PAIR)) == said


def test_more_cores_than_there_are_is_an_error_of_the_fleet_file() -> None:
    wanted = fleet("profiles: {main: {resources: {cpus: 8}}}")
    assert brief(check_engine(ENGINE, wanted)) == [
        "error fleet.yaml:profiles.main.resources.cpus: is 8, and this host has 4"
    ]


def test_debians_way_to_write_a_version_is_read() -> None:
    assert replace(ENGINE, version="20.10.24+dfsg1").release == (20, 10, 24)


@pytest.mark.parametrize(
    ("image", "context", "said"),
    [
        (IMAGE, "d1", []),
        (IMAGE, None, []),
        (ImageFacts("sha256:1", GB), None, []),
        (None, "d1", ["note image i: is not on this engine"]),
        (IMAGE, "d2", ["warning image i: was built from another version of this tool's build context"]),
        (ImageFacts("sha256:1", GB), "d1", ["warning image i: was not built by this tool"]),
    ],
)
def test_the_image_is_the_one_that_this_version_builds(
    image: ImageFacts | None, context: str | None, said: list[str]
) -> None:
    assert brief(check_image("i", image, context)) == said


@pytest.mark.parametrize(
    ("facts", "hashes", "newer", "said"),
    [
        (CONTAINER, {"main": "h1"}, set(), []),
        (CONTAINER, {}, set(), []),
        (CONTAINER, {"main": "h2"}, set(), ["warning main: runs by an older compose.yaml"]),
        (replace(CONTAINER, image_id="sha256:0"), {}, set(), ["warning main: runs an older build of its image"]),
        (CONTAINER, {}, {"main"}, ["warning main: was started before one of its secrets was changed"]),
    ],
)
def test_a_container_that_drifted_is_told(
    facts: ContainerFacts, hashes: dict[str, str], newer: set[str], said: list[str]
) -> None:
    assert brief(check_drift({"main": facts}, hashes, IMAGE, newer)) == said


def test_composes_digests_are_read() -> None:
    assert read_hashes("main 12ab\nrescue 34cd\n") == {"main": "12ab", "rescue": "34cd"}


def test_generated_files_are_told_from_a_persons_own() -> None:
    assert brief(check_generated(["compose.yaml", "seccomp.json"], ["compose.yaml"])) == [
        "error compose.yaml: was not generated by this tool",
        "warning seccomp.json: is not what fleet.yaml says",
    ]


def test_a_container_that_nobody_names_is_told() -> None:
    (finding,) = check_orphans([CONTAINER])
    assert str(finding.fix).startswith("docker rm -f c0ffeec0ffee ")


@pytest.mark.parametrize("state", ["ready", "missing", "stopped", "starting", "draining"])
def test_what_a_person_chose_or_what_passes_is_not_wrong(state: str) -> None:
    assert list(check_verdict(Verdict("main", state), ())) == []  # type: ignore[arg-type]


@pytest.mark.parametrize("state", ["hung", "unreachable", "crash-looping", "misconfigured", "paused", "failed"])
def test_a_gateway_that_nobody_can_use_is_an_error(state: str) -> None:
    verdict = Verdict("main", state, "so it is", remedy="do this")  # type: ignore[arg-type]
    (finding,) = check_verdict(verdict, ())
    assert (finding.level, finding.what, finding.fix) == ("error", f"is {state}: so it is", "do this")


def test_a_degraded_gateway_and_a_warning_at_its_start_are_warnings() -> None:
    said = brief(check_verdict(Verdict("main", "degraded", "it fails telegram"), ("no sandbox",)))
    assert said == ["warning main: is degraded: it fails telegram", "warning main: no sandbox"]


def test_the_gateways_own_findings_come_with_its_own_advice() -> None:
    checks = [
        {"id": "a", "status": "pass", "summary": "fine"},
        {"id": "b", "label": "Chromium", "status": "fail", "summary": "none \x1b[31mfound", "fixHint": "install one"},
        {"id": "c", "status": "warn", "summary": "slow"},
        "nonsense",
    ]
    findings = list(check_browser_doctor("main", 200, {"checks": checks}))
    assert brief(findings) == [
        "error main: its browser: Chromium: none [31mfound",
        "warning main: its browser: c: slow",
    ]
    assert findings[0].fix == "install one"


def test_a_token_that_browser_control_refuses_is_an_error() -> None:
    said = brief(check_browser_doctor("main", 401, {}))
    assert said == ["error main: browser control does not take the token of its secret file"]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A deployment of one profile, with its files."""
    assert run(tmp_path, "init").returncode == 0
    return tmp_path


def places(home: Path) -> set[str]:
    """What doctor finds where no engine answers, without that."""
    done = run(home, "doctor", "--json")
    assert done.returncode == 6, done.stderr
    found = json.loads(done.stdout)
    assert found["ok"] is False
    return {f"{item['level']} {item['place']}" for item in found["findings"]} - {"error Docker Engine"}


def test_without_an_engine_everything_else_is_examined_all_the_same(home: Path) -> None:
    assert places(home) == set()


def test_doctor_changes_nothing(home: Path) -> None:
    before = snapshot(home)
    run(home, "doctor")
    assert snapshot(home) == before


@pytest.mark.parametrize(
    ("paths", "mode", "said"),
    [
        (["secrets/main/IDLEHANDS_GATEWAY_TOKEN"], 0o644, {"warning secrets/main/IDLEHANDS_GATEWAY_TOKEN"}),
        (["secrets", "secrets/main"], 0o755, {"warning secrets/main"}),
        (["profiles", "profiles/main"], 0o750, {"warning profiles/main"}),
        # One closed door is enough.
        (["profiles/main", "profiles/main/state", "secrets"], 0o755, set()),
    ],
)
def test_modes_that_let_others_in_are_told(home: Path, paths: list[str], mode: int, said: set[str]) -> None:
    for path in paths:
        (home / path).chmod(mode)
    assert places(home) == said


def test_missing_empty_and_unused_secrets_are_told(home: Path) -> None:
    secrets = home / "secrets/main"
    (secrets / "IDLEHANDS_GATEWAY_TOKEN").write_text("")
    (secrets / "OTHER_KEY").write_text("x")
    assert places(home) == {"error secrets/main/IDLEHANDS_GATEWAY_TOKEN", "warning secrets/main/OTHER_KEY"}
    assert "fix: idlehands-deploy up main   (makes a new one)\n" in run(home, "doctor").stdout
    (secrets / "IDLEHANDS_GATEWAY_TOKEN").unlink()
    assert "fix: idlehands-deploy up main   (makes a new one)\n" in run(home, "doctor").stdout
    assert places(home) == {"error secrets/main/IDLEHANDS_GATEWAY_TOKEN", "warning secrets/main/OTHER_KEY"}


def test_a_missing_mount_is_told(home: Path) -> None:
    (home / "profiles/main/workspace").rmdir()
    assert places(home) == {"error profiles/main/workspace"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_strangers_in_a_mount_are_counted_and_the_first_is_named(home: Path) -> None:
    deep = home / "profiles/main/state/agents"
    deep.mkdir()
    for name in ("a", "b"):
        (deep / name).write_text("")
    # The directory and the two files are root's.
    done = json.loads(run(home, "doctor", "--json").stdout)
    (finding,) = [item for item in done["findings"] if item["place"].startswith("profiles/")]
    assert finding["place"] == "profiles/main/state/agents"
    assert finding["what"] == "belongs to another user than the gateway's (1000), as do 2 more"
    assert finding["fix"] == f"sudo chown -R 1000:1000 {home}/profiles/main/state"


def test_an_edited_fleet_file_and_an_edited_compose_file_are_drift(home: Path) -> None:
    (home / "fleet.yaml").write_text((home / "fleet.yaml").read_text().replace("127.0.0.1", "0.0.0.0"))
    assert places(home) == {"warning compose.yaml"}
    (home / "compose.yaml").write_text("services: {}\n")
    assert places(home) == {"error compose.yaml"}


def test_a_config_that_leaves_the_plan_is_told_with_the_command_that_mends_it(home: Path) -> None:
    (home / "profiles/main/state/idlehands.json").write_text('{"gateway": {"mode": "local", "bind": "loopback"}}')
    shown = run(home, "doctor").stdout
    assert "error   profiles/main/state/idlehands.json:gateway.bind: is 'loopback'\n" in shown
    assert (
        "        fix: idlehands-deploy up main; idlehands-deploy exec main config set gateway.bind lan "
        "&& idlehands-deploy restart main\n"
    ) in shown


def test_a_hand_written_profile_that_was_never_up_lacks_no_files(home: Path) -> None:
    (home / "fleet.yaml").write_text(
        (home / "fleet.yaml").read_text().replace("main: {}", "main: {}\n  ops: {port: 30000}")
    )
    assert places(home) == {"warning compose.yaml"}


def test_a_fleet_file_that_is_wrong_is_refused_as_everywhere(home: Path) -> None:
    (home / "fleet.yaml").write_text("spacing: 1\n")
    done = run(home, "doctor")
    assert (done.returncode, done.stdout) == (2, "")


def test_a_bundle_is_written_once_and_holds_what_doctor_found(home: Path) -> None:
    (home / "profiles/main/workspace").rmdir()
    token = (home / "secrets/main/IDLEHANDS_GATEWAY_TOKEN").read_text().strip()
    done = run(home, "doctor", "--bundle", "report.tar.gz")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "Look through it before you share it." in done.stderr
    with tarfile.open(home / "report.tar.gz") as archive:
        texts = {member.name.rpartition("/")[2]: archive.extractfile(member).read().decode() for member in archive}  # type: ignore[union-attr]
    assert "error   profiles/main/workspace: does not exist" in texts["doctor.txt"]
    assert not [name for name, text in texts.items() if token in text]
    again = run(home, "doctor", "--bundle", "report.tar.gz")
    assert (again.returncode, again.stderr.splitlines()[-2]) == (2, "Error: There is report.tar.gz already.")


def test_a_bundle_is_written_for_a_fleet_file_that_is_wrong(home: Path) -> None:
    (home / "fleet.yaml").write_text("spacing: 1\n")
    assert run(home, "doctor", "--bundle", "report.tar.gz").returncode == 0
    assert (home / "report.tar.gz").stat().st_mode & 0o777 == 0o600


def test_a_pipe_in_the_place_of_a_config_is_not_waited_for(home: Path) -> None:
    config = home / "profiles/main/state/idlehands.json"
    config.unlink()
    os.mkfifo(config)
    assert "warning profiles/main/state/idlehands.json" in places(home)
    assert run(home, "ports").returncode == 0


def test_a_config_that_leads_out_of_the_state_is_not_followed(home: Path) -> None:
    config = home / "profiles/main/state/idlehands.json"
    config.unlink()
    (home / "elsewhere.json").write_text('{"gateway": {"bind": "loopback"}}')
    config.symlink_to(home / "elsewhere.json")
    assert "error profiles/main/state/idlehands.json" in places(home)


@pytest.mark.parametrize("name", ["state", "workspace"])
def test_a_link_to_another_disk_is_a_mount_and_one_to_nowhere_is_missing(home: Path, name: str) -> None:
    mount = home / "profiles/main" / name
    elsewhere = home / "disk"
    mount.rename(elsewhere)
    mount.symlink_to(elsewhere)
    assert places(home) == set()
    elsewhere.rename(home / "gone")
    assert f"error profiles/main/{name}" in places(home)


def test_a_config_that_links_to_itself_is_a_finding(home: Path) -> None:
    config = home / "profiles/main/state/idlehands.json"
    config.unlink()
    config.symlink_to(config)
    assert "warning profiles/main/state/idlehands.json" in places(home)


def test_what_a_gateway_writes_into_its_config_moves_no_cursor_and_runs_no_command(home: Path) -> None:
    name = "x; touch pwned #\x1b[2J\nerror   forged: line"
    config = {"gateway": {"mode": "local"}, "browser": {"profiles": {name: {"cdpPort": 18789}}}}
    (home / "profiles/main/state/idlehands.json").write_text(json.dumps(config))
    for command in ("doctor", "ports"):
        shown = run(home, command)
        assert "\x1b" not in shown.stdout + shown.stderr
        assert "\nerror   forged" not in shown.stdout + shown.stderr
    assert "set 'browser.profiles.x; touch pwned #" in run(home, "doctor").stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_who_may_not_look_is_told_so() -> None:
    with tempfile.TemporaryDirectory(prefix="idlehands-tests-") as name:
        home = Path(name)
        home.chmod(0o755)
        assert run(home, "init").returncode == 0
        nowhere = replace(session(home), environ={"DOCKER_HOST": "tcp://192.0.2.1:1"})  # refused before it is tried
        examine(nowhere)  # loads what nobody may not read where Python is root's own
        os.seteuid(NOBODY)
        try:
            found = examine(nowhere).findings
        finally:
            os.seteuid(0)
    assert "warning profiles/main: cannot be looked into by you" in brief(found)

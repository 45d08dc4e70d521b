"""What `doctor` finds in facts: one row per fault, with the place that it names."""

from __future__ import annotations

from dataclasses import replace

import pytest

from idlehands_deploy.doctor.checks.engine import check_engine, check_image
from idlehands_deploy.doctor.checks.host import check_host
from idlehands_deploy.doctor.checks.running import (
    check_browser_doctor,
    check_generated,
    check_orphans,
    check_out_of_date,
    check_verdict,
)
from idlehands_deploy.engine.facts import CONTEXT_LABEL, ContainerFacts, EngineFacts, ImageFacts
from idlehands_deploy.health.verdict import Verdict
from idlehands_deploy.host.facts import INOTIFY_INSTANCES, INOTIFY_WATCHES, USER_NAMESPACES, DiskFacts, HostFacts
from idlehands_deploy.remedies import Remedy
from tests.support.helpers import brief, fleet

GB = 1 << 30
PAIR = fleet("profiles: {main: {}, rescue: {port: 19789}}")
HOST = HostFacts(
    {USER_NAMESPACES: 1000, INOTIFY_INSTANCES: 1024, INOTIFY_WATCHES: 100_000},
    8 * GB, (DiskFacts("/srv", 100 * GB, 1_000_000),), 1_800_000_000.0,
)  # fmt: skip
ENGINE = EngineFacts("28.1.1", "/var/lib/docker", 4, True, True, True, True)
CONTAINER = ContainerFacts(
    "c0ffee" * 10, "main", "running", "healthy", None, False, 0, "2026-01-01T00:00:00Z", "/srv",
    image_id="sha256:1",
)  # fmt: skip
IMAGE = ImageFacts("sha256:1", GB, {CONTEXT_LABEL: "d1"})


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
            ["warning user.max_user_namespaces: is 0: only root can create user namespaces"],
        ),
        (
            with_setting("kernel.unprivileged_userns_clone", 0),
            ["warning kernel.unprivileged_userns_clone: is 0: only root can create user namespaces"],
        ),
        (with_setting(INOTIFY_INSTANCES, 30), ["warning fs.inotify.max_user_instances: is 30, but 2 gateways need 38"]),
        (with_setting(INOTIFY_WATCHES, 99), ["warning fs.inotify.max_user_watches: is 99, but 2 gateways need 8192"]),
        (
            replace(HOST, taken={INOTIFY_INSTANCES: 1020, INOTIFY_WATCHES: 99_900}),
            [
                "warning fs.inotify.max_user_instances: is 1024 with 1020 in use, but the next gateway needs 6",
                "warning fs.inotify.max_user_watches: is 100000 with 99900 in use, but the next gateway needs 1000",
            ],
        ),
        (replace(HOST, taken={INOTIFY_INSTANCES: 1018, INOTIFY_WATCHES: 99_000}), []),
        (replace(HOST, available_memory=GB), ["warning memory: 1.0 GB are free, but 2 more gateways need 2.0 GB"]),
        (with_disk(900 << 20), ["warning /srv: only 900 MB are free"]),
        (with_disk(63 << 20), ["error /srv: only 63 MB are free"]),
        (with_disk(100 * GB, 10), ["warning /srv: has room for only 10 more files"]),
        (with_disk(100 * GB, None), []),
    ],
)  # fmt: skip
def test_everything_that_a_host_lacks_is_reported(host: HostFacts, said: list[str]) -> None:
    assert brief(check_host(host, PAIR, 2, {})) == said


def test_a_required_sandbox_makes_missing_namespaces_an_error() -> None:
    wanted = fleet("profiles: {main: {browser: {sandbox: required}}}")
    (finding,) = check_host(with_setting(USER_NAMESPACES, 0), wanted, 0, {})
    assert (finding.level, finding.fix) == ("error", Remedy("sudo sysctl -w user.max_user_namespaces=15000"))


def test_browsers_without_a_sandbox_need_no_user_namespaces() -> None:
    wanted = fleet("profiles: {main: {browser: {sandbox: 'off'}}}")
    assert list(check_host(with_setting(USER_NAMESPACES, 0), wanted, 0, {})) == []


def test_a_file_from_the_future_means_a_clock_that_went_back() -> None:
    written = {"fleet.yaml": HOST.now + 3 * 86400, "compose.yaml": HOST.now + 60}
    assert brief(check_host(HOST, PAIR, 0, written)) == [
        "error clock: is behind: fleet.yaml was written 3 days in the future"
    ]


@pytest.mark.parametrize(
    ("engine", "said"),
    [
        (ENGINE, []),
        (
            replace(ENGINE, version="19.03.1"),
            ["error Docker Engine: is version 19.03.1"],
        ),
        (replace(ENGINE, has_seccomp=False), ["error Docker Engine: has no seccomp"]),
        (
            replace(ENGINE, limits_memory=False),
            ["warning resources.memory: cannot be enforced: this kernel lacks the cgroup controller"],
        ),
        (
            replace(ENGINE, limits_pids=False),
            ["warning resources.pids: cannot be enforced: this kernel lacks the cgroup controller"],
        ),
        (replace(ENGINE, limits_cpus=False), []),
    ],
)
def test_what_an_engine_lacks_is_reported(engine: EngineFacts, said: list[str]) -> None:
    assert brief(check_engine(engine, PAIR)) == said


@pytest.mark.parametrize(("cdp", "count"), [("open", 1), ("true", 0), ("false", 0)])
def test_an_old_engine_lets_the_local_network_reach_cdp_that_asks_for_no_token(cdp: str, count: int) -> None:
    written = fleet(f"profiles: {{main: {{publish: {{cdp: {cdp}}}}}}}")
    found = brief(check_engine(replace(ENGINE, version="20.10.1"), written))
    note = "note Docker Engine: 20.10.1 lets machines on the local network reach ports published on 127.0.0.1"
    assert found == [note] * count


def test_more_cpus_than_the_host_has_is_an_error_in_the_fleet_file() -> None:
    wanted = fleet("profiles: {main: {resources: {cpus: 8}}}")
    assert brief(check_engine(ENGINE, wanted)) == [
        "error fleet.yaml:profiles.main.resources.cpus: is 8, but this host has 4 CPUs"
    ]


def test_a_version_in_debian_s_format_is_read() -> None:
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


def test_a_container_that_is_out_of_date_is_reported_with_its_cause() -> None:
    assert brief(check_out_of_date({"main": "its image was built again", "rescue": ""})) == [
        "warning main: is out of date: its image was built again"
    ]


def test_generated_files_are_distinguished_from_a_person_s_own() -> None:
    assert brief(check_generated(["compose.yaml", "seccomp.json"], ["compose.yaml"])) == [
        "error compose.yaml: was not generated by this tool",
        "warning seccomp.json: does not match fleet.yaml",
    ]


def test_a_container_outside_the_fleet_is_reported() -> None:
    (finding,) = check_orphans([CONTAINER])
    assert str(finding.fix) == "idlehands-deploy down main   (or add the profile again)"


@pytest.mark.parametrize("state", ["ready", "missing", "stopped", "starting", "draining"])
def test_a_state_that_a_person_chose_or_that_passes_is_no_finding(state: str) -> None:
    assert list(check_verdict(Verdict("main", state), ())) == []  # type: ignore[arg-type]


@pytest.mark.parametrize("state", ["hung", "unreachable", "crash-looping", "misconfigured", "paused", "failed"])
def test_a_gateway_that_nobody_can_use_is_an_error(state: str) -> None:
    verdict = Verdict("main", state, "why", remedy=Remedy("do this"))  # type: ignore[arg-type]
    (finding,) = check_verdict(verdict, ())
    assert (finding.level, finding.what, finding.fix) == ("error", f"is {state}: why", Remedy("do this"))


def test_a_degraded_gateway_and_a_warning_at_its_start_are_warnings() -> None:
    said = brief(check_verdict(Verdict("main", "degraded", "telegram fails"), ("no sandbox",)))
    assert said == ["warning main: is degraded: telegram fails", "warning main: no sandbox"]


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
    assert str(findings[0].fix) == "install one"


def test_a_token_that_browser_control_rejects_is_an_error() -> None:
    said = brief(check_browser_doctor("main", 401, {}))
    assert said == ["error main: browser control rejects the token in its secret file"]

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.engine.usage import Reading, Usage, between, read_counters, read_stats
from idlehands_deploy.errors import EngineUnreachableError
from idlehands_deploy.fleet.ports import plan_ports
from idlehands_deploy.gateway.probe import Answer, GatewayAnswers
from idlehands_deploy.health.observe import Observation
from idlehands_deploy.health.verdict import Verdict, assess_unknown
from idlehands_deploy.operations.status import StatusReport
from idlehands_deploy.remedies import Remedy, ours
from idlehands_deploy.show import status as status_views
from tests.support.containers import ENDED, RUNNING
from tests.support.helpers import check_status, fleet

if TYPE_CHECKING:
    from pathlib import Path

    from idlehands_deploy.health.observe import BrowserState

PLAN = plan_ports(fleet("profiles: {main: , rescue: }"))
FACTS = replace(RUNNING, restart_count=2, version="2026.9.6", memory_limit=2 << 30)
NOW = FACTS.started + 130
READY = Observation(
    Verdict("main", "ready"), FACTS, browsers={"openclaw": "running"},
    usage=Usage(751 << 20, 0.126, 3.5), latency=0.00412,
)  # fmt: skip
STOPPED = Observation(Verdict("rescue", "stopped", "exit code 0", remedy=Remedy.run("start", "rescue")), ENDED)


def report(*seen: Observation) -> StatusReport:
    return StatusReport("idlehands", list(seen), PLAN.profiles, [], is_stale=False)


def test_a_row_shows_a_gateway_s_address_and_usage() -> None:
    assert status_views.rows(report(READY, STOPPED), NOW) == [
        ("main", "ready", "http://127.0.0.1:18789/", "2m", "2", "751M/2G", "13%", "running", "2026.9.6"),
        ("rescue", "stopped", "http://127.0.0.1:19789/", "-", "0", "-", "-", "-", "-"),
    ]
    assert status_views.notes(report(READY), NOW) == []


def test_the_notes_say_why_a_gateway_is_not_ready_and_the_next_command() -> None:
    starting = Observation(Verdict("main", "starting", "waits for plugins"), FACTS)
    assert [*map(str, status_views.notes(report(starting, STOPPED), NOW))] == [
        "main is starting for 2m: waits for plugins.",
        "rescue is stopped: exit code 0.",
        "  Next: idlehands-deploy start rescue",
    ]


def test_a_container_that_is_out_of_date_is_reported() -> None:
    drifted = replace(report(READY), drift={"main": "its image was built again"})
    assert [*map(str, status_views.notes(drifted, NOW))] == [
        "main is out of date: its image was built again.", "  Next: idlehands-deploy up main",
    ]  # fmt: skip
    assert status_views.as_json(drifted)["profiles"][0]["drift"] == "its image was built again"


def test_a_container_that_the_fleet_file_no_longer_names_is_reported() -> None:
    gone = replace(report(STOPPED), orphans=[replace(ENDED, profile="gone", restart_count=1)])
    assert status_views.rows(gone, NOW)[1] == ("gone", "orphan", "-", "-", "1", "-", "-", "-", "-")
    assert status_views.notes(gone, NOW)[-1] == Remedy(
        "  Next: ", ours("down", "gone"), "   (or add the profile again)"
    )
    assert status_views.as_json(gone)["orphans"] == [
        {"profile": "gone", "container": "0123456789abcdef", "state": "exited"}
    ]


def test_of_several_browsers_only_those_that_are_not_off_are_named() -> None:
    def shown(**browsers: BrowserState) -> str:
        return status_views.rows(report(replace(READY, browsers=browsers)), NOW)[0][7]

    assert shown() == "-"
    assert shown(openclaw="off", work="off") == "off"
    assert shown(openclaw="off", work="frozen", home="running") == "work frozen, home running"


def test_the_json_holds_every_fact_beside_the_verdict_and_follows_the_schema() -> None:
    said = status_views.as_json(report(READY, STOPPED, Observation(Verdict("main", "missing", "no container"), None)))
    check_status(said)
    assert said["version"] == 1
    assert {key: said["profiles"][0][key] for key in ("state", "memory", "cpu", "latency", "link", "browsers")} == {
        "state": "ready", "memory": 751 << 20, "cpu": 0.126, "latency": 0.0041, "link": "http://127.0.0.1:18789/",
        "browsers": {"openclaw": "running"},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (None, "the gateway was not asked"),
        (GatewayAnswers(Answer(None), Answer(None)), "the gateway does not respond"),
        (GatewayAnswers(Answer(503), Answer(503)), "the gateway responds, but does not report that it is ready"),
        (GatewayAnswers(Answer(200), Answer(200, {"ready": True})), "the gateway reports that it is ready"),
    ],
)
def test_without_an_engine_a_gateway_is_unknown_whatever_it_reports(answers: GatewayAnswers | None, said: str) -> None:
    verdict = assess_unknown("main", "No Docker Engine answers", answers)
    assert (verdict.state, verdict.usable) == ("unknown", False)
    assert verdict.reason == f"No Docker Engine answers; {said}"
    failure = EngineUnreachableError("No Docker Engine answers.", "Start it.")
    shown = status_views.as_json(replace(report(Observation(verdict, None)), failure=failure))
    check_status(shown)
    assert shown["engine"] == {"reachable": False, "reason": "No Docker Engine answers."}


CONTAINER = "0123456789abcdef"
FIRST_VERSION = {
    "proc/7/cgroup": f"4:memory:/docker/{CONTAINER}\n2:cpu,cpuacct:/docker/{CONTAINER}\n0::/\n",
    f"sys/memory/docker/{CONTAINER}/memory.usage_in_bytes": "1000\n",
    f"sys/memory/docker/{CONTAINER}/memory.stat": "cache 5\ntotal_inactive_file 400\n",
    f"sys/cpuacct/docker/{CONTAINER}/cpuacct.usage": "2500000000\n",
}
SECOND_VERSION = {
    "proc/7/cgroup": f"0::/system.slice/docker-{CONTAINER}.scope\n",
    f"sys/system.slice/docker-{CONTAINER}.scope/memory.current": "1000\n",
    f"sys/system.slice/docker-{CONTAINER}.scope/memory.stat": "anon 5\ninactive_file 400\n",
    f"sys/system.slice/docker-{CONTAINER}.scope/cpu.stat": "usage_usec 2500000\nuser_usec 1\n",
}


def counters(root: Path, files: dict[str, str], container: str = CONTAINER) -> Reading | None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return read_counters(container, 7, cgroups=root / "sys", processes=root / "proc")


@pytest.mark.parametrize("files", [FIRST_VERSION, SECOND_VERSION])
def test_the_counters_of_both_cgroup_versions_are_read(tmp_path: Path, files: dict[str, str]) -> None:
    found = counters(tmp_path, files)
    assert found is not None
    assert (found.memory, found.cpu_seconds) == (600, 2.5)


@pytest.mark.parametrize("files", [FIRST_VERSION, SECOND_VERSION])
def test_a_process_of_another_container_with_the_same_pid_is_ignored(tmp_path: Path, files: dict[str, str]) -> None:
    assert counters(tmp_path, files, "fedcba9876543210") is None
    assert counters(tmp_path, {"proc/7/cgroup": "0::/init.scope\n"}) is None


def test_two_readings_show_how_many_cores_were_used_between_them() -> None:
    assert between(Reading(1, 2.0, 10.0), Reading(5, 3.0, 12.0)) == Usage(5, 0.5, 3.0)
    assert between(None, Reading(5, 3.0, 12.0)) == Usage(5, None, 3.0)


def test_the_engine_s_own_figures_are_read_if_the_counters_cannot_be_read() -> None:
    said = {
        "memory_stats": {"usage": 1000, "stats": {"inactive_file": 400}},
        "cpu_stats": {"cpu_usage": {"total_usage": 2_500_000_000}, "system_cpu_usage": 20, "online_cpus": 2},
        "precpu_stats": {"cpu_usage": {"total_usage": 2_499_999_998}, "system_cpu_usage": 10},
    }
    assert read_stats(said) == Usage(600, 0.4, 2.5)
    assert read_stats({"memory_stats": {}}) is None

from __future__ import annotations

import json
import re
import socket
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import requests
import yaml
from prometheus_client import generate_latest

from idlehands_deploy.engine.usage import Usage
from idlehands_deploy.errors import PortConflictError, UsageError
from idlehands_deploy.health.observe import Observation
from idlehands_deploy.health.verdict import Verdict
from idlehands_deploy.watch.metrics import Metrics
from tests.support.containers import RUNNING
from tests.support.helpers import ROOT

if TYPE_CHECKING:
    from idlehands_deploy.health.verdict import State

MONITORING = ROOT / "compose" / "monitoring"


def seen(state: State) -> Observation:
    return Observation(
        Verdict("main", state), replace(RUNNING, restart_count=2, memory_limit=4096), usage=Usage(2048, 0.5, 12.5),
        latency=0.003,
    )  # fmt: skip


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(
        f"idlehands_gateway_{name}", {"project": "bots", "profile": "main", **labels}
    )


@pytest.fixture
def metrics() -> Metrics:
    made = Metrics("bots")
    made.see(seen("ready"))
    made.spend("main", "ready", 10)
    made.see(seen("hung"))
    made.spend("main", "hung", 5)
    made.see(seen("hung"))
    return made


def test_one_state_is_1_and_the_others_are_0(metrics: Metrics) -> None:
    assert (value(metrics, "state", state="hung"), value(metrics, "state", state="ready")) == (1, 0)


def test_time_is_counted_under_the_state_in_which_it_passed(metrics: Metrics) -> None:
    assert (value(metrics, "ready_seconds_total"), value(metrics, "watched_seconds_total")) == (10, 15)


def test_what_the_container_uses_and_how_fast_the_gateway_answers_is_there(metrics: Metrics) -> None:
    assert (value(metrics, "memory_bytes"), value(metrics, "memory_limit_bytes")) == (2048, 4096)
    assert (value(metrics, "cpu_seconds"), value(metrics, "restarts")) == (12.5, 2)
    assert value(metrics, "start_time_seconds") == RUNNING.started
    assert (value(metrics, "probe_seconds_count"), value(metrics, "probe_seconds_bucket", le="0.005")) == (3, 3)


def test_an_engine_that_goes_away_and_comes_back_is_not_counted_as_a_restart(metrics: Metrics) -> None:
    metrics.see(Observation(Verdict("main", "unknown"), None))
    assert value(metrics, "state", state="unknown") == 1
    assert (value(metrics, "restarts"), value(metrics, "cpu_seconds")) == (2, 12.5)


def test_a_paused_container_keeps_its_cpu_time_and_a_stopped_one_has_none(metrics: Metrics) -> None:
    metrics.see(Observation(Verdict("main", "paused"), replace(RUNNING, state="paused")))
    assert value(metrics, "cpu_seconds") == 12.5
    metrics.see(Observation(Verdict("main", "stopped"), replace(RUNNING, state="exited")))
    assert value(metrics, "cpu_seconds") == 0


def test_restarts_by_the_watch_are_counted_from_zero(metrics: Metrics) -> None:
    assert value(metrics, "treatments_total") == 0
    metrics.restarted("main")
    assert value(metrics, "treatments_total") == 1


def test_a_profile_that_has_left_the_fleet_has_no_metrics(metrics: Metrics) -> None:
    metrics.forget("main")
    assert b'profile="main"' not in generate_latest(metrics.registry)


def test_a_scrape_over_loopback_gets_text_until_the_watch_ends(metrics: Metrics) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    end = metrics.serve("127.0.0.1", port)
    try:
        answer = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=10)
        assert answer.headers["Content-Type"].startswith("text/plain")
        assert 'idlehands_gateway_state{profile="main",project="bots",state="hung"} 1.0' in answer.text
    finally:
        end()
    with pytest.raises(requests.ConnectionError):
        requests.get(f"http://127.0.0.1:{port}/metrics", timeout=10)


def test_a_port_in_use_and_an_address_of_another_host_are_refused() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(PortConflictError, match="is in use by another process"):
            Metrics("bots").serve("127.0.0.1", taken.getsockname()[1])
    with pytest.raises(UsageError, match=r"cannot listen on 192\.0\.2\.1:9464: "):
        Metrics("bots").serve("192.0.2.1", 9464)


def test_the_example_dashboard_and_alerts_use_only_existing_metrics(metrics: Metrics) -> None:
    there = set(re.findall(r"^(idlehands_\w+)", generate_latest(metrics.registry).decode(), re.MULTILINE))
    dashboard = json.loads((MONITORING / "dashboard.json").read_text())
    alerts = yaml.safe_load((MONITORING / "alerts.yaml").read_text())
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    asked += [rule["expr"] for group in alerts["groups"] for rule in group["rules"]]
    assert len(asked) > 6
    for expression in asked:
        names = set(re.findall(r"idlehands_\w+", expression))
        assert names
        assert names <= there


def test_the_example_scrape_finds_the_watch_where_the_documentation_starts_it() -> None:
    scrape = yaml.safe_load((MONITORING / "prometheus.yaml").read_text())
    assert scrape["scrape_configs"][0]["static_configs"][0]["targets"] == ["127.0.0.1:9464"]
    assert scrape["rule_files"] == ["alerts.yaml"]

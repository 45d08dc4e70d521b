from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from idlehands_deploy.doctor.examine import Diagnosis
from idlehands_deploy.engine.usage import Usage
from idlehands_deploy.findings import Finding
from idlehands_deploy.fleet.ports import plan_ports
from idlehands_deploy.health.observe import Observation
from idlehands_deploy.health.verdict import Verdict
from idlehands_deploy.redaction.redactor import Redactor
from idlehands_deploy.remedies import Remedy, ours
from idlehands_deploy.show import page
from idlehands_deploy.watch.page.overview import Watched
from idlehands_deploy.watch.timeline import Span
from tests.support.containers import RUNNING
from tests.support.helpers import fleet

WORDS = page.Words(Redactor({"hunter2hunter2"}), Path("/srv/my bots"))


def watched(text: str = "profiles: {main: , rescue: }\n") -> Watched:
    shown = fleet(text)
    return Watched(shown, plan_ports(shown), list(shown.profiles))


def test_a_gateway_is_its_verdict_what_it_uses_and_a_link_without_a_token() -> None:
    seen = Observation(
        Verdict("main", "hung", "accepts \x1b[31mconnections", remedy=Remedy.run("restart", "main", "--now")),
        replace(RUNNING, memory_limit=2 << 30, version="2026.9.6", restart_count=2),
        browsers={"openclaw": "off"}, control="answers", usage=Usage(800 << 20, 0.12345, 9.0),
    )  # fmt: skip
    spans = [Span("ready", True, 10, 20), Span("hung", False, 20, 30), Span("hung", False, 30, 40, "another")]
    assert page.gateway(seen, watched(), spans, WORDS) == {
        "state": "hung", "usable": False, "reason": "accepts connections", "since": 20,
        "remedy": [{"command": "idlehands-deploy -C '/srv/my bots' restart main --now"}],
        "link": "http://127.0.0.1:18789/", "login": "idlehands-deploy -C '/srv/my bots' open main",
        "version": "2026.9.6", "started": RUNNING.started, "restarts": 2,
        "memory": 800 << 20, "memory_limit": 2 << 30, "cpu": 0.123,
        "browsers": {"openclaw": "off"}, "control": "answers",
        "ports": [
            {"purpose": "gateway", "address": "127.0.0.1", "port": 18789},
            {"purpose": "browser control", "address": "127.0.0.1", "port": 18791},
            {"purpose": "cdp openclaw", "address": "127.0.0.1", "port": 18800},
        ],
    }  # fmt: skip


def test_a_gateway_without_a_container_has_no_figures() -> None:
    shown = page.gateway(Observation(Verdict("main", "missing"), None), watched(), [], WORDS)
    assert {key for key, value in shown.items() if value is None} == {
        "since", "started", "memory", "memory_limit", "cpu", "control",
    }  # fmt: skip


def test_the_link_of_a_gateway_is_one_that_this_host_can_open() -> None:
    seen = Observation(Verdict("rescue", "ready"), RUNNING)
    for bind, host in (("0.0.0.0", "127.0.0.1"), ("::1", "[::1]"), ("192.168.1.2", "192.168.1.2")):
        here = watched(f"bind: '{bind}'\nprofiles: {{main: , rescue: }}\n")
        assert page.gateway(seen, here, [], WORDS)["link"] == f"http://{host}:19789/"


def test_ports_and_link_are_those_of_the_container_whatever_the_fleet_file_says_by_now() -> None:
    facts = replace(RUNNING, base=30000, published={30000: "192.168.1.2", 30002: "127.0.0.1"})
    shown = page.gateway(Observation(Verdict("main", "ready"), facts), watched(), [], WORDS)
    assert shown["link"] == "http://192.168.1.2:30000/"
    assert [(port["purpose"], port["port"]) for port in shown["ports"]] == [
        ("gateway", 30000),
        ("browser control", 30002),
    ]


def test_a_remedy_is_sentences_and_commands_to_copy() -> None:
    for remedy, parts in [
        (Remedy(), []),
        (Remedy("fix it, then: ", ours("up", "main")),
         [{"text": "fix it, then: "}, {"command": "idlehands-deploy -C '/srv/my bots' up main"}]),
        (Remedy.run("-C", "/elsewhere", "doctor", as_root=True),
         [{"command": "sudo idlehands-deploy -C /elsewhere doctor"}]),
        (Remedy("docker unpause 0123456789ab"), [{"command": "docker unpause 0123456789ab"}]),
        (Remedy("df -h profiles/main/state"), [{"command": "df -h profiles/main/state"}]),
        (Remedy("upgrade it"), [{"text": "upgrade it"}]),
    ]:  # fmt: skip
        assert WORDS.remedy(remedy) == parts


def test_a_command_keeps_its_paths_and_loses_a_known_secret() -> None:
    remedy = Remedy("chown alice /home/alice/bots hunter2hunter2; then: ", ours("exec", "main", "hunter2hunter2"))
    assert [*WORDS.remedy(remedy)[0].values()] == ["chown alice /home/alice/bots <removed>; then: "]
    assert "hunter2" not in str(WORDS.remedy(remedy))


def test_the_fleet_is_its_profiles_and_whether_a_watch_runs() -> None:
    shown = page.fleet(watched("name: bots\nprofiles: {main: }\n"), WORDS, is_watched=True, version="1")
    assert (shown["project"], shown["watched"], shown["restarts"]) == ("bots", True, True)
    assert shown["profiles"] == ["main"]


def test_the_current_state_has_no_end() -> None:
    spans = [Span("ready", True, 10, 20.04), Span("hung", False, 20.04, 99, "why hunter2hunter2")]
    shown = page.states(spans, [15.04], 99, WORDS)
    assert shown["spans"] == [[10, 20.0, "ready", True, ""], [20.0, None, "hung", False, "why <removed>"]]
    assert shown["restarts"] == [15.0]


def test_what_ended_more_than_a_week_ago_is_not_shown() -> None:
    week = 7 * 86400
    shown = page.states([Span("hung", False, 1, 2), Span("ready", True, 2, 50)], [1, 40], week + 10, WORDS)
    assert ([span[2] for span in shown["spans"]], shown["restarts"]) == (["ready"], [40])


def test_events_are_in_words_the_latest_first() -> None:
    entries = [
        {"at": 1.0, "event": "state", "profile": "main", "state": "hung", "reason": "why", "before": "ready",
         "lasted": 5.0},
        {"at": 2.0, "event": "treating", "profile": "main", "cure": "restart", "attempt": 1, "reason": "hung: why"},
    ]  # fmt: skip
    treating, hung = page.events(entries, WORDS)
    assert (treating["what"], treating["why"], treating["state"]) == (
        "restarting",
        "hung: why (attempt 1: restart)",
        "",
    )
    assert (hung["what"], hung["state"], hung["before"], hung["lasted"]) == ("hung", "hung", "ready", 5.0)


def test_findings_are_as_doctor_says_them() -> None:
    found = Finding("warning", "fleet.yaml:profiles.main", "is odd", "it matters", Remedy.run("up", "main"))
    assert page.findings(Diagnosis(1, [found]), 5, WORDS) == {
        "at": 5, "ok": False, "summary": "1 warning in 1 profile.",
        "findings": [{
            "level": "warning", "place": "fleet.yaml:profiles.main", "what": "is odd", "why": "it matters",
            "fix": [{"command": "idlehands-deploy -C '/srv/my bots' up main"}],
        }],
    }  # fmt: skip


def test_what_was_not_measured_is_null() -> None:
    assert page.usage([None, 5], [None, 0.12345], 60) == {
        "step": 30, "until": 60, "memory": [None, 5], "cpu": [None, 0.123],
    }  # fmt: skip

"""`onboard --local` beside a scripted model server; the engine is a fake one."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.errors import DirectoryError, UsageError
from idlehands_deploy.health import model_servers
from idlehands_deploy.operations import onboarding
from idlehands_deploy.operations.onboarding import LocalModel, onboard
from tests.support.engine import commands
from tests.support.model_server import LM_STUDIO, OLLAMA, OPENAI, serving

if TYPE_CHECKING:
    from tests.support.fake_site import FakeSite

REFUSED = (1, "172.17.0.1\n")


@pytest.fixture(autouse=True)
def no_usual_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    """This host may have a model server of its own, and a bridge."""
    monkeypatch.setattr(model_servers, "USUAL_PORTS", ())
    monkeypatch.setattr(onboarding, "own_addresses", frozenset[str])


def local(site: FakeSite, port: int | None, model: str = "", choice: str | None = None) -> list[str]:
    """The words of the gateway's onboarding, in its container."""
    onboard(site.session, "main", choice, [], 5, terminal=True, local=LocalModel(port, model))
    (command,) = (command for command in commands(site.compose) if command.startswith("exec"))
    return command.split()


def refusal(site: FakeSite, port: int | None, model: str = "", choice: str | None = None) -> str:
    with pytest.raises(UsageError) as caught:
        local(site, port, model, choice)
    assert not [command for command in commands(site.compose) if command.startswith("exec")]
    return str(caught.value)


def test_the_first_model_for_chats_of_a_server_in_reach_is_set_up_without_a_question(site: FakeSite) -> None:
    with serving(OPENAI) as server:
        words = local(site, server.port)
    after = words[words.index("--auth-choice") :]
    assert after == [
        "--auth-choice", "custom-api-key",
        "--custom-base-url", f"http://host.docker.internal:{server.port}/v1",
        "--custom-model-id", "scripted-1",
        "--custom-compatibility", "openai",
    ]  # fmt: skip
    assert {"--non-interactive", "--no-TTY"} <= set(words)
    assert site.engine.ran[-1][-1] == str(server.port)


def test_ollama_and_lm_studio_are_set_up_as_themselves(site: FakeSite) -> None:
    with serving(OLLAMA) as server:
        words = local(site, server.port, "scripted-1")
        assert words[-6:] == [
            "--auth-choice", "ollama", "--custom-base-url", f"http://host.docker.internal:{server.port}",
            "--custom-model-id", "scripted-1",
        ]  # fmt: skip
    with serving(LM_STUDIO) as server:
        assert local(site, server.port)[-5:] == [
            "lmstudio", "--custom-base-url", f"http://host.docker.internal:{server.port}/v1",
            "--custom-model-id", "author/scripted-1",
        ]  # fmt: skip


def test_a_server_on_loopback_alone_is_refused_with_the_reason_and_the_change(site: FakeSite) -> None:
    site.engine.result = REFUSED
    with serving(OPENAI) as server:
        said = refusal(site, server.port)
    assert "listens only on this host's own loopback: a container has a loopback of its own" in said
    assert f"idlehands-deploy onboard main --local --port {server.port}" in said


def test_where_the_engine_s_bridge_is_on_this_host_loopback_is_refused_before_anything_is_started(
    site: FakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onboarding, "own_addresses", lambda: frozenset({"172.17.0.1"}))
    with serving(OPENAI) as server:
        assert "listens only on this host's own loopback" in refusal(site, server.port)
    assert (site.engine.there, site.engine.ran) == ({}, [])


def test_a_server_that_is_not_there_is_refused_before_anything_is_started(site: FakeSite) -> None:
    with serving({}) as server:
        said = refusal(site, server.port)
    assert said.startswith(f"No model server with a model answers on this host: tried port {server.port}.")
    assert "tried Ollama on 11434, LM Studio on 1234" in refusal(site, None)
    assert site.engine.there == {}


def test_a_model_that_the_server_has_not_is_refused_with_those_that_it_has(site: FakeSite) -> None:
    with serving(OPENAI) as server:
        assert "has no model gone; it has: embed-1, scripted-1." in refusal(site, server.port, "gone")
    with serving({"/v1/models": {"data": [{"id": "embed-1"}]}}) as server:
        assert "has no model for chats" in refusal(site, server.port)
    assert site.engine.there == {}


def test_of_several_servers_one_must_be_chosen(site: FakeSite, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(OPENAI) as one, serving(OLLAMA) as other:
        monkeypatch.setattr(model_servers, "USUAL_PORTS", (one.port, other.port))
        said = refusal(site, None)
        assert "There are 2 model servers on this host." in said
        assert f"--port {other.port} (Ollama)" in said
        assert "ollama" in local(site, None, choice="ollama")


def test_a_port_that_the_gateway_s_config_names_is_tried_too(site: FakeSite) -> None:
    with serving(OPENAI) as server:
        config = site.root / "profiles/main/state/idlehands.json"
        written = json.loads(config.read_text())
        written["models"] = {"providers": {"mine": {"baseUrl": f"http://localhost:{server.port}/v1"}}}
        config.write_text(json.dumps(written))
        assert f"http://host.docker.internal:{server.port}/v1" in local(site, None)


def test_at_a_terminal_the_servers_of_this_host_are_told_before_the_first_question(
    site: FakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(OLLAMA) as server:
        monkeypatch.setattr(model_servers, "USUAL_PORTS", (server.port,))
        for result, said in (
            ((0, "172.17.0.1\n"), f"is at http://host.docker.internal:{server.port} for this gateway."),
            (REFUSED, "listens only on this host's own loopback"),
        ):
            site.engine.result = result
            onboard(site.session, "main", None, [], 5, terminal=True)
            assert any(said in line for line in site.lines())


@pytest.mark.parametrize("kind", ["pipe", "link"])
def test_a_config_that_cannot_be_read_is_told_before_anything_is_asked(
    site: FakeSite, tmp_path_factory: pytest.TempPathFactory, kind: str
) -> None:
    config = site.session.deployment.state_directory("main") / "idlehands.json"
    with serving(OPENAI) as server:
        local(site, server.port)
        config.unlink()
        if kind == "pipe":
            os.mkfifo(config)
        else:
            (other := tmp_path_factory.mktemp("other") / "x").write_text("{}")
            config.symlink_to(other)
        with pytest.raises(DirectoryError, match=r"Cannot read .*: it is (not an ordinary file|a link to a file else)"):
            onboarding._config(site.session, "main")

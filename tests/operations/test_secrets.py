"""`secret set`, `list` and `rm`: what they write, in which order, and what they refuse."""

from __future__ import annotations

import json
import os
import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from idlehands_deploy.contract import MADE_SECRETS
from idlehands_deploy.errors import EngineFailedError, EngineUnreachableError, FleetError, StateRefusedError, UsageError
from idlehands_deploy.operations import generation, lifecycle
from idlehands_deploy.operations.config import secrets as operation
from idlehands_deploy.operations.config.secrets import list_secrets, prepare_set, remove_secret, set_secret
from idlehands_deploy.targets.compose import read_services
from tests.support.engine import commands
from tests.support.helpers import mode, snapshot

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.fake_site import FakeSite

KEY = "OPENAI_API_KEY"


def put(site: FakeSite, value: bytes | None = None, key: str = KEY, name: str = "main", **more: Any) -> bytes:
    value = value or secrets.token_hex(16).encode()
    set_secret(site.session, name, key, value, 5, **more)
    return value


def take(site: FakeSite, key: str = KEY, *, yes: bool = True, **more: Any) -> None:
    remove_secret(site.session, "main", key, 5, lambda _: yes, **more)


def path(site: FakeSite, key: str = KEY, name: str = "main") -> Path:
    return site.root / "secrets" / name / key


def named(site: FakeSite, name: str = "main") -> list[str]:
    return site.session.fleet().profiles[name].secrets


def mounted(site: FakeSite, name: str = "main") -> list[str]:
    service = read_services((site.root / "compose.yaml").read_text())[name]
    return [name for secret in service["secrets"] if (name := secret["target"]) not in MADE_SECRETS]


def test_a_key_is_written_named_and_generated_and_nothing_is_started(site: FakeSite) -> None:
    value = put(site)
    assert (path(site).read_bytes(), mode(path(site))) == (value, "0o600")
    assert named(site) == [KEY]
    assert mounted(site)[-1] == KEY
    assert site.lines() == [
        f"secrets/main/{KEY}: written, because there is none",
        f"fleet.yaml: {KEY} named under profiles.main.secrets, because it was not",
        "compose.yaml: written, because it is out of date",
        "Apply it: idlehands-deploy up main   (recreates a container that runs)",
    ]
    assert commands(site.compose) == []


def test_the_value_is_nowhere_but_in_its_file(site: FakeSite) -> None:
    value = put(site)
    assert [name for name, (_, _, content) in snapshot(site.root).items() if value in content] == [
        f"secrets/main/{KEY}"
    ]
    assert value.decode() not in "\n".join(site.lines())
    assert value.decode() not in repr(list_secrets(site.session, []))
    assert value.decode() not in repr(prepare_set(site.session, "main", KEY, value))


def test_a_new_value_changes_the_file_alone_and_the_same_one_nothing(site: FakeSite) -> None:
    put(site)
    site.lines()
    others = {name: facts for name, facts in snapshot(site.root).items() if KEY not in name}
    value = put(site)
    assert path(site).read_bytes() == value
    assert {name: facts for name, facts in snapshot(site.root).items() if KEY not in name} == others
    assert site.lines() == [
        f"secrets/main/{KEY}: written, because it had another value",
        "Apply it: idlehands-deploy up main   (restarts a gateway that runs)",
    ]
    written = path(site).stat().st_mtime_ns
    put(site, value + b"\r\n")
    assert path(site).stat().st_mtime_ns == written
    assert site.lines() == [f"secrets/main/{KEY}: nothing to do, because it has that value"]


def test_a_file_that_others_can_read_is_made_private_again(site: FakeSite) -> None:
    value = put(site)
    path(site).chmod(0o644)
    put(site, value)
    assert mode(path(site)) == "0o600"


def test_up_restarts_for_a_new_value_and_recreates_for_a_new_key(site: FakeSite) -> None:
    lifecycle.up(site.session, [], 5).usable()
    put(site)
    assert [step.what for step in lifecycle.prepare_up(site.session, ["main"]).plan.changes] == ["container recreated"]
    lifecycle.up(site.session, [], 5).usable()
    put(site)
    (line,) = lifecycle.prepare_up(site.session, ["main"]).plan.lines
    assert line.startswith("main: container restarted, because a secret changed since it started")


def test_with_up_the_gateway_is_brought_up(site: FakeSite) -> None:
    lifecycle.up(site.session, [], 5).usable()
    commands(site.compose)
    result = set_secret(site.session, "main", KEY, b"value", 5, then_up=True)
    assert result is not None
    assert result.failure is None
    assert [command.split()[0] for command in commands(site.compose)] == ["up"]
    assert f"/run/secrets/{KEY}" in site.engine.there["main"].mounts


@pytest.mark.parametrize(
    ("name", "key", "expected"),
    [
        ("main", "IDLEHANDS_GATEWAY_TOKEN", "is the gateway's own token"),
        ("main", "IDLEHANDS_CDP_TOKEN", "is the token of its CDP ports"),
        ("main", "OPENCLAW_GATEWAY_TOKEN", "this variable is set by this tool"),
        ("main", "IDLEHANDS_STATE_DIR", "this variable is set by this tool"),
        ("main", "HOME", "is the container's home"),
        ("main", "LD_PRELOAD", "KEY cannot be that: this variable loads code into every program; install it with"),
        ("main", "NODE_OPTIONS", "this variable loads code into the gateway"),
        ("main", "BASH_ENV", "this variable makes shells run code or read commands in another way."),
        ("main", "openai_api_key", "a key is named as an environment variable in capitals"),
        ("main", "A-KEY", "in capitals"),
        ("main", "../main/KEY", "in capitals"),
        ("main", "", "in capitals"),
        ("main", "PLAIN", "is in the environment of main already"),
        ("mian", KEY, "did you mean main?"),
    ],
)
def test_a_key_that_cannot_be_is_refused_and_nothing_is_changed(
    site: FakeSite, name: str, key: str, expected: str
) -> None:
    site.edit("main: {}", "main: {environment: {PLAIN: x}}")
    before = snapshot(site.root)
    with pytest.raises(UsageError) as caught:
        put(site, key=key, name=name)
    assert expected in str(caught.value)
    assert snapshot(site.root).items() - {".lock"} == before.items() - {".lock"}


def test_a_value_in_the_place_of_the_key_is_not_repeated(site: FakeSite) -> None:
    value = secrets.token_hex(16)
    for wrong in (value, f"{KEY}={value}", f"sk-{value}"):
        with pytest.raises(UsageError) as caught:
            put(site, key=wrong)
        assert value not in str(caught.value)


@pytest.mark.parametrize("kind", ["link", "directory", "pipe"])
def test_what_is_no_ordinary_file_is_left_to_the_person(site: FakeSite, kind: str) -> None:
    match kind:
        case "link":
            path(site).symlink_to("/run/agenix/key")
        case "directory":
            path(site).mkdir()
        case "pipe":
            os.mkfifo(path(site))
    with pytest.raises(UsageError, match="is a link to /run/agenix/key" if kind == "link" else "is not a file"):
        put(site)
    assert named(site) == []


def test_keys_that_the_fleet_file_names_already_are_set_one_after_the_other(site: FakeSite) -> None:
    site.edit("main: {}", "main: {secrets: [A, B]}")
    put(site, key="A")
    put(site, key="NEW")
    assert any("compose.yaml is not written yet: secrets/main/B: missing" in line for line in site.lines())
    assert named(site) == ["A", "B", "NEW"]
    put(site, key="B")
    generation.generate(site.session)
    assert mounted(site) == ["A", "B", "NEW"]


def test_a_fleet_file_that_cannot_be_edited_leaves_everything_as_it_was(site: FakeSite) -> None:
    text = "profiles:\n  main: &shared {port: 18789}\n  rescue:\n    <<: *shared\n    port: 19789\n"
    (site.root / "fleet.yaml").write_text(text)
    with pytest.raises(FleetError, match=r"profiles\.main\.secrets: name A here yourself"):
        put(site, key="A")
    assert not path(site, "A").exists()
    assert (site.root / "fleet.yaml").read_text() == text


def test_a_profile_that_was_renamed_by_hand_is_renamed_first(site: FakeSite) -> None:
    site.edit("rescue: {", "spare: {")
    with pytest.raises(StateRefusedError, match="rename rescue spare"):
        put(site, name="spare")
    assert not path(site, name="spare").parent.exists()


def test_a_set_that_is_interrupted_between_its_writes_leaves_a_file_that_the_list_names(
    site: FakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut_off(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(operation, "store", cut_off)
        with pytest.raises(KeyboardInterrupt):
            put(site)
    assert named(site) == []
    assert [(secret.name, secret.named) for secret in list_secrets(site.session, ["main"])] == [(KEY, False)]
    generation.check_generated(site.session)
    value = put(site)
    assert (path(site).read_bytes(), named(site)) == (value, [KEY])


def test_two_commands_at_once_lose_nothing(site: FakeSite) -> None:
    keys = [f"KEY_{number}" for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: put(site, key=key), keys))
    assert sorted(named(site)) == keys
    assert sorted(mounted(site)) == keys


def test_a_removal_takes_the_name_then_the_file(site: FakeSite) -> None:
    put(site)
    site.lines()
    take(site)
    assert (named(site), mounted(site), path(site).exists()) == ([], [], False)
    assert site.lines() == [
        f"fleet.yaml: {KEY} taken out of profiles.main.secrets",
        "compose.yaml: written, because it is out of date",
        f"secrets/main/{KEY}: deleted for good",
    ]


def test_a_removal_that_is_not_confirmed_changes_nothing(site: FakeSite) -> None:
    put(site)
    before = snapshot(site.root)
    with pytest.raises(UsageError, match="nothing was changed"):
        take(site, yes=False)
    assert snapshot(site.root) == before


def test_a_key_that_a_container_has_is_removed_only_with_up(site: FakeSite) -> None:
    put(site)
    lifecycle.up(site.session, [], 5).usable()
    commands(site.compose)
    before = snapshot(site.root)
    with pytest.raises(UsageError, match="could not start again without its file") as caught:
        take(site)
    assert f"secret rm main {KEY} --up" in str(caught.value)
    assert snapshot(site.root) == before
    take(site, then_up=True)
    assert [command.split()[0] for command in commands(site.compose)] == ["up"]
    assert (named(site), path(site).exists()) == ([], False)


def test_a_file_stays_while_the_recreation_fails_and_the_same_command_goes_on(site: FakeSite) -> None:
    put(site)
    lifecycle.up(site.session, [], 5).usable()
    site.compose.failure = EngineFailedError("no", "Again.")
    with pytest.raises(EngineFailedError):
        take(site, then_up=True)
    assert (named(site), path(site).exists()) == ([], True)
    site.compose.failure = None
    with pytest.raises(UsageError, match="could not start again without its file"):
        take(site)
    take(site, then_up=True)
    assert not path(site).exists()


def test_without_an_engine_only_a_file_that_nothing_names_is_deleted(
    site: FakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(site)
    path(site, "OLD").write_text("x")

    def no_engine(_: object) -> None:
        raise EngineUnreachableError("No Docker Engine answers.", "Start it.")

    monkeypatch.setattr("idlehands_deploy.deployment.session.Session.engine", no_engine)
    with pytest.raises(EngineUnreachableError):
        take(site)
    take(site, "OLD")
    assert (path(site).exists(), path(site, "OLD").exists()) == (True, False)


def test_a_key_that_the_watch_notifies_with_is_kept(site: FakeSite) -> None:
    put(site)
    with (site.root / "fleet.yaml").open("a") as file:
        file.write(f"watch: {{notify: {{webhook: secrets/main/{KEY}}}}}\n")
    with pytest.raises(UsageError, match=r"watch\.notify\.webhook in fleet\.yaml names secrets/main/"):
        take(site)


def test_a_config_that_names_the_key_is_told(site: FakeSite) -> None:
    put(site)
    (site.root / "profiles" / "main" / "state" / "idlehands.json").write_text(json.dumps({"key": f"${{{KEY}}}"}))
    site.lines()
    take(site)
    assert f"The config of main names {KEY}, and may need it." in site.lines()


def test_a_key_that_is_not_there_is_reported_with_the_one_that_is_meant(site: FakeSite) -> None:
    put(site)
    with pytest.raises(UsageError, match=f"main has no secret OPENAI_KEY; did you mean {KEY}?"):
        take(site, "OPENAI_KEY")


def test_a_link_is_removed_and_what_it_leads_to_stays(site: FakeSite, tmp_path: Path) -> None:
    target = tmp_path / "vault"
    target.write_text("x")
    path(site).symlink_to(target)
    take(site)
    assert (os.path.lexists(path(site)), target.exists()) == (False, True)

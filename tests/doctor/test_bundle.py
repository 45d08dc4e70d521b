from __future__ import annotations

import base64
import gc
import json
import os
import secrets
import stat
import tarfile
from contextlib import closing
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from idlehands_deploy.contract import MADE_SECRETS, TOKEN_SECRET
from idlehands_deploy.deployment.directory import Deployment
from idlehands_deploy.deployment.session import Session
from idlehands_deploy.doctor import bundle as bundling
from idlehands_deploy.doctor.archive import INDEX, TOP, write_bundle
from idlehands_deploy.errors import UsageError
from idlehands_deploy.operations import generation, profiles
from idlehands_deploy.operations.doctor import other_parts
from idlehands_deploy.watch.journal import Journal
from tests.support.helpers import Quiet, clean_environ

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# docker-py leaves the sockets of failed connections to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    yield
    gc.collect()


def unpacked(path: Path) -> dict[str, str]:
    with tarfile.open(path) as archive:
        return {
            member.name: file.read().decode()
            for member in archive.getmembers()
            if (file := archive.extractfile(member))
        }


# What stands in no file and no variable, so that nobody can know it.
UNTOLD = {"path", "state", "nowhere"}


def names(directory: Path) -> list[str]:
    return [path.name for path in directory.iterdir()]


def no_status(_: object) -> Any:
    raise AssertionError("there is no engine to ask")


def gathered(root: Path, more: dict[str, str] | None = None, **environ: str) -> dict[str, str]:
    """What is gathered where no engine answers."""
    session = Session(Deployment(root), clean_environ(root, **environ), Quiet(), lambda _: False)
    return bundling.collect(session, other_parts(session, no_status), more)


def written(secret: str) -> list[str]:
    """A secret in each form that a search would look for."""
    plain = secret.encode()
    return [
        secret,
        quote(secret, safe=""),
        json.dumps(secret)[1:-1],
        plain.hex(),
        base64.b64encode(plain).decode().rstrip("=")[:-1],
    ]


def assert_without(texts: dict[str, str], planted: dict[str, str]) -> None:
    everything = "".join(f"{name}\n{text}" for name, text in texts.items())
    found = {place for place, secret in planted.items() for form in written(secret) if form in everything}
    assert found == set()


def deployment(root: Path, *names: str) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    session = Session(Deployment(root), {}, Quiet(), lambda _: False)
    profiles.init(session, names or ["main"])
    return root


def test_an_archive_holds_its_entries_under_one_directory_with_an_index_first(tmp_path: Path) -> None:
    path = tmp_path / "out.tar.gz"
    write_bundle(path, {"main/logs.txt": "one\ntwo\n", "a.json": "{}\n"})
    with tarfile.open(path) as archive:
        members = archive.getmembers()
    assert [member.name for member in members] == [f"{TOP}/{INDEX}", f"{TOP}/a.json", f"{TOP}/main/logs.txt"]
    assert {(member.mode, member.uid, member.gid, member.uname, member.mtime) for member in members} == {
        (0o600, 0, 0, "", 0)
    }
    assert unpacked(path)[f"{TOP}/main/logs.txt"] == "one\ntwo\n"


def test_the_index_lists_every_entry_and_says_to_look_through_it(tmp_path: Path) -> None:
    write_bundle(tmp_path / "x", {"main/logs.txt": "one\ntwo\n", "a.json": "{}\n"})
    index = unpacked(tmp_path / "x")[f"{TOP}/{INDEX}"]
    assert "LOOK THROUGH IT BEFORE YOU SHARE IT" in index
    assert index.endswith("Contents\n  a.json         1 line\n  main/logs.txt  2 lines\n")


def test_the_same_entries_give_the_same_bytes_in_whatever_order(tmp_path: Path) -> None:
    write_bundle(tmp_path / "x", {"a": "1\n", "b": "2\n"})
    write_bundle(tmp_path / "y", {"b": "2\n", "a": "1\n"})
    assert (tmp_path / "x").read_bytes() == (tmp_path / "y").read_bytes()


def test_only_its_owner_can_read_an_archive(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("")
    path.chmod(0o644)
    write_bundle(path, {}, replace=True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert names(tmp_path) == ["x"]


@pytest.mark.parametrize("kind", ["file", "link to nothing", "directory"])
def test_an_existing_file_is_kept_unless_it_may_be_replaced(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x"
    if kind == "file":
        path.write_text("mine")
    elif kind == "directory":
        path.mkdir()
    else:
        path.symlink_to("nowhere")
    with pytest.raises(UsageError) as caught:
        write_bundle(path, {"a": "1"})
    assert caught.value.exit_code == 2
    assert str(caught.value) == f"{path} already exists.\nChoose another file name, or move that file away."
    assert names(tmp_path) == ["x"]


@pytest.mark.parametrize("there", [True, False])
def test_an_existing_file_is_kept_without_hard_links_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    # A file system without hard links cannot be had everywhere.
    monkeypatch.setattr(type(tmp_path), "hardlink_to", refuse)
    path = tmp_path / "x"
    if there:
        path.write_text("mine")
        with pytest.raises(UsageError):
            write_bundle(path, {"a": "1"})
        assert path.read_text() == "mine"
    else:
        write_bundle(path, {"a": "1"})
    assert names(tmp_path) == ["x"]


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("mine")
    (tmp_path / "x").symlink_to("target")
    write_bundle(tmp_path / "x", {"a": "1"}, replace=True)
    assert (tmp_path / "target").read_text() == "mine"
    assert not (tmp_path / "x").is_symlink()


def test_an_archive_that_cannot_be_written_is_reported_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file or directory") as caught:
        write_bundle(tmp_path / "none" / "x", {})
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("name", ["/etc/x", "../x", "a/../../x", ""])
def test_no_entry_is_outside_the_archive(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="not a valid name in an archive"):
        write_bundle(tmp_path / "x", {name: ""})
    assert names(tmp_path) == []


def test_no_secret_of_a_deployment_is_in_its_report(tmp_path: Path) -> None:
    planted = {place: secrets.token_hex(12) for place in ("path", "name", "unlisted", "shell", "nowhere")}
    planted |= {
        place: secrets.token_urlsafe(16) for place in ("key", "odd", "nested", "state", "credentials", "old variable")
    }
    # Without digits, as no rule about shapes would find them; with what is written in another way.
    planted |= {
        place: "".join(secrets.choice("GHJKLMNPQRSTUVWXYZ") for _ in range(14)) + tail
        for place, tail in (
            ("variable", "é&/+$"),
            ("new variable", ""),
            ("spaced", " and more"),
            ("token", ""),
            ("listed key", ""),
            ("dotenv", ""),
        )
    }
    root = deployment(tmp_path / planted["path"])
    (root / "fleet.yaml").write_text(
        "profiles:\n  main:\n    secrets: [A_KEY]\n    environment:\n"
        f"      ODD: {json.dumps(planted['variable'])}\n      TZ: Europe/Berlin\n"
        f"    browser: {{profiles: {{far: {{cdp_url: 'http://x:{planted['key']}@10.0.0.4:9222/?a={planted['odd']}'}}}}}}\n"
    )
    key_files = root / "secrets" / "main"
    (key_files / "A_KEY").write_text(planted["listed key"] + "\n")
    (key_files / planted["name"]).write_text(planted["unlisted"])
    generation.generate(Session(Deployment(root), {}, Quiet(), lambda _: False))
    fleet = root / "fleet.yaml"
    fleet.write_text(fleet.read_text().replace("TZ:", f"NEW: {json.dumps(planted['new variable'])}\n      TZ:"))
    compose = root / "compose.yaml"
    compose.write_text(compose.read_text().replace("ODD:", f"OLD: {json.dumps(planted['old variable'])}\n      ODD:"))
    state = root / "profiles" / "main" / "state"
    (state / "idlehands.json").write_text(
        json.dumps({
            "gateway": {"mode": "local", "auth": {"token": planted["token"]}},
            "browser": {"odd": [[{"deep": planted["nested"]}]]},
            planted["odd"]: {"note": planted["spaced"]},
        })
    )  # fmt: skip
    (state / "credentials").mkdir()
    (state / "credentials" / "x.json").write_text(json.dumps({"a": planted["credentials"]}))
    (state / planted["state"]).write_text("")
    (state / ".env").write_text(f"export SOME_NAME='{planted['dotenv']}'\n")
    log = [f"{place}: {form}" for place, secret in planted.items() if place not in UNTOLD for form in written(secret)]
    # Of this one nobody knows, and only what stands around it tells.
    log.append(f"GET /x?token={planted['nowhere']} failed: Bearer {planted['nowhere']}")
    log.append(f"in {root}/x")
    texts = gathered(root, {"findings.txt": "\n".join(log)}, MY_API_KEY=planted["shell"])
    assert_without(texts, planted)
    write_bundle(tmp_path / "out", texts)
    assert_without(unpacked(tmp_path / "out"), planted)
    assert texts["findings.txt"].endswith("in <deployment>/x\n")
    assert "TZ: Europe/Berlin" in texts["fleet.yaml"]


def test_without_an_engine_the_other_parts_are_still_collected(tmp_path: Path) -> None:
    texts = gathered(deployment(tmp_path, "main", "rescue"))
    missing = {name for name, text in texts.items() if text.startswith("This part could not be collected.\n")}
    assert missing == {
        "engine.json", "status.json",
        "main/container.json", "main/logs.txt", "rescue/container.json", "rescue/logs.txt",
    }  # fmt: skip
    assert "No Docker Engine answers at /nonexistent.sock." in texts["main/logs.txt"]
    assert set(texts) - missing == {
        "versions.json", "host.json", "fleet.yaml", "compose.yaml", "generate-check.txt", "watch.json",
        "main/config.json", "main/state.txt", "main/secrets.txt",
        "rescue/config.json", "rescue/state.txt", "rescue/secrets.txt",
    }  # fmt: skip


def test_the_watch_s_journal_is_collected_without_secrets(tmp_path: Path) -> None:
    root = deployment(tmp_path)
    token = Deployment(root).secret_file("main", TOKEN_SECRET).read_text().strip()
    with closing(Journal(Deployment(root).journal_file)) as journal:
        journal.write("state", profile="main", state="misconfigured", reason=f"no token {token}")
    text = gathered(root)["watch.json"]
    assert json.loads(text)[0]["state"] == "misconfigured"
    assert token not in text


def test_a_new_deployment_s_files_are_shown(tmp_path: Path) -> None:
    texts = gathered(deployment(tmp_path))
    gateway = {"mode": "local", "bind": "lan", "auth": {"mode": "token"}}
    assert json.loads(texts["main/config.json"])["gateway"] == gateway
    assert texts["generate-check.txt"] == "compose.yaml: up to date\nseccomp.json: up to date\n"
    assert "IDLEHANDS_GATEWAY_PORT: '18789'" in texts["compose.yaml"].replace('"', "'")
    assert "file: ./secrets/main/IDLEHANDS_GATEWAY_TOKEN" in texts["compose.yaml"]
    tokens = [line for line in texts["main/secrets.txt"].splitlines() if "TOKEN" in line]
    assert [(line[:10], line.rpartition("  ")[2]) for line in tokens] == [
        ("-rw-------", name) for name in sorted(MADE_SECRETS)
    ]
    assert all("<=96" in line for line in tokens)
    assert "idlehands.json" in texts["main/state.txt"]
    assert json.loads(texts["versions.json"])["docker-compose"]


def test_a_stale_compose_file_is_shown_as_a_difference_without_values(tmp_path: Path) -> None:
    root = deployment(tmp_path)
    value = secrets.token_hex(8)
    fleet = root / "fleet.yaml"
    fleet.write_text(
        fleet.read_text().replace("main: {}", f"main: {{environment: {{A: {value}a}}, resources: {{memory: 3g}}}}")
    )
    said = gathered(root)["generate-check.txt"]
    assert said.startswith("compose.yaml: stale\nseccomp.json: up to date\n")
    assert '-    mem_limit: "2g"\n' in said
    assert '+    mem_limit: "3g"\n' in said
    assert "+      A: <text, 17 characters>" in said
    assert value not in said


@pytest.mark.parametrize("form", ["profiles: {{main: {{port: {}}}}}", "profiles: {{main: {}}}", "{}123: 1", "a: [{}"])
def test_a_wrong_fleet_file_is_reported_without_its_values_and_the_rest_is_still_collected(
    tmp_path: Path, form: str
) -> None:
    root = deployment(tmp_path)
    value = "".join(secrets.choice("ghjklmnpqrstuvwxyz") for _ in range(15))
    (root / "fleet.yaml").write_text(form.format(value) + "\n")
    texts = gathered(root)
    assert value not in "".join(texts.values())
    assert texts["generate-check.txt"].startswith("This part could not be collected.\n")
    assert "idlehands.json" in texts["main/state.txt"]


@pytest.mark.parametrize("text", ['{"token": "%s", cut', '{"a": {"password": "%s"}}}', "%s"])
def test_a_damaged_config_is_reported_without_its_content(tmp_path: Path, text: str) -> None:
    root = deployment(tmp_path)
    value = secrets.token_hex(10)
    (root / "profiles" / "main" / "state" / "idlehands.json").write_text(text % value)
    texts = gathered(root, {"log.txt": f"what is {value}?"})
    assert texts["main/config.json"].startswith(
        "This part could not be collected.\nFlawError: is not JSON5 at line 1, "
    )
    assert texts["log.txt"] == "what is <removed>?\n"


def test_a_config_with_comments_is_shown(tmp_path: Path) -> None:
    root = deployment(tmp_path)
    config = root / "profiles" / "main" / "state" / "idlehands.json"
    config.write_text("{gateway: {mode: 'local', /* why */ }, // not yet\n}")
    assert json.loads(gathered(root)["main/config.json"]) == {"gateway": {"mode": "local"}}


def test_the_address_of_a_remote_browser_is_shown_without_its_login(tmp_path: Path) -> None:
    root = deployment(tmp_path)
    words = ["".join(secrets.choice("ghjklmnpqrstuvwxyz") for _ in range(9)) for _ in range(2)]
    config = root / "profiles" / "main" / "state" / "idlehands.json"
    profiles = {
        "plain": {"cdpUrl": "http://10.0.0.4:9222"},
        "far": {"cdpUrl": f"wss://{words[0]}:{words[1]}@10.0.0.5/"},
    }
    config.write_text(json.dumps({"browser": {"profiles": profiles}}))
    texts = gathered(root, {"log.txt": f"http://10.0.0.4:9222 refused {words[1]} of {words[0]}"})
    shown = json.loads(texts["main/config.json"])["browser"]["profiles"]
    assert shown == {"plain": {"cdpUrl": "http://10.0.0.4:9222"}, "far": {"cdpUrl": "wss://10.0.0.5"}}
    assert texts["log.txt"] == "http://10.0.0.4:9222 refused <removed> of <removed>\n"


def test_a_gateway_s_links_and_pipes_are_not_read(tmp_path: Path) -> None:
    root = deployment(tmp_path / "site", "main", "rescue")
    value = secrets.token_hex(10)
    (tmp_path / "elsewhere").write_text(json.dumps({"gateway": {"mode": value}}))
    states = [root / "profiles" / name / "state" / "idlehands.json" for name in ("main", "rescue")]
    for state in states:
        state.unlink()
    states[0].symlink_to(tmp_path / "elsewhere")
    os.mkfifo(states[1])
    texts = gathered(root)
    assert "it is not an ordinary file" in texts["main/config.json"]
    assert "it is not an ordinary file" in texts["rescue/config.json"]
    assert value not in "".join(texts.values())


def test_a_state_listing_shows_only_well_known_names_and_counts_the_rest(tmp_path: Path) -> None:
    root = deployment(tmp_path)
    state = root / "profiles" / "main" / "state"
    for name in (
        "sessions/about-jane.json",
        "browser/openclaw/Cookies",
        "jane/x",
        "state/openclaw.sqlite",
        "state/jane.db",
    ):
        (state / name).parent.mkdir(parents=True, exist_ok=True)
        (state / name).write_text("x" * 2048)
    said = gathered(root)["main/state.txt"]
    assert "jane" not in said
    assert "Cookies" not in said
    assert said.count("1 files, 2 KiB") == 2
    assert "state/openclaw.sqlite" in said
    assert "1 more in ./ (names not shown)" in said
    assert "1 more in state/ (names not shown)" in said


def test_the_error_of_a_failed_part_is_redacted_and_the_others_are_still_collected(tmp_path: Path) -> None:
    root = deployment(tmp_path / secrets.token_hex(9))
    (root / "profiles" / "main" / "state" / "idlehands.json").unlink()
    texts = gathered(root)
    assert texts["main/config.json"] == (
        "This part could not be collected.\nFileNotFoundError: [Errno 2] No such file or directory: "
        "'<deployment>/profiles/main/state/idlehands.json'\n"
    )
    assert "idlehands-deploy" in texts["versions.json"]


def test_a_directory_without_a_deployment_still_gives_a_bundle(tmp_path: Path) -> None:
    texts = gathered(tmp_path)
    assert texts["fleet.yaml"] == "This file does not exist.\n"
    assert json.loads(texts["host.json"])["kernel"].startswith("Linux")


def test_collecting_changes_no_file(tmp_path: Path) -> None:
    root = deployment(tmp_path)
    before = {path: (path.lstat().st_mtime_ns, path.lstat().st_mode) for path in root.rglob("*")}
    gathered(root)
    assert {path: (path.lstat().st_mtime_ns, path.lstat().st_mode) for path in root.rglob("*")} == before

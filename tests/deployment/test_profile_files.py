"""Each profile's directories, first config and secrets: made, owned and checked."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.deployment.directory import Deployment
from idlehands_deploy.deployment.profile_files import check_files, container_user, make_files, new_token, read_token
from idlehands_deploy.errors import FleetError
from idlehands_deploy.fleet.ports import plan_ports
from tests.support.helpers import USER, fleet, mode, snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator


ROOT_RUNS = os.geteuid() == 0


def make(root: Path, text: str) -> Deployment:
    written = fleet(text)
    check_files(Deployment(root), written, USER)
    make_files(Deployment(root), written, plan_ports(written), USER)
    return Deployment(root)


def refusal(root: Path, text: str, user: str = USER) -> str:
    with pytest.raises(FleetError) as caught:
        check_files(Deployment(root), fleet(text), user)
    return "\n".join(map(str, caught.value.problems))


def owner(path: Path) -> str:
    return f"{path.lstat().st_uid}:{path.lstat().st_gid}"


@contextmanager
def no_umask() -> Iterator[None]:
    old = os.umask(0)
    try:
        yield
    finally:
        os.umask(old)


def test_only_the_owner_can_read_created_files(tmp_path: Path) -> None:
    with no_umask():
        root = make(tmp_path, "profiles: {main: }").root
    private = {
        "profiles": "0o700",
        "profiles/main": "0o700",
        "profiles/main/state": "0o700",
        "profiles/main/state/idlehands.json": "0o600",
        "profiles/main/workspace": "0o700",
        "secrets": "0o700",
        "secrets/main": "0o700",
        "secrets/main/IDLEHANDS_GATEWAY_TOKEN": "0o600",
    }
    assert {path: mode(root / path) for path in private} == private


def test_the_gateway_s_user_owns_the_mounted_directories(tmp_path: Path) -> None:
    root = make(tmp_path, "profiles: {main: }").root
    mounted = [
        "profiles/main/state",
        "profiles/main/state/idlehands.json",
        "profiles/main/workspace",
        "profiles/main/home",
        "profiles/main/home/.idlehands",
        "profiles/main/home/workspace",
        "secrets/main/IDLEHANDS_GATEWAY_TOKEN",
    ]
    assert {path: owner(root / path) for path in mounted} == dict.fromkeys(mounted, USER)


def test_the_directories_above_the_mounts_keep_their_owner(tmp_path: Path) -> None:
    root = make(tmp_path, "profiles: {main: }").root
    around = ["profiles", "profiles/main", "secrets", "secrets/main"]
    me = f"{os.geteuid()}:{os.getegid()}"
    assert {path: owner(root / path) for path in around} == dict.fromkeys(around, me)


@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "IDLEHANDS_GATEWAY_TOKEN"])
def test_a_secret_that_is_a_link_keeps_its_target_s_owner_mode_and_content(tmp_path: Path, name: str) -> None:
    target, root = tmp_path / "keys" / "shared", tmp_path / "fleet"
    target.parent.mkdir()
    target.write_text(new_token(), encoding="ascii")
    target.chmod(0o640)
    link = root / "secrets" / "main" / name
    link.parent.mkdir(parents=True)
    link.symlink_to(target)
    before = snapshot(target.parent)
    make(root, "profiles: {main: {secrets: [OPENAI_API_KEY]}}" if name[0] == "O" else "profiles: {main: }")
    assert snapshot(target.parent) == before
    assert link.readlink() == target


def test_a_key_that_a_person_wrote_openly_is_made_private(tmp_path: Path) -> None:
    key = tmp_path / "secrets" / "main" / "OPENAI_API_KEY"
    key.parent.mkdir(parents=True)
    key.write_text(new_token(), encoding="ascii")
    key.chmod(0o644)
    make(tmp_path, "profiles: {main: {secrets: [OPENAI_API_KEY]}}")
    assert mode(key) == "0o600"


def test_a_token_and_a_config_that_exist_are_never_written_again(tmp_path: Path) -> None:
    deployment = make(tmp_path, "profiles: {main: }")
    token = deployment.secret_file("main", "IDLEHANDS_GATEWAY_TOKEN")
    config = deployment.state_directory("main") / "idlehands.json"
    token.write_text("mine\n", encoding="ascii")
    config.write_text("{}", encoding="ascii")
    before = snapshot(tmp_path)
    make(tmp_path, "profiles: {main: {browser: {profiles: {work: }}}}")
    assert snapshot(tmp_path) == before


def test_files_that_a_power_cut_emptied_are_created_again(tmp_path: Path) -> None:
    deployment = make(tmp_path, "profiles: {main: }")
    token = deployment.secret_file("main", "IDLEHANDS_GATEWAY_TOKEN")
    config = deployment.state_directory("main") / "idlehands.json"
    for path in (token, config):
        path.write_bytes(b"")
    make(tmp_path, "profiles: {main: }")
    assert len(read_token(deployment, "main") or "") == 64
    assert config.read_text(encoding="utf-8").startswith('{\n  "gateway"')


def test_a_config_that_is_a_broken_link_is_not_followed(tmp_path: Path) -> None:
    deployment = make(tmp_path, "profiles: {main: }")
    config = deployment.state_directory("main") / "idlehands.json"
    config.unlink()
    config.symlink_to(tmp_path / "outside")
    make(tmp_path, "profiles: {main: }")
    assert not (tmp_path / "outside").exists()


def test_a_config_that_is_a_short_link_to_a_further_link_is_not_followed(tmp_path: Path) -> None:
    # A link is as long as its target's name: one to `x` must not pass for a file that a power cut left empty.
    deployment = make(tmp_path, "profiles: {main: }")
    target, config = tmp_path / "shadow", deployment.state_directory("main") / "idlehands.json"
    target.write_text("root's\n", encoding="ascii")
    target.chmod(0o640)
    (config.parent / "x").symlink_to(target)
    config.unlink()
    config.symlink_to("x")
    before = (target.read_bytes(), mode(target), owner(target))
    make(tmp_path, "profiles: {main: }")
    assert (target.read_bytes(), mode(target), owner(target)) == before


def test_the_target_of_a_linked_config_keeps_its_owner(tmp_path: Path) -> None:
    deployment = make(tmp_path, "profiles: {main: }")
    target, config = tmp_path / "shadow", deployment.state_directory("main") / "idlehands.json"
    target.write_text("root's\n", encoding="ascii")
    target.chmod(0o640)
    config.unlink()
    config.symlink_to(target)
    before = (target.read_bytes(), mode(target), owner(target))
    make(tmp_path, "profiles: {main: }")
    assert (target.read_bytes(), mode(target), owner(target)) == before


@pytest.mark.parametrize("content", [b"\n", b"\r\n"])
def test_a_token_file_with_only_a_newline_is_created_again(tmp_path: Path, content: bytes) -> None:
    deployment = make(tmp_path, "profiles: {main: }")
    deployment.secret_file("main", "IDLEHANDS_GATEWAY_TOKEN").write_bytes(content)
    make(tmp_path, "profiles: {main: }")
    assert len(read_token(deployment, "main") or "") == 64


@pytest.mark.parametrize("content", [b"x", b"x\n", b"mine\n", b"\nmine"])
def test_a_token_that_a_person_wrote_is_never_replaced(tmp_path: Path, content: bytes) -> None:
    deployment = make(tmp_path, "profiles: {main: }")
    token = deployment.secret_file("main", "IDLEHANDS_GATEWAY_TOKEN")
    token.write_bytes(content)
    make(tmp_path, "profiles: {main: }")
    assert token.read_bytes() == content


def test_every_profile_has_a_separate_token_with_256_bits(tmp_path: Path) -> None:
    deployment = make(tmp_path, "profiles: {main: , rescue: }")
    tokens = [read_token(deployment, name) or "" for name in ("main", "rescue")]
    assert len(set(tokens)) == 2
    assert all(len(bytes.fromhex(token)) == 32 for token in tokens)


def test_every_missing_and_empty_secret_is_reported_with_its_path(tmp_path: Path) -> None:
    empty = tmp_path / "secrets" / "rescue" / "B"
    empty.parent.mkdir(parents=True)
    empty.touch()
    assert refusal(tmp_path, "profiles: {main: {secrets: [A]}, rescue: {secrets: [B, A]}}") == (
        "secrets/main/A: missing\nsecrets/rescue/B: is empty\nsecrets/rescue/A: missing"
    )


def test_a_directory_of_another_user_is_reported_with_the_command_that_fixes_it(tmp_path: Path) -> None:
    parts = [str(path) for path in make(tmp_path, "profiles: {main: }").mounted("main").values()]
    owner = USER.partition(":")[0]
    if not ROOT_RUNS:
        pytest.skip("only root can check files for a user that it is not")
    with pytest.raises(FleetError) as caught:
        check_files(Deployment(tmp_path), fleet("profiles: {main: }"), "1234:1234")
    assert [str(problem) for problem in caught.value.problems] == [
        f"profiles/main/state: belongs to uid {owner}, but its gateway runs as 1234:1234",
        f"profiles/main/workspace: belongs to uid {owner}, but its gateway runs as 1234:1234",
        f"profiles/main/home: belongs to uid {owner}, but its gateway runs as 1234:1234",
    ]
    assert str(caught.value.remedy) == (f"Give them to their gateways: sudo chown -R 1234:1234 {' '.join(parts)}")


def test_an_ordinary_user_is_told_that_it_cannot_give_files_away(ordinary_user: Path) -> None:
    me, group = os.geteuid(), os.getegid()
    assert refusal(ordinary_user, "profiles: {main: }", "1234:1234") == (
        f"profiles.main: its gateway would run as 1234:1234, but you ({me}) cannot give files to that user; "
        f'set `user: "{me}:{group}"`, or run this command as root'
    )


def test_the_gateways_run_as_the_fleet_file_s_user_else_as_the_directory_s_owner(ordinary_user: Path) -> None:
    deployment = Deployment(ordinary_user)
    me = f"{os.geteuid()}:{os.getegid()}"
    assert container_user(fleet("user: '1234:5678'"), deployment) == "1234:5678"
    assert container_user(fleet(""), deployment) == me
    assert container_user(fleet(""), Deployment(ordinary_user / "new")) == me


def test_the_gateways_of_root_s_directory_do_not_run_as_root() -> None:
    assert container_user(fleet(""), Deployment(Path("/"))) == "1000:1000"


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff"])
def test_a_token_file_without_a_token_counts_as_missing(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "secrets" / "main" / "IDLEHANDS_GATEWAY_TOKEN"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    assert read_token(Deployment(tmp_path), "main") is None

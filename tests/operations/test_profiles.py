from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.contract import MADE_SECRETS
from idlehands_deploy.deployment.profile_files import new_token
from idlehands_deploy.errors import (
    DeployError,
    DirectoryError,
    FleetError,
    PortConflictError,
    StaleError,
    UsageError,
)
from idlehands_deploy.operations import generation, lifecycle, profiles
from idlehands_deploy.planning import draft
from tests.support.helpers import clean_environ, session, snapshot
from tests.support.site import free_base

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from idlehands_deploy.deployment.session import Session

GENERATED = ["compose.yaml", "fleet.schema.json", "fleet.yaml", "seccomp.json"]


def bases(root: Path) -> dict[str, int]:
    plan = draft.make_draft(session(root), session(root).fleet_text())
    return {name: ports.base for name, ports in plan.ports.profiles.items()}


def append(root: Path, text: str) -> None:
    with (root / "fleet.yaml").open("a", encoding="utf-8") as stream:
        stream.write(text)


def test_init_makes_everything_that_compose_needs(tmp_path: Path) -> None:
    root = tmp_path / "new"
    profiles.init(session(root), ["main", "rescue"])
    assert {path for path in snapshot(root) if (root / path).is_file()} == {
        *GENERATED,
        ".lock",
        "profiles/main/state/idlehands.json",
        "profiles/rescue/state/idlehands.json",
        *(f"secrets/{name}/{token}" for name in ("main", "rescue") for token in MADE_SECRETS),
    }
    assert (
        (root / "fleet.yaml").read_text(encoding="utf-8").endswith("profiles:\n  main: {}\n  rescue: {port: 19789}\n")
    )


def test_init_refuses_a_directory_that_is_a_deployment(tmp_path: Path) -> None:
    profiles.init(session(tmp_path), ["main"])
    with pytest.raises(UsageError) as caught:
        profiles.init(session(tmp_path), ["main"])
    assert str(caught.value) == (
        f"There is a fleet file already: {tmp_path / 'fleet.yaml'}\n"
        "Add to it: idlehands-deploy add NAME   (or make another with -C DIRECTORY)"
    )


def test_add_writes_the_port_and_what_it_rescues_down(tmp_path: Path) -> None:
    profiles.init(session(tmp_path), ["main"])
    profiles.add(session(tmp_path), "rescue", None, ["main"])
    profiles.add(session(tmp_path), "third", 30000, [])
    assert (
        (tmp_path / "fleet.yaml")
        .read_text(encoding="utf-8")
        .endswith(
            "profiles:\n  main: {}\n  rescue:\n    rescues:\n      - main\n    port: 19789\n  third:\n    port: 30000\n"
        )
    )


def test_adding_and_dropping_leaves_the_others_in_the_compose_file_as_they_were(tmp_path: Path) -> None:
    profiles.init(session(tmp_path), ["main"])
    before = (tmp_path / "compose.yaml").read_bytes()
    profiles.add(session(tmp_path), "rescue", None, [])
    assert (tmp_path / "compose.yaml").read_bytes() != before
    draft.drop(session(tmp_path), "rescue")
    assert (tmp_path / "compose.yaml").read_bytes() == before


def test_a_dropped_profile_s_slot_is_given_again_and_nobody_else_moves(tmp_path: Path) -> None:
    profiles.init(session(tmp_path), ["main", "rescue", "third"])
    draft.drop(session(tmp_path), "rescue")
    assert bases(tmp_path) == {"main": 18789, "third": 20789}
    profiles.add(session(tmp_path), "fourth", None, [])
    assert bases(tmp_path) == {"main": 18789, "third": 20789, "fourth": 19789}


def test_dropping_a_profile_keeps_its_files(tmp_path: Path) -> None:
    profiles.init(session(tmp_path), ["main", "rescue"])
    files = {path: value for path, value in snapshot(tmp_path).items() if "/rescue" in path}
    draft.drop(session(tmp_path), "rescue")
    assert {path: value for path, value in snapshot(tmp_path).items() if "/rescue" in path} == files


def test_generate_again_changes_nothing(tmp_path: Path) -> None:
    profiles.init(session(tmp_path), ["main", "rescue"])
    before = snapshot(tmp_path)
    assert generation.generate(session(tmp_path)) is False
    assert snapshot(tmp_path) == before


def test_generate_pins_the_port_of_a_profile_that_a_person_wrote(tmp_path: Path) -> None:
    profiles.init(session(tmp_path), ["main"])
    append(tmp_path, "  rescue:  # written by hand\n")
    assert generation.generate(session(tmp_path)) is True
    assert (
        (tmp_path / "fleet.yaml")
        .read_text(encoding="utf-8")
        .endswith("  main: {}\n  rescue: {port: 19789}  # written by hand\n")
    )


@pytest.mark.parametrize("name", [*GENERATED[:2], GENERATED[3]])
def test_generate_makes_again_what_was_deleted(tmp_path: Path, name: str) -> None:
    profiles.init(session(tmp_path), ["main"])
    before = snapshot(tmp_path)
    (tmp_path / name).unlink()
    assert generation.generate(session(tmp_path)) is True
    assert snapshot(tmp_path) == before


def test_no_secret_comes_into_the_compose_file(tmp_path: Path) -> None:
    profiles.init(session(tmp_path), ["main"])
    key = tmp_path / "secrets" / "main" / "OPENAI_API_KEY"
    key.write_text(new_token(), encoding="ascii")
    fleet_file = tmp_path / "fleet.yaml"
    text = fleet_file.read_text(encoding="utf-8")
    fleet_file.write_text(text.replace("main: {}", "main: {secrets: [OPENAI_API_KEY]}"), encoding="utf-8")
    generation.generate(session(tmp_path))
    token = key.with_name("IDLEHANDS_GATEWAY_TOKEN")
    for name in GENERATED:
        written = (tmp_path / name).read_text(encoding="utf-8")
        assert key.read_text(encoding="ascii") not in written
        assert token.read_text(encoding="ascii").strip() not in written
    assert "file: ./secrets/main/OPENAI_API_KEY" in (tmp_path / "compose.yaml").read_text(encoding="utf-8")


def test_generate_check_passes_what_is_up_to_date(tmp_path: Path) -> None:
    profiles.init(session(tmp_path), ["main"])
    before = snapshot(tmp_path)
    generation.check_generated(session(tmp_path))
    assert snapshot(tmp_path) == before


def test_generate_check_tells_the_difference_and_writes_nothing(tmp_path: Path) -> None:
    profiles.init(session(tmp_path), ["main"])
    fleet_file = tmp_path / "fleet.yaml"
    text = fleet_file.read_text(encoding="utf-8")
    fleet_file.write_text(text.replace("main: {}", "main: {resources: {memory: 3g}}"), encoding="utf-8")
    before = snapshot(tmp_path)
    with pytest.raises(StaleError) as caught:
        generation.check_generated(session(tmp_path))
    lines = str(caught.value).splitlines()
    assert lines[:3] == [
        f"{tmp_path / 'compose.yaml'} is stale:", "--- compose.yaml", "+++ compose.yaml as generated",
    ]  # fmt: skip
    assert [line for line in lines[3:] if line.startswith(("-", "+")) and "digest" not in line] == [
        '-    mem_limit: "2g"', '+    mem_limit: "3g"',
    ]  # fmt: skip
    assert lines[-1] == "Renew it: idlehands-deploy generate"
    assert caught.value.exit_code == 2
    assert snapshot(tmp_path) == before


def test_generate_check_pins_no_port(tmp_path: Path) -> None:
    profiles.init(session(tmp_path), ["main"])
    append(tmp_path, "  rescue:\n")
    before = snapshot(tmp_path)
    with pytest.raises(StaleError):
        generation.check_generated(session(tmp_path))
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("check", [False, True])
def test_generate_without_a_fleet_file_makes_no_directory(tmp_path: Path, check: bool) -> None:
    with pytest.raises(UsageError, match=r"^There is no fleet file at "):
        (generation.check_generated if check else generation.generate)(session(tmp_path / "new"))
    assert snapshot(tmp_path) == {}


def add(name: str, port: int | None = None, *rescues: str) -> Callable[[Session], object]:
    return lambda session: profiles.add(session, name, port, rescues)


def up_two(session: Session) -> object:
    return lifecycle.up(session, ["good", "b/d"], 1.0)


# What a person appended to the fleet file before, the command, and how it is refused.
BAD_EDITS: dict[str, tuple[bytes, Callable[[Session], object], type[DeployError]]] = {
    "the name exists": (b"", add("main"), UsageError),
    "the name differs in case": (b"", add("MAIN"), FleetError),
    "no name": (b"", add(""), UsageError),
    "a path for a name": (b"", add("../x"), UsageError),
    "a long name": (b"", add("x" * 64), UsageError),
    "port 0": (b"", add("new", 0), FleetError),
    "a privileged port": (b"", add("new", 80), FleetError),
    "a high port": (b"", add("new", 65426), FleetError),
    "main's port": (b"", add("new", 18789), PortConflictError),
    "main's CDP port": (b"", add("new", 18800), PortConflictError),
    "rescues nobody": (b"", add("new", None, "gone"), FleetError),
    "rescues itself": (b"", add("new", None, "new"), FleetError),
    "a bad name after a good one": (b"", up_two, UsageError),
    "a syntax error": (b"  rescue: [\n", add("new"), FleetError),
    "a misspelt key": (b"  rescue: {prot: 1}\n", add("new"), FleetError),
    "a name that was written twice": (b"  main: {}\n", add("new"), FleetError),
    "a missing secret": (b"  rescue: {secrets: [A]}\n", add("new"), FleetError),
    "a missing secret, generated": (b"  rescue: {secrets: [A]}\n", generation.generate, FleetError),
    "two profiles on one port": (b"  rescue: {port: 18789}\n", generation.generate, PortConflictError),
    "bytes that are no text": (b"\xff", generation.generate, DirectoryError),
}


@pytest.mark.parametrize(("by_hand", "change", "kind"), BAD_EDITS.values(), ids=BAD_EDITS.keys())
def test_an_edit_that_fails_changes_no_byte(
    tmp_path: Path, by_hand: bytes, change: Callable[[Session], object], kind: type[DeployError]
) -> None:
    profiles.init(session(tmp_path), ["main"])
    with (tmp_path / "fleet.yaml").open("ab") as stream:
        stream.write(by_hand)
    before = snapshot(tmp_path)
    with pytest.raises(kind):
        change(session(tmp_path))
    assert snapshot(tmp_path) == before


BEFORE_ANYTHING: dict[str, Callable[[Session], object]] = {
    "init": lambda session: profiles.init(session, ["a/b"]),
    "init, after a good one": lambda session: profiles.init(session, ["main", "a/b"]),
    "add": add("a/b"),
    "up": lambda session: lifecycle.up(session, ["a/b"], 1.0),
    "up, after a good one": lambda session: lifecycle.up(session, ["main", "a/b"], 1.0),
}


@pytest.mark.parametrize("change", BEFORE_ANYTHING.values(), ids=BEFORE_ANYTHING.keys())
def test_a_bad_name_is_refused_before_anything_is_made(tmp_path: Path, change: Callable[[Session], object]) -> None:
    with pytest.raises(UsageError) as caught:
        change(session(tmp_path / "new"))
    assert str(caught.value) == (
        "a/b: a profile name must be 1 to 63 letters, digits, - and _, starting with a letter or digit but not with x- "
        "(the gateway, the engine or Compose reject other names)\n"
        "Choose another name, such as rescue."
    )
    assert snapshot(tmp_path) == {}


def test_port_0_is_a_port_and_not_the_wish_for_a_free_one(tmp_path: Path) -> None:
    profiles.init(session(tmp_path), ["main"])
    with pytest.raises(FleetError) as caught:
        profiles.add(session(tmp_path), "x", 0, [])
    assert [str(problem) for problem in caught.value.problems] == [
        "profiles.x.port: must be greater than or equal to 1024, not 0"
    ]


@pytest.mark.parametrize(("text", "kept"), [("", ""), ("# mine\n", "# mine\n")])
def test_a_profile_can_be_added_to_a_fleet_file_without_keys(tmp_path: Path, text: str, kept: str) -> None:
    fleet_file = tmp_path / "fleet.yaml"
    fleet_file.write_text(text, encoding="utf-8")
    profiles.add(session(tmp_path), "rescue", None, [])
    assert fleet_file.read_text(encoding="utf-8") == f"{kept}profiles:\n  rescue: {{port: 19789}}\n"


def refused_as_it_is(root: Path, text: str, change: Callable[[Session], object]) -> list[str]:
    """The problems that a change of this fleet file is refused with, having changed nothing."""
    profiles.init(session(root), ["main"])
    (root / "fleet.yaml").write_text(text, encoding="utf-8")
    before = snapshot(root)
    with pytest.raises(FleetError) as caught:
        change(session(root))
    assert snapshot(root) == before
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize("change", [generation.generate, generation.check_generated, add("third")])
@pytest.mark.parametrize(
    "profiles", ["{a: &shared {secrets: []}, b: *shared}", "{a: &shared {publish: {cdp: false}}, b: *shared}"]
)
def test_a_profile_that_two_names_share_is_refused_with_the_ports_to_write(
    tmp_path: Path, profiles: str, change: Callable[[Session], object]
) -> None:
    said = refused_as_it_is(tmp_path, f"profiles: {profiles}\n", change)
    assert said[:2] == [
        "profiles.a.port: write 19789 here: the tool cannot in a file of this form",
        "profiles.b.port: write 20789 here: the tool cannot in a file of this form",
    ]


def test_an_empty_profile_that_two_names_share_is_refused_too(tmp_path: Path) -> None:
    said = refused_as_it_is(tmp_path, "profiles:\n  a: &shared {}\n  b: *shared\n", generation.generate)
    assert [line.partition(": the tool")[0] for line in said] == [
        "profiles.a.port: write 19789 here", "profiles.b.port: write 20789 here",
    ]  # fmt: skip


def test_names_alone_in_braces_are_refused_with_the_port_to_write(tmp_path: Path) -> None:
    (said,) = refused_as_it_is(tmp_path, "profiles: {main, rescue}\n", generation.generate)
    assert said.startswith("profiles.rescue.port: write 19789 here")


def test_what_profiles_share_by_merging_is_kept(tmp_path: Path) -> None:
    text = "profiles:\n  a: &shared\n    publish: {cdp: false}\n  b:\n    <<: *shared\n"
    (tmp_path / "fleet.yaml").write_text(text, encoding="utf-8")
    generation.generate(session(tmp_path))
    assert (tmp_path / "fleet.yaml").read_text(encoding="utf-8") == text.replace(
        "false}\n", "false}\n    port: 19789\n"
    ) + "    port: 20789\n"


def test_dropping_a_profile_takes_it_out_of_what_others_rescue(tmp_path: Path) -> None:
    profiles.init(session(tmp_path), ["main"])
    profiles.add(session(tmp_path), "rescue", None, ["main"])
    draft.drop(session(tmp_path), "main")
    assert session(tmp_path).fleet().profiles["rescue"].rescues == []


def test_several_adds_at_once_all_succeed_with_ports_of_their_own(tmp_path: Path) -> None:
    root = tmp_path / "fleet"
    profiles.init(session(root), ["main"])
    # Everything is loaded first and each waits for its line, so that they really meet.
    code = (
        "import sys, filelock, ruamel.yaml, yaml\n"
        "import idlehands_deploy.operations.profiles\n"
        "from idlehands_deploy.__main__ import main\n"
        "print('loaded', flush=True)\n"
        "sys.stdin.readline()\n"
        "main()\n"
    )
    names = ["a", "b", "c", "d"]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, "-C", str(root), "add", name], env=clean_environ(tmp_path),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        for name in names
    ]  # fmt: skip
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "loaded\n"
    for process in processes:
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
    said = [process.communicate(timeout=60)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0, 0], said
    found = bases(root)
    assert sorted(found) == ["a", "b", "c", "d", "main"]
    assert sorted(found.values()) == [18789, 19789, 20789, 21789, 22789]
    generation.check_generated(session(root))


def test_an_edit_after_one_that_broke_off_finishes_the_work(tmp_path: Path) -> None:
    profiles.init(session(tmp_path), ["main"])
    fleet_file, token = tmp_path / "fleet.yaml", tmp_path / "secrets" / "rescue" / "IDLEHANDS_GATEWAY_TOKEN"
    before = fleet_file.read_bytes()
    profiles.add(session(tmp_path), "rescue", None, [])
    fleet_file.write_bytes(before)
    token.write_bytes(b"")  # as a power cut leaves it
    (tmp_path / "profiles" / "rescue" / "workspace").rmdir()
    profiles.add(session(tmp_path), "rescue", None, [])
    assert len(token.read_text(encoding="ascii").strip()) == 64
    assert (tmp_path / "profiles" / "rescue" / "workspace").is_dir()
    generation.check_generated(session(tmp_path))


def test_an_edit_of_a_linked_fleet_file_keeps_the_link(tmp_path: Path) -> None:
    root, target = tmp_path / "deployment", tmp_path / "dotfiles.yaml"
    root.mkdir()
    # Another program of this host may have the default port.
    mine = f"# mine\nbase_port: {free_base()}\n"
    target.write_text(mine, encoding="utf-8")
    (root / "fleet.yaml").symlink_to(target)
    profiles.add(session(root), "main", None, [])
    assert (root / "fleet.yaml").is_symlink()
    assert target.read_text(encoding="utf-8") == f"{mine}profiles:\n  main: {{}}\n"

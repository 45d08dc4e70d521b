from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.engine.compose import (
    Compose,
    LogLines,
    exec_arguments,
    find_binary,
    interleaved,
    log_arguments,
    up_arguments,
)
from idlehands_deploy.errors import EngineFailedError
from idlehands_deploy.host.packages import as_root, is_debian
from tests.support.helpers import clean_environ

if TYPE_CHECKING:
    from pathlib import Path


def test_up_uses_a_local_image_and_does_not_wait() -> None:
    assert " ".join(up_arguments(["main", "rescue"])) == ("up --detach --no-build --pull never main rescue")


@pytest.mark.parametrize(
    ("follow", "since", "tail", "colour", "expected"),
    [
        (False, None, None, False, "logs --no-color main rescue"),
        (False, None, None, True, "logs main rescue"),
        (True, "10m", 50, False, "logs --follow --since 10m --tail 50 --no-color main rescue"),
        (True, None, 0, True, "logs --follow --tail 0 main rescue"),
    ],
)
def test_log_options_become_compose_s(
    follow: bool, since: str | None, tail: int | None, colour: bool, expected: str
) -> None:
    arguments = log_arguments(["main", "rescue"], LogLines(since, tail, colour=colour), follow=follow)
    assert " ".join(arguments) == expected


def test_exec_uses_a_terminal_only_if_there_is_one() -> None:
    command = ["idlehands", "browser", "status --json"]
    assert exec_arguments("main", command, terminal=True) == ["exec", "main", *command]
    assert exec_arguments("main", command, terminal=False) == ["exec", "--no-TTY", "main", *command]


def test_compose_gets_its_project_directory_and_file_by_name(tmp_path: Path) -> None:
    command = Compose(tmp_path, "idlehands", {}).command("ps", "--all")
    assert command[0] == find_binary()
    assert " ".join(command[1:]) == (
        f"--project-name idlehands --project-directory {tmp_path} --file {tmp_path}/compose.yaml "
        "--env-file /dev/null --progress quiet ps --all"
    )


def test_a_failure_of_compose_shows_its_output_and_a_command_to_try(tmp_path: Path) -> None:
    root = tmp_path / "$(id) mine"
    root.mkdir()
    (root / "compose.yaml").write_text("services: {main: {image: x, colour: red}}\n", encoding="utf-8")
    with pytest.raises(EngineFailedError) as caught:
        Compose(root, "idlehands", clean_environ(tmp_path)).run("config")
    lines = str(caught.value).splitlines()
    assert lines[0] == "`docker compose config` failed:"
    assert "colour" in lines[1]
    assert lines[-1] == f"Try it without this tool: cd '{root}' && docker compose config"
    assert caught.value.exit_code == 5


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('PRETTY_NAME="Debian GNU/Linux 13"\nID=debian\n', True),
        ('NAME="Ubuntu"\nID=ubuntu\nID_LIKE=debian\n', True),
        ('ID=linuxmint\nID_LIKE="ubuntu debian"\n', True),
        ("# comment\n\nID=raspbian\nID_LIKE=debian\n", True),
        ('ID="debian"\n', True),
        ("ID='debian'\n", True),
        ("ID='mint'\nID_LIKE='ubuntu debian'\n", True),
        ("ID='fedora'\n", False),
        ("ID=fedora\nVARIANT_ID=debian\n", False),
        ('ID="rhel"\nID_LIKE="fedora"\nHOME_URL="https://example.org/?like=debian"\n', False),
        ("ID=debianish\n", False),
        ("", False),
    ],
)
def test_debian_and_its_derivatives_are_recognised_by_their_os_release(text: str, expected: bool) -> None:
    assert is_debian(text) is expected


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs no sudo")
def test_root_needs_no_sudo() -> None:
    assert as_root(["apt-get", "update"]) == ["apt-get", "update"]


TIME = "2026-11-22T17:13:06.100000000Z"


def test_logs_of_several_containers_are_sorted_by_time_and_keep_their_names() -> None:
    logs = {
        "main-1": [f"{TIME} a", "2026-11-22T17:13:06.300000000Z c | with a bar"],
        "rescue-1": ["2026-11-22T17:13:06.200000000Z b", "2026-11-22T17:13:07.000000000Z "],
    }
    assert [*interleaved(logs)] == ["main-1    | a", "rescue-1  | b", "main-1    | c | with a bar", "rescue-1  | "]


def test_log_lines_with_the_same_time_keep_their_order_and_indentation() -> None:
    assert [*interleaved({"a-1": [f"{TIME} 2", f"{TIME} 1"]}, timestamps=True)] == [
        f"a-1  | {TIME} 2", f"a-1  | {TIME} 1",
    ]  # fmt: skip
    assert [*interleaved({"a-1": [f"{TIME}   2", f"{TIME} 1"]})] == ["a-1  |   2", "a-1  | 1"]


def test_the_pieces_of_a_long_log_line_stay_together() -> None:
    logs = {"a": [f"{TIME} first", "second", ""], "b": ["2026-11-22T17:13:05Z before", "2026-11-22T17:13:07Z after"]}
    assert [*interleaved(logs)] == ["b  | before", "a  | first", "a  | second", "a  | ", "b  | after"]


def test_an_empty_log_is_no_line() -> None:
    assert [*interleaved({"a-1": []})] == []

"""What a secret's value may be, and how its file is written."""

from __future__ import annotations

import codecs
import os
import secrets
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.deployment.directory import Deployment
from idlehands_deploy.deployment.secret_files import find_secrets, read_typed, read_value, write_secret
from idlehands_deploy.errors import DirectoryError, UsageError
from tests.support.helpers import mode

if TYPE_CHECKING:
    from pathlib import Path

ME = (os.geteuid(), os.getegid())
PEM = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("given", "value"),
    [
        (b"key", "key"),
        (b"key\n", "key"),
        (b"key\r\n", "key"),
        (b"  key\t \n\n", "key"),
        (codecs.BOM_UTF8 + b"key\n", "key"),
        (b"two words\n", "two words"),
        ("schl\u00fcssel\n".encode(), "schl\u00fcssel"),
        (PEM.encode() + b"\n", PEM),
        (b"$HOME `x` \"'\\\n", "$HOME `x` \"'\\"),
    ],
)
def test_a_value_is_what_was_given_without_what_surrounds_it(given: bytes, value: str) -> None:
    assert read_value("KEY", given) == value


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (b"", "is empty"),
        (b"\n", "holds only white space"),
        (b" \t\r\n ", "holds only white space"),
        (codecs.BOM_UTF8, "is empty"),
        ("key".encode("utf-16"), "is UTF-16 text"),
        (codecs.BOM_UTF16_BE + "key".encode("utf-16-be"), "is UTF-16 text"),
        ("key".encode("utf-16-le"), "contains a NUL byte"),
        (b"a\0b", "contains a NUL byte"),
        (b"a\x1b[200~b", "contains a control character, U+001B"),
        (b"a\x7f", "contains a control character, U+007F"),
        (b"\xff\xfa\xfb", "is not UTF-8 text"),
    ],
)
def test_what_no_variable_can_hold_is_refused(given: bytes, expected: str) -> None:
    with pytest.raises(UsageError, match=f"^The value {expected}".replace("+", r"\+")):
        read_value("KEY", given)


def test_no_message_about_a_value_holds_it() -> None:
    secret = secrets.token_hex(16)
    for given in (f"{secret}\0", f"\x1b{secret}"):
        with pytest.raises(UsageError) as caught:
            read_value("KEY", given.encode())
        assert secret not in str(caught.value)


def test_a_value_may_be_as_long_as_linux_lets_a_variable_be() -> None:
    longest = "x" * (128 * 1024 - len("KEY=") - 1)
    value = read_value("KEY", longest.encode())
    pid = os.posix_spawn("/bin/true", ["true"], {"KEY": value})
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    with pytest.raises(UsageError, match="is longer than 131067 bytes"):
        read_value("KEY", longest.encode() + b"x")


def test_a_line_that_the_terminal_may_have_cut_off_is_refused() -> None:
    assert read_typed("k" * 4094) == b"k" * 4094
    with pytest.raises(UsageError, match="may have been cut off"):
        read_typed("k" * 4095)


def test_a_file_is_private_from_its_first_byte_whatever_was_there(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "main" / "KEY"
    before = os.umask(0)
    try:
        write_secret(path, "one", ME)
        assert [mode(found) for found in (path, path.parent, path.parent.parent)] == ["0o600", "0o700", "0o700"]
        path.chmod(0o644)
        write_secret(path, "two", ME)
    finally:
        os.umask(before)
    assert (mode(path), path.read_bytes()) == ("0o600", b"two")
    assert [found.name for found in path.parent.iterdir()] == ["KEY"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_root_gives_a_file_to_the_gateway_s_user_also_one_that_root_has_made(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "main" / "KEY"
    write_secret(path, "one", (0, 0))
    write_secret(path, "two", (1000, 1000))
    assert (path.stat().st_uid, path.stat().st_gid, mode(path)) == (1000, 1000, "0o600")


def test_a_file_where_the_directory_belongs_is_told_as_an_error(tmp_path: Path) -> None:
    (tmp_path / "secrets").write_text("mine")
    with pytest.raises(DirectoryError):
        write_secret(tmp_path / "secrets" / "main" / "KEY", "value", ME)


def test_each_secret_is_listed_with_its_state(tmp_path: Path) -> None:
    directory = tmp_path / "secrets" / "main"
    directory.mkdir(parents=True)
    for name, value in {
        "A": "x",
        "B": "\n",
        "OLD": "x",
        "IDLEHANDS_GATEWAY_TOKEN": "x",
        "notes.txt": "",
        ".A.tmp": "x",
    }.items():
        (directory / name).write_text(value)
    (directory / "C").symlink_to(tmp_path / "nowhere")
    (directory / "D").symlink_to(directory / "A")
    (directory / "E").mkdir()
    found = list(find_secrets(Deployment(tmp_path), "main", ["D", "A", "B", "C", "E", "GONE"]))
    assert [(secret.name, secret.state, secret.named) for secret in found] == [
        ("D", "set", True), ("A", "set", True), ("B", "empty", True), ("C", "missing", True), ("E", "unreadable", True),
        ("GONE", "missing", True), ("OLD", "set", False),
    ]  # fmt: skip

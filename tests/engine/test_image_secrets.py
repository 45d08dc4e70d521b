"""The image reads the files of secrets as the host does; no container is needed for that."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from idlehands_deploy.deployment.secret_values import read_content
from tests.support.helpers import ROOT
from tests.support.secret_cases import CASES, random_files

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SCRIPTS = ROOT / "images" / "gateway" / "rootfs" / "usr" / "local"
LIBRARY = SCRIPTS / "lib" / "idlehands"


def bash(script: str) -> bytes:
    done = subprocess.run(["bash", "-c", f"set -uo pipefail\n{script}"], capture_output=True, check=True)
    assert done.stderr == b""
    return done.stdout


def readings(directory: Path, files: Sequence[tuple[str, bytes]]) -> list[tuple[str, str]]:
    """What the image reads of each file: the value and the flaw."""
    for number, (name, content) in enumerate(files):
        path = directory / str(number) / name
        path.parent.mkdir()
        path.write_bytes(content)
    names = " ".join(f"{number}/{name}" for number, (name, _) in enumerate(files))
    said = bash(f"""
        . {LIBRARY}/secrets; cd {directory}
        for file in {names}; do read_secret "$file"; printf '%s\\0%s\\0' "$secret_value" "$secret_flaw"; done
    """).decode(errors="replace").split("\0")  # fmt: skip
    return list(zip(said[:-1:2], said[1::2], strict=True))


def test_the_image_reads_each_file_as_the_host_does(tmp_path: Path) -> None:
    read = readings(tmp_path, [(case.name, case.content) for case in CASES])
    for case, (value, flaw) in zip(CASES, read, strict=True):
        assert (case.what, flaw) == (case.what, case.flaw)
        assert case.flaw or value == case.value


def test_the_image_and_the_host_agree_on_files_that_nobody_thought_of(tmp_path: Path) -> None:
    files = list(random_files(300))
    for (name, content), (value, flaw) in zip(files, readings(tmp_path, files), strict=True):
        expected = read_content(name, content)
        assert (content, flaw) == (content, expected.flaw)
        assert flaw or value == expected.value


def held(secrets: Path, config: str = "{}") -> list[str]:
    """The problems with secrets that hold a gateway back."""
    (secrets / "config").write_text(config)
    return bash(f"""
        GATEWAY_ENV_PREFIX=X_; library={LIBRARY}
        . {LIBRARY}/settings; . {LIBRARY}/secrets; . {LIBRARY}/checks
        secrets={secrets} token={secrets}/IDLEHANDS_GATEWAY_TOKEN config={secrets}/config
        check_secrets; check_token; printf '%s\n' "${{problems[@]}}"
    """).decode().splitlines()  # fmt: skip


def test_a_gateway_is_held_for_each_secret_that_cannot_be_meant(tmp_path: Path) -> None:
    (tmp_path / "IDLEHANDS_GATEWAY_TOKEN").write_bytes(b" \n")
    (tmp_path / "A_KEY").write_bytes("key".encode("utf-16"))
    (tmp_path / "B_API_KEY").write_bytes(b"one\ntwo\n")
    (tmp_path / "C_KEY").write_bytes(b"\xef\xbb\xbfkey\r\n")
    advice = "write its value into the file mounted there, and restart the container"
    assert held(tmp_path) == [
        f"secret {tmp_path}/A_KEY is UTF-16 text, not UTF-8: {advice}",
        f"secret {tmp_path}/B_API_KEY has several lines, but a token or an API key is one: {advice}",
        f"token file {tmp_path}/IDLEHANDS_GATEWAY_TOKEN holds only white space (uid {os.geteuid()}): "
        "write the gateway token into it, and restart the container",
    ]


def test_the_gateway_gets_each_value_that_was_meant_and_a_warning_for_the_others(tmp_path: Path) -> None:
    (tmp_path / "A_KEY").write_bytes(b"\xef\xbb\xbf key $HOME\r\n")
    (tmp_path / "B_KEY").write_bytes(b"key\0")
    (tmp_path / "not-a-variable").write_bytes(b"x")
    script = (SCRIPTS / "bin" / "idlehands").read_text()
    function = script[script.index("load_secrets() {") :].partition("\n}\n")[0].replace("/run/secrets", str(tmp_path))
    done = bash(f"""
        GATEWAY_ENV_PREFIX=X_; . {LIBRARY}/secrets
        {function}
        }}
        load_secrets 2>&1; env | grep -a _KEY=
    """).decode()  # fmt: skip
    warning = f"idlehands: WARNING: B_KEY is not set, because secret {tmp_path}/B_KEY contains a NUL byte"
    assert done.splitlines() == [warning, "A_KEY=key $HOME"]

from __future__ import annotations

import subprocess
import sysconfig
from pathlib import Path

import pytest

from tests.helpers import ROOT

IMAGE = ROOT / "images" / "gateway"
SCRIPTS = sorted(
    path
    for place in ("build", "rootfs/usr/local/bin", "rootfs/usr/local/lib/idlehands")
    for path in (IMAGE / place).iterdir()
    if path.suffix != ".cjs" and path.name != "dpkg-excludes"
)
# Parts of one program in several files, put together only in the image: what a part takes from another looks
# unset or unused in either.
ELSEWHERE = "SC2034,SC2154"


@pytest.mark.parametrize("script", SCRIPTS, ids=[path.name for path in SCRIPTS])
def test_shellcheck_finds_nothing_in_the_image_s_scripts(script: Path) -> None:
    shellcheck = Path(sysconfig.get_path("scripts")) / "shellcheck"
    shell = "sh" if script.read_text().startswith("#!/bin/sh") else "bash"
    done = subprocess.run(
        [shellcheck, f"--shell={shell}", "--severity=warning", f"--exclude={ELSEWHERE}", script],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "")

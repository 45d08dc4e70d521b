"""The pages on several gateways and on their state, typed again."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.documents import MULTIPLE_GATEWAYS, STATE, shows, steps
from tests.support.helpers import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.site import Site

pytestmark = pytest.mark.engine
# Main's base port and the distance between two slots: as the page has them by default, and the distance of a site.
PAGE_BASE, PAGE_SPACING, SITE_SPACING = 18789, 1000, 20
PAGE_ROOT, PAGE_NAME = "/srv/bots", "idlehands"


@pytest.mark.full
def test_the_page_on_several_gateways_shows_what_happens(make_site: Callable[[], Site], tmp_path: Path) -> None:
    site = make_site()
    site.write("profiles:\n  main: {}\n")
    _type(MULTIPLE_GATEWAYS, site, tmp_path)


@pytest.mark.full
def test_the_page_on_state_shows_what_happens(make_site: Callable[[], Site], tmp_path: Path) -> None:
    site = make_site()
    site.write("profiles:\n  main: {}\n")
    site.ok("up")
    _type(STATE, site, tmp_path)


def _type(page: Path, site: Site, tmp_path: Path) -> None:
    """Type a page's commands, and see that it shows what they say."""
    (tmp_path / "idlehands-deploy").write_text(f'#!/bin/sh\nexec {sys.executable} -m idlehands_deploy "$@"\n')
    (tmp_path / "idlehands-deploy").chmod(0o755)
    # Elsewhere than in the checkout, Python would take the package that is installed.
    environ = site.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    environ.pop("IDLEHANDS_DEPLOY_DIR", None)
    for step in steps(page.read_text(encoding="utf-8")):
        done = subprocess.run(
            ["bash", "-c", _on_site(site, step.command)],
            cwd=site.root, env=environ, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=200, check=False,
        )  # fmt: skip
        seen = _as_on_page(site, done.stdout)
        assert done.returncode == step.code, f"$ {step.command}: exit {done.returncode}\n{seen}"
        assert shows(step, seen), f"$ {step.command}: the page shows\n{step.shown}\nand there was\n{seen}"


def _on_site(site: Site, command: str) -> str:
    """A command of the page, with the ports of the site."""

    def port(found: re.Match[str]) -> str:
        slot, offset = divmod(int(found[0]) - PAGE_BASE, PAGE_SPACING)
        assert offset < SITE_SPACING, f"{found[0]}: too far from its base port"
        return str(site.base + slot * SITE_SPACING + offset)

    return re.sub(r"\b(?:18|19|20)\d{3}\b", port, command)


def _as_on_page(site: Site, output: str) -> str:
    """What a command said, with the ports, the directory and the project's name of the page."""

    def port(found: re.Match[str]) -> str:
        slot, offset = divmod(int(found[0]) - site.base, SITE_SPACING)
        return str(PAGE_BASE + slot * PAGE_SPACING + offset) if 0 <= slot < 3 else found[0]

    output = output.replace(str(site.root), PAGE_ROOT).replace(site.name, PAGE_NAME)
    return re.sub(r"\b\d{5}\b", port, output)

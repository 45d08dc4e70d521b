"""The fast tests under another Python than this machine's: Debian 13 has 3.13."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from docker.errors import ContainerError

from idlehands_deploy.engine.client import Engine
from idlehands_deploy.engine.images.build import PROXY_VARIABLES, ca_bundle, ensure_base
from tests.support.helpers import ROOT, Quiet

if TYPE_CHECKING:
    from pathlib import Path

    import docker

pytestmark = [pytest.mark.engine, pytest.mark.full, pytest.mark.alone]
SCRIPT = """
set -eu
exec >&2
apt-get update -qq
apt-get install -qq -y --no-install-recommends ca-certificates git python3-venv systemd > /dev/null
mkdir /checkout
tar -C /src --exclude ./.venv -c . | tar -C /checkout -x
cd /checkout
python3 -m venv /venv
[ ! -s /ca.crt ] || export PIP_CERT=/ca.crt
/venv/bin/pip install -q '.[dev]'
/venv/bin/python -c 'import sys; assert sys.version_info[:2] == (3, 13), sys.version'
/venv/bin/python -m pytest -m 'not engine' -q --numprocesses auto
"""


def test_the_fast_tests_pass_under_python_3_13(engine: docker.DockerClient, tmp_path: Path) -> None:
    bundle = tmp_path / "ca.crt"
    bundle.write_bytes(ca_bundle(os.environ))
    base = ensure_base(Engine(engine), Quiet(), lambda _: False)
    volumes = {str(ROOT): {"bind": "/src", "mode": "ro"}, str(bundle): {"bind": "/ca.crt", "mode": "ro"}}
    environment = {name: os.environ[name] for name in PROXY_VARIABLES if name in os.environ}
    try:
        engine.containers.run(
            base, ["bash", "-c", SCRIPT], volumes=volumes, environment=environment, network_mode="host", remove=True
        )
    except ContainerError as error:
        said = error.stderr.decode(errors="replace") if isinstance(error.stderr, bytes) else str(error.stderr)
        pytest.fail(f"exit {error.exit_status}\n{said[-4000:]}")

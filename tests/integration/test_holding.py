"""A gateway that cannot start: a line in its log, a status that explains it, and no restart loop."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from idlehands_deploy.deployment.directory import Deployment
from idlehands_deploy.health.held import host_text
from tests.support.site import IMAGE, fill, root_only, until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import docker

    from tests.support.site import Site

pytestmark = pytest.mark.engine


@pytest.mark.full
def test_a_damaged_config_is_reported_with_the_copy_to_restore_and_mended_the_gateway_starts(site: Site) -> None:
    site.ok("up", "main")
    config = site.config("main")
    good = until("the copy", lambda: _text(config.with_name("idlehands.json.last-start")))
    site.ok("stop", "main")
    config.write_text(good[: len(good) // 2])
    result = site.run("start", "main")
    assert result.code == 2
    assert f"{config}: is not JSON5 at line " in result.err
    result = site.run("up", "main", "--force")
    assert result.code == 6
    assert result.err.count(f"exit code 78: config {config} is damaged (JSON5: invalid") == 1
    assert f"(or go back to the one of its last start: cp -p {config}.last-start {config})" in result.err
    config.write_text(good)
    # The container itself may have seen the mended config first.
    site.ok("up", "main")


@pytest.mark.full
def test_a_config_that_a_power_cut_emptied_is_restored(site: Site) -> None:
    site.ok("up", "main")
    good = until("the copy", lambda: _text(site.config("main").with_name("idlehands.json.last-start")))
    site.container("main").kill()
    site.config("main").write_bytes(b"\0" * len(good))
    result = site.ok("up", "main")
    assert "Warning: config /home/idlehands/.idlehands/idlehands.json was empty, as after a power cut" in result.out
    assert json.loads(site.config("main").read_text())["gateway"] == json.loads(good)["gateway"]


@root_only
@pytest.mark.full
def test_a_state_directory_with_the_wrong_owner_is_reported_with_the_command_that_fixes_it(site: Site) -> None:
    site.ok("add", "main")
    state = site.config("main").parent
    os.chown(state, 4321, 4321)
    assert _held(site) == f"state directory {state} is not writable for uid 1000, because it belongs to uid 4321"
    assert site.status("main")["remedy"] == f"sudo chown -R 1000 {state}; then: idlehands-deploy up main"
    os.chown(state, 1000, 1000)
    until("a ready gateway", site.is_ready, 150)
    assert "all problems are fixed: starting the gateway" in site.logs("main")


@root_only
@pytest.mark.full
def test_a_file_with_the_wrong_owner_deep_in_the_state_is_reported(site: Site) -> None:
    site.ok("add", "main")
    stray = site.config("main").parent / "credentials" / "stray"
    stray.parent.mkdir()
    os.chown(stray.parent, 1000, 1000)
    stray.write_text("")
    stray.chmod(0o600)
    assert _held(site) == f"{stray} is not readable and writable for uid 1000, because it belongs to uid 0"


@root_only
@pytest.mark.full
def test_a_workspace_that_is_not_writable_is_reported(site: Site) -> None:
    site.ok("add", "main")
    workspace = site.root / "profiles" / "main" / "workspace"
    workspace.chmod(0o500)
    assert _held(site) == f"workspace {workspace} is not writable although it belongs to uid 1000"


@pytest.mark.full
def test_all_problems_are_reported_at_once(site: Site) -> None:
    site.write("profiles: {main: {secrets: [A_KEY]}}\n")
    site.secret("main", "A_KEY", "x")
    site.ok("generate")
    site.secret("main", "A_KEY", "")
    site.secret("main", "IDLEHANDS_GATEWAY_TOKEN", "")
    reason = _held(site)
    directory = site.root / "secrets" / "main"
    assert f"secret {directory}/A_KEY is empty: write its value into the file mounted there, and restart" in reason
    assert f"token file {directory}/IDLEHANDS_GATEWAY_TOKEN is empty" in reason


@pytest.mark.full
def test_a_missing_secret_is_reported_by_start_and_status(site: Site) -> None:
    site.write("profiles: {main: {secrets: [A_KEY]}}\n")
    key = site.secret("main", "A_KEY", "x")
    site.ok("generate")
    site.compose("create")
    key.unlink()
    refused = site.run("start", "main")
    assert refused.code == 2
    assert "secrets/main/A_KEY: missing" in refused.err
    with pytest.raises(subprocess.CalledProcessError):
        site.compose("start")
    found = site.status("main")
    assert (found["state"], found["reason"]) == ("failed", f"cannot start: {key} does not exist")


def test_a_gateway_does_not_start_without_its_required_sandbox(
    engine: docker.DockerClient,
) -> None:
    # Docker's own seccomp profile, which forbids user namespaces as a hardened host does.
    container: Any = engine.containers.run(
        IMAGE,
        environment={"IDLEHANDS_BROWSER_SANDBOX": "required", "IDLEHANDS_GATEWAY_TOKEN": secrets.token_hex(32)},
        detach=True,
    )
    try:
        said = until("the reason", lambda: container.logs().decode() or None)
    finally:
        container.remove(force=True, v=True)
    assert said.startswith(
        "idlehands-entrypoint: the browser's sandbox is required, but user namespaces are forbidden here: "
    )


@pytest.mark.full
def test_a_clock_that_is_behind_the_image_s_build_date_is_reported(engine: docker.DockerClient) -> None:
    # The host's clock is not ours to set, so that the image is made in the future instead.
    maker: Any = engine.containers.run(
        IMAGE, ["touch -d 2099-01-01 /opt/gateway/launch.conf"], entrypoint=["bash", "-c"], user="0", detach=True
    )
    tag = secrets.token_hex(4)
    entrypoint = 'ENTRYPOINT ["/usr/local/bin/idlehands-entrypoint"]\nCMD ["idlehands", "gateway"]\nUSER 1000:1000'
    try:
        maker.wait()
        image = maker.commit(repository="idlehands-test", tag=tag, changes=entrypoint)
    finally:
        maker.remove(force=True, v=True)
    container: Any = engine.containers.run(
        image, environment={"IDLEHANDS_GATEWAY_TOKEN": secrets.token_hex(32)}, detach=True
    )
    try:
        said = until("the reason", lambda: container.logs().decode() or None)
    finally:
        container.remove(force=True, v=True)
        engine.images.remove(f"idlehands-test:{tag}", force=True)
    assert "but this image was built on 2099-01-01: set the host's clock" in said


@root_only
@pytest.mark.full
def test_a_full_disk_is_reported_before_anything_is_written_and_the_gateway_starts_when_space_is_free(
    site: Site, small_disk: Callable[[Path], None]
) -> None:
    site.ok("add", "main")
    state = site.config("main").parent
    config = site.config("main").read_text()
    small_disk(state)
    site.config("main").write_text(config)
    os.chown(site.config("main"), 1000, 1000)
    filler = fill(state, 230)
    assert _held(site).startswith(f"state directory {state} has ")
    assert sorted(path.name for path in state.iterdir()) == ["filler", "idlehands.json"]
    filler.unlink()
    until("a ready gateway", site.is_ready, 150)


def _held(site: Site) -> str:
    """The reason that status gives for a container that was started by plain Compose; the log says it too."""
    site.compose("up", "--detach")
    found = until("the reason", lambda: _in_state(site, "misconfigured"))
    reason = str(found["reason"])
    lines = [line for line in site.logs("main").splitlines() if line.startswith("idlehands-entrypoint: ")]
    said = " ".join(line.removeprefix("idlehands-entrypoint: ") for line in lines)
    assert host_text(said, "main", Deployment(site.root)).startswith(reason)
    assert site.container("main").status == "running"
    return reason


def _in_state(site: Site, state: str) -> dict[str, Any] | None:
    found = site.status("main")
    return found if found["state"] == state else None


def _text(path: Path) -> str | None:
    return path.read_text() if path.exists() else None

from __future__ import annotations

import itertools
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import psutil
import pytest
import requests

from idlehands_deploy.contract import DEFAULT_IMAGE
from idlehands_deploy.show import status as status_views
from tests.support.helpers import check_status
from tests.support.site import IMAGE, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import docker

    from tests.support.site import Site

pytestmark = pytest.mark.engine


def test_status_of_ready_gateways_says_so_with_their_addresses(pair: Site) -> None:
    lines = pair.ok("status").out.splitlines()
    assert lines[0].split() == [column.title for column in status_views.COLUMNS]
    assert [line.split()[:3] for line in lines[1:]] == [
        ["main", "ready", f"http://127.0.0.1:{pair.base}/"],
        ["rescue", "ready", f"http://127.0.0.1:{pair.base + 20}/"],
    ]


@pytest.mark.parametrize("edit", [("spacing: 20", "spacing: 20\nbind: 127.0.0.9"), ("main: {", "main: {port: 23999, ")])
def test_a_gateway_is_looked_for_where_it_runs_whatever_the_fleet_file_says_by_now(
    pair: Site, edit: tuple[str, str]
) -> None:
    fleet_file = pair.root / "fleet.yaml"
    before = fleet_file.read_text()
    fleet_file.write_text(before.replace(*edit))
    try:
        said = pair.ok("status", "main", "--json").json["profiles"][0]
        assert (said["state"], said["link"]) == ("ready", f"http://127.0.0.1:{pair.base}/")
        assert said["drift"].startswith("its settings changed: ")
        assert pair.ok("health", "main", "--deep").out.startswith("main: ready")
    finally:
        fleet_file.write_text(before)


def test_the_json_status_follows_its_schema_and_holds_the_usage(pair: Site) -> None:
    said = pair.ok("status", "--json").json
    check_status(said)
    main = said["profiles"][0]
    assert main["gateway_version"] == DEFAULT_IMAGE.rpartition(":")[2]
    # An idle gateway uses several hundred megabytes, within its limit.
    assert 200 << 20 < main["memory"] < main["memory_limit"] == 2 << 30
    assert 0 <= main["cpu"] < 2
    assert set(main["browsers"]) == {"openclaw"}


def test_the_link_opens_a_dashboard_that_is_logged_in(pair: Site, browser: Callable[[str], str]) -> None:
    link = pair.ok("url", "rescue").out.strip()
    assert link == f"http://127.0.0.1:{pair.base + 20}/#token={pair.token('rescue')}"
    # Only a dashboard that is logged in learns that the gateway has no model yet, and leads there.
    assert "/settings/model-setup" in browser(link)


def test_exec_runs_the_gateway_s_own_command_and_exits_with_its_code(pair: Site) -> None:
    assert "2026.9.6" in pair.ok("exec", "main", "--version").out
    assert pair.run("exec", "--raw", "main", "bash", "-c", "exit 7").code == 7


def test_logs_of_several_profiles_are_interleaved_with_their_names(pair: Site) -> None:
    lines = pair.ok("logs").out.splitlines()
    names = [line.split(" | ")[0].strip() for line in lines]
    # Both started at the same time, so without interleaving the name would change only once.
    assert sum(before != after for before, after in itertools.pairwise(names)) > 2
    assert set(names) == {"main-1", "rescue-1"}


def test_the_browser_control_port_asks_for_the_token(pair: Site) -> None:
    control = pair.base + 2
    assert pair.get(control, "/").status_code == 401
    assert pair.get(control, "/", pair.token("rescue")).status_code == 401
    assert pair.get(control, "/", pair.token("main")).status_code == 200


def test_a_browser_starts_through_the_control_port_and_answers_on_its_cdp_port(pair: Site) -> None:
    answer = requests.post(
        f"http://127.0.0.1:{pair.base + 2}/start",
        headers={"Authorization": f"Bearer {pair.token('main')}"},
        timeout=60,
    )
    assert answer.status_code == 200, answer.text
    assert "Chrom" in pair.get(pair.base + 11, "/json/version", pair.cdp_token("main")).json()["Browser"]


def test_nothing_but_loopback_listens(pair: Site) -> None:
    for profile in ("main", "rescue"):
        bindings = pair.container(profile).attrs["HostConfig"]["PortBindings"]
        assert {item["HostIp"] for published in bindings.values() for item in published} == {"127.0.0.1"}


def test_a_gateway_runs_unprivileged(pair: Site) -> None:
    host = pair.container("main").attrs["HostConfig"]
    assert host["CapDrop"] == ["ALL"]
    assert "no-new-privileges:true" in host["SecurityOpt"]
    assert not host["Init"]
    status = pair.ok("exec", "--raw", "main", "cat", "/proc/self/status").out
    fields = dict(line.split(":", 1) for line in status.splitlines())
    assert "0" not in fields["Uid"].split()
    assert int(fields["CapEff"], 16) == int(fields["CapBnd"], 16) == 0


def test_no_token_is_in_the_compose_file_the_inspection_the_logs_or_the_process_list(pair: Site) -> None:
    token = pair.token("main")
    container = pair.container("main")
    places = {
        "compose.yaml": (pair.root / "compose.yaml").read_text(),
        "docker inspect": json.dumps(container.attrs),
        "logs": container.logs().decode(),
        "processes": "\n".join(" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])),
    }
    assert [place for place, text in places.items() if token in text] == []


@pytest.mark.full
def test_stop_start_restart_and_down_do_what_they_say(site: Site) -> None:
    site.ok("up", "main")
    token, started = site.token("main"), _started(site)
    site.ok("restart", "main")
    assert _started(site) != started
    site.ok("stop", "main")
    assert site.state("main") == "stopped"
    site.ok("start", "main")
    assert site.state("main") == "ready"
    login = "mkdir -p ~/.config/gh && echo kept > ~/.config/gh/hosts.yml"
    site.ok("exec", "--raw", "main", "bash", "-c", login)
    site.ok("down")
    assert site.state("main") == "missing"
    assert site.run("start", "main").code == 2
    site.ok("up")
    assert site.token("main") == token
    assert site.ok("exec", "--raw", "main", "bash", "-c", "cat ~/.config/gh/hosts.yml").out == "kept\n"


@pytest.mark.full
def test_a_rotated_token_replaces_the_old_one(site: Site) -> None:
    site.ok("up", "main")
    old, old_cdp = site.token("main"), site.cdp_token("main")
    new = site.ok("token", "main", "--rotate").out.strip()
    assert new != old
    assert site.cdp_token("main") not in {old_cdp, new}
    assert site.get(site.base + 2, "/", old).status_code == 401
    assert site.get(site.base + 2, "/", new).status_code == 200


@pytest.mark.full
def test_removing_a_profile_keeps_its_files_until_a_purge_is_confirmed(site: Site) -> None:
    site.ok("add", "main")
    site.ok("up", "rescue")
    refused = site.run("remove", "rescue", "--purge")
    assert refused.code == 2
    assert site.state("rescue") == "ready"
    site.ok("remove", "rescue")
    assert site.token("rescue")
    assert site.config("rescue").exists()
    assert site.engine.containers.list(all=True, filters={"name": site.name}) == []
    assert site.run("add", "rescue").code == 2  # before it takes up files of an earlier one
    site.ok("add", "rescue", "--yes")
    site.ok("remove", "rescue", "--purge", "--yes")
    assert not (site.root / "profiles" / "rescue").exists()
    assert not (site.root / "secrets" / "rescue").exists()
    assert site.token("main")
    assert site.config("main").exists()


def test_a_deployment_touches_no_container_of_another_of_its_name(site: Site, pair: Site) -> None:
    site.write("profiles:\n  main: {}\n")
    fleet = site.root / "fleet.yaml"
    fleet.write_text(fleet.read_text().replace(site.name, pair.name))
    for command in (["status"], ["stop"], ["down"], ["restart"], ["logs"], ["token", "main", "--rotate"]):
        result = site.run(*command)
        assert result.code == 2, command
        assert f"The Compose project {pair.name} already runs from {pair.root}." in result.err
    assert pair.state("main") == "ready"


def test_a_gateway_outlives_a_move_of_its_directory_and_a_new_name_written_by_hand(site: Site) -> None:
    site.write("profiles:\n  main: {}\n")
    site.ok("up")
    token, before = site.token("main"), site.root
    (before / "profiles" / "main" / "workspace" / "notes.md").write_text("kept")
    site.root = before.rename(before.with_name(f"{before.name}-moved"))
    said = site.status("main")
    assert (said["state"], said["drift"]) == ("ready", f"the deployment directory was moved from {before}")
    assert site.run("restart").code == 7

    site.write("profiles:\n  hub: {}\n")
    refused = site.run("up")
    assert refused.code == 7
    assert (
        f"Finish the rename, with its files, secrets and container: idlehands-deploy -C {site.root} rename main hub"
        in (refused.err)
    )
    assert site.state("hub") == "missing"
    site.ok("rename", "main", "hub")
    hub = site.status("hub")
    assert (hub["state"], hub["link"], hub["drift"]) == ("ready", f"http://127.0.0.1:{site.base}/", "")
    assert site.token("hub") == token
    assert (site.root / "profiles" / "hub" / "workspace" / "notes.md").read_text() == "kept"
    assert site.ok("up").err.startswith("hub: nothing to do")


def test_up_gives_a_changed_secret_to_a_gateway_that_runs(site: Site) -> None:
    site.write("profiles:\n  main: {secrets: [EXAMPLE_KEY]}\n")
    key = site.secret("main", "EXAMPLE_KEY", "before")
    site.ok("up")
    key.write_text("after")
    result = site.ok("up")
    assert "main: container restarted, because a secret changed since it started" in result.err
    environ = "$(dirname $(grep -ls ^openclaw-gatewa /proc/[0-9]*/comm))/environ"
    command = f"tr '\\0' '\\n' < {environ} | grep ^EXAMPLE_KEY="
    assert site.ok("exec", "--raw", "main", "bash", "-c", command).out.strip() == "EXAMPLE_KEY=after"


@pytest.mark.full
def test_an_unapplied_change_is_reported_and_restart_refuses_to_run(site: Site) -> None:
    site.ok("up", "main")
    site.write("profiles:\n  main: {resources: {memory: 3g}}\n")
    assert "The fleet file has changed. Apply it: " in site.ok("status").err
    refused = site.run("restart")
    assert refused.code == 2
    assert f"Apply the change: idlehands-deploy -C {site.root} up" in refused.err


@pytest.mark.full
def test_a_container_that_the_fleet_file_no_longer_names_is_shown(site: Site) -> None:
    site.ok("up", "main")
    site.write("profiles:\n  other: {}\n")
    said = site.ok("status", "--json").json
    check_status(said)
    assert [(row["profile"], row["state"]) for row in said["profiles"]] == [("other", "missing")]
    assert [(row["profile"], row["state"]) for row in said["orphans"]] == [("main", "running")]


@pytest.mark.alone
def test_a_second_build_with_nothing_changed_takes_seconds(site: Site) -> None:
    # Of the default's name, whatever image the other tests run: its tag is the gateway's version.
    site.write(image=DEFAULT_IMAGE)
    site.ok("image", "build")
    assert site.ok("image", "build").seconds < 10


def _started(site: Site) -> Any:
    return site.status("main")["started_at"]


@pytest.fixture
def browser(engine: docker.DockerClient, pair: Site) -> Iterator[Callable[[str], str]]:
    """A browser on this host: opens a link and returns the address that the dashboard leads to."""
    started: list[Any] = []
    debug_port = pair.base + 90

    def show(link: str) -> str:
        # A person reloads a page that stays where it is: a gateway that has just started can be too slow for it.
        for _ in range(2):
            with suppress(AssertionError):
                return shown(link)
            started.pop().remove(force=True)
        return shown(link)

    def shown(link: str) -> str:
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        started.append(
            engine.containers.run(
                IMAGE,
                ["chromium", *flags, f"--remote-debugging-port={debug_port}", "--user-data-dir=/tmp/b", link],
                network_mode="host",
                detach=True,
            )
        )
        return until("a dashboard that leads on", address, 45)

    def address() -> str | None:
        try:
            pages = pair.get(debug_port, "/json/list").json()
        except requests.RequestException:
            return None
        return next((page["url"] for page in pages if "/settings/" in page["url"]), None)

    yield show
    for container in started:
        container.remove(force=True)

"""`watch` and `history` over real gateways: a frozen browser, a lost network, an end of the watch without warning."""

from __future__ import annotations

import json
import re
import signal
import socket
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psutil
import pytest
import requests

from tests.support.chrome import chrome
from tests.support.site import make_pair, measure, start_browser, until
from tests.support.trials import signal_gateway

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator

    import docker

    from tests.support.site import Site

pytestmark = pytest.mark.engine

HOOK = '[sh, -c, "cat >> news.jsonl; echo >> news.jsonl"]'


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


class Watch:
    """A watch that runs, and the entries that it writes."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.seen: list[dict[str, Any]] = []

    def next(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.communicate()[1]
        self.seen.append(json.loads(line))
        return self.seen[-1]

    def wait_for(self, event: str, **more: object) -> dict[str, Any]:
        """The next entry of this kind."""
        while True:
            entry = self.next()
            if entry["event"] == event and all(entry.get(key) == value for key, value in more.items()):
                return entry

    def end(self, said: str = "") -> None:
        """End it; what it said on standard error must be this pattern."""
        self.process.send_signal(signal.SIGTERM)
        out, err = self.process.communicate(timeout=60)
        self.seen += [json.loads(line) for line in out.splitlines()]
        assert (self.process.returncode, re.fullmatch(said, err) is not None) == (0, True), err


@contextmanager
def watching(site: Site, *arguments: str) -> Iterator[Watch]:
    process = site.begin("watch", "--json", *arguments)
    try:
        yield Watch(process)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def watched(make_site: Callable[[], Site]) -> Site:
    """Main and rescue, up, with little patience."""
    pair = make_pair(make_site)
    with (pair.root / "fleet.yaml").open("a") as stream:
        stream.write(f"watch: {{patience: 7s, notify: {{command: {HOOK}}}}}\n")
    pair.root.chmod(0o755)  # root runs a command only from where nobody else can write
    return pair


def news(site: Site) -> list[dict[str, Any]]:
    path = site.root / "news.jsonl"
    if not path.exists():
        return []
    return [event for line in path.read_text().splitlines() if line for event in json.loads(line)["events"]]


@pytest.mark.full
def test_a_frozen_browser_is_told_restarted_and_told_again_with_metrics_history_and_no_secret(watched: Site) -> None:
    port = free_port()
    start_browser(watched, "main")
    with watching(watched, "--metrics", f"127.0.0.1:{port}") as watch:
        assert watch.wait_for("state", profile="main")["state"] == "ready"
        watched.container("main").exec_run("pkill -STOP chromium")
        frozen = watch.wait_for("state", profile="main")
        assert (frozen["state"], frozen["before"], frozen["evidence"]["browsers"]) == (
            "degraded", "ready", {"openclaw": "frozen"},
        )  # fmt: skip
        assert watch.wait_for("treating")["attempt"] == 1
        assert watch.wait_for("treated")["profile"] == "main"
        watch.wait_for("state", profile="main", state="ready")
        until("the news of it", lambda: [item["kind"] for item in news(watched)] == ["problem", "recovered"] or None)
        scraped = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=10).text
        assert f'idlehands_gateway_treatments_total{{profile="main",project="{watched.name}"}} 1.0' in scraped
        assert f'idlehands_gateway_state{{profile="rescue",project="{watched.name}",state="ready"}} 1.0' in scraped
        watch.end()
    assert [entry["event"] for entry in watch.seen].count("treating") == 1
    assert {entry["state"] for entry in watch.seen if entry.get("profile") == "rescue"} == {"ready"}
    told = watched.ok("history", "--json")
    main, rescue = told.json["profiles"]
    assert (main["outages"], main["treatments"], rescue["outages"], rescue["treatments"]) == (1, 1, 0, 0)
    assert rescue["ready_seconds"] == rescue["watched_seconds"] > main["ready_seconds"] > 0
    everything = json.dumps(watch.seen) + scraped + told.out + (watched.root / "news.jsonl").read_text()
    for profile in ("main", "rescue"):
        assert watched.token(profile) not in everything


@pytest.mark.full
def test_the_page_in_chromium_follows_a_fault_of_a_gateway_and_holds_no_secret(
    watched: Site, engine: docker.DockerClient
) -> None:
    address = f"127.0.0.1:{free_port()}"
    card = "document.querySelector('#cards article[aria-labelledby=card-main]')"
    state = f"{card}.querySelector('.verdict').textContent"
    with chrome(engine) as tab, watching(watched, "--dashboard", address) as watch:
        watch.wait_for("state", profile="main", state="ready")
        link = watched.ok("dashboard", "--link").out.strip()
        page = tab()
        page.look(360, 740)
        page.open(link)
        page.wait_for(f"{state} === 'ready'")
        page.wait_for("document.querySelector('#doctor .result') !== null")
        assert page.value("location.href") == f"http://{address}/fleet/"
        assert page.value("document.cookie") == ""
        assert page.value("document.documentElement.scrollWidth") == 360
        assert {"banner", "main", "contentinfo", "status"} <= page.roles()
        page.press("Tab", 9)
        assert page.value("document.activeElement.getAttribute('href')") == "#gateways"

        signal_gateway(watched, "STOP")
        page.wait_for(f"{state} === 'hung'")
        copied = page.value(f"{card}.querySelector('.command code').textContent")
        assert copied == f"idlehands-deploy -C {watched.root} restart main --now"
        assert page.value("document.querySelector('#news').textContent").startswith("main is hung: ")
        assert page.value("document.querySelector('.ports .now.bad').textContent") == "hung"
        signal_gateway(watched, "CONT")
        page.wait_for(f"{state} === 'ready'")
        page.wait_for("document.querySelector('#events').textContent.includes('main ready (was hung for ')")
        page.wait_for("document.querySelector('#states .span.bad') !== null")

        assert [item for item in page.events if item["method"] in {"Log.entryAdded", "Runtime.exceptionThrown"}] == []
        asked = {item["request"]["url"] for item in page.events if item["method"] == "Network.requestWillBeSent"}
        assert {url for url in asked if not url.startswith(f"http://{address}/")} == set()
        shown = page.value("document.documentElement.outerHTML + JSON.stringify(performance.getEntries())")
        shown += json.dumps(page.call("Page.getNavigationHistory"))
        for secret in (link.rpartition("=")[2], watched.token("main"), watched.token("rescue")):
            assert secret not in shown
        watch.end(rf"The page is at http://{address}/, .*: idlehands-deploy -C {watched.root} dashboard --link\n")
        page.wait_for("!document.querySelector('#lost').hidden")
    assert [entry for entry in watch.seen if entry["event"] == "treating"] == []


@measure
@pytest.mark.full
def test_the_page_costs_15_mb_and_paints_within_0_3_seconds(watched: Site, engine: docker.DockerClient) -> None:
    address = f"127.0.0.1:{free_port()}"
    with watching(watched) as watch:
        watch.wait_for("state", profile="main", state="ready")
        time.sleep(20)
        alone = psutil.Process(watch.process.pid).memory_info().rss
    with chrome(engine) as tab, watching(watched, "--dashboard", address) as watch:
        watch.wait_for("state", profile="main", state="ready")
        link = watched.ok("dashboard", "--link").out.strip()
        for _ in range(2):
            page = tab()
            page.open(link)
            page.wait_for("document.querySelector('#doctor .result') !== null")
        paints = []
        for _ in range(5):
            page.call("Page.reload")
            time.sleep(2)
            paints.append(page.wait_for("performance.getEntriesByName('first-contentful-paint')[0]?.startTime"))
        grown = psutil.Process(watch.process.pid).memory_info().rss - alone
    print(f"{grown / 1e6:.1f} MB more, first paint after {paints} ms")  # noqa: T201
    assert grown <= 15e6
    assert min(paints) <= 300


@pytest.mark.full
def test_a_gateway_that_lost_its_network_is_brought_back(watched: Site) -> None:
    container = watched.container("rescue")
    (network,) = container.attrs["NetworkSettings"]["Networks"]
    with watching(watched, "rescue") as watch:
        watch.wait_for("state", state="ready")
        watched.engine.networks.get(network).disconnect(container)
        assert watch.wait_for("treating")["cure"] == "up"
        watch.wait_for("state", state="ready")
        watch.end()
    assert watched.state("rescue") == "ready"


@pytest.mark.full
def test_a_death_is_written_within_a_second_and_what_a_person_stops_is_left_alone(watched: Site) -> None:
    with watching(watched, "rescue") as watch:
        watch.wait_for("state", state="ready")
        watched.container("rescue").kill()
        died = watch.wait_for("state")
        assert (died["state"], died["reason"]) == ("stopped", "exit code 137")
        attrs = watched.container("rescue").attrs["State"]
        assert abs(_seconds(died["time"]) - _seconds(attrs["FinishedAt"])) < 1
        watched.ok("start", "rescue")
        watch.wait_for("state", state="ready")
        watched.ok("stop", "rescue", "--now")
        watch.wait_for("state", state="stopped")
        watched.ok("start", "rescue")
        watch.wait_for("state", state="ready")
        watch.end()
    assert not [entry for entry in watch.seen if entry["event"] == "treating"]


@pytest.mark.full
def test_a_watch_that_is_killed_leaves_a_history_in_which_nobody_watched_since(watched: Site) -> None:
    with watching(watched, "rescue") as watch:
        watch.wait_for("state", state="ready")
        watch.process.kill()
    with watching(watched, "rescue") as watch:
        assert watch.next()["unwatched_since"] < watch.wait_for("state", state="ready")["time"]
        second = watched.run("watch", "rescue")
        assert (second.code, second.err.splitlines()[0]) == (
            2, f"Error: Another watch is running in {watched.root}.",
        )  # fmt: skip
        watch.end()
    lines = watched.ok("history", "rescue", "--since", "1h").out.splitlines()
    assert lines[0].split() == ["TIME", "PROFILE", "EVENT", "AFTER", "WHY"]
    assert lines[-1].startswith("rescue: ready ")


@pytest.mark.full
def test_a_watch_goes_on_while_there_is_no_engine(watched: Site) -> None:
    watched.environ["DOCKER_HOST"] = f"unix://{watched.root}/none.sock"
    try:
        with watching(watched, "rescue") as watch:
            entry = watch.wait_for("state")
            assert (entry["state"], entry["usable"]) == ("unknown", False)
            assert "the gateway reports that it is ready" in entry["reason"]
            watch.end()
    finally:
        del watched.environ["DOCKER_HOST"]


def _seconds(moment: str) -> float:
    from idlehands_deploy.engine.facts import read_time

    return read_time(moment)

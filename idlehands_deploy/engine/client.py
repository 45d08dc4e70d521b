"""The engine's API: container facts and events, and its images."""

from __future__ import annotations

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

from docker.errors import APIError, NotFound

from idlehands_deploy.engine.connection import connect, translated
from idlehands_deploy.engine.details import select_details
from idlehands_deploy.engine.events import CHANGES, DeathWatch, EventStream, read_deaths
from idlehands_deploy.engine.facts import (
    NETWORK_LABEL,
    ONE_OFF_LABEL,
    PROJECT_LABEL,
    SERVICE_LABEL,
    ContainerFacts,
    Death,
    EngineFacts,
    PortHolder,
    read_time,
)
from idlehands_deploy.engine.images.store import ImageStore
from idlehands_deploy.engine.limits import read_limits, read_stats_limits
from idlehands_deploy.engine.reading import container_facts, gateway_address, port_holder
from idlehands_deploy.engine.usage import SHORTEST, between, read_counters, read_stats

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from idlehands_deploy.engine.facts import Limit
    from idlehands_deploy.engine.one_off import OneOff
    from idlehands_deploy.engine.usage import Reading, Usage


# Of a log, which a gateway may fill: bytes. Docker's library needs a second or two for so many short lines.
MOST_LOGGED = 1 << 20


class Engine(ImageStore):
    """A connection to a Docker Engine."""

    @classmethod
    def connect(cls, environ: Mapping[str, str]) -> Engine:
        """Connect, or raise EngineUnreachableError."""
        return cls(connect(environ))

    @property
    def is_local(self) -> bool:
        """Whether it is reached over a socket of this host, so that its paths are this host's too."""
        return str(self._api.base_url).startswith("http+docker://localhost")

    def alive(self) -> bool:
        """Whether the engine still responds."""
        try:
            return bool(self._client.ping())
        except Exception:  # noqa: BLE001 - any error means that it does not
            return False

    def facts(self) -> EngineFacts:
        """The engine's version, limits and data directory."""
        with translated(self._client):
            info = self._api.info()
            return EngineFacts(
                version=str(info["ServerVersion"]),
                root=str(info["DockerRootDir"]),
                cpus=int(info["NCPU"]),
                has_seccomp=any("name=seccomp" in option for option in info.get("SecurityOptions") or []),
                limits_memory=bool(info.get("MemoryLimit")),
                limits_pids=bool(info.get("PidsLimit")),
                limits_cpus=bool(info.get("CpuCfsQuota") or info.get("CPUShares")),
            )

    def bridge_address(self) -> str:
        """This host's address for containers, on the engine's default bridge; empty if it has none."""
        with translated(self._client):
            try:
                return gateway_address(self._api.inspect_network("bridge")["IPAM"])
            except APIError:
                return ""

    def containers(self, project: str, service: str | None = None) -> list[ContainerFacts]:
        """The project's containers, or those of one service; stopped ones too."""
        with translated(self._client):
            # A container of `docker compose run` has the labels too, but is no gateway.
            labels = [f"{PROJECT_LABEL}={project}", f"{ONE_OFF_LABEL}=False"]
            labels += [f"{SERVICE_LABEL}={service}"] if service else []
            rows = self._api.containers(all=True, filters={"label": labels})
            with ThreadPoolExecutor(max_workers=8) as pool:
                details = pool.map(self._inspect, [row["Id"] for row in rows])
                return [container_facts(detail) for detail in details if detail is not None]

    def container(self, container: str) -> ContainerFacts | None:
        """One container by its id; None if it is gone."""
        with translated(self._client):
            detail = self._inspect(container)
            return None if detail is None else container_facts(detail)

    def is_healthy_now(self, container: str) -> bool:
        """Run a container's own health check now; False also if it has none or is gone."""
        with translated(self._client):
            detail = self._inspect(container) or {}
            test = (detail.get("Config", {}).get("Healthcheck") or {}).get("Test") or ["NONE"]
            command = ["/bin/sh", "-c", *test[1:]] if test[0] == "CMD-SHELL" else test[1:]
        return bool(command) and self.run(container, command)[0] == 0

    def run(self, container: str, command: Sequence[str]) -> tuple[int, str]:
        """Run a command in a container: its exit code and standard output; -1 and nothing if the container stopped."""
        with translated(self._client):
            try:
                run = self._api.exec_create(container, list(command))["Id"]
                out, _ = self._api.exec_start(run, demux=True)
            except APIError:
                return -1, ""
            return int(self._api.exec_inspect(run)["ExitCode"]), (out or b"").decode(errors="replace")

    def run_one_off(self, task: OneOff, seconds: int) -> str | None:
        """The standard output of a command in a container of its own; None if it failed, or did not end in time."""
        from idlehands_deploy.engine.one_off import run_one_off  # noqa: PLC0415 - only a check of a config pays for it

        with translated(self._client):
            return run_one_off(self._client, task, seconds)

    def info_raw(self) -> dict[str, Any]:
        """The engine's answer to ``info``, unchanged."""
        with translated(self._client):
            return dict(self._api.info())

    def inspect_selected(self, container: str) -> dict[str, Any] | None:
        """A container's details without the values of its environment; None if it is gone."""
        with translated(self._client):
            detail = self._inspect(container)
            return None if detail is None else select_details(detail)

    def environment(self, container: str) -> dict[str, str]:
        """A container's environment with its values, which must not be shown; empty if it is gone."""
        with translated(self._client):
            detail = self._inspect(container) or {}
            pairs = (line.partition("=") for line in detail.get("Config", {}).get("Env") or [])
            return {name: value for name, _, value in pairs}

    def counters(self, facts: ContainerFacts) -> Reading | None:
        """A running container's counters, to compare with later ones; None if they cannot be read."""
        return read_counters(facts.id, facts.pid)

    def usage(self, facts: ContainerFacts, before: Reading | None) -> Usage | None:
        """A running container's use of memory and CPU; None if it does not run any more.

        Args:
            before: an earlier reading of its counters. Without one, an engine on another host takes a second.
        """
        if before is not None:
            time.sleep(max(0.0, before.at + SHORTEST - time.monotonic()))
        now = self.counters(facts)
        if now is not None:
            return between(before, now)
        with translated(self._client):
            try:
                return read_stats(self._api.stats(facts.id, stream=False))
            except NotFound:
                return None

    def limits(self, facts: ContainerFacts) -> tuple[Limit, ...]:
        """The limits that a running container has reached."""
        found = read_limits(facts.id, facts.pid)
        if found is not None:
            return found
        with translated(self._client):
            try:
                return read_stats_limits(self._api.stats(facts.id, stream=False, one_shot=True))
            except NotFound:
                return ()

    def deaths(self, container: str, seconds: int) -> list[Death]:
        """A container's deaths in the last ``seconds`` seconds, oldest first, as far as the engine remembers."""
        now = int(time.time())
        filters = {"container": container, "event": ["die", "oom"]}
        with translated(self._client):
            return read_deaths(self._api.events(since=now - seconds, until=now + 1, filters=filters, decode=True))

    def is_being_stopped(self, facts: ContainerFacts, within: float) -> bool:
        """Whether a running container received SIGTERM in the last ``within`` seconds."""
        now = int(time.time())
        since = max(int(now - within), int(facts.started))
        filters = {"container": facts.id, "event": "kill"}
        with translated(self._client):
            kills = list(self._api.events(since=since, until=now + 1, filters=filters, decode=True))
            return any(str(event["Actor"]["Attributes"].get("signal")) == str(signal.SIGTERM.value) for event in kills)

    def holders(self) -> dict[int, list[PortHolder]]:
        """The running containers by the TCP ports that they publish, on any address."""
        holders: dict[int, list[PortHolder]] = {}
        with translated(self._client):
            for row in self._api.containers():
                for port in row.get("Ports") or []:
                    if "PublicPort" in port and port["Type"] == "tcp":
                        holders.setdefault(port["PublicPort"], []).append(port_holder(row))
        return holders

    def last_logs(self, container: str, lines: int, since: float) -> list[str]:
        """The last log lines of a container after ``since`` (seconds since 1970); empty if it is gone."""
        with translated(self._client):
            return _lines(self._logged(container, tail=lines, since=int(since)))

    def first_logs(self, container: str, since: float, seconds: int) -> list[str]:
        """The log lines of a container in the ``seconds`` seconds after ``since``; empty if it is gone."""
        with translated(self._client):
            return _lines(self._logged(container, since=int(since), until=int(since) + seconds))

    def seconds_to_line(self, container: str, since: float, end: str, within: int) -> float | None:
        """How long after ``since`` a container first logged a line that ends so; None if it did not.

        Args:
            since: seconds since 1970.
            within: how long after it to look; seconds.
        """
        with translated(self._client):
            raw = self._logged(container, since=int(since), until=int(since) + within, timestamps=True)
            for line in raw.splitlines():
                if line.rstrip().endswith(end.encode()):
                    return read_time(line.partition(b" ")[0].decode()) - since
        return None

    def watch_deaths(self, project: str) -> DeathWatch:
        """Watch for deaths of the project's containers; every death from now on is recorded."""
        filters = {"type": "container", "event": ["die", "destroy"], "label": f"{PROJECT_LABEL}={project}"}
        with translated(self._client):
            return DeathWatch(self._api.events(decode=True, filters=filters))

    def follow(self, project: str, on_change: Callable[[str], None], on_lost: Callable[[], None]) -> EventStream:
        """Follow changes of the project's containers from now on.

        Args:
            on_change: called with the service of each container that changes.
            on_lost: called once, when no more events will come.
        """
        filters = {"type": "container", "event": CHANGES, "label": f"{PROJECT_LABEL}={project}"}
        with translated(self._client):
            return EventStream(self._api.events(decode=True, filters=filters), on_change, on_lost)

    def stop(self, container: str, seconds: int) -> None:
        """Stop a container, and kill it if it still runs after ``seconds`` seconds."""
        with translated(self._client), suppress(NotFound):
            self._api.stop(container, timeout=seconds)

    def pause(self, container: str, *, on: bool) -> None:
        """Freeze a running container, or let it go on; one that is so already is no error."""
        with translated(self._client), suppress(NotFound):
            if self._api.inspect_container(container)["State"]["Paused"] is not on:
                (self._api.pause if on else self._api.unpause)(container)

    def remove(self, container: str, project: str, service: str) -> None:
        """Remove a container that does not run, and the networks of its service that nothing else uses."""
        with translated(self._client):
            with suppress(NotFound):
                self._api.remove_container(container)
            labels = [f"{PROJECT_LABEL}={project}", f"{NETWORK_LABEL}={service}"]
            for network in self._api.networks(filters={"label": labels}):
                with suppress(APIError):  # something else uses it
                    self._api.remove_network(network["Id"])

    def _logged(self, container: str, **which: Any) -> bytes:  # noqa: ANN401 - as docker takes it
        """A log's beginning or, with ``tail``, its end, as much as may be kept; empty if the container is gone."""
        kept = bytearray()
        try:
            with closing(self._api.logs(container, stream=True, follow=False, **which)) as pieces:
                for piece in pieces:
                    kept += piece
                    if len(kept) > MOST_LOGGED and "tail" not in which:
                        break
                    if len(kept) > 2 * MOST_LOGGED:
                        del kept[:-MOST_LOGGED]
        except NotFound:
            return b""
        return bytes(kept[-MOST_LOGGED:] if "tail" in which else kept[:MOST_LOGGED])

    def _inspect(self, container: str) -> dict[str, Any] | None:
        try:
            return dict(self._api.inspect_container(container))
        except NotFound:  # removed since it was listed
            return None


def _lines(raw: bytes) -> list[str]:
    return raw.decode(errors="replace").splitlines()

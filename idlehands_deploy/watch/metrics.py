"""What a watch knows, for Prometheus; the only room that speaks its language."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from idlehands_deploy.errors import PortConflictError, UsageError
from idlehands_deploy.health.verdict import State

if TYPE_CHECKING:
    from collections.abc import Callable

    from idlehands_deploy.health.observe import Observation

# A gateway of this host answers in two milliseconds, one that starts in hundreds; seconds.
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0)


class Metrics:
    """Gauges and counters of one fleet, each by profile."""

    def __init__(self, project: str) -> None:
        self.registry = CollectorRegistry()
        self._project = project
        self._state = self._make(Gauge, "state", "1 for the verdict that holds, 0 for the others.", "state")
        self._ready = self._make(Counter, "ready_seconds", "Time that it was seen to be ready.")
        self._watched = self._make(Counter, "watched_seconds", "Time that it was watched.")
        self._started = self._make(Gauge, "start_time_seconds", "When its container was last started; 0 if not.")
        self._restarts = self._make(Gauge, "restarts", "Restarts by the engine's policy since the container was made.")
        self._treated = self._make(Counter, "treatments", "Restarts by the watch.")
        self._latency = self._make(Histogram, "probe_seconds", "Time to its answer on /readyz.", buckets=BUCKETS)
        self._memory = self._make(Gauge, "memory_bytes", "Memory that its container uses.")
        self._limit = self._make(Gauge, "memory_limit_bytes", "Memory that its container may use; 0 for any.")
        self._cpu = self._make(Gauge, "cpu_seconds", "Processor time since its container was started.")

    def see(self, seen: Observation) -> None:
        """Take an observation in."""
        profile, facts = seen.verdict.profile, seen.facts
        for state in get_args(State):
            self._of(self._state, profile, state).set(state == seen.verdict.state)
        for counter in (self._ready, self._watched, self._treated):
            self._of(counter, profile).inc(0)
        if seen.verdict.state == "unknown":
            return  # and not none: a count that fell to 0 and rose again would look like new restarts
        runs = facts is not None and facts.state in {"running", "paused"}
        self._of(self._started, profile).set(facts.started if facts and facts.state == "running" else 0)
        self._of(self._restarts, profile).set(facts.restart_count if facts else 0)
        self._of(self._limit, profile).set(facts.memory_limit if facts else 0)
        if seen.usage or not runs:
            self._of(self._memory, profile).set(seen.usage.memory if seen.usage else 0)
            self._of(self._cpu, profile).set(seen.usage.cpu_seconds if seen.usage else 0)
        if seen.latency is not None:
            self._of(self._latency, profile).observe(seen.latency)

    def spend(self, profile: str, state: State, seconds: float) -> None:
        """Count time that has passed in a state."""
        self._of(self._watched, profile).inc(seconds)
        self._of(self._ready, profile).inc(seconds if state == "ready" else 0)

    def treat(self, profile: str) -> None:
        """Count a restart by the watch."""
        self._of(self._treated, profile).inc()

    def forget(self, profile: str) -> None:
        """Leave a profile out that is not watched any more."""
        for state in get_args(State):
            self._state.remove(self._project, profile, state)
        for metric in (
            self._ready, self._watched, self._started, self._restarts, self._treated, self._latency, self._memory,
            self._limit, self._cpu,
        ):  # fmt: skip
            metric.remove(self._project, profile)

    def serve(self, host: str, port: int) -> Callable[[], None]:
        """Answer scrapes until what this gives back is called.

        Raises:
            PortConflictError: somebody else has the port.
            UsageError: this host has no such address, or this user may not have the port.
        """
        try:
            server, thread = start_http_server(port, host, self.registry)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise PortConflictError(
                    f"{host}:{port}, where --metrics wants to answer, is taken.", "Choose another port for --metrics."
                ) from None
            raise _impossible(host, port, str(error.strerror)) from None
        except UnicodeError:
            raise _impossible(host, port, "that is no name of a host") from None

        def end() -> None:
            server.shutdown()
            server.server_close()
            thread.join()

        return end

    def _make(self, kind: Any, name: str, text: str, *labels: str, **more: Any) -> Any:  # noqa: ANN401 - three kinds
        return kind(f"idlehands_gateway_{name}", text, ("project", "profile", *labels), registry=self.registry, **more)

    def _of(self, metric: Any, profile: str, *labels: str) -> Any:  # noqa: ANN401
        return metric.labels(self._project, profile, *labels)


def _impossible(host: str, port: int, why: str) -> UsageError:
    return UsageError(f"Nothing can answer at {host}:{port}: {why}.", "Give --metrics another.")

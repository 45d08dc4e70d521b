"""The watch's metrics for Prometheus; the only module that imports its client."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from idlehands_deploy.errors import PortConflictError, UsageError
from idlehands_deploy.health.verdict import State

if TYPE_CHECKING:
    from collections.abc import Callable

    from idlehands_deploy.health.observe import Observation

# A ready gateway on this host responds in 2 ms, a starting one in some 100 ms; seconds.
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0)


class Metrics:
    """Gauges and counters of one fleet, by profile."""

    def __init__(self, project: str) -> None:
        self.registry = CollectorRegistry()
        self._project = project
        self._state = self._make(Gauge, "state", "1 for the current verdict, 0 for the others.", "state")
        self._ready = self._make(Counter, "ready_seconds", "Time that the gateway was ready.")
        self._watched = self._make(Counter, "watched_seconds", "Time that the gateway was watched.")
        self._started = self._make(
            Gauge, "start_time_seconds", "When its container last started; 0 if it does not run."
        )
        self._restarts = self._make(
            Gauge, "restarts", "Restarts by the restart policy since the container was created."
        )
        self._watch_restarts = self._make(Counter, "treatments", "Restarts by the watch.")
        self._latency = self._make(Histogram, "probe_seconds", "Response time of /readyz.", buckets=BUCKETS)
        self._memory = self._make(Gauge, "memory_bytes", "Memory used by its container.")
        self._limit = self._make(Gauge, "memory_limit_bytes", "Memory limit of its container; 0 if there is none.")
        self._cpu = self._make(Gauge, "cpu_seconds", "CPU time since its container started.")

    def see(self, seen: Observation) -> None:
        """Record an observation."""
        profile, facts = seen.verdict.profile, seen.facts
        for state in get_args(State):
            self._of(self._state, profile, state).set(state == seen.verdict.state)
        for counter in (self._ready, self._watched, self._watch_restarts):
            self._of(counter, profile).inc(0)
        if seen.verdict.state == "unknown":
            return  # setting the count to 0 and back would look like new restarts
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
        """Count time spent in a state."""
        self._of(self._watched, profile).inc(seconds)
        self._of(self._ready, profile).inc(seconds if state == "ready" else 0)

    def restarted(self, profile: str) -> None:
        """Count a restart by the watch."""
        self._of(self._watch_restarts, profile).inc()

    def forget(self, profile: str) -> None:
        """Remove the metrics of a profile that is no longer watched."""
        for state in get_args(State):
            self._state.remove(self._project, profile, state)
        for metric in (
            self._ready, self._watched, self._started, self._restarts, self._watch_restarts, self._latency,
            self._memory, self._limit, self._cpu,
        ):  # fmt: skip
            metric.remove(self._project, profile)

    def serve(self, host: str, port: int) -> Callable[[], None]:
        """Serve scrapes; returns the function that ends it.

        Raises:
            PortConflictError: another process has the port.
            UsageError: this host has no such address, or this user may not open the port.
        """
        try:
            server, thread = start_http_server(port, host, self.registry)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise PortConflictError(
                    f"Port {host}:{port} for --metrics is in use by another process.",
                    "Choose another port for --metrics.",
                ) from None
            raise _impossible(host, port, str(error.strerror)) from None
        except UnicodeError:
            raise _impossible(host, port, "it is not a valid host name") from None

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
    return UsageError(f"--metrics cannot listen on {host}:{port}: {why}.", "Choose another address for --metrics.")

"""What the fleet's page shows, as JSON: one object for each part that changes on its own.

Times are seconds since 1970; the page formats them, and counts on between two changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from idlehands_deploy.deployment.published import as_published
from idlehands_deploy.remedies import Command, Remedy, ours
from idlehands_deploy.show.findings import summary
from idlehands_deploy.show.watch import event, why
from idlehands_deploy.text import printable
from idlehands_deploy.watch.page.samples import STEP

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from idlehands_deploy.doctor.examine import Diagnosis
    from idlehands_deploy.health.observe import Observation
    from idlehands_deploy.watch.page.overview import Watched
    from idlehands_deploy.watch.timeline import Span

# The periods that the page can show; seconds.
PERIODS = {"1h": 3600, "24h": 86400, "7d": 7 * 86400}
# Commands of others that a remedy may be as a whole.
_OTHERS = ("docker ", "df ")


class Redaction(Protocol):
    """Removes secrets from what others said, and from commands and paths of ours."""

    def text(self, text: str) -> str:
        """What others said."""

    def command(self, text: str) -> str:
        """A command or a path of ours."""


class Words:
    """How the page writes what others said, and commands.

    Args:
        redaction: removes secrets.
        directory: the deployment's, which each command names: the reader's terminal may be anywhere.
    """

    def __init__(self, redaction: Redaction, directory: Path) -> None:
        self._redaction = redaction
        self.directory = directory

    def said(self, text: object) -> str:
        """What a gateway or the engine said."""
        return printable(self._redaction.text(str(text)))

    def ours(self, text: object) -> str:
        """What this tool says: a path in it must stay usable."""
        return printable(self._redaction.command(str(text)))

    def command(self, command: Command) -> str:
        """A command line to copy."""
        if command.words[:1] != ("-C",):
            command = Command(("-C", str(self.directory), *command.words), command.as_root)
        return self.ours(command)

    def remedy(self, remedy: Remedy) -> list[dict[str, str]]:
        """A remedy as parts: texts, and commands to copy."""
        if len(remedy.parts) == 1 and isinstance(whole := remedy.parts[0], str) and whole.startswith(_OTHERS):
            return [{"command": self.ours(whole)}]
        return [
            {"command": self.command(part)} if isinstance(part, Command) else {"text": self.ours(part)}
            for part in remedy.parts
        ]


def fleet(watched: Watched, words: Words, *, is_watched: bool, version: str) -> dict[str, Any]:
    """What is watched.

    Args:
        is_watched: whether a watch writes the journal.
        version: of this tool.
    """
    return {
        "project": watched.fleet.name,
        "directory": words.ours(words.directory),
        "version": version,
        "profiles": list(watched.profiles),
        "watched": is_watched,
        "restarts": watched.fleet.watch.restart,
        "start": words.command(ours("watch")),
        "periods": PERIODS,
    }


def gateway(seen: Observation, watched: Watched, spans: Sequence[Span], words: Words) -> dict[str, Any]:
    """One gateway as it is.

    Args:
        spans: its states so far.
    """
    verdict, facts, usage = seen.verdict, seen.facts, seen.usage
    # Where its container publishes them, whatever the fleet file says by now.
    ports = as_published(watched.ports.profiles[verdict.profile], facts)
    host = ports.host
    is_up = facts is not None and facts.state in {"running", "paused"}
    shown = f"[{host}]" if ":" in host else host
    return {
        "state": verdict.state,
        "usable": verdict.usable,
        "reason": words.said(verdict.reason),
        "since": _since(verdict.state, spans),
        "remedy": words.remedy(verdict.remedy),
        # Without the token: the page and its stream hold no secret.
        "link": f"http://{shown}:{ports.base}/",
        "login": words.command(ours("open", verdict.profile)),
        "version": words.said(facts.version) if facts else "",
        "started": facts.started if facts and is_up else None,
        "restarts": facts.restart_count if facts else 0,
        "memory": usage.memory if usage else None,
        "memory_limit": (facts.memory_limit or None) if facts else None,
        "cpu": None if usage is None or usage.cpu is None else round(usage.cpu, 3),
        "browsers": dict(seen.browsers),
        "control": seen.control,
        "ports": [{"purpose": port.purpose, "address": port.host_ip, "port": port.port} for port in ports.published],
    }


def usage(memory: Sequence[int | None], cpu: Sequence[float | None], now: float) -> dict[str, Any]:
    """Memory and CPU of one gateway over the last hour."""
    return {
        "step": STEP,
        "until": now,
        "memory": list(memory),
        "cpu": [None if value is None else round(value, 3) for value in cpu],
    }


def states(spans: Iterable[Span], restarts: Sequence[float], now: float, words: Words) -> dict[str, Any]:
    """One gateway's states in the longest period that the page shows; the current one has no end.

    Args:
        restarts: when a watch restarted it.
    """
    since = now - max(PERIODS.values())
    return {
        "spans": [
            [
                round(span.since, 1), None if span.until >= now else round(span.until, 1), span.state, span.usable,
                words.said(span.reason),
            ]
            for span in spans
            if span.until > since
        ],
        "restarts": [round(at, 1) for at in restarts if at > since],
    }  # fmt: skip


def events(entries: Iterable[Mapping[str, Any]], words: Words) -> list[dict[str, Any]]:
    """What happened, the latest first."""
    shown = [
        {
            "at": entry["at"],
            "profile": words.said(entry.get("profile", "")),
            "state": words.said(entry.get("state", "")),
            "what": words.said(event(entry)),
            "why": words.said(why(entry)),
            "lasted": entry.get("lasted"),
            "before": words.said(entry.get("before", "")),
        }
        for entry in entries
    ]
    return shown[::-1]


def findings(diagnosis: Diagnosis, at: float, words: Words) -> dict[str, Any]:
    """What `doctor` found, and when."""
    return {
        "at": at,
        "ok": diagnosis.passes(strict=True),
        "summary": words.said(summary(diagnosis)),
        "findings": [
            {
                "level": finding.level,
                "place": words.ours(finding.place),
                "what": words.said(finding.what),
                "why": words.said(finding.why),
                "fix": words.remedy(finding.fix),
            }
            for finding in diagnosis.findings
        ],
    }


def failed(what: str, at: float, words: Words) -> dict[str, Any]:
    """Why `doctor` found nothing out."""
    return {"at": at, "ok": False, "summary": words.said(what), "findings": []}


def _since(state: str, spans: Sequence[Span]) -> float | None:
    """When the current state began; its reason may have changed since."""
    since, end = None, None
    for span in reversed(spans):
        if span.state != state or (end is not None and span.until != end):
            break
        since = end = span.since
    return since

"""What proves that a gateway is usable: the steps, and the verdict on each answer; no I/O."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from idlehands_deploy.contract import CONFIG_NAME
from idlehands_deploy.fleet.addresses import is_loopback, url_host
from idlehands_deploy.gateway import test_page as picture
from idlehands_deploy.remedies import Remedy, ours, remedy_of
from idlehands_deploy.text import plain

if TYPE_CHECKING:
    from idlehands_deploy.fleet.ports import ProfilePorts
    from idlehands_deploy.gateway.probe import Answer
    from idlehands_deploy.health.verdict import Verdict

Name = Literal["ready", "token", "browser", "page", "picture", "close"]
Status = Literal["ok", "failed", "skipped"]
# What each is doing, for whoever watches.
STEPS: dict[Name, str] = {
    "ready": "asks whether it is ready",
    "token": "calls it with its token, and without",
    "browser": "starts its browser",
    "page": "opens a page",
    "picture": "takes a picture of the page",
    "close": "closes the page",
}
# Seconds, on a slow machine; the last word even where an answer drips, or nobody gives any.
LIMITS: dict[Name, float] = {"ready": 6, "token": 16, "browser": 75, "page": 20, "picture": 55, "close": 30}


@dataclass(frozen=True)
class Step:
    """One step of a proof.

    Attributes:
        seconds: how long it took; 0 if it was skipped.
        said: what was seen; for a step that was skipped, why.
        why: the likely cause of a failure.
        fix: the next command after a failure.
    """

    name: Name
    status: Status
    seconds: float
    said: str
    why: str = ""
    fix: Remedy = Remedy()  # noqa: RUF009 - a value


class FailedError(Exception):
    """A step failed: what happened, the likely cause, the next command."""

    def __init__(self, what: str, why: str, fix: Remedy | str) -> None:
        super().__init__(what)
        self.what, self.why = what, why
        self.fix = remedy_of(fix)


class SkippedError(Exception):
    """A step cannot be done in this deployment, which may be as somebody wants it."""


@dataclass(frozen=True)
class Browser:
    """A gateway's browser, as its browser control tells of it.

    Attributes:
        cdp: its CDP port; 0 if it has none.
        remote: whether it is somebody else's Chrome, which the gateway neither starts nor stops.
        hangs: whether its process lives and does not speak.
    """

    name: str
    cdp: int
    running: bool
    remote: bool
    hangs: bool


@dataclass(frozen=True)
class Doors:
    """What a profile publishes.

    Attributes:
        control: browser control's port; None if it is not published.
        cdp: the published CDP ports, that of the browser which every gateway has first.
    """

    profile: str
    gateway: int
    control: int | None
    cdp: tuple[int, ...]

    @classmethod
    def of(cls, ports: ProfilePorts) -> Doors:
        """The doors of a profile of the plan."""
        published = {port.purpose: port.port for port in ports.published}
        cdp = tuple(port for port in ports.cdp.values() if port in published.values())
        return cls(ports.profile, ports.base, published.get("browser control"), cdp)

    def unpublished(self, key: str) -> str:
        """Why there is no such door."""
        return f"not published (fleet.yaml: profiles.{self.profile}.publish.{key})"


def proven(steps: tuple[Step, ...]) -> bool:
    """Whether everything was done and nothing left out."""
    return bool(steps) and all(step.status == "ok" for step in steps)


def unready(verdict: Verdict) -> FailedError:
    """The first step of a gateway that is not ready."""
    reason = f": {verdict.reason}" if verdict.reason else ""
    fix = verdict.remedy or Remedy.run("health", verdict.profile, "--wait")
    return FailedError(f"it is {verdict.state}{reason}", "", fix)


def judge_ready(doors: Doors, answer: Answer) -> str:
    """The gateway's own word, over its published port."""
    if answer.ok:
        return f"/readyz answers 200 on port {doors.gateway}"
    raise FailedError(
        f"/readyz {_outcome(answer)} on port {doors.gateway}", "a moment ago it was ready: it ended, or hangs",
        Remedy.run("status", doors.profile),
    )  # fmt: skip


def judge_control(doors: Doors, with_token: Answer, without: Answer) -> str:
    """Browser control's answers to the same question with the profile's token and without."""
    name, place = doors.profile, f"browser control on port {doors.control}"
    if with_token.status == 401:
        raise _other_token(name, f"{place} refuses the token of its secret file (401)")
    if with_token.status is None:
        raise FailedError(
            f"{place} {_outcome(with_token)}", "it, or what leads to it in the container, has ended or hangs",
            Remedy.run("restart", name),
        )  # fmt: skip
    if not with_token.ok:
        raise FailedError(
            f"{place} {_outcome(with_token)}{_said(with_token)}", "its log says what it lacks",
            Remedy.run("logs", name, "--tail", "50"),
        )  # fmt: skip
    if without.status != 401:
        raise FailedError(
            f"{place} {_outcome(without)} without a token, and should refuse with 401",
            f"gateway.auth in profiles/{name}/state/{CONFIG_NAME} lets everybody in", Remedy.run("doctor"),
        )  # fmt: skip
    return "browser control takes its token, and refuses without one (401)"


def judge_gateway_token(doors: Doors, with_token: Answer, without: Answer) -> str:
    """The same of the gateway's own port, which tells details to those alone who have the token."""
    if not (with_token.ok and "uptimeMs" in with_token.body):
        raise _other_token(doors.profile, "the gateway does not know the token of its secret file")
    if "uptimeMs" in without.body:
        raise FailedError(
            "the gateway tells everybody what is meant for those with its token",
            f"gateway.auth in profiles/{doors.profile}/state/{CONFIG_NAME} lets everybody in",
            Remedy.run("doctor"),
        )  # fmt: skip
    return f"the gateway knows its token, and tells less without one; browser control is {doors.unpublished('control')}"


def judge_browser(profile: str, answer: Answer) -> Browser:
    """The browser that the gateway uses unless it is told another."""
    body = answer.body
    if not answer.ok:
        raise FailedError(
            f"browser control {_outcome(answer)}{_said(answer)}", "it was there a moment ago",
            Remedy.run("logs", profile, "--tail", "50"),
        )  # fmt: skip
    if body.get("enabled") is False:
        raise SkippedError(f"turned off (browser.enabled in profiles/{profile}/state/{CONFIG_NAME})")
    url, port = body.get("cdpUrl"), body.get("cdpPort")
    remote = body.get("attachOnly") is True or (isinstance(url, str) and not is_loopback(url_host(url)))
    running = body.get("running") is True
    hangs = not running and not remote and isinstance(body.get("pid"), int)
    return Browser(
        plain(body.get("profile", "")),
        port if isinstance(port, int) else 0,
        running=running,
        remote=remote,
        hangs=hangs,
    )


def hanging(profile: str) -> FailedError:
    """A browser whose process lives and does not speak; to start it would end it, with somebody's pages."""
    return FailedError(
        "its Chromium runs and gives no answer", "it is frozen, or starved of memory or processor time",
        Remedy(ours("exec", profile, "browser", "start"), "   (ends it, and starts it anew)"),
    )  # fmt: skip


def judge_start(profile: str, browser: Browser, answer: Answer) -> str:
    """The answer to the wish that the browser be started."""
    if answer.ok:
        return f"attached to the remote {browser.name}" if browser.remote else f"started {browser.name}"
    if browser.remote:
        raise FailedError(
            f"the remote {browser.name} cannot be reached{_said(answer)}", "it is off, or not to be reached from here",
            Remedy.run("doctor"),
        )  # fmt: skip
    raise FailedError(
        f"its Chromium did not start: the wish {_outcome(answer)}{_said(answer)}",
        "too little memory, a lock of another run, or a config that it does not take",
        Remedy.run("exec", profile, "browser", "doctor"),
    )  # fmt: skip


def browser_path(doors: Doors, port: int, answer: Answer) -> str:
    """The path of the browser's own WebSocket, from what CDP says of itself."""
    url = answer.body.get("webSocketDebuggerUrl")
    path = urlsplit(url).path if isinstance(url, str) else ""
    # Only ever on the port that was asked, whatever the answer says.
    if answer.ok and re.fullmatch(r"/devtools/browser/[\w-]+", path):
        return path
    raise no_cdp(doors.profile, port, _outcome(answer))


def no_cdp(profile: str, port: int, what: str) -> FailedError:
    """A published CDP port behind which no browser answers."""
    return FailedError(
        f"CDP on port {port} {what}", "what leads to the browser in the container has ended or hangs",
        Remedy.run("restart", profile),
    )  # fmt: skip


def no_page(profile: str, port: int, what: str) -> FailedError:
    """A browser that answers, and does not do what it should."""
    return FailedError(
        f"the browser behind CDP port {port} {what}", "one of its processes hangs, or it has just ended",
        Remedy(ours("exec", profile, "browser", "stop"), "   (it starts again when it is needed)"),
    )  # fmt: skip


def refused(profile: str, what: str, answer: Answer) -> FailedError:
    """Browser control that did not do what was asked of it."""
    return FailedError(
        f"browser control {_outcome(answer)} when asked to {what}{_said(answer)}",
        "the browser ended or hangs, or the gateway's config forbids it",
        Remedy.run("exec", profile, "browser", "doctor"),
    )  # fmt: skip


def judge_picture(profile: str, png: bytes) -> str:
    """Whether the picture shows the page that was opened."""
    if wrong := picture.flaw(png):
        raise FailedError(
            f"the picture {wrong}", "the browser runs and does not draw",
            Remedy(ours("exec", profile, "browser", "stop"), "   (it starts again when it is needed)"),
        )  # fmt: skip
    return f"shows what was painted ({len(png)} bytes)"


def too_late(profile: str, name: Name) -> FailedError:
    """A step that was still under way when its time was up."""
    return FailedError(
        f"not done within {LIMITS[name]:.0f} s", "the gateway or its browser hangs, or the machine is overloaded",
        Remedy.run("logs", profile, "--tail", "50"),
    )  # fmt: skip


def _other_token(profile: str, what: str) -> FailedError:
    return FailedError(
        what, "it was started with another one, or gateway.auth in its config says other than token",
        Remedy(ours("up", profile), "   (restarts it if its secret was changed; else see: ", ours("doctor"), ")"),
    )  # fmt: skip


def _outcome(answer: Answer) -> str:
    if answer.status is not None:
        return f"answers {answer.status}"
    return "takes the question and gives no answer" if answer.silent else "does not answer"


def _said(answer: Answer) -> str:
    error = answer.body.get("error")
    return f": {plain(error)[:300]}" if isinstance(error, str) else ""

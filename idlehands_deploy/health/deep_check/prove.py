"""Prove that one gateway is usable: its steps in turn, each within its time, and everything put back afterwards."""

from __future__ import annotations

import queue
import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from idlehands_deploy.health.deep_check import steps as proof
from idlehands_deploy.health.deep_check.pages import CdpPage, Control, ControlledPage, loopback_probe
from idlehands_deploy.health.deep_check.steps import LIMITS, STEPS, Doors, FailedError, SkippedError, Step

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from idlehands_deploy.gateway.probe import GatewayProbe
    from idlehands_deploy.health.deep_check.pages import OpenPage
    from idlehands_deploy.health.deep_check.steps import Browser, Name
    from idlehands_deploy.health.verdict import Verdict
    from idlehands_deploy.progress import Progress

T = TypeVar("T")
# Measured: a second or two, up to eleven on a loaded machine.
START_SECONDS = 50
# A Chromium that was just killed looks like one that hangs, until the gateway has noticed.
SETTLE_SECONDS = 3.0
# What is nearly done is let finish after Ctrl-C, so that what it made is known and can be taken away.
GRACE_SECONDS = 2.0


@dataclass(frozen=True)
class Place:
    """Where one gateway is asked.

    Attributes:
        gateway: its own port, asked with its token.
        stranger: the same without a token.
        state: its state directory on this host.
    """

    doors: Doors
    token: str | None
    gateway: GatewayProbe
    stranger: GatewayProbe
    state: Path


def prove(place: Place, verdict: Verdict, progress: Progress, interrupted: threading.Event) -> tuple[Step, ...]:
    """Take the steps; the first that fails, or for which this deployment leaves no way, is the last.

    Args:
        verdict: of a moment ago; the gateway is asked again only if it was ready.

    Raises:
        KeyboardInterrupt: ``interrupted`` was set; the page is closed, and the browser as it was.
    """
    proof_ = _Proof(place, verdict)
    steps: list[Step] = []
    try:
        for number, (name, action) in enumerate(proof_.actions().items(), 1):
            progress.update(verdict.profile, f"{STEPS[name]} ({number} of {len(STEPS)})")
            steps.append(_take(verdict.profile, name, action, interrupted))
            if steps[-1].status != "ok":
                break
    finally:
        left = ""
        if proof_.leaves_something:
            progress.update(verdict.profile, "puts everything back")
            left = proof_.put_back()
            progress.update(verdict.profile, left)
    return tuple(_without(place.token, step) for step in (*steps, *_skipped(steps[-1], len(steps), left)))


class _Proof:
    """What the steps do, and what they know of each other."""

    def __init__(self, place: Place, verdict: Verdict) -> None:
        self._place = place
        self._doors = doors = place.doors
        self._verdict = verdict
        self._control = Control(doors.profile, doors.control, place.token, place.state) if doors.control else None
        self._browser: Browser | None = None
        self._page: OpenPage | None = None
        self._started = False
        self._tabs: set[str] = set()

    def actions(self) -> dict[Name, Callable[[], str]]:
        """What each step does; each gives a sentence on what it has seen."""
        control = self._control
        return {
            "ready": self._ask_ready,
            "token": self._ask_gateway if control is None else lambda: self._ask_control(control),
            "browser": self._see_running if control is None else lambda: self._start(control),
            "page": self._open,
            "picture": self._photograph,
            "close": self._close,
        }

    @property
    def leaves_something(self) -> bool:
        """Whether there is anything to put back."""
        return self._page is not None or self._started

    def put_back(self) -> str:
        """Put back what steps that did not end well have left, and say what; never fails."""
        done = []
        # A page that cannot be closed must not keep the browser from being stopped, which closes it too.
        while self.leaves_something:
            try:
                done.append(within(LIMITS["close"], self._close, threading.Event()))
            except (FailedError, SkippedError, TimeoutError) as error:
                done.append(str(error) or f"nothing came of it within {LIMITS['close']:.0f} s")
        return "; ".join(done)

    def _ask_ready(self) -> str:
        if self._verdict.state != "ready":
            raise proof.unready(self._verdict)
        return proof.judge_ready(self._doors, self._place.gateway.get("/readyz"))

    def _ask_control(self, control: Control) -> str:
        with_token = control.call("GET", "/")
        without = Control(self._doors.profile, self._doors.control or 0, None, self._place.state)
        return proof.judge_control(self._doors, with_token, without.call("GET", "/", seconds=4))

    def _ask_gateway(self) -> str:
        answers = self._place.gateway.get("/readyz"), self._place.stranger.get("/readyz")
        return proof.judge_gateway_token(self._doors, *answers)

    def _start(self, control: Control) -> str:
        self._browser = browser = self._look(control)
        control.browser = browser.name
        if browser.hangs:
            raise proof.hanging(self._doors.profile)
        if browser.running:
            return f"{browser.name} ran already"
        # First, since a wish without an answer may be granted all the same.
        self._started = not browser.remote
        answer = control.call("POST", "/start", seconds=START_SECONDS)
        said = proof.judge_start(self._doors.profile, browser, answer)
        self._tabs = control.used_tabs()
        return said

    def _look(self, control: Control) -> Browser:
        deadline = time.monotonic() + SETTLE_SECONDS
        while True:
            browser = proof.judge_browser(self._doors.profile, control.call("GET", "/"))
            if not browser.hangs or time.monotonic() > deadline:
                return browser
            time.sleep(0.2)

    def _see_running(self) -> str:
        """What is left to see where nobody can ask browser control."""
        reason = self._doors.unpublished("control")
        if not self._doors.cdp:
            raise SkippedError(f"{reason}, nor is CDP")
        if not loopback_probe(self._doors.cdp[0]).get("/json/version").ok:
            raise SkippedError(f"{reason}, and no browser runs yet")
        return f"it runs; browser control is {reason}"

    def _open(self) -> str:
        browser, control = self._browser, self._control
        if browser is None or control is None:
            port = self._doors.cdp[0]
        elif browser.remote or browser.cdp not in self._doors.cdp:
            self._page = ControlledPage(control)
            reason = "the browser is a remote one" if browser.remote else f"CDP is {self._doors.unpublished('cdp')}"
            return f"opened through browser control: {reason}"
        else:
            port = browser.cdp
        self._page = CdpPage(self._doors, port)
        return f"opened over CDP on port {port}"

    def _photograph(self) -> str:
        return proof.judge_picture(self._doors.profile, self._page.picture() if self._page else b"")

    def _close(self) -> str:
        """Put everything back as it was; a second time there is nothing left to do."""
        done = []
        if self._page is not None:
            page, self._page = self._page, None
            page.close()
            done.append("page closed")
        if self._started and self._control:
            self._started = False
            done.append(self._stop(self._control))
        return ", ".join(done)

    def _stop(self, control: Control) -> str:
        if control.used_tabs() - self._tabs:
            return "browser left running: somebody has begun to use it"
        control.do("stop the browser", "POST", "/stop")
        return "browser stopped again"


def within(seconds: float, action: Callable[[], T], interrupted: threading.Event) -> T:
    """Do something, and wait for it no longer than it may take.

    Raises:
        TimeoutError: it is not done; it goes on by itself, and its result is lost.
        KeyboardInterrupt: ``interrupted`` was set meanwhile.
    """
    done: queue.SimpleQueue[Callable[[], T]] = queue.SimpleQueue()
    threading.Thread(target=lambda: done.put(_outcome(action)), daemon=True).start()
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if interrupted.is_set():
            deadline = min(deadline, time.monotonic() + GRACE_SECONDS)
        try:
            outcome = done.get(timeout=0.1)
            break
        except queue.Empty:
            continue
    else:
        if not interrupted.is_set():
            raise TimeoutError
    if interrupted.is_set():
        raise KeyboardInterrupt
    return outcome()


def _outcome(action: Callable[[], T]) -> Callable[[], T]:
    """The action's result, or its error, to be had in another thread."""
    try:
        result = action()
    except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
        failure = error

        def fail() -> T:
            raise failure

        return fail
    return lambda: result


def _take(profile: str, name: Name, action: Callable[[], str], interrupted: threading.Event) -> Step:
    began = time.monotonic()
    try:
        said = within(LIMITS[name], action, interrupted)
        return Step(name, "ok", round(time.monotonic() - began, 3), said)
    except SkippedError as skipped:
        return Step(name, "skipped", 0, str(skipped))
    except TimeoutError:
        failed = proof.too_late(profile, name)
    except FailedError as error:
        failed = error
    return Step(name, "failed", round(time.monotonic() - began, 3), failed.what, failed.why, failed.fix)


def _skipped(last: Step, done: int, left: str) -> list[Step]:
    """The steps after the last that was taken."""
    why = f"since {last.name} {'was skipped' if last.status == 'skipped' else 'failed'}"
    steps = [Step(name, "skipped", 0, why) for name in list(STEPS)[done:]]
    return [replace(step, said=left) if step.name == "close" and left else step for step in steps]


def _without(token: str | None, step: Step) -> Step:
    """A step as it may be shown: what a gateway answers could hold what it was asked with."""
    return replace(step, said=step.said.replace(token, "(token)")) if token else step

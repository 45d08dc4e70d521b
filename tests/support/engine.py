"""The only fake engine and fake Compose, for what cannot be tested with real ones."""

from __future__ import annotations

import secrets
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from queue import Queue
from typing import TYPE_CHECKING, Any

from idlehands_deploy.contract import DIGEST_LABEL, SECRETS_TARGET
from idlehands_deploy.deployment.session import Session
from idlehands_deploy.engine.compose import HASTE
from idlehands_deploy.engine.facts import EngineFacts, ImageFacts
from idlehands_deploy.gateway.probe import Answer, GatewayAnswers, GatewayProbe
from idlehands_deploy.health.monitor import Pace
from idlehands_deploy.host.files import read_text
from idlehands_deploy.targets.compose import read_services
from tests.support.containers import ENDED, RUNNING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import pytest

    from idlehands_deploy.deployment.directory import Deployment
    from idlehands_deploy.engine.facts import ContainerFacts, PortHolder
    from idlehands_deploy.engine.leftovers import UnnamedImage

# So long that a test that waits for it does not end.
PATIENT = Pace(unsettled=600, settled=600)
IMAGE = ImageFacts("sha256:1", 1 << 30, {"idlehands.gateway.version": "2026.9.6"})
# How long a gateway that runs is away, as the fake engine's logs tell.
AWAY = "; down for about 8 s, once its work is finished (at most 330s)"
READY = Answer(200, {"ready": True, "status": "started"})


class Deaths:
    """A death watch without deaths."""

    lost = False

    def __init__(self) -> None:
        self.began = time.time()

    def __enter__(self) -> Deaths:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def death(self, *_: object) -> None:
        pass

    def wait_for_death(self, *_: object) -> None:
        pass

    def report_deaths(self, *_: object) -> None:
        pass


class FakeEngine:
    """A fake engine: the test sets its containers and sends its events, and it counts calls.

    Attributes:
        there: its containers, by profile.
        calls: how often each method was called.
        failures: the errors of the next calls of ``containers``.
        unnamed: what builds have left, and in ``used`` why some of it cannot be removed.
        ran: the commands that were run in containers; each has ``result``, a code and an output.
        validation: what a gateway's own validation of its config prints.
    """

    validation = '{"valid": true}'

    def __init__(self, facts: ContainerFacts | None = ENDED) -> None:
        self.is_local = True
        self.there: dict[str, ContainerFacts] = {}
        self.calls: Counter[str] = Counter()
        self.failures: list[Exception] = []
        self.ran: list[list[str]] = []
        self.result = (0, "172.17.0.1\n")
        self.is_stopping = False
        self.built: ImageFacts | None = IMAGE
        self.images_by_name: dict[str, ImageFacts] = {}
        self.unnamed: list[UnnamedImage] = []
        self.used: dict[str, str] = {}
        self.nets: list[str] = []
        self.on_change: Callable[[str], None]
        self.on_lost: Callable[[], None]
        self.becomes(facts)

    def becomes(self, facts: ContainerFacts | None, profile: str = "main") -> None:
        """Replace a profile's container; None removes it."""
        self.there.pop(profile, None)
        if facts:
            self.there[profile] = replace(facts, profile=profile, directory="")

    @contextmanager
    def follow(self, _project: str, on_change: Callable[[str], None], on_lost: Callable[[], None]) -> Iterator[None]:
        self.on_change, self.on_lost = on_change, on_lost
        yield

    def watch_deaths(self, _project: str) -> Deaths:
        self.calls["watch_deaths"] += 1
        return Deaths()

    def alive(self) -> bool:
        return True

    def is_being_stopped(self, _facts: ContainerFacts, _within: float) -> bool:
        return self.is_stopping

    def containers(self, _project: str, service: str | None = None) -> list[ContainerFacts]:
        self.calls["containers"] += 1
        if self.failures:
            raise self.failures.pop()
        return [facts for name, facts in self.there.items() if service in {None, name}]

    def seconds_to_line(self, *_: object) -> float | None:
        self.calls["seconds_to_line"] += 1
        return 8.4

    def stop(self, container: str, _seconds: int) -> None:
        self.calls["stop"] += 1
        name = next(name for name, facts in self.there.items() if facts.id == container)
        self.there[name] = replace(self.there[name], state="exited", exit_code=0)

    def pause(self, container: str, *, on: bool) -> None:
        name = next(name for name, facts in self.there.items() if facts.id == container)
        self.there[name] = replace(self.there[name], state="paused" if on else "running")

    def remove(self, container: str, _project: str, service: str) -> None:
        self.calls["remove"] += 1
        assert self.there[service].id == container
        assert self.there[service].state != "running"
        del self.there[service]

    def run(self, _container: str, command: Sequence[str]) -> tuple[int, str]:
        self.calls["run"] += 1
        self.ran.append(list(command))
        return self.result

    def bridge_address(self) -> str:
        return "172.17.0.1"

    def image(self, reference: str) -> ImageFacts | None:
        self.calls["image"] += 1
        by_id = {image.id: image for image in self.images_by_name.values()}
        return self.images_by_name.get(reference) or by_id.get(reference) or self.built

    def tag(self, image: str, repository: str, tag: str) -> None:
        self.images_by_name[f"{repository}:{tag}"] = self.image(image) or IMAGE

    @property
    def leftovers(self) -> FakeEngine:
        return self

    def images(self) -> list[UnnamedImage]:
        return list(self.unnamed)

    def networks(self, _project: str) -> list[str]:
        return list(self.nets)

    def remove_networks(self, _project: str, names: Sequence[str]) -> dict[str, str]:
        self.nets = [name for name in self.nets if name not in names]
        return {}

    def remove_image(self, image: str) -> str:
        if image not in self.used:
            self.unnamed = [item for item in self.unnamed if item.id != image]
        return self.used.get(image, "")

    def run_one_off(self, *_: object) -> str:
        self.calls["run_one_off"] += 1
        return self.validation

    def holders(self) -> Mapping[int, list[PortHolder]]:
        self.calls["holders"] += 1
        return {}

    def facts(self) -> EngineFacts:
        self.calls["facts"] += 1
        return EngineFacts("28.1.1", "/var/lib/docker", 4, True, True, True, True)

    def counters(self, _facts: ContainerFacts) -> None:
        self.calls["counters"] += 1

    def limits(self, _facts: ContainerFacts) -> tuple[()]:
        self.calls["limits"] += 1
        return ()

    def usage(self, *_: object) -> None:
        self.calls["usage"] += 1

    def first_logs(self, *_: object) -> list[str]:
        self.calls["first_logs"] += 1
        return []

    def last_logs(self, *_: object, **__: object) -> list[str]:
        self.calls["last_logs"] += 1
        return []


class FakeCompose:
    """A fake Compose: changes a fake engine's containers, and records its commands.

    Attributes:
        asked: each command, as text.
        services: from the compose file of the last call.
        failure: the error of the next commands.
    """

    failure: Exception | None = None

    def __init__(self, engine: FakeEngine) -> None:
        self.asked: Queue[str] = Queue()
        self.services: Mapping[str, Any] = {}
        self._engine = engine

    def of(self, deployment: Deployment) -> FakeCompose:
        """This fake, with a deployment's compose file."""
        self.services = read_services(read_text(deployment.compose_file) or "")
        return self

    def run(self, *arguments: str, **_: object) -> str:
        self.asked.put(" ".join(arguments))
        if self.failure:
            raise self.failure
        for word in arguments[1:]:
            if not word.startswith("-") and word not in {"never", str(HASTE)}:
                self._do(arguments[0], word)
        return ""

    def lines(self, *arguments: str) -> Iterator[str]:
        self.asked.put(" ".join(arguments))
        return iter(())

    def attach(self, *arguments: str) -> int:
        self.asked.put(" ".join(arguments))
        return 0

    def become(self, *arguments: str) -> None:
        self.asked.put(" ".join(arguments))
        raise SystemExit

    def _do(self, command: str, profile: str) -> None:
        there = self._engine.there
        if command in {"up", "start", "restart"}:
            service = self.services.get(profile, {})
            image = self._engine.images_by_name.get(service.get("image", ""), IMAGE)
            if command != "up" and profile in there:
                now = datetime.now(UTC).isoformat()
                there[profile] = replace(there[profile], state="running", exit_code=None, started_at=now)
            else:
                there[profile] = made_from(service, profile, image)
        elif command == "stop" and profile in there:
            there[profile] = replace(there[profile], state="exited", exit_code=0)
        elif command == "down":
            there.pop(profile, None)


def made_from(service: Mapping[str, Any], profile: str, image: ImageFacts = IMAGE) -> ContainerFacts:
    """A running container as Compose creates it from a service."""
    return replace(
        RUNNING,
        id=secrets.token_hex(32),
        profile=profile,
        directory="",
        started_at=datetime.now(UTC).isoformat(),
        image=str(service.get("image", "")),
        image_id=image.id,
        version=image.version,
        mounts=tuple(f"{SECRETS_TARGET}/{secret['target']}" for secret in service.get("secrets", ())),
        digest=str(service.get("labels", {}).get(DIGEST_LABEL, "")),
    )


def with_fakes(monkeypatch: pytest.MonkeyPatch, engine: FakeEngine) -> FakeCompose:
    """Give every session this engine and a fake Compose; every running gateway reports that it is ready."""
    compose = FakeCompose(engine)
    monkeypatch.setattr(Session, "engine", lambda _: engine)
    monkeypatch.setattr(Session, "compose", lambda session, _: compose.of(session.deployment))
    monkeypatch.setattr(GatewayProbe, "ask", lambda *_: GatewayAnswers(READY, READY))
    monkeypatch.setattr(GatewayProbe, "ask_browsers", lambda *_: {})
    monkeypatch.setattr(GatewayProbe, "ask_control", lambda _: None)
    monkeypatch.setattr(GatewayProbe, "get", lambda *_: Answer(None))
    return compose


def commands(compose: FakeCompose) -> list[str]:
    """The commands of Compose since the last call."""
    return [compose.asked.get() for _ in range(compose.asked.qsize())]

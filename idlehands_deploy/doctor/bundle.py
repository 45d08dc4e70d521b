"""Collect the parts of a bug report, each independent of the others, with every secret removed."""

from __future__ import annotations

import json
import os
import platform
import pwd
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import idlehands_deploy
from idlehands_deploy.doctor.bundle_parts import (
    compose_text,
    config_text,
    difference,
    fleet_text,
    host_facts,
    secrets_listing,
    state_listing,
)
from idlehands_deploy.engine.compose import Compose
from idlehands_deploy.errors import DeployError, EngineUnreachableError, FleetError
from idlehands_deploy.fleet.rules import check_profile_name
from idlehands_deploy.host.files import read_text
from idlehands_deploy.redaction.allowlist import shown_key
from idlehands_deploy.redaction.known_secrets import known_secrets, variables_to_hide
from idlehands_deploy.redaction.redactor import Redactor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from idlehands_deploy.deployment.session import Session
    from idlehands_deploy.engine.client import Engine
    from idlehands_deploy.engine.facts import ContainerFacts

LOG_LINES = 300
# The latest entries of the watch's journal.
ENTRIES = 500


@dataclass(frozen=True)
class OtherParts:
    """Parts that other packages provide.

    Attributes:
        status: the JSON of `status`.
        history: the entries of the watch's journal, oldest first.
    """

    status: Callable[[], Any]
    history: Callable[[], list[dict[str, Any]]]


def collect(session: Session, other_parts: OtherParts, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The parts of a bug report, redacted, by name in the archive.

    A part that fails contains the reason, and the others are still collected. Most parts need no engine.

    Args:
        more: further texts, such as the findings of ``doctor``; redacted like the rest.
    """
    return _Collector(session).run(other_parts, more or {})


class _Collector:
    def __init__(self, session: Session) -> None:
        self._session = session
        self._deployment = session.deployment
        self._engine: Engine | None = None
        self._no_engine: Exception | None = None
        self._containers: dict[str, ContainerFacts] = {}
        self._entries: dict[str, str] = {}
        self._names = self._profiles()
        self._connect()
        self._redactor = self._make_redactor()

    def run(self, other_parts: OtherParts, more: Mapping[str, str]) -> dict[str, str]:
        """Every part, one after the other."""
        deployment, names = self._deployment, self._names
        self._data("versions.json", self._versions)
        self._data("host.json", lambda: host_facts(deployment.root))
        self._data("engine.json", self._engine_info)
        self._part("fleet.yaml", lambda: fleet_text(deployment, names, self._clean))
        self._part("compose.yaml", lambda: compose_text(deployment, names, self._clean))
        self._part("generate-check.txt", lambda: difference(self._session, names, self._clean))
        self._data("status.json", lambda: self._status(other_parts.status))
        self._data("watch.json", lambda: other_parts.history()[-ENTRIES:])
        for name in names:
            self._profile(name)
        for name, text in more.items():
            self._text(name, lambda text=text: text)  # type: ignore[misc]
        return self._entries

    def _profile(self, name: str) -> None:
        deployment = self._deployment
        self._part(f"{name}/config.json", lambda: config_text(deployment, name, self._clean))
        self._text(f"{name}/state.txt", lambda: state_listing(deployment.state_directory(name)))
        self._text(f"{name}/secrets.txt", lambda: secrets_listing(self._session, name))
        self._data(f"{name}/container.json", lambda: self._inspected(name))
        self._text(f"{name}/logs.txt", lambda: self._logs(name))

    def _text(self, entry: str, make: Callable[[], str]) -> None:
        self._part(entry, lambda: self._redactor.text(make()))

    def _data(self, entry: str, make: Callable[[], Any]) -> None:
        self._part(entry, lambda: json.dumps(self._redactor.value(make()), indent=2))

    def _part(self, entry: str, make: Callable[[], str]) -> None:
        """Add a part whose text is already redacted."""
        try:
            text = make()
        except Exception as error:  # noqa: BLE001 - a bug report must survive every error
            text = self._redactor.text(self._failed(error))
        self._entries[entry] = text.rstrip("\n") + "\n"

    def _clean(self, value: Any) -> Any:  # noqa: ANN401
        return self._redactor.value(value, by_name=False)

    def _failed(self, error: Exception) -> str:
        if isinstance(error, EngineUnreachableError) and self._no_engine is None:
            # Do not ask again: each request would wait for its timeout.
            self._engine, self._no_engine = None, error
        said = "\n".join(self._problems(error)) if isinstance(error, FleetError) else str(error)
        kind = "" if isinstance(error, DeployError) else f"{type(error).__name__}: "
        return f"This part could not be collected.\n{kind}{said}"

    def _problems(self, error: FleetError) -> Iterator[str]:
        """The problems of a fleet file, without the wrong values, which can be secrets."""
        for path, problem, _ in error.problems:
            keys = [shown_key(key, self._names) if not re.match(r"\d|line \d", key) else key for key in path.split(".")]
            yield ".".join(keys) + ": " + re.sub(r"'[^'\n]*'|\"[^\"\n]*\"", "<text>", problem)

    def _connect(self) -> None:
        try:
            from idlehands_deploy.engine.client import Engine  # noqa: PLC0415 - docker is slow to load

            # Not through the session, which may offer to install an engine.
            self._engine = Engine.connect(self._session.environ)
            self._containers = {
                facts.profile: facts
                for facts in self._engine.containers(self._project())
                # Not the containers of another deployment with the same name.
                if Path(facts.directory).resolve() == self._deployment.root.resolve()
            }
        except Exception as error:  # noqa: BLE001 - the parts that need the engine report it
            if self._engine is None or isinstance(error, EngineUnreachableError):
                self._engine, self._no_engine = None, error

    def _project(self) -> str:
        try:
            return self._session.fleet().name
        except DeployError:
            # The running containers come from the file that was generated when the fleet file was still valid.
            text = read_text(self._deployment.compose_file) or ""
            if found := re.search(r"^name: ([a-z0-9][a-z0-9_-]*)$", text, re.MULTILINE):
                return found[1]
            raise

    def _needed(self) -> Engine:
        if self._engine is None:
            raise self._no_engine or EngineUnreachableError("No Docker Engine answers.", "Check it: docker info")
        return self._engine

    def _make_redactor(self) -> Redactor:
        secrets = known_secrets(self._deployment, self._session.environ)
        if self._engine is not None:
            for facts in self._containers.values():
                try:
                    secrets.update(variables_to_hide(self._engine.environment(facts.id)))
                except DeployError as error:
                    self._failed(error)
                    break
        return Redactor(secrets, names=_personal_names(self._deployment.root), places=_places(self._deployment.root))

    def _profiles(self) -> list[str]:
        """The fleet's profiles; if the fleet file cannot be read, those with a directory."""
        try:
            return list(self._session.fleet().profiles)
        except Exception:  # noqa: BLE001 - the fleet file's part contains the reason
            directory = self._deployment.root / "profiles"
            try:
                return sorted(path.name for path in directory.iterdir() if check_profile_name(path.name) is None)
            except OSError:
                return []

    def _versions(self) -> dict[str, str]:
        compose = Compose(self._deployment.root, "none", self._session.environ)
        return {
            "idlehands-deploy": idlehands_deploy.__version__,
            "python": sys.version.split()[0],
            "docker-compose": compose.run("version", "--short").strip(),
        }

    def _engine_info(self) -> dict[str, Any]:
        from idlehands_deploy.engine.details import select_info, short_id  # noqa: PLC0415

        engine = self._needed()
        image = engine.image(self._session.fleet().container_image)
        # The digests in its labels identify the image, and are not secret.
        labels = (
            {key: re.sub(r"^[0-9a-f]{32,}$", lambda found: found[0][:12], text) for key, text in image.labels.items()}
            if image
            else {}
        )
        shown = {"id": short_id(image.id), "size": image.size, "labels": labels} if image else None
        return {"info": select_info(engine.info_raw()), "image": shown}

    def _status(self, status: Callable[[], Any]) -> Any:  # noqa: ANN401
        self._needed()
        said = status()
        for row in (*said["profiles"], *said["orphans"]):
            row["container"] = (row["container"] or "")[:12] or None
        return said

    def _inspected(self, name: str) -> Any:  # noqa: ANN401
        engine = self._needed()
        facts = self._containers.get(name)
        return engine.inspect_selected(facts.id) if facts else "This profile has no container."

    def _logs(self, name: str) -> str:
        engine = self._needed()
        facts = self._containers.get(name)
        if facts is None:
            return "This profile has no container."
        return "\n".join(engine.last_logs(facts.id, LOG_LINES, since=1))


def _personal_names(root: Path) -> dict[str, str]:
    host = platform.node()
    names = {host: "<host>", host.partition(".")[0]: "<host>"}
    for uid in {os.getuid(), _owner(root)}:
        try:
            names[pwd.getpwuid(uid).pw_name] = "<user>"
        except KeyError:
            continue
    return names


def _owner(path: Path) -> int:
    try:
        return path.stat().st_uid
    except OSError:
        return os.getuid()


def _places(root: Path) -> dict[str, str]:
    places = {str(root): "<deployment>", str(root.resolve()): "<deployment>"}
    try:
        return {str(Path.home()): "<home>"} | places
    except RuntimeError:
        return places

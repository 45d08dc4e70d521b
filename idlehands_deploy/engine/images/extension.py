"""The fleet's image with Debian packages that a person adds: built here, on top of whichever image it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idlehands_deploy.engine.facts import BASE_LABEL
from idlehands_deploy.engine.images.build import proxies_of, run_build
from idlehands_deploy.engine.images.context import ContextFile
from idlehands_deploy.errors import EngineFailedError
from idlehands_deploy.remedies import Remedy, ours

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from idlehands_deploy.engine.client import Engine
    from idlehands_deploy.progress import Progress

# As in the base image, Debian's packages come by HTTP, signed. That image leaves out what it does not need itself, such
# as Perl's modules, in which many of Debian's programs are written: here everything of a package is installed.
DOCKERFILE = """\
FROM {base}
USER 0
RUN rm -f /etc/dpkg/dpkg.cfg.d/idlehands \\
 && if [ -e /etc/apt/use-snapshot ]; then sh /etc/apt/use-snapshot; fi \\
 && apt-get update \\
 && perl=$(dpkg --get-selections | grep -oE '^(perl-modules-|libperl5)[^[:space:]:]*' || true) \\
 && export DEBIAN_FRONTEND=noninteractive \\
 && if [ -n "$perl" ]; then apt-get install -y --reinstall $perl; fi \\
 && apt-get install -y --no-install-recommends {packages} \\
 && apt-get clean \\
 && rm -rf /var/lib/apt/lists/*
USER 1000:1000
"""


def extend_image(
    engine: Engine,
    base: str,
    packages: Sequence[str],
    reference: str,
    environ: Mapping[str, str],
    progress: Progress,
) -> None:
    """Build an image with these packages; the engine's cache makes one that is up to date in a moment.

    Args:
        base: the image to extend, which the engine has.
        reference: the name of the result.

    Raises:
        EngineFailedError: a package does not exist, or cannot be installed; with the last lines of the output.
    """
    found = engine.image(base)
    progress.update("image", f"adding {', '.join(packages)}")
    text = DOCKERFILE.format(base=base, packages=" ".join(packages))
    labels = {BASE_LABEL: found.id if found else ""}
    files = [ContextFile("Dockerfile", text.encode())]
    if failure := run_build(engine, files, reference, proxies_of(environ), labels, progress):
        raise EngineFailedError(
            f"The packages {', '.join(packages)} could not be added to {base}: {failure}",
            Remedy("Correct `packages` in fleet.yaml, then: ", ours("image", "build")),
        )

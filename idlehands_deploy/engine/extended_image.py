"""The fleet's image with Debian packages that a person adds: built here, on top of whichever image it is."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from idlehands_deploy.engine.facts import BASE_LABEL
from idlehands_deploy.engine.image import PROXY_VARIABLES
from idlehands_deploy.errors import EngineFailedError
from idlehands_deploy.remedies import Remedy, ours

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from idlehands_deploy.engine.client import Engine
    from idlehands_deploy.progress import Progress

# As in the base image, Debian's packages come by HTTP, signed.
DOCKERFILE = """\
FROM {base}
USER 0
RUN apt-get update \\
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends {packages} \\
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
    output: list[str] = []
    with tempfile.TemporaryDirectory(prefix="idlehands-build-") as context:
        text = DOCKERFILE.format(base=base, packages=" ".join(packages))
        Path(context, "Dockerfile").write_text(text, encoding="utf-8")
        error = engine.build(
            Path(context),
            reference,
            arguments={name: environ[name] for name in PROXY_VARIABLES if environ.get(name)},
            labels={BASE_LABEL: found.id if found else ""},
            on_line=output.append,
        )
    if error is not None:
        said = "\n".join(f"  {line}" for text in output[-6:] for line in text.splitlines()[-6:])
        raise EngineFailedError(
            f"The packages {', '.join(packages)} could not be added to {base}: {error}\n{said}",
            Remedy("Correct `packages` in fleet.yaml, then: ", ours("image", "build")),
        )

"""What the image promises: its name, paths, variables, marks and exit codes. The one place that knows.

``tests/test_contract.py`` finds each of them in the image's own scripts.
"""

from __future__ import annotations

from pathlib import PurePosixPath

DEFAULT_IMAGE = "idlehands/gateway:2026.9.6"
# The gateway's version, as a label of the image.
VERSION_LABEL = "idlehands.gateway.version"
# A digest of what a container was made from, as a label of the container.
DIGEST_LABEL = "org.idlehands.deploy.digest"

# Where the image expects a profile's files.
HOME_TARGET = PurePosixPath("/home/idlehands")
STATE_TARGET = str(HOME_TARGET / ".idlehands")
WORKSPACE_TARGET = str(HOME_TARGET / "workspace")
# The gateway's config, in its state directory.
CONFIG_NAME = "idlehands.json"

TOKEN_SECRET = "IDLEHANDS_GATEWAY_TOKEN"  # noqa: S105 - a file's name, not a secret
PORT_VARIABLE = "IDLEHANDS_GATEWAY_PORT"
FORWARD_VARIABLE = "IDLEHANDS_FORWARD_PORTS"
BROWSERS_VARIABLE = "IDLEHANDS_BROWSER_PROFILES"
SANDBOX_VARIABLE = "IDLEHANDS_BROWSER_SANDBOX"
# The host's address, by which alone Chrome answers.
HOST_VARIABLE = "HOST_GATEWAY_ADDRESS"

# The gateway's own code for a problem that a restart does not solve.
EXIT_MISCONFIGURED = 78
# What answers on the gateway's port while the container holds the gateway back.
MISCONFIGURED = "misconfigured"
# What the gateway says on the same endpoint while it finishes its work.
DRAINING = "draining"
# How the entrypoint begins a warning, and for how long after a start it may give one; seconds.
WARNING = "idlehands-entrypoint: WARNING: "
WARNING_SECONDS = 10
# How the health check begins when the disk is full.
NO_SPACE = "disk: "

"""The contract with the image: its name, paths, variables, log marks and exit codes, defined only here.

``tests/test_contract.py`` checks that the image's own scripts use each of them.
"""

from __future__ import annotations

from pathlib import PurePosixPath

DEFAULT_IMAGE = "idlehands/gateway:2026.9.6"
# The images that are made here from the fleet's one, with packages that a person adds.
EXTENDED_REPOSITORY = "idlehands/extended"
# Names that keep an image for as long as a profile may go back to it.
KEPT_REPOSITORY = "idlehands/kept"
# The gateway's version, as a label of the image.
VERSION_LABEL = "idlehands.gateway.version"
# A digest of the service and the seccomp profile that a container was created from, as its label.
DIGEST_LABEL = "org.idlehands.deploy.digest"

# What only the build stages of the image run: each stage's history names one of them.
STAGE_SCRIPTS = ("/build/with-host-ca", "/build/warm-compile-cache")

# Where the image expects a profile's files.
HOME_TARGET = PurePosixPath("/home/idlehands")
STATE_TARGET = str(HOME_TARGET / ".idlehands")
WORKSPACE_TARGET = str(HOME_TARGET / "workspace")
# In the home directory, which is mounted as well; the engine would create them as root.
HOME_MOUNT_POINTS = (".idlehands", "workspace")
# In the state directory: what the gateway (2026.9.6) makes again when it starts, and a copy can do without.
STATE_CACHES = ("cache/control-ui-assets", "tmp", "plugin-skills")
# Where the image has the gateway and its own scripts.
PROGRAM_TARGETS = (
    "/opt/gateway", "/opt/gateway-cache", "/usr/local/lib/idlehands", "/usr/local/bin/idlehands",
    "/usr/local/bin/idlehands-entrypoint", "/usr/local/bin/idlehands-healthcheck",
)  # fmt: skip
# What Chromium opens there, and what not.
POLICY_TARGET = "/etc/chromium/policies/managed"
# The gateway's config, in its state directory.
CONFIG_NAME = "idlehands.json"

# Where the image reads secrets: one value in each file, named as the variable that it becomes.
SECRETS_TARGET = "/run/secrets"
TOKEN_SECRET = "IDLEHANDS_GATEWAY_TOKEN"  # noqa: S105 - a file's name, not a secret
# What its guarded ports ask for; the gateway itself does not get it.
CDP_TOKEN_SECRET = "IDLEHANDS_CDP_TOKEN"  # noqa: S105 - a file's name
# Those that are made for a person.
MADE_SECRETS = (TOKEN_SECRET, CDP_TOKEN_SECRET)
PORT_VARIABLE = "IDLEHANDS_GATEWAY_PORT"
FORWARD_VARIABLE = "IDLEHANDS_FORWARD_PORTS"
# Forwarded to those who bring the CDP token.
GUARDED_VARIABLE = "IDLEHANDS_GUARDED_PORTS"
# Forwarded to the gateway's own port.
PROXY_VARIABLE = "IDLEHANDS_PROXY_PORT"
BROWSERS_VARIABLE = "IDLEHANDS_BROWSER_PROFILES"
SANDBOX_VARIABLE = "IDLEHANDS_BROWSER_SANDBOX"
# Lists with commas, which the entrypoint merges into the gateway's config.
ORIGINS_VARIABLE = "IDLEHANDS_ALLOWED_ORIGINS"
PROXIES_VARIABLE = "IDLEHANDS_TRUSTED_PROXIES"
# The address of the container's host: Chrome rejects requests to a host name.
HOST_VARIABLE = "HOST_GATEWAY_ADDRESS"

# The gateway's exit code for a problem that a restart does not fix.
EXIT_MISCONFIGURED = 78
# The status on the gateway's port while the container does not start the gateway.
MISCONFIGURED = "misconfigured"
# The gateway's status on the same endpoint while it finishes its work.
DRAINING = "draining"
# The start of each line from the entrypoint, and of a warning, and how long after a start warnings can come; seconds.
ENTRYPOINT = "idlehands-entrypoint: "
WARNING = f"{ENTRYPOINT}WARNING: "
WARNING_SECONDS = 10
# The start of the health check's output if the disk is full.
NO_SPACE = "disk: "

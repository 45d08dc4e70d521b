"""`config`: show, check, edit, set and unset a gateway's own config."""

from __future__ import annotations

from idlehands_deploy.operations.config.change import Saved, set_value, unset_value
from idlehands_deploy.operations.config.check import check
from idlehands_deploy.operations.config.edit import edit
from idlehands_deploy.operations.config.show import ConfigText, effective, show

__all__ = ["ConfigText", "Saved", "check", "edit", "effective", "set_value", "show", "unset_value"]

"""The program: errors become messages and exit codes here and nowhere else."""

from __future__ import annotations

import gc
import os
import sys


def main() -> None:
    """Run the command line and exit by the contract."""
    _open_missing_streams()
    # A command is over before there is garbage worth looking for, and each look goes through all that was loaded.
    gc.set_threshold(50_000)
    try:
        from idlehands_deploy.cli import app, talk  # noqa: PLC0415 - inside, so that Ctrl-C while loading is quiet
        from idlehands_deploy.errors import DeployError  # noqa: PLC0415
        from idlehands_deploy.show.output import flush, show_error  # noqa: PLC0415
    except KeyboardInterrupt:
        sys.exit(130)

    try:
        app(prog_name="idlehands-deploy")
    except DeployError as error:
        talk.close()
        show_error(error)
        sys.exit(error.exit_code)
    finally:
        talk.close()
        flush()


def _open_missing_streams() -> None:
    # A caller may close them, as in `>&-`; Python then has None where everybody expects a stream.
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: PTH123, SIM115
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115


if __name__ == "__main__":
    main()

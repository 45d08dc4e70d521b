"""The program: the only place where errors become messages and exit codes."""

from __future__ import annotations

import gc
import io
import os
import sys


def main() -> None:
    """Run the command line, and exit with the code that the documentation promises."""
    _open_missing_streams()
    # A path or a label may have characters that the terminal's encoding lacks.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    # A command ends before a collection is worthwhile, and each collection would search every loaded module.
    gc.set_threshold(50_000)
    try:
        from idlehands_deploy.cli import app, progress  # noqa: PLC0415 - here, so that Ctrl-C while loading is quiet
        from idlehands_deploy.errors import DeployError, system_error  # noqa: PLC0415
        from idlehands_deploy.show.output import flush, show_error  # noqa: PLC0415
    except KeyboardInterrupt:
        sys.exit(130)

    try:
        app(prog_name="idlehands-deploy")
    except DeployError as error:
        progress.close()
        show_error(error)
        sys.exit(error.exit_code)
    except (OSError, UnicodeError) as error:
        from idlehands_deploy.host.denials import CAUSES, from_anywhere  # noqa: PLC0415 - only a failure pays for it

        progress.close()
        flush()  # which tells of a standard output that cannot be written
        if isinstance(error, OSError) and error.errno in CAUSES:
            told: DeployError = from_anywhere(error)
        else:
            told = system_error(error)
        show_error(told)
        sys.exit(told.exit_code)
    finally:
        progress.close()
        flush()


def _open_missing_streams() -> None:
    # A caller may close them, as in `>&-`; Python then has None in place of a stream.
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: PTH123, SIM115
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115


if __name__ == "__main__":
    main()

"""The program: errors become messages and exit codes here and nowhere else."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and exit by the contract."""
    try:
        from idlehands_deploy.cli import app, talk  # noqa: PLC0415 - inside, so that Ctrl-C while loading is quiet
        from idlehands_deploy.errors import DeployError  # noqa: PLC0415
    except KeyboardInterrupt:
        sys.exit(130)

    try:
        app(prog_name="idlehands-deploy")
    except DeployError as error:
        from idlehands_deploy.output import show_error  # noqa: PLC0415

        talk.close()
        show_error(error)
        sys.exit(error.exit_code)
    finally:
        talk.close()


if __name__ == "__main__":
    main()

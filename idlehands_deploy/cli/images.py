"""Commands for the gateway's image."""

from pathlib import Path
from typing import Annotated

import typer

from idlehands_deploy import operations
from idlehands_deploy.cli.app import DryRun, Group, InstallEngine, Yes, app, asked, consent, progress, start_session
from idlehands_deploy.show import output
from idlehands_deploy.show.dry_run import show_plan
from idlehands_deploy.text import file_size

image_app = typer.Typer(cls=Group, no_args_is_help=True, rich_markup_mode=None)
app.add_typer(image_app, name="image")


@image_app.callback()
def image() -> None:
    """Build or list the gateway's image; delete what builds leave."""


@image_app.command()
def build(
    ctx: typer.Context,
    tag: Annotated[str | None, typer.Option(help="The image's name. Default: the fleet file's.")] = None,
    gateway_package: Annotated[str, typer.Option(help="An npm package that works as the gateway.")] = "openclaw",
    gateway_version: Annotated[str | None, typer.Option(help="Its version. Default: the image's tag.")] = None,
    gateway_command: Annotated[str, typer.Option(help="The program in that package.")] = "openclaw",
    gateway_prefix: Annotated[str, typer.Option(help="The prefix of its environment variables.")] = "OPENCLAW_",
    allow_scripts: Annotated[
        list[str] | None,
        typer.Option(metavar="PACKAGE", help="Run this dependency's install scripts, too. May be repeated."),
    ] = None,
    debian_snapshot: Annotated[
        str, typer.Option(metavar="TIME", help="Debian's packages as they were then, such as 20261101T000000Z.")
    ] = "",
    install_engine: InstallEngine = False,
) -> None:
    """Build the gateway's image.

    If nothing has changed since the last build, this takes seconds.
    """
    session = start_session(ctx, install=consent(install_engine))
    package = operations.image.GatewayPackage(
        gateway_package, gateway_version, gateway_command, gateway_prefix, tuple(allow_scripts or ())
    )
    built = operations.image.build(session, tag, package, debian_snapshot)
    progress.say(f"Built {built.reference}: {built.megabytes} MB.")


@image_app.command()
def sbom(
    ctx: typer.Context,
    tag: Annotated[str | None, typer.Option(help="The image's name. Default: that of the fleet's containers.")] = None,
    file: Annotated[Path | None, typer.Option("--output", metavar="FILE", help="Write it to a file.")] = None,
) -> None:
    """Print the image's bill of materials, as CycloneDX.

    It lists the gateway's npm packages with their hashes, Node.js, npm and Debian's packages, as they are in the image.

    Example: idlehands-deploy image sbom --output gateway.cdx.json
    """
    bill = operations.image.sbom(start_session(ctx), tag, file)
    if file is None:
        output.show_json(bill)
    else:
        progress.say(f"Wrote {file}: {len(bill['components'])} components.")


@image_app.command()
def prune(ctx: typer.Context, yes: Yes = False, dry_run: DryRun = False) -> None:
    """Delete the unnamed images that builds leave.

    They hold more than a gigabyte, and make the next build quick. Images of other programs stay.
    """
    session = start_session(ctx, changes=None)
    if dry_run:
        found = operations.cleanup.prune.prepare_prune(session)
        show_plan(progress, found.plan)
        progress.say(f"Unnamed images of builds hold {file_size(found.size)}.")
        return
    freed = operations.cleanup.prune.prune(session, asked(yes))
    nothing = "Nothing to do: no build has left an unnamed image."
    progress.say(nothing if freed is None else f"Freed {file_size(freed)}.")

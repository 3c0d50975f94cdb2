"""`poolhouse init`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from loaders.bigquery_setup.access import GrantForm, grant_lines
from loaders.bigquery_setup.layout import Target, datasets, prefix
from loaders.errors import PoolhouseError

app = typer.Typer(name="init", help="Prepare a warehouse that is not a file.", no_args_is_help=True)

EPILOG = (
    "Examples:\n\n"
    "  poolhouse init bigquery --project my-project --location EU --dry-run\n\n"
    "  poolhouse init bigquery --project my-project --location EU --grants sql\n\n"
    "  poolhouse init bigquery --target bigquery_dev\n\n"
    "Nothing is ever deleted, and running it again changes nothing. deploy/terraform makes the same datasets and the "
    "service accounts; docs/production.md leads from an empty project to a schedule."
)


@app.callback()
def init() -> None:
    """Keeps `bigquery` a command of its own."""


@app.command(epilog=EPILOG)
def bigquery(
    project: Annotated[
        str, typer.Option("--project", envvar="POOLHOUSE_GCP_PROJECT", help="Google Cloud project id.")
    ] = "",
    location: Annotated[
        str,
        typer.Option("--location", envvar="POOLHOUSE_BQ_LOCATION", help="Where the data lie: US, EU or a region."),
    ] = "US",
    target: Annotated[
        Target,
        typer.Option("--target", help="Output of profiles.yml; all but `bigquery` prefix their datasets, except raw."),
    ] = Target.PRODUCTION,
    expiration_days: Annotated[
        int | None,
        typer.Option(
            "--expiration-days", min=1, help="Life of tables outside production. Default: 30 days, 2 for bigquery_ci."
        ),
    ] = None,
    grants: Annotated[
        GrantForm | None,
        typer.Option("--grants", help="Print the service accounts' grants in this form. Default: shell; none for dev."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check and say what would be done; change nothing.")
    ] = False,
) -> None:
    """Check the account, make the datasets of a target, and print who must be allowed what in them.

    Checks credentials, project, API, billing and location with a query that costs nothing, then that datasets already
    there lie in that location. Production's tables never expire; those of development and CI do.
    """
    if not project:
        raise PoolhouseError(
            "No Google Cloud project is named.", "Give its id with --project, or set POOLHOUSE_GCP_PROJECT."
        )
    before_names = prefix(target)
    wanted = datasets(target, before_names, expiration_days)

    from loaders.bigquery_setup.connect import connect
    from loaders.bigquery_setup.report import next_lines, step_line
    from loaders.bigquery_setup.run import apply, has_raw, plan

    console = Console(highlight=False, soft_wrap=True, markup=False)
    connection = connect(project, location)
    console.print(f"Project {project}, {location}: a query would run, as {connection.identity}.")
    if target is not Target.PRODUCTION and not has_raw(connection):
        console.print("  raw, which this target shares with production, is not there yet: `poolhouse init bigquery`")
    steps = plan(connection, wanted)
    if dry_run:
        for step in steps:
            console.print(f"  {step_line(step, is_dry_run=True)}")
    else:
        apply(connection, steps, lambda step: console.print(f"  {step_line(step, is_dry_run=False)}"))
    form = grants or (GrantForm.NONE if target is Target.DEVELOPMENT else GrantForm.SHELL)
    if form is not GrantForm.NONE:
        console.print("\nWhat the service accounts need, and no more:\n")
        for line in grant_lines(form, project, location, before_names):
            console.print(line)
    console.print("\nNext:\n")
    for line in next_lines(target, project, location, before_names):
        console.print(f"  {line}")

"""The command `poolhouse`."""

from __future__ import annotations

import os
import sys
import traceback

import typer

from loaders.commands import (
    audit,
    bigquery_public,
    build,
    cost,
    decode,
    demo,
    discover,
    follow,
    init,
    load,
    query,
    snapshot,
    status,
    trust,
)
from loaders.errors import PoolhouseError
from loaders.redact import redact
from loaders.shutdown import Stopped

app = typer.Typer(
    name="poolhouse",
    help="Load DeFi events from an EVM node into DuckDB or BigQuery, and look at what is there.",
    epilog="Start with: poolhouse load --chain ethereum --last-blocks 100 --rpc-url https://…",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    add_completion=False,
)

app.command(epilog=load.EPILOG)(load.load)
app.command(epilog=follow.EPILOG)(follow.follow)
app.command(epilog=status.EPILOG)(status.status)
app.command(epilog=query.EPILOG)(query.query)
app.command(epilog=trust.EPILOG)(trust.trust)
app.command(epilog=decode.EPILOG)(decode.decode)
app.command(epilog=audit.EPILOG)(audit.audit)
app.command(epilog=bigquery_public.EPILOG)(bigquery_public.bigquery_public)
app.command(epilog=cost.EPILOG)(cost.cost)
app.command(epilog=snapshot.EPILOG)(snapshot.snapshot)
app.command(epilog=discover.EPILOG)(discover.discover)
app.command()(build.build)
app.command(epilog=demo.EPILOG)(demo.demo)
app.add_typer(init.app)


def _mount_devnet() -> None:
    # Its module imports much that no other command needs.
    if "devnet" not in sys.argv[1:2] and not _wants_help():
        return
    from devnet.cli import app as devnet_app

    app.add_typer(devnet_app, name="devnet")


def _wants_help() -> bool:
    return len(sys.argv) == 1 or sys.argv[1] in ("--help", "-h")


def main() -> None:
    """Run a command; failures end with one line of message, one of remedy, and a code other than 0."""
    # DuckDB and dlt must not find the URL by accident in what they record of the process.
    os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")
    try:
        _mount_devnet()
        app()
    except PoolhouseError as error:
        label = "" if isinstance(error, Stopped) else "Error: "
        print(redact(f"{label}{error.message}\n{error.remedy}"), file=sys.stderr)
        sys.exit(error.exit_code)
    except Exception:
        # A defect of ours: the trace helps to report it, but may quote a URL with a key.
        print(redact(traceback.format_exc()), file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()

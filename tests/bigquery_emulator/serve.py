"""Serve BigQuery's REST interface on loopback: ``python -m tests.bigquery_emulator.serve FOLDER``.

Prints its URL once it answers. Ends when its standard input does, as it does with the process that started it, and after an
hour at the latest. Runs in the emulator's own environment.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import threading
from pathlib import Path

import duckdb
import uvicorn
from duckdb_extensions import import_extension
from local_bigquery.settings import settings

from tests.bigquery_emulator import gate, shims, whole_numbers

_HOST = "127.0.0.1"
_LIFETIME_S = 3600.0
_EXTENSIONS = ("ducklake", "icu", "spatial")
# DuckDB asks for pandas with every result; looking all over for what is not there takes a third of the time.
sys.modules["pandas"] = None  # type: ignore[assignment]


def main() -> None:
    settings.data_dir = Path(sys.argv[1]) / "data"
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    threading.Timer(_LIFETIME_S, os._exit, (0,)).start()
    for name in _EXTENSIONS:
        import_extension(name, con=duckdb.connect())
    shims.install()
    whole_numbers.install()
    gate.install()
    from local_bigquery.app import app

    with socket.socket() as listener:
        listener.bind((_HOST, 0))
        listener.listen()
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        print(f"http://{_HOST}:{listener.getsockname()[1]}", flush=True)
        asyncio.run(server.serve(sockets=[listener]))


def _end_with_the_parent() -> None:
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()

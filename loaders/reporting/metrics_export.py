"""Where Prometheus finds the metrics: a port to scrape, or a file for node_exporter's textfile collector."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from loaders.errors import PoolhouseError
from loaders.reporting.metrics import Metrics
from loaders.reporting.progress import Ticker

_FILE_EVERY_S = 15.0
_LAST_SUCCESS = re.compile(
    r'^poolhouse_last_success_timestamp_seconds\{chain="([^"]+)",command="([^"]+)"\} ([\d.]+)$', re.MULTILINE
)


@contextmanager
def served(metrics: Metrics, host: str, port: int) -> Iterator[int]:
    """``http://host:port/metrics``, while entered; yields the port, which 0 leaves to the system to choose."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path.split("?")[0] in ("/", "/metrics")
            body = metrics.text().encode() if found else b"Metrics are at /metrics.\n"
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Scrapes are no news."""

    try:
        server = ThreadingHTTPServer((host, port), Handler)
    except (OSError, OverflowError) as error:
        raise PoolhouseError(
            f"Metrics cannot be served at {host}:{port}: {error}.", "Choose another --metrics-port."
        ) from None
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def written(metrics: Metrics, path: Path) -> Iterator[None]:
    """The file, renewed every few seconds and at the end; it keeps the last success where this run is none."""
    _check_writable(path)
    if path.is_file():
        for chain, command, seconds in _LAST_SUCCESS.findall(path.read_text(encoding="utf-8")):
            name = "poolhouse_last_success_timestamp_seconds"
            metrics.samples.set(name, float(seconds), chain=chain, command=command)
    ticker = Ticker(_FILE_EVERY_S, lambda: _write(metrics, path))
    ticker.start()
    try:
        yield
    finally:
        ticker.stop()
        _write(metrics, path)


def _check_writable(path: Path) -> None:
    if path.suffix != ".prom":
        raise PoolhouseError(
            f"{path} is no name for a file of metrics.", "End it in .prom: node_exporter reads no others."
        )
    if not path.resolve().parent.is_dir():
        raise PoolhouseError(
            f"There is no folder {path.resolve().parent} for the metrics.", "Make it, or name another --metrics-file."
        )


def _write(metrics: Metrics, path: Path) -> None:
    # Moved into place: the collector may read at any moment.
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(metrics.text(), encoding="utf-8")
    partial.replace(path)

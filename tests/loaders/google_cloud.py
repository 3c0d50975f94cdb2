"""A loopback Google Cloud as far as `poolhouse init` asks it: OAuth tokens, datasets, and dry runs of queries.

The client that reads its answers is Google's. Status and wording of the refusals are assumed: nobody has compared them with the service.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

PROJECT = "my-project"
CLIENT_EMAIL = "someone@my-project.iam.gserviceaccount.com"
SANDBOX_MS = 5_184_000_000


@dataclass(frozen=True)
class Refusal:
    """What the service answers instead of doing what was asked."""

    status: int
    reason: str
    message: str

    def body(self) -> dict[str, Any]:
        error = {"message": self.message, "domain": "global", "reason": self.reason}
        return {"error": {"code": self.status, "message": self.message, "errors": [error]}}


Answer = tuple[int, dict[str, Any]]


@dataclass
class GoogleCloud:
    """``refusals`` answer by "METHOD resource", such as ``POST datasets``; ``is_sandbox`` is a project without billing."""

    url: str = ""
    datasets: dict[str, dict[str, Any]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    refusals: dict[str, Refusal] = field(default_factory=dict)
    is_sandbox: bool = False

    def writes(self) -> list[str]:
        return [request for request in self.requests if request.split()[0] in ("POST", "PATCH", "PUT", "DELETE")]

    def answer(self, method: str, path: str, body: dict[str, Any]) -> Answer:
        if path == "/token":
            refused = self.refusals.get("POST token")
            return (
                (refused.status, {"error": refused.reason, "error_description": refused.message})
                if refused
                else (
                    200,
                    {"access_token": "a token", "expires_in": 3600, "token_type": "Bearer"},
                )
            )
        resource, *rest = path.partition(f"/projects/{PROJECT}/")[2].split("/")
        if resource != "jobs":
            self.requests.append(f"{method} {'/'.join([resource, *rest])}")
        if refused := self.refusals.get(f"{method} {resource}"):
            return refused.status, refused.body()
        if resource == "jobs":
            assert body["configuration"]["dryRun"] is True, "init runs no query that could cost anything"
            return 200, {**body, "status": {"state": "DONE"}, "statistics": {"query": {"totalBytesProcessed": "0"}}}
        return self._dataset(method, rest[0] if rest else body["datasetReference"]["datasetId"], body)

    def _dataset(self, method: str, name: str, body: dict[str, Any]) -> Answer:
        known = self.datasets.get(name)
        if method == "POST" and known is not None:
            return 409, Refusal(409, "duplicate", f"Already Exists: Dataset {PROJECT}:{name}").body()
        if method == "POST":
            made = {"id": f"{PROJECT}:{name}", **body}
            if self.is_sandbox and made.get("defaultTableExpirationMs") is None:
                made["defaultTableExpirationMs"] = str(SANDBOX_MS)
            self.datasets[name] = made
            return 200, made
        if known is None:
            return 404, Refusal(404, "notFound", f"Not found: Dataset {PROJECT}:{name}").body()
        if method == "PATCH":
            # As the service does: null removes a property.
            self.datasets[name] = {k: v for k, v in {**known, **body}.items() if v is not None}
        return 200, self.datasets[name]


@contextmanager
def google_cloud() -> Iterator[GoogleCloud]:
    """Serves until the block ends."""
    cloud = GoogleCloud()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _respond(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            is_json = "json" in self.headers.get("Content-Type", "")
            path = self.path.partition("?")[0]
            status, answer = cloud.answer(self.command, path, json.loads(raw) if is_json and raw else {})
            payload = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _respond

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    cloud.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield cloud
    finally:
        server.shutdown()
        server.server_close()


def service_account_file(folder: Path, token_url: str) -> Path:
    """A key file as Google hands them out, whose tokens come from ``token_url``."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    path = folder / "service_account.json"
    path.write_text(
        json.dumps(
            {
                "type": "service_account",
                "project_id": PROJECT,
                "private_key_id": "1",
                "private_key": pem,
                "client_email": CLIENT_EMAIL,
                "client_id": "1",
                "token_uri": f"{token_url}/token",
            }
        )
    )
    return path


def isolated(folder: Path) -> Mapping[str, str]:
    """Environment in which no credentials of the machine are found."""
    return {"HOME": str(folder), "CLOUDSDK_CONFIG": str(folder), "NO_GCE_CHECK": "true"}

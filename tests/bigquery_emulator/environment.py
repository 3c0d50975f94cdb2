"""The emulator's own Python environment: made once under .cache, from a lock of its own.

``python -m tests.bigquery_emulator.environment`` makes it, or says loudly why it cannot.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from loaders.errors import PoolhouseError
from loaders.file_lock import exclusive

VERSION = "3.13"
_PATIENCE_S = 600.0
LOCK = Path(__file__).with_name("requirements.lock")
CACHE = Path(__file__).resolve().parents[2] / ".cache" / "bigquery_emulator"
VARIABLE = "PYTHON313"
"""Names the interpreter where it has another name, or none on PATH."""


class NoInterpreter(PoolhouseError):
    """There is no Python 3.13 here."""


def environment() -> Path:
    """The environment's Python. Raises :class:`NoInterpreter` without Python 3.13."""
    digest = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]
    folder = CACHE / f"environment-{digest}"
    python = folder / "bin" / "python"
    if python.is_file():
        return python
    CACHE.mkdir(parents=True, exist_ok=True)
    with exclusive(CACHE / "environment.lock", timeout_s=_PATIENCE_S):
        if not python.is_file():
            _make(folder, interpreter())
    return python


def interpreter() -> str:
    """Python 3.13, found by name. Raises :class:`NoInterpreter`."""
    given = os.environ.get(VARIABLE)
    # pyenv's shims only answer for a version that is asked for.
    asked = {"PYENV_VERSION": VERSION}
    names = [given] if given else [f"python{VERSION}", "python3", sys.executable]
    for name in names:
        if found := _path_of([name, "-c", _ASK], asked):
            return found
    if not given and (found := _path_of([_uv(), "python", "find", "--no-python-downloads", VERSION], {})):
        return found
    raise NoInterpreter(
        f"There is no Python {VERSION}{f' called {given}' if given else ''}, which the BigQuery emulator needs.",
        f"Install it (`uv python install {VERSION}`), or name it: {VARIABLE}=/path/to/python{VERSION}.",
    )


_ASK = f"import sys; assert '%d.%d' % sys.version_info[:2] == '{VERSION}'; print(getattr(sys, '_base_executable', '') or sys.executable)"


def _path_of(command: list[str], variables: dict[str, str]) -> str:
    """The last line that a command prints; empty where it does not run."""
    try:
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=60, env={**os.environ, **variables}
        )
    except OSError:
        return ""
    return done.stdout.strip().rpartition("\n")[2] if done.returncode == 0 else ""


def _make(folder: Path, base: str) -> None:
    partial = folder.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    _run(_uv(), "venv", "--quiet", "--relocatable", "--python", base, str(partial))
    python = str(partial / "bin" / "python")
    _run(_uv(), "pip", "install", "--quiet", "--python", python, "--no-deps", "-r", str(LOCK))
    partial.rename(folder)


def _uv() -> str:
    beside = Path(sys.executable).with_name("uv")
    return str(beside) if beside.is_file() else "uv"


def _run(*command: str) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise PoolhouseError(
            f"The emulator's environment cannot be made: {' '.join(command)} says\n{done.stderr.strip()}",
            "Correct the cause, remove .cache/bigquery_emulator and run it again.",
        )


def main() -> None:
    try:
        environment()
    except NoInterpreter as error:
        line = "!" * 120
        print(f"{line}\nThe BigQuery emulator is NOT tested. {error.message} {error.remedy}\n{line}", file=sys.stderr)
    except PoolhouseError as error:
        sys.exit(f"{error.message}\n{error.remedy}")


if __name__ == "__main__":
    main()

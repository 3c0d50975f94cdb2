"""Commands that die where they are told to: a process that forks one child per command, after importing once for all.

Started as ``python -m tests.loaders.mortal``; reads one JSON object per line (see :class:`Mortal`), answers with the child's
pid and, when it ended, with its exit code (negative: the signal).
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


class Mortal:
    """Runs `poolhouse …` in children, one at a time."""

    def __init__(self, folder: Path, variables: Mapping[str, str] | None = None) -> None:
        self._output = folder / "output.txt"
        clean = {k: v for k, v in os.environ.items() if not k.startswith("POOLHOUSE_") or k == "POOLHOUSE_CACHE"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.loaders.mortal"],
            cwd=ROOT,
            env={**clean, "PYTHONPATH": str(ROOT), "COLUMNS": "200", "POOLHOUSE_LOCK_WAIT_S": "0", **(variables or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Mortal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate("", timeout=60)

    def start(self, *arguments: str, die: str = "", file_size: int = 0) -> int:
        """The pid of the command, which dies at the stage ``die`` or can write no file beyond ``file_size`` bytes."""
        self._say({"arguments": arguments, "die": die, "file_size": file_size, "output": str(self._output)})
        return int(self._hear())

    def wait(self) -> tuple[int, str]:
        """Exit code and what it printed, both streams."""
        return int(self._hear()), self._output.read_text(encoding="utf-8")

    def run(self, *arguments: str, die: str = "", file_size: int = 0) -> tuple[int, str]:
        self.start(*arguments, die=die, file_size=file_size)
        return self.wait()

    def output(self) -> str:
        """What was printed so far."""
        return self._output.read_text(encoding="utf-8") if self._output.exists() else ""

    def _say(self, request: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()

    def _hear(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


def _die(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _before(owner: Any, name: str) -> None:
    setattr(owner, name, _die)


def _after(owner: Any, name: str, times: int = 1, which: Callable[..., bool] = lambda *_: True) -> None:
    original, done = getattr(owner, name), 0

    def dies(*arguments: Any, **options: Any) -> Any:
        nonlocal done
        result = original(*arguments, **options)
        done += which(*arguments)
        return result if done < times else _die()

    setattr(owner, name, dies)


def _stages(*, on_bigquery: bool) -> dict[str, Callable[[], None]]:
    from dlt.pipeline.pipeline import Pipeline

    import loaders.facts.complete
    import loaders.load.missing
    import loaders.load.runs
    from loaders.decode.decoder import Decoder
    from loaders.load.archive import Archive
    from loaders.load.package import Work

    client: type[Any]
    job: type[Any]
    if on_bigquery:
        from dlt.destinations.impl.bigquery import bigquery

        client, job = bigquery.BigQueryClient, bigquery.BigQueryLoadJob
    else:
        from dlt.destinations.impl.duckdb import duck

        client, job = duck.DuckDbClient, duck.DuckDbCopyJob

    def is_of_logs(job: Any) -> bool:
        return bool(job.load_table_name == "uniswap_v2__pair_sync")

    return {
        "planning": lambda: _after(loaders.load.missing, "plan"),
        "reading": lambda: _after(Work, "take", times=3),
        "decoding": lambda: _after(Decoder, "decode", times=2),
        "archiving": lambda: _before(Archive, "_metadata"),  # rows are in the file, its footer is not
        "archived": lambda: _after(Archive, "finish"),
        "extracted": lambda: _after(Pipeline, "extract"),
        "normalized": lambda: _after(Pipeline, "normalize"),
        "rows without ledger": lambda: _after(job, "run", which=is_of_logs),
        "ledger without completion": lambda: _before(client, "complete_load"),
        "completed": lambda: _after(client, "complete_load"),
        "contract state": lambda: _before(loaders.facts.complete, "complete"),
        "recording": lambda: _before(loaders.load.runs, "write_run"),
    }


STAGES = (
    "planning", "reading", "decoding", "archiving", "archived", "extracted", "normalized", "rows without ledger",
    "ledger without completion", "completed", "contract state", "recording",
)  # fmt: skip


def _run(arguments: list[str]) -> int:
    """The exit code; without the interpreter's own end, which libraries with threads do not survive in a fork."""
    import loaders.cli

    sys.argv = ["poolhouse", *arguments]
    try:
        loaders.cli.main()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


def _serve() -> None:
    # Once here instead of in every child.
    for module in (
        *("loaders.cli", "loaders.facts.complete", "loaders.load.run", "loaders.reporting.observers"),
        *("dlt._workspace.cli", "dlt.destinations.impl.duckdb.duck", "dlt.sources.helpers.requests", "pyarrow.compute"),
    ):
        importlib.import_module(module)
    for line in sys.stdin:
        request = json.loads(line)
        Path(request["output"]).write_text("", encoding="utf-8")
        pid = os.fork()
        if not pid:
            with Path(request["output"]).open("w", encoding="utf-8") as output:
                os.dup2(output.fileno(), 1)
                os.dup2(output.fileno(), 2)
            if request["file_size"]:
                resource.setrlimit(resource.RLIMIT_FSIZE, (request["file_size"],) * 2)
            if request["die"]:
                _stages(on_bigquery="bigquery" in request["arguments"])[request["die"]]()
            os._exit(_run(request["arguments"]))
        print(pid, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


if __name__ == "__main__":
    _serve()

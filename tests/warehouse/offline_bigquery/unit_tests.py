"""The unit tests in a process of their own, beside everything else: of the warehouse they need only their inputs' types."""

from __future__ import annotations

import multiprocessing
import shutil
from collections.abc import Sequence
from contextlib import chdir
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path

from dbt.cli.main import dbtRunner

from tests.warehouse.offline_bigquery.lint import Finding
from tests.warehouse.offline_bigquery.outcome import Run, outcome_of
from tests.warehouse.offline_bigquery.relation import Relation
from tests.warehouse.offline_bigquery.session import offline
from tests.warehouse.offline_bigquery.warehouse import OfflineWarehouse

_PARSED = "partial_parse.msgpack"
_DIED = "The process of the unit tests died: its output says why."


@dataclass(frozen=True, slots=True)
class UnitTests:
    """What became of them, the kinds of the statements resolved for each, and what those break.

    Only what can cross to another process: the trees of statements cannot.
    """

    run: Run
    analysed: dict[str, list[str]]
    findings: list[Finding]


class UnitTestProcess:
    """Starts at once, to have dbt and the analyzer at hand when the models are built."""

    def __init__(self, project: Path, target: Path, options: Sequence[str]) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._connection, theirs = spawn.Pipe()
        self._process = spawn.Process(target=_serve, args=(theirs, project, target, tuple(options)), daemon=True)
        self._process.start()
        theirs.close()
        self._is_running = False

    def start(self, parsed: Path, relations: dict[str, Relation]) -> None:
        """Run the unit tests of the project that dbt parsed into the target folder ``parsed``."""
        types = {path: replace(relation, view=None) for path, relation in relations.items()}
        try:
            self._connection.send((parsed, types))
        except BrokenPipeError:
            raise RuntimeError(_DIED) from None
        self._is_running = True

    def finish(self) -> UnitTests:
        """Wait for them, if they were started."""
        if not self._is_running:
            return UnitTests(Run((), ""), {}, [])
        try:
            done: UnitTests = self._connection.recv()
        except EOFError:
            raise RuntimeError(_DIED) from None
        self._process.join()
        return done

    def stop(self) -> None:
        """End the process if it still runs."""
        if self._process.is_alive():
            self._process.terminate()
            self._process.join()
        self._connection.close()


def _serve(connection: Connection, project: Path, target: Path, options: tuple[str, ...]) -> None:
    warehouse = OfflineWarehouse()
    parsed, warehouse.relations = connection.recv()
    target.mkdir(parents=True)
    shutil.copy(parsed / _PARSED, target)
    with offline(warehouse), chdir(project):
        result = dbtRunner().invoke(["test", "--select", "test_type:unit", "--target-path", str(target), *options])
    connection.send(UnitTests(outcome_of(result), dict(warehouse.analysed), warehouse.findings))

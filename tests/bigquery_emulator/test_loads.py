"""Loads through dlt's BigQuery client: killed and resumed, tails superseded, and row by row what the same loads are on DuckDB."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from devnet.node import Anvil
from loaders.registry.events import load_events
from tests.bigquery_emulator.emulator import Emulator
from tests.loaders.emitter import Emitter
from tests.loaders.live import assert_live_is_the_chain, rows
from tests.loaders.mortal import Mortal

UINT256_MAX = 2**256 - 1
STAGES = ("rows without ledger", "ledger without completion")
"""Where only the destination's client is concerned; the others are those of any destination."""


@pytest.fixture(scope="module")
def chain() -> Iterator[Emitter]:
    with Anvil() as anvil:
        emitter = Emitter(anvil)
        emitter.transfer([UINT256_MAX, 10**38, 0])
        emitter.mine([2, 0, 3] * 40)
        yield emitter


@pytest.fixture(scope="module")
def project(emulator: Emulator) -> Emulator:
    return emulator.with_project("loads-project")


@pytest.fixture(scope="module")
def command(project: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mortal]:
    with Mortal(tmp_path_factory.mktemp("mortal"), project.variables) as process:
        yield process


@dataclass(frozen=True)
class Loads:
    """The chain loaded at two heads, and killed before, on both."""

    on_bigquery: tuple[str, ...]
    """Options that lead there."""
    on_duckdb: tuple[str, ...]
    theirs: Path
    """What BigQuery has, copied to a DuckDB file."""
    ours: Path


@pytest.fixture(scope="module")
def loads(chain: Emitter, project: Emulator, command: Mortal, tmp_path_factory: pytest.TempPathFactory) -> Loads:
    folder = tmp_path_factory.mktemp("loads")
    ours = folder / "duckdb" / "ours.duckdb"
    # Beside the database that BigQuery does not use are the archive and dlt's files.
    on_bigquery = ("--destination", "bigquery", "--database", str(folder / "bigquery" / "none.duckdb"))
    on_duckdb = ("--database", str(ours))
    (folder / "bigquery").mkdir()
    ours.parent.mkdir()
    for stage in (*STAGES, "", "later"):
        is_killed = stage in STAGES
        chain.mine([1, 2] * 35 if stage == "later" else [])
        for where in (on_bigquery, on_duckdb):
            code, output = command.run(*_load(chain), *where, die=stage if is_killed else "")
            assert code == (-signal.SIGKILL if is_killed else 0), f"{stage}: {output}"
    return Loads(on_bigquery, on_duckdb, project.copy_dataset("raw", folder / "theirs.duckdb"), ours)


def _load(chain: Emitter) -> list[str]:
    source = ["load", "--chain", "devnet", "--rpc-url", chain.url, "--from-block", "0"]
    return [*source, "--protocol", "uniswap_v2", "--with-transfers"]


def test_what_counts_is_what_the_chain_has(chain: Emitter, loads: Loads) -> None:
    for database in (loads.theirs, loads.ours):
        assert_live_is_the_chain(chain, database)


def test_killed_loads_left_rows_that_do_not_count(loads: Loads) -> None:
    incomplete = "select count(*) > 0 from raw.uniswap_v2__pair_sync where _dlt_load_id not in (select load_id from raw._dlt_loads)"
    assert rows(loads.theirs, incomplete) == [(True,)]


def test_every_table_holds_the_rows_that_it_has_on_duckdb(loads: Loads) -> None:
    filled = set()
    for name, table in load_events().with_tables_for(("uniswap_v2", "erc20")).tables.items():
        columns = ", ".join(c.name for c in table.columns if c.name not in ("loaded_at", "registry_version"))
        theirs, ours = (
            rows(
                database,
                f"select {columns} from raw.{name} where _dlt_load_id in (select load_id from raw._dlt_loads) order by all",
            )
            for database in (loads.theirs, loads.ours)
        )
        if name != "runs":
            assert theirs == ours, name
        if theirs:
            filled.add(name)
    assert filled >= {"uniswap_v2__pair_sync", "erc20__token_transfer", "load_ranges", "blocks", "transactions", "runs"}


def test_integers_are_exact_text(loads: Loads) -> None:
    values = "select distinct value from raw.erc20__token_transfer order by length(value)"
    assert rows(loads.theirs, values) == [("0",), (str(10**38),), (str(UINT256_MAX),)]


def test_tables_are_partitioned_and_clustered(project: Emulator, loads: Loads) -> None:
    for name, table in load_events().with_tables_for(("uniswap_v2", "erc20")).tables.items():
        created = project.client.get_table(f"raw.{name}")
        partitioning = created.time_partitioning
        assert (partitioning.type_, partitioning.field) == ("DAY", table.partition_column), name
        assert created.clustering_fields == list(table.cluster_columns), name
        modes = {field.name: field.mode for field in created.schema}
        assert all(modes[c.name] == ("NULLABLE" if c.nullable else "REQUIRED") for c in table.columns), name


def test_status_and_audit_read_it_back(chain: Emitter, command: Mortal, loads: Loads) -> None:
    statuses = []
    for where in (loads.on_bigquery, loads.on_duckdb):
        code, output = command.run("status", "--json", "--rpc-url", chain.url, *where)
        assert code == 0, output
        (found,) = json.loads(output[output.index("{") :])["chains"]
        statuses.append([{k: v for k, v in family.items() if k != "loaded_at"} for family in found["families"]])
        (last_run,) = found["last_runs"]
        assert (last_run["command"], last_run["outcome"]) == ("load", "succeeded")
    assert statuses[0] == statuses[1]
    code, output = command.run(
        *("audit", "--chain", "devnet", "--rpc-url", chain.url, "--sample", "2", *loads.on_bigquery)
    )
    assert code == 0, output
    assert "differ" not in output.lower(), output

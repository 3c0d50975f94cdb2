"""A loaded warehouse cut into many loads, of which any may come late or cease again: no node is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from loaders.build import SERVED_SCHEMAS

_BUILT = ({"intermediate", "staging"} | set(SERVED_SCHEMAS)) - {"seeds"}
_BRINGS_TRANSACTIONS = "aave_v3"
"""The family whose loads bring all transactions: those of swaps then come apart from the logs of swaps."""

_TIMES = "select block_number, min(block_timestamp) as block_timestamp from ({}) group by block_number"
_LOAD = "family || case role when 'factory' then '_factory' else '' end || '-' || cuts.number"
_CUT_LEDGER = f"""
    create or replace table raw.load_ranges as
    select load_ranges.* replace (
        {_LOAD} as _dlt_load_id,
        greatest(load_ranges.from_block, cuts.from_block) as from_block,
        least(load_ranges.to_block, cuts.to_block) as to_block,
        case when load_ranges.from_block > cuts.from_block then min_timestamp else cuts.from_time end as min_timestamp,
        case when load_ranges.to_block < cuts.to_block then max_timestamp else cuts.to_time end as max_timestamp
    )
    from raw.load_ranges
    inner join cuts on load_ranges.from_block <= cuts.to_block and load_ranges.to_block >= cuts.from_block
"""


@dataclass(frozen=True)
class Piece:
    """What one load brought: a family's events of a range of blocks, those of its factories apart."""

    family: str
    number: int
    """Of the range, from 0."""

    @property
    def load_id(self) -> str:
        return f"{self.family}-{self.number}"


@dataclass(frozen=True)
class Pieces:
    """All loads of a warehouse."""

    database: Path
    pieces: tuple[Piece, ...]
    reads: tuple[str, ...]
    """Loads of contracts' answers."""

    @classmethod
    def cut(cls, database: Path, width: int) -> Pieces:
        """Cut what is loaded every ``width`` blocks, and drop what was built of it."""
        with duckdb.connect(str(database)) as connection:
            for schema in _BUILT:
                connection.execute(f"drop schema if exists {schema} cascade")
            tables = _timed_tables(connection)
            _find_cuts(connection, tables, width)
            for table in (t for t in tables if "__" in t or t == "transactions"):
                family = _BRINGS_TRANSACTIONS if table == "transactions" else table.partition("__")[0]
                part = "_factory" if "__factory_" in table else ""
                connection.execute(
                    f"update raw.{table} as facts set _dlt_load_id = '{family}{part}-' || cuts.number "
                    "from cuts where facts.block_number between cuts.from_block and cuts.to_block"
                )
            connection.execute(_CUT_LEDGER)
            connection.execute(
                "insert into raw._dlt_loads by name select distinct ranges._dlt_load_id as load_id, loads.* exclude (load_id) "
                "from raw.load_ranges as ranges cross join (from raw._dlt_loads where status = 0 limit 1) as loads"
            )
            loads = _texts(connection, "select distinct _dlt_load_id from raw.load_ranges order by all")
            reads = _texts(connection, "select distinct _dlt_load_id from raw.contract_reads order by all")
        parts = [load.rpartition("-") for load in loads]
        return cls(database, tuple(Piece(family, int(number)) for family, _, number in parts), tuple(reads))

    @property
    def last(self) -> int:
        """Number of the newest range."""
        return max(piece.number for piece in self.pieces)

    def show(self, is_there: Callable[[Piece], bool], *, with_reads: bool = True) -> int:
        """Let these be complete, and no others. How many were hidden."""
        hidden = [p.load_id for p in self.pieces if not is_there(p)] + ([] if with_reads else list(self.reads))
        with duckdb.connect(str(self.database)) as connection:
            connection.execute(
                "update raw._dlt_loads set status = case when load_id in (select unnest(?)) then 1 else 0 end", [hidden]
            )
        return len(hidden)


def _timed_tables(connection: duckdb.DuckDBPyConnection) -> list[str]:
    return _texts(
        connection,
        "select table_name from duckdb_columns() where schema_name = 'raw' "
        "and column_name in ('block_number', 'block_timestamp') group by all having count(*) = 2",
    )


def _find_cuts(connection: duckdb.DuckDBPyConnection, tables: list[str], width: int) -> None:
    """A range starts and ends with blocks whose times are known, as the ledger wants them."""
    blocks = " union all ".join(f"select block_number, block_timestamp from raw.{table}" for table in tables)
    connection.execute(f"create temp table times as {_TIMES.format(blocks)}")
    connection.execute(f"""
        create temp table cuts as
        with
            bounds as (select min(from_block) as first, max(to_block) as last from raw.load_ranges),
            starts as (
                select min(this.block_number) as block_number
                from times as this
                inner join times as before on before.block_number = this.block_number - 1
                group by this.block_number // {width}
                union
                select first from bounds
            ),
            ranges as (
                select
                    row_number() over (order by block_number) - 1 as number,
                    block_number as from_block,
                    lead(block_number, 1, last + 1) over (order by block_number) - 1 as to_block
                from starts cross join bounds
                where block_number <= last
            )
        select ranges.*, starts.block_timestamp as from_time, ends.block_timestamp as to_time
        from ranges
        left outer join times as starts on ranges.from_block = starts.block_number
        left outer join times as ends on ranges.to_block = ends.block_number
    """)


def _texts(connection: duckdb.DuckDBPyConnection, query: str) -> list[str]:
    return [str(text) for (text,) in connection.execute(query).fetchall()]

"""What counts in a warehouse, by the rule of the ledger as the models apply it, and whether it is what the chain has."""

from __future__ import annotations

from pathlib import Path

import duckdb

from tests.loaders.emitter import Emitter

DEVNET_ID = 31337

# Final ranges by the earliest load, else the newest tail.
_LIVE = """
    with ranges as (
        select r.* from raw.load_ranges as r
        join raw._dlt_loads as l on l.load_id = r._dlt_load_id and l.status = 0
        where r.event = 'Sync' and r.chain_id = {chain_id}
    ),
    candidates as (
        select * from ranges
        where finality = 'final' or _dlt_load_id = (select max(_dlt_load_id) from ranges where finality = 'tail')
    ),
    owner as (
        select
            b.block_number,
            coalesce(
                min(r._dlt_load_id) filter (where r.finality = 'final'), any_value(r._dlt_load_id)
            ) as load_id
        from (select distinct block_number from raw.uniswap_v2__pair_sync where chain_id = {chain_id}) as b
        join candidates as r on b.block_number between r.from_block and r.to_block
        group by b.block_number
    )
    select s.block_number, s.log_index, s.reserve0, s.reserve1
    from raw.uniswap_v2__pair_sync as s
    join owner as o on o.block_number = s.block_number and o.load_id = s._dlt_load_id
    where s.chain_id = {chain_id}
    order by s.block_number, s.log_index
"""
_MISCOUNTED = """
    select r._dlt_load_id, r.chain_id, r.from_block, r.to_block, r.finality, r.log_count
    from raw.load_ranges as r
    join raw._dlt_loads as l on l.load_id = r._dlt_load_id and l.status = 0
    left join raw.uniswap_v2__pair_sync as s
        on s._dlt_load_id = r._dlt_load_id and s.chain_id = r.chain_id
        and s.block_number between r.from_block and r.to_block
    where r.event = 'Sync'
    group by all
    having count(s.block_number) <> r.log_count
"""


def rows(database: Path, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def live(database: Path, chain_id: int = DEVNET_ID) -> list[tuple[object, ...]]:
    return rows(database, _LIVE.format(chain_id=chain_id))


def assert_live_is_the_chain(chain: Emitter, database: Path, chain_id: int = DEVNET_ID) -> None:
    """Every log of the node counts once, and nothing else; the ledger's counts are the table's."""
    expected = [
        (block, index, str(int(data[2:66], 16)), str(int(data[66:], 16))) for block, index, data in chain.logs()
    ]
    assert live(database, chain_id) == expected
    assert expected, "a chain without logs proves nothing"
    assert rows(database, _MISCOUNTED) == []

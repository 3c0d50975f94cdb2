"""One BigQuery script: scan the public logs once, decode them into the raw tables, end with the ledger.

The rows count once `_dlt_loads` has the script's load, its last statement: a script that fails or is cancelled leaves nothing
that counts. What the ledger claims is asserted first: every day is there, block by block, and every block has logs if its bloom
is not empty, numbered without a gap, each once, and of its own hash.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

from loaders.bigquery_public.events import (
    Selected,
    column_names,
    fitting,
    is_static,
    reason,
    select_rows,
    shape,
    texts,
)
from loaders.bigquery_public.words import functions
from loaders.decode.decoder import ANY, DECODER_VERSION
from loaders.plan.filters import Filter
from loaders.registry.events import EventSpec
from loaders.registry.tables import BLOCKS, LOAD_RANGES, UNDECODED_LOGS

LOGS = "poolhouse_logs"
"""The temporary table of the logs that are asked for, topics side by side."""
_SCHEMA_NAME = "poolhouse"


@dataclass(frozen=True)
class PublicDataset:
    """A dataset with the tables ``blocks`` and ``logs`` of ethereum-etl, partitioned by day."""

    name: str = "bigquery-public-data.crypto_ethereum"

    @property
    def blocks(self) -> str:
        return f"`{self.name}.blocks`"

    @property
    def logs(self) -> str:
        return f"`{self.name}.logs`"


@dataclass(frozen=True)
class PublicLoad:
    """What a script loads: whole UTC days, the last one excluded."""

    chain_id: int
    from_date: date
    to_date: date
    filters: tuple[Filter, ...]
    registry_version: str
    load_id: str
    raw: str
    """The raw dataset, ``project.dataset``."""
    source: PublicDataset = field(default_factory=PublicDataset)

    @property
    def unsupported(self) -> tuple[EventSpec, ...]:
        """Events that only the loader decodes: anonymous ones, and those with strings, bytes, arrays or tuples in their data."""
        return tuple(dict.fromkeys(f.spec for f in self.filters if not is_static(f.spec)))

    @property
    def selected(self) -> tuple[Selected, ...]:
        addresses: dict[EventSpec, set[str]] = {}
        for f in self.filters:
            if is_static(f.spec):
                addresses.setdefault(f.spec, set()).add(f.contract_address)
        return tuple(Selected(s, None if ANY in a else tuple(sorted(a))) for s, a in addresses.items())


def script(load: PublicLoad) -> str:
    """The whole script."""
    statements = [
        _header(load),
        _facts(load),
        functions(),
        *_assertions(load),
        matching_logs(load),
        _of_their_blocks(load),
    ]
    for selected in load.selected:
        statements += [_insert(load, selected), _ledger(load, selected)]
    statements += [_undecoded(load), _blocks(load), _complete(load)]
    return "\n".join(s for s in statements if s)


def matching_logs(load: PublicLoad) -> str:
    """The one statement that reads the public logs: those of the days and filters, clustered by topic 0."""
    return (
        f"create temp table {LOGS} cluster by topic0 as\n"
        "select\n"
        "    block_number,\n    log_index,\n    transaction_index as tx_index,\n    block_timestamp,\n"
        "    lower(block_hash) as block_hash,\n    lower(transaction_hash) as tx_hash,\n"
        "    lower(address) as contract_address,\n    array_length(topics) as topic_count,\n"
        + "".join(f"    lower(topics[safe_offset({i})]) as topic{i},\n" for i in range(4))
        + f"    lower(data) as data\nfrom {load.source.logs}\nwhere {_days(load, 'block_timestamp')}\n"
        f"    and (\n        {_asked_for(load)}\n    );\n"
    )


def _asked_for(load: PublicLoad) -> str:
    anyone = sorted({s.spec.topic0 for s in load.selected if s.addresses is None})
    registered = [s for s in load.selected if s.addresses is not None]
    conditions = [f"lower(topics[safe_offset(0)]) in ({texts(anyone)})"] if anyone else []
    if registered:
        topics = sorted({s.spec.topic0 for s in registered})
        addresses = sorted({a for s in registered for a in s.addresses or ()})
        conditions.append(
            f"(lower(topics[safe_offset(0)]) in ({texts(topics)}) and lower(address) in ({texts(addresses)}))"
        )
    return "\n        or ".join(conditions)


def _header(load: PublicLoad) -> str:
    left_out = sorted(f"{s.family} {s.role} {s.event}" for s in load.unsupported)
    lines = [
        f"Poolhouse: {load.from_date} to {load.to_date} (excluded), from {load.source.name}",
        f"into {load.raw}, as load {load.load_id}. Run in the location of both.",
    ]
    if left_out:
        lines += ["Not decoded here, and hence not in the ledger (load them with the loader):", *left_out]
    return "".join(f"-- {line}\n" for line in lines)


def _facts(load: PublicLoad) -> str:
    """Script variables: a constant prunes partitions, and the ledger's ends are asked for once."""
    blocks, days = load.source.blocks, _days(load, "timestamp")
    return (
        "declare ends struct<first_block int64, last_block int64, first_hash string, last_hash string,"
        " first_timestamp timestamp, last_timestamp timestamp> default (\n"
        "    select as struct\n"
        "        min(number),\n        max(number),\n"
        "        lower(array_agg(`hash` order by number limit 1)[safe_offset(0)]),\n"
        "        lower(array_agg(`hash` order by number desc limit 1)[safe_offset(0)]),\n"
        "        min(timestamp),\n        max(timestamp)\n"
        f"    from {blocks}\n    where {days}\n);\n"
        "declare genesis_hash string default (\n"
        f"    select lower(`hash`) from {blocks} where number = 0 and timestamp < timestamp '2015-08-01'\n);\n"
    )


def _assertions(load: PublicLoad) -> list[str]:
    """What must hold for the days to be claimed as loaded."""
    blocks, days = load.source.blocks, _days(load, "timestamp")
    next_day = f"timestamp >= timestamp '{load.to_date}' and timestamp < timestamp '{load.to_date + timedelta(days=1)}'"
    logs = f"(\n{numbering(load)}\n        )"
    elsewhere = "load these days with the loader."
    return [
        _assert(
            f"exists(select 1 from {blocks} where {next_day})",
            "The public dataset does not reach beyond the last day yet: give an earlier --to-date.",
        ),
        _assert(
            f"(\n    select count(*) = count(distinct number) and count(*) = max(number) - min(number) + 1\n    from {blocks}\n"
            f"    where {days}\n)",
            f"Blocks are missing from the public dataset, or there twice: {elsewhere}",
        ),
        _assert(
            "not exists(\n    select 1\n    from (\n        select parent_hash, lag(`hash`) over (order by number) as previous_hash\n"
            f"        from {blocks}\n        where {days}\n    )\n    where parent_hash != previous_hash\n)",
            f"Blocks of the public dataset do not follow from one another: {elsewhere}",
        ),
        _assert(
            f"not exists(\n    select 1\n    from {blocks} as blocks\n    left join {logs} as logs\n"
            f"        on blocks.number = logs.block_number\n    where {_days(load, 'blocks.timestamp')}\n"
            "        and if(\n            logs.block_number is null,\n"
            "            regexp_contains(blocks.logs_bloom, '[1-9a-f]'),\n            not logs.is_whole\n        )\n)",
            f"Blocks of the public dataset lack logs, or have some twice: {elsewhere}",
        ),
    ]


def numbering(load: PublicLoad) -> str:
    """A query of the blocks with logs, and whether theirs are numbered from 0 on, without a gap and each once."""
    return (
        "select\n    block_number,\n    min(log_index) = 0\n        and count(*) = max(log_index) + 1\n"
        "        and count(distinct log_index) = count(*) as is_whole\n"
        f"from {load.source.logs}\nwhere {_days(load, 'block_timestamp')}\ngroup by block_number"
    )


def _of_their_blocks(load: PublicLoad) -> str:
    """Of the logs that are kept: a block that was replaced may have left its own in the dataset."""
    return _assert(
        f"not exists(\n    select 1\n    from {LOGS} as logs\n    left join (\n"
        f"        select number, lower(`hash`) as block_hash, timestamp from {load.source.blocks}\n"
        f"        where {_days(load, 'timestamp')}\n    ) as blocks\n        on logs.block_number = blocks.number\n"
        "            and logs.block_hash = blocks.block_hash\n            and logs.block_timestamp = blocks.timestamp\n"
        "    where blocks.number is null\n)",
        "Logs of the public dataset are of other blocks than it has: load these days with the loader.",
    )


def _assert(condition: str, message: str) -> str:
    return f"assert {condition} as '{message}';\n"


def _insert(load: PublicLoad, selected: Selected) -> str:
    names = ", ".join(column_names(selected.spec))
    rows = [select_rows(load.chain_id, selected, abi, LOGS, load.load_id) for abi in selected.layouts]
    return f"insert into `{load.raw}.{selected.spec.table}` ({names})\n" + "\nunion all\n".join(rows) + ";\n"


def _ledger(load: PublicLoad, selected: Selected) -> str:
    """One row per filter of the event, with the rows that were just written for it."""
    spec = selected.spec
    of_event = f" and event_role = '{spec.role}' and event_name = '{spec.event}'" if spec.is_shared else ""
    counted = "contract_address" if selected.addresses is not None else f"'{ANY}'"
    namesakes = " or ".join(_shapes_of_namesakes(selected)) or "false"
    columns = {
        "chain_id": str(load.chain_id),
        "family": f"'{spec.family}'",
        "role": f"'{spec.role}'",
        "event": f"'{spec.event}'",
        "table_name": f"'{spec.table}'",
        "topic0": f"'{spec.topic0}'",
        "contract_address": "asked_address",
        "from_block": "ends.first_block",
        "to_block": "ends.last_block",
        "from_block_hash": "ends.first_hash",
        "to_block_hash": "ends.last_hash",
        "min_timestamp": "ends.first_timestamp",
        "max_timestamp": "ends.last_timestamp",
        "log_count": "coalesce(written.row_count, 0)",
        "namesake_count": "coalesce(others.row_count, 0)",
        "finality": "'final'",
        "decoder_version": f"'{DECODER_VERSION}'",
        "registry_version": f"'{load.registry_version}'",
        "source": "'bigquery'",
        "endpoint_host": f"'{load.source.name}'",
        "genesis_hash": "genesis_hash",
        "loaded_at": "current_timestamp()",
    }
    values = ",\n    ".join(f"{columns[c.name]} as {c.name}" for c in LOAD_RANGES.columns)
    names = ", ".join(c.name for c in LOAD_RANGES.columns)
    return (
        f"insert into `{load.raw}.{LOAD_RANGES.name}` ({names}, _dlt_load_id)\n"
        f"select\n    {values},\n    '{load.load_id}' as _dlt_load_id\n"
        f"from unnest([{texts(selected.addresses or (ANY,))}]) as asked_address\n"
        "left join (\n"
        f"    select {counted} as contract_address, count(*) as row_count\n"
        f"    from `{load.raw}.{spec.table}`\n"
        f"    where {_days(load, 'block_timestamp')} and _dlt_load_id = '{load.load_id}'{of_event}\n"
        "    group by 1\n"
        ") as written on asked_address = written.contract_address\n"
        "left join (\n"
        f"    select {counted} as contract_address, count(*) as row_count\n"
        f"    from {LOGS}\n    where {selected.emitted} and ({namesakes})\n    group by 1\n"
        ") as others on asked_address = others.contract_address;\n"
    )


def _shapes_of_namesakes(selected: Selected) -> list[str]:
    """Conditions for logs of other kinds of event with the same topic 0: counted, not kept."""
    return [f"({shape(abi)})" for abi in selected.spec.namesakes]


def _undecoded(load: PublicLoad) -> str:
    names = ", ".join(c.name for c in UNDECODED_LOGS.columns)
    return f"insert into `{load.raw}.{UNDECODED_LOGS.name}` ({names}, _dlt_load_id)\n{select_undecoded(load, LOGS)};\n"


def select_undecoded(load: PublicLoad, logs: str) -> str:
    """Logs that were asked for and fit no event with their topic 0, in one pass."""
    misfits, reasons = [], []
    for topic0 in dict.fromkeys(s.spec.topic0 for s in load.selected):
        if topic0 in {spec.topic0 for spec in load.unsupported}:
            continue  # an event that only the loader decodes may be what they are
        candidates = [s for s in load.selected if s.spec.topic0 == topic0]
        fit = [fitting(abi) for s in candidates for abi in s.layouts]
        fit += [condition for s in candidates for condition in _shapes_of_namesakes(s)]
        wanted = " or ".join(f"({s.emitted})" for s in candidates)
        misfits.append(f"when '{topic0}' then ({wanted}) and not ({' or '.join(fit)})")
        reasons.append(f"when '{topic0}' then {reason(candidates)}")
    topics = ", ".join(f"topic{i}" for i in range(4))
    present = f"select t from unnest([{topics}]) as t with offset as o where t is not null order by o"
    columns = {
        "chain_id": f"{load.chain_id} as chain_id",
        "topics": f"concat('[\"', array_to_string(array({present}), '\",\"'), '\"]') as topics",
        "reason": "case topic0\n        " + "\n        ".join(reasons) + "\n    end as reason",
    }
    listed = ",\n    ".join(columns.get(c.name, c.name) for c in UNDECODED_LOGS.columns)
    cases = "\n    ".join(misfits)
    return f"select\n    {listed},\n    '{load.load_id}' as _dlt_load_id\nfrom {logs}\nwhere case topic0\n    {cases}\n    else false\nend"


def _blocks(load: PublicLoad) -> str:
    """Headers of the ends, as every load leaves them."""
    names = ", ".join(c.name for c in BLOCKS.columns)
    return (
        f"insert into `{load.raw}.{BLOCKS.name}` ({names}, _dlt_load_id)\n"
        f"select {load.chain_id}, number, timestamp, lower(`hash`), lower(parent_hash), '{load.load_id}'\n"
        f"from {load.source.blocks}\n"
        f"where {_days(load, 'timestamp')} and number in (ends.first_block, ends.last_block);\n"
    )


def _complete(load: PublicLoad) -> str:
    return (
        f"insert into `{load.raw}._dlt_loads` (load_id, schema_name, status, inserted_at, schema_version_hash)\n"
        f"values ('{load.load_id}', '{_SCHEMA_NAME}', 0, current_timestamp(), null);\n"
    )


def _days(load: PublicLoad, column: str) -> str:
    return f"{column} >= timestamp '{load.from_date}' and {column} < timestamp '{load.to_date}'"

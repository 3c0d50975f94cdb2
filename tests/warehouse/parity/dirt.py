"""Days that changed since the last build, for incremental models to rebuild."""

from __future__ import annotations

from collections.abc import Collection

from tests.warehouse.googlesql.evaluator import Table
from tests.warehouse.parity.contents import Contents

_CHANGES = "intermediate.int_ledger_changes"
_FAMILIES = "concat(',blocks,', string_agg(distinct family, ',' order by family), ',')"
_WATERMARKS = "intermediate.model_watermarks"
_LOGGED = "intermediate.logged_dimensions"
_DAYS = 2


def dirty_logs(contents: Contents, relations: Collection[str]) -> dict[str, Table]:
    """The ledger's changes (by their relation), cut down to one that every family has seen and a build that no model has, in
    which every family changed from noon on two days: those on which most of the incremental ``relations`` have rows."""
    dated = [relation for relation in relations if "block_date" in contents.table(relation).columns]
    days = " union all ".join(f"select distinct block_date from {relation}" for relation in dated)
    changes = contents.query(
        f"""
        with busiest as (
            select block_date from ({days}) group by all order by count(*) desc, block_date desc limit {_DAYS}
        ),
        seen as (
            select * replace ((select {_FAMILIES} from intermediate.int_ledger_filter_sets) as families)
            from {_CHANGES} where build_number = (select max(build_number) from {_CHANGES})
            qualify row_number() over (partition by chain_id order by filter_set, load_id, from_block, change_sign) = 1
        )
        select * from seen
        union all
        select seen.* replace (
            busiest.block_date as first_date,
            busiest.block_date as last_date,
            busiest.block_date + interval 12 hour as first_timestamp,
            build_number + 1 as build_number
        )
        from seen cross join busiest
        """
    )
    return {_CHANGES: changes}


def never_built(contents: Contents) -> dict[str, Table]:
    """No model remembers a build: everything is dirty."""
    return {_WATERMARKS: Table.of(contents.table(_WATERMARKS).columns, [])}


def never_logged(contents: Contents, log: str) -> dict[str, Table]:
    """A log of changes is empty, by itself and by what is kept of it."""
    return {name: Table.of(contents.table(name).columns, []) for name in (log, _LOGGED, _WATERMARKS)}

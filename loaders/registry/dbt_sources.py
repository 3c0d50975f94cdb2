"""Render the dbt source files from the registry, so that loader and models describe the same tables.

``python -m loaders.registry.dbt_sources --write`` writes them; without ``--write`` it says which are stale and exits 1.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

from loaders.registry.events import EventRegistry, load_events
from loaders.registry.families import load_families
from loaders.registry.schema import LOAD_ID, Column, RawTable, integer_texts
from loaders.registry.tables import CONTRACT_READS, LOAD_RANGES, SOURCE

MODELS = Path(__file__).resolve().parents[2] / "models" / "staging"

_DLT_LOADS = RawTable(
    "_dlt_loads",
    (
        Column("load_id", "string", "Identifier of the load, as in `_dlt_load_id`."),
        Column("schema_name", "string", "Name of the dlt schema that was loaded."),
        Column("status", "int64", "0 when the load completed."),
        Column("inserted_at", "timestamp", "When the load completed, UTC."),
        Column("schema_version_hash", "string", "Version of the dlt schema."),
    ),
    "dlt's own record of completed loads. **Grain:** one row per load.",
    SOURCE,
)


@dataclass(frozen=True, slots=True)
class Freshness:
    """Age of a table's newest row, by a column, at which `dbt source freshness` warns and fails."""

    column: str
    warn_hours: int
    error_hours: int


# Of loads that run hourly and snapshots that run daily, not of chains: a quiet protocol is not a stale source.
_FRESHNESS = {
    LOAD_RANGES.name: Freshness("loaded_at", 6, 24),
    CONTRACT_READS.name: Freshness("block_timestamp", 48, 168),
}

_LEDGER_DESCRIPTION = (
    "The ledger of loads and the facts that are no events: headers, transactions, contract reads, undecoded logs."
)

_EVENTS_MACRO = Path("../../macros/ledger/registry_events.sql")


def render_sources(registry: EventRegistry) -> dict[Path, str]:
    """Path (relative to ``models/staging``) and content of every sources file and of the macro listing the events."""
    by_source: dict[str, list[RawTable]] = {}
    for table in registry.tables.values():
        by_source.setdefault(table.source, []).append(table)
    sources = {Path(name) / f"_{name}__sources.yml": _render(name, tables) for name, tables in by_source.items()}
    return {**sources, _EVENTS_MACRO: _render_events(registry)}


def _render_events(registry: EventRegistry) -> str:
    """Macro with one entry per event: models that look at every log alike loop over it.

    ``integers`` are the columns that hold an integer as text; a shared table holds its parameters in a payload. A family
    that is not ``is_modelled`` has no tables in a warehouse that never loaded it.
    """
    entries = [
        f"        {{'family': '{event.family}', 'table': '{event.table}', 'role': '{event.role}',"
        f" 'event': '{event.event}', 'is_shared': {_flag(event.is_shared)},"
        f" 'is_modelled': {_flag(load_families()[event.family].is_modelled)},"
        f" 'integers': {[] if event.is_shared else list(integer_texts(event.abi))}}},"
        for event in registry.events
    ]
    lines = [
        "{#- Every event that is loaded and the raw table that holds it. Rendered from the registry by",
        "    `python -m loaders.registry.dbt_sources --write`; a test holds it up to date. -#}",
        "{% macro registry_events() -%}",
        "    {{ return([",
        *entries,
        "    ]) }}",
        "{%- endmacro %}",
    ]
    return "\n".join(lines) + "\n"


def _render(source: str, tables: list[RawTable]) -> str:
    lines = [
        "# Rendered from the registry by `python -m loaders.registry.dbt_sources --write`; a test holds it up to date.",
        "version: 2",
        "",
        "sources:",
        f"  - name: {source}",
        f"    description: {_quote(_description(source))}",
        "    schema: \"{{ var('raw_schema', 'raw') }}\"",
        "    tables:",
    ]
    for table in [*tables, _DLT_LOADS] if source == SOURCE else tables:
        lines += _render_table(table)
    return "\n".join(lines) + "\n"


def _description(source: str) -> str:
    if source == SOURCE:
        return _LEDGER_DESCRIPTION
    family = load_families()[source]
    return family.description if family.is_modelled else f"{family.description} Its tables are there once it is loaded."


def _render_table(table: RawTable) -> list[str]:
    lines = [f"      - name: {table.name}", f"        description: {_quote(table.description)}"]
    if freshness := _FRESHNESS.get(table.name):
        lines += [
            "        config:",
            f"          loaded_at_field: {freshness.column}",
            "          freshness:",
            f"            warn_after: {{count: {freshness.warn_hours}, period: hour}}",
            f"            error_after: {{count: {freshness.error_hours}, period: hour}}",
        ]
    lines.append("        columns:")
    columns = table.columns if table is _DLT_LOADS else (*table.columns, LOAD_ID)
    for column in columns:
        lines += [
            f"          - name: {column.name}",
            f"            data_type: {column.type}",
            f"            description: {_quote(column.description)}",
        ]
    return lines


def _flag(value: bool) -> str:
    return str(value).lower()


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write the files instead of comparing them")
    options = parser.parse_args()
    stale = []
    for relative, text in render_sources(load_events()).items():
        path = MODELS / relative
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(str(relative))
        if options.write:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    if stale:
        print(("wrote " if options.write else "stale: ") + ", ".join(stale))
    return 1 if stale and not options.write else 0


if __name__ == "__main__":
    sys.exit(main())

"""An audit's outcome, as a table for people and as JSON for machines."""

from __future__ import annotations

from collections import Counter
from typing import Any

from rich.console import Console
from rich.table import Table

from loaders.audit.run import AuditReport

_SHOWN = 50


def as_json(report: AuditReport) -> dict[str, Any]:
    """``verdict`` is ``agrees`` or ``disagrees``; lists are complete."""
    return {
        "chain": report.chain,
        "endpoint": report.endpoint_host,
        "loaded_from": sorted(report.loaded_from),
        "seed": report.seed,
        "loaded_blocks": report.loaded_blocks,
        "verdict": "disagrees" if report.is_failed else "agrees",
        "ranges": [
            {
                "from_block": r.from_block,
                "to_block": r.to_block,
                "filters": r.filter_count,
                "logs": r.log_count,
                "rows": r.row_count,
            }
            for r in report.ranges
        ],
        "proofs": [
            {
                "block_number": p.number,
                "block_hash": p.block_hash,
                "logs": None if p.logs is None else len(p.logs),
                "proven": not p.gap,
                "header": p.header_gap or "proven",
                "receipts": p.receipts_gap or "proven",
                "anchor": p.anchor_gap or "proven",
            }
            for p in report.proofs
        ],
        "findings": [f.as_json() for f in report.findings],
    }


def print_report(console: Console, report: AuditReport) -> None:
    table = Table(title=f"{report.chain}, read again on {report.endpoint_host}", title_justify="left", box=None)
    for name in ("from block", "to block", "filters", "logs", "rows compared", "proven blocks", "findings"):
        table.add_column(name, justify="right")
    for r in report.ranges:
        proven = [p for p in report.proofs if r.from_block <= p.number <= r.to_block and not p.gap]
        found = [f for f in report.findings if r.from_block <= f.block_number <= r.to_block]
        numbers = (r.from_block, r.to_block, r.filter_count, r.log_count, r.row_count, len(proven), len(found))
        table.add_row(*(f"{n:,}" for n in numbers))
    console.print(table)
    for finding in report.findings[:_SHOWN]:
        where = f"block {finding.block_number}" + (
            f", log {finding.log_index}" if finding.log_index is not None else ""
        )
        in_table = f" in {finding.table}" if finding.table else ""
        console.print(
            f"[bold red]{finding.kind}[/] {where}{in_table}: {finding.detail}", highlight=False, soft_wrap=True
        )
    if len(report.findings) > _SHOWN:
        console.print(f"… and {len(report.findings) - _SHOWN:,} more; --json lists all.", highlight=False)
    for gap, count in Counter(p.gap for p in report.proofs if p.gap).items():
        console.print(f"Not proven, {count} block(s): {gap}.", highlight=False, soft_wrap=True)
    _print_verdict(console, report)


def _print_verdict(console: Console, report: AuditReport) -> None:
    blocks = sum(r.to_block - r.from_block + 1 for r in report.ranges)
    proven = sum(not p.gap for p in report.proofs)
    refuted = sum(f.kind == "proof" for f in report.findings)
    found = len(report.findings)
    verdict = f"{found:,} finding{'' if found == 1 else 's'}" if report.is_failed else "everything agrees"
    console.print(
        f"{blocks:,} of {report.loaded_blocks:,} loaded blocks in {len(report.ranges)} ranges (seed {report.seed}), "
        f"{sum(r.row_count for r in report.ranges):,} rows, {proven} of {len(report.proofs) + refuted} sampled blocks "
        f"proven from their hash down to the row: {verdict}.",
        highlight=False,
        soft_wrap=True,
    )
    if report.rests_on_same:
        console.print(
            "The endpoint is one that these blocks were loaded from: only what is proven does not rest on it. "
            "Name another with --rpc-url.",
            highlight=False,
            soft_wrap=True,
        )

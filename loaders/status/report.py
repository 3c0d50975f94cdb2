"""`poolhouse status` as people and as machines read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from loaders.plan.intervals import Intervals, size
from loaders.registry.events import TRANSFERS
from loaders.registry.seeds import Registry
from loaders.reporting.progress import time_left
from loaders.source.base import ChainView
from loaders.status.read import Coverage, FamilyStatus, Row, WarehouseStatus

_SHOWN_HOLES = 3
_WIDEST = 1000


@dataclass(frozen=True, slots=True)
class StatusReport:
    """The state of a warehouse, seen at one moment."""

    warehouse: str
    status: WarehouseStatus
    registry: Registry
    views: Mapping[int, ChainView]
    """Nodes that were asked, by chain id."""
    notes: tuple[str, ...]
    """Why a node could not be asked."""
    seen_at: datetime

    def chain_ids(self) -> list[int]:
        runs = {run["chain_id"] for run in self.status.last_runs}
        return sorted({f.chain_id for f in self.status.families} | runs | set(self.views))

    def families(self, chain_id: int) -> list[FamilyStatus]:
        return [f for f in self.status.families if f.chain_id == chain_id]

    def runs(self, chain_id: int) -> list[Row]:
        return [run for run in self.status.last_runs if run["chain_id"] == chain_id]

    def not_loaded(self, chain_id: int) -> list[str]:
        """Families that could be loaded on the chain, of which nothing is."""
        loaded = {f.family for f in self.families(chain_id)}
        chain = next((c for c in self.registry.chains if c.chain_id == chain_id), None)
        available = [*self.registry.families_of(chain), TRANSFERS] if chain else []
        return [family for family in available if family not in loaded]

    def as_json(self) -> dict[str, Any]:
        return {
            "warehouse": self.warehouse,
            "seen_at": self.seen_at.isoformat(),
            "notes": list(self.notes),
            "chains": [self._chain_json(chain_id) for chain_id in self.chain_ids()],
        }

    def _chain_json(self, chain_id: int) -> dict[str, Any]:
        view = self.views.get(chain_id)
        return {
            "chain_id": chain_id,
            "chain": self.registry.chain_name(chain_id),
            "head_block": view.head_block if view else None,
            "final_block": view.final_block if view else None,
            "families": [self._family_json(f, view) for f in self.families(chain_id)],
            "not_loaded": self.not_loaded(chain_id),
            "last_runs": [_run_json(run) for run in self.runs(chain_id)],
            "last_success_at": {
                command: at.isoformat() for (of, command), at in self.status.last_successes.items() if of == chain_id
            },
        }

    def _family_json(self, family: FamilyStatus, view: ChainView | None) -> dict[str, Any]:
        return {
            "family": family.family,
            **_coverage_json(family.coverage, view),
            "logs": family.rows,
            "last_block_at": family.last_block_at.isoformat() if family.last_block_at else None,
            "loaded_at": family.loaded_at.isoformat(),
            "streams": [
                {
                    "role": stream.role,
                    "event": stream.event,
                    "contract_address": stream.contract_address,
                    **_coverage_json(stream.coverage, view),
                    "logs": stream.rows,
                }
                for stream in family.streams
            ],
        }


def _coverage_json(coverage: Coverage, view: ChainView | None) -> dict[str, Any]:
    return {
        "final": [list(i) for i in coverage.final],
        "tail": [list(i) for i in coverage.tail],
        "holes": [list(i) for i in coverage.holes],
        "blocks_behind_final": coverage.blocks_behind(view.final_block) if view else None,
        "blocks_behind_head": coverage.blocks_behind(view.head_block) if view else None,
    }


def _run_json(run: Row) -> dict[str, Any]:
    return {k: v.isoformat() if isinstance(v, datetime) else v for k, v in run.items() if k != "_dlt_load_id"}


def print_status(console: Console, report: StatusReport, *, streams: bool = False) -> None:
    """One block per chain, within 80 columns for chains of up to 99,999,999 blocks; lines are never cut."""
    if not report.chain_ids():
        _line(console, f"{report.warehouse} holds no completed load yet.")
    for note in report.notes:
        _line(console, note)
    for position, chain_id in enumerate(report.chain_ids()):
        if position:
            console.print()
        _print_chain(console, report, chain_id, streams=streams)


def _print_chain(console: Console, report: StatusReport, chain_id: int, *, streams: bool) -> None:
    view, families = report.views.get(chain_id), report.families(chain_id)
    head = f"head {view.head_block:,}, final {view.final_block:,}" if view else "head not asked (--rpc-url)"
    _line(console, f"[bold]{report.registry.chain_name(chain_id)}[/]: {head}")
    if families:
        _print_table(console, families, view, streams=streams)
    for family in families:
        if family.coverage.holes:
            _line(console, f"holes of {family.family}: {intervals_text(family.coverage.holes)}")
    newest = max((f.last_block_at for f in families if f.last_block_at), default=None)
    if newest is not None:
        _line(console, f"last block: {newest:%Y-%m-%d %H:%M:%S} UTC, {_ago(newest, report.seen_at)}")
    if missing := report.not_loaded(chain_id):
        _line(console, f"not loaded: {', '.join(missing)}")
    for run in report.runs(chain_id):
        _line(console, _run_text(report, run))


def _print_table(console: Console, families: Sequence[FamilyStatus], view: ChainView | None, *, streams: bool) -> None:
    table = Table(box=None, pad_edge=False)
    table.add_column("family", no_wrap=True)
    table.add_column("blocks", no_wrap=True)
    for name in ("tail", "holes", "to final", "to head", "logs"):
        table.add_column(name, justify="right", no_wrap=True)
    for family in families:
        table.add_row(family.family, *_cells(family.coverage, view), f"{family.rows:,}")
        for stream in family.streams if streams else ():
            where = "" if stream.contract_address == "*" else f" {stream.contract_address}"
            table.add_row(f"  {stream.event}{where}", *_cells(stream.coverage, view), f"{stream.rows:,}")
    width = console.measure(table, options=console.options.update(max_width=_WIDEST)).maximum
    # A line cut short would hide a lag; one that wraps is at least all there.
    Console(file=console.file, width=max(width, console.width), force_terminal=console.is_terminal).print(table)


def _cells(coverage: Coverage, view: ChainView | None) -> list[str]:
    covered = coverage.covered
    behind = (
        [f"{coverage.blocks_behind(block):,}" for block in (view.final_block, view.head_block)] if view else ["–", "–"]
    )
    return [
        f"{covered[0][0]:,}–{covered[-1][1]:,}" if covered else "–",
        f"{size(coverage.tail):,}",
        f"{size(coverage.holes):,}",
        *behind,
    ]


def _run_text(report: StatusReport, run: Row) -> str:
    seconds = (run["ended_at"] - run["started_at"]).total_seconds()
    took = f"{run['command']} {run['outcome']} {_ago(run['ended_at'], report.seen_at)} after {time_left(seconds)}"
    text = f"last run: {took}, {run['log_count']:,} logs, {run['requests_accepted']:,} requests"
    if run["outcome"] == "succeeded":
        return text
    succeeded = report.status.last_successes.get((run["chain_id"], run["command"]))
    before = f"last success {_ago(succeeded, report.seen_at)}" if succeeded else "it never succeeded"
    error = f"\n  {escape(run['error'])}" if run["error"] else ""
    return f"{text}; {before}{error}"


def _ago(then: datetime, now: datetime) -> str:
    return f"{time_left(max(0.0, (now - then.astimezone(UTC)).total_seconds()))} ago"


def intervals_text(intervals: Intervals) -> str:
    """``10–20, 30–40 and 5 more``"""
    shown = [f"{a:,}–{b:,}" if a != b else f"{a:,}" for a, b in intervals[:_SHOWN_HOLES]]
    more = f" and {len(intervals) - _SHOWN_HOLES} more" if len(intervals) > _SHOWN_HOLES else ""
    return ", ".join(shown) + more


def _line(console: Console, text: str) -> None:
    console.print(text, highlight=False)

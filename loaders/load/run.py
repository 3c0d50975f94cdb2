"""One load: check the node, plan from the ledger, read, write packages, complete the facts."""

from __future__ import annotations

import gc
import itertools
import threading
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from loaders.errors import PoolhouseError
from loaders.facts.replaced import recheck_read_blocks
from loaders.load.archive import Archive
from loaders.load.ledger import plan, read_ledger
from loaders.load.missing import missing_segments
from loaders.load.opening import open_chain, open_session
from loaders.load.package import ChainMoved, PackageWriter, Work
from loaders.load.request import LoadRequest, check_range
from loaders.load.reuse import archive_of_missing
from loaders.load.runs import LoadSummary, recorded_run
from loaders.load.warehouse import Rows, open_warehouse
from loaders.plan.filters import Segment
from loaders.registry.events import TRANSFERS
from loaders.registry.seeds import Registry, load_registry
from loaders.reporting.observer import Observer
from loaders.rpc.endpoint import Header
from loaders.session import Session, work_directory
from loaders.shutdown import Stopped
from loaders.source.base import Batch, LogSource, OpenSource
from loaders.source.clock import BlockGap
from loaders.source.rpc import RpcSource
from loaders.source.transactions import TransactionMode, TransactionReader, WithTransactions

if TYPE_CHECKING:
    from loaders.facts.reads import BlockReads

_REORG_ATTEMPTS = 3


def load(
    request: LoadRequest,
    observer: Observer | None = None,
    registry: Registry | None = None,
    stop: threading.Event | None = None,
) -> LoadSummary:
    """Raises :class:`PoolhouseError`; what was read before an error stays loaded.

    Once ``stop`` is set, what was read is still written, and :class:`loaders.shutdown.Stopped` raised.
    """
    observer, stop = observer or Observer(), stop or threading.Event()
    command = "decode" if request.is_decoding_again else "load"
    check_range(request)
    with ExitStack() as stack:
        try:
            session = stack.enter_context(
                open_session(
                    request.chain,
                    request.protocols,
                    request.rpc_url,
                    request.destination,
                    request.database,
                    registry,
                    request.source,
                    stop,
                )
            )
        except PoolhouseError as error:
            _record_refusal(command, request, registry, observer, error)
            raise
        summary = LoadSummary(session.chain.name)
        with recorded_run(command, session.chain, session.warehouse, session.view.host, summary, observer):
            _load_one_chain(request, session, summary, observer, stop)
    return summary


def _load_one_chain(
    request: LoadRequest, session: Session, summary: LoadSummary, observer: Observer, stop: threading.Event
) -> None:
    """Again, a few times, where the chain reorganises while it is read."""
    current = session
    for attempt in range(1, _REORG_ATTEMPTS + 1):
        try:
            observer.connected(session.chain.name, current.view)
            _load(request, current, summary, observer, stop)
            return
        except ChainMoved:
            if attempt == _REORG_ATTEMPTS:
                raise
        finally:
            summary.add_requests(current.view.stats)
            # The view may be the node's own, or count on its account (files).
            if current.endpoint is not None and current.endpoint.stats is not current.view.stats:
                summary.add_requests(current.endpoint.stats)
        view, endpoint, opened = open_chain(
            session.chain, request.rpc_url, session.registry, request.source, request.database, stop
        )
        current = replace(session, view=view, endpoint=endpoint, source=opened, extra_contracts=[])


def _record_refusal(
    command: str, request: LoadRequest, registry: Registry | None, observer: Observer, error: PoolhouseError
) -> None:
    """A node that does not answer is a failed run, too: written where there is a file to write it in, and nobody in it."""
    if request.destination != "duckdb" or not request.database.is_file():
        return
    with suppress(Exception):  # the refusal itself is what the user must hear of
        known = registry or load_registry()
        chain = known.chain(request.chain)
        tables = known.events.with_tables_for(())
        work = work_directory(request.database)
        with (
            open_warehouse("duckdb", tables, database=request.database, root=work, lock_wait_s=0.0) as warehouse,
            recorded_run(command, chain, warehouse, "", LoadSummary(chain.name), observer),
        ):
            raise error


def _load(
    request: LoadRequest, session: Session, summary: LoadSummary, observer: Observer, stop: threading.Event
) -> None:
    read_blocks = recheck_read_blocks(session)
    session.replaced_hashes = read_blocks.replaced_hashes
    with_facts = request.with_facts and session.endpoint is not None
    missing = missing_segments(request, session)
    found, wanted, ledger, segments = missing.found, missing.wanted, missing.ledger, missing.segments
    filters = tuple(wanted)
    if request.reuses_archive and session.source is None:
        archived = _archived(request, session, segments, summary)
        if archived and (answered := plan(filters, wanted, ledger, archived.view, archived.answers)):
            observer.planned(session.chain.name, answered)
            reading = replace(session, view=archived.view, source=archived)
            # What comes from the archive is in it.
            failure = _read_and_write(
                replace(request, archive=None), reading, answered, None, (), summary, observer, stop
            )
            if isinstance(failure, Stopped):
                raise failure
            if failure is not None:
                summary.notes.append(f"The archive could not be read to its end, the node served: {failure.message}")
            segments = plan(filters, wanted, read_ledger(session.warehouse, session.chain.chain_id), session.view)
    observer.planned(session.chain.name, segments)
    asked = [interval for intervals in wanted.values() for interval in intervals]
    summary.from_block, summary.to_block = min(a for a, _ in asked), max(b for _, b in asked)
    if session.endpoint is None and (request.with_facts or request.transactions is not TransactionMode.NONE):
        summary.notes.append("No node was given: neither transactions nor facts (tokens, pools, feeds) were read.")
    # Objects alive now stay alive: the collector need not look at them again between millions of short-lived ones.
    gc.freeze()
    failure = _read_and_write(request, session, segments, found, read_blocks.headers, summary, observer, stop)
    if failure is not None:
        raise failure
    if stop.is_set():
        raise Stopped
    if with_facts:
        _complete(session, observer, stop)


def _archived(
    request: LoadRequest, session: Session, segments: list[Segment], summary: LoadSummary
) -> OpenSource | None:
    """The archive, as far as it has what is missing and is of the node's chain."""
    if request.archive is None or session.endpoint is None:
        return None
    try:
        return archive_of_missing(request.archive, session.chain, session.endpoint, segments)
    except PoolhouseError as error:
        summary.notes.append(f"The archive was left alone, everything came from the node: {error.message}")
        return None


def _read_and_write(
    request: LoadRequest,
    session: Session,
    segments: list[Segment],
    found: BlockReads | None,
    headers: Sequence[Header],
    summary: LoadSummary,
    observer: Observer,
    stop: threading.Event,
) -> PoolhouseError | None:
    chain_id = session.chain.chain_id
    archive = Archive(request.archive, chain_id) if request.archive else None
    if archive:
        archive.sweep()

    def on_batch(segment: Segment, batch: Batch) -> None:
        summary.logs += len(batch.logs)
        summary.blocks_read += batch.to_block - batch.from_block + 1
        observer.batch(session.chain.name, segment, batch)

    reader = _transaction_reader(request, session)
    work = Work(segments, _source(request, session, reader), on_batch, stop)
    # Even with nothing to read the first package creates tables that are not there yet.
    first: Iterable[Rows] | None = [found.answer_rows] if found else []
    headers = (*headers, found.block) if found else headers
    while first is not None or not work.is_done:
        writer = PackageWriter(session.view, chain_id, session.registry.events.version, archive, headers)
        observer.stage(session.chain.name, "reading")
        package = session.warehouse.load(itertools.chain(first or (), writer.items(work, request.logs_per_package)))
        first, headers = None, ()
        summary.packages += [package.load_id] if package.load_id else []
        observer.committed(session.chain.name, package, writer.loaded_block)
        for table, rows in package.rows.items():
            summary.rows[table] = summary.rows.get(table, 0) + rows
    if reader is not None:
        summary.transaction_units += reader.compute_units
    return work.failure


def _transaction_reader(request: LoadRequest, session: Session) -> TransactionReader | None:
    if request.transactions is TransactionMode.NONE or session.endpoint is None:
        return None
    # Nearly every transaction of a chain transfers some token: those that do nothing else are left out.
    transfers = {e.topic0 for e in session.registry.events.events if e.family == TRANSFERS}
    return TransactionReader(
        session.node,
        request.transactions,
        session.chain.chain_id,
        without_topics=transfers,
        may_lack=partial(session.chain.has_quirk, "transactions_incomplete"),
    )


def _source(request: LoadRequest, session: Session, reader: TransactionReader | None) -> LogSource:
    if session.source is not None:
        return WithTransactions(session.source.logs, reader) if reader else session.source.logs
    return RpcSource(
        session.node,
        chain=session.chain,
        gap=BlockGap.of(session.chain),
        threads=request.threads,
        transactions=reader,
    )


def _complete(session: Session, observer: Observer, stop: threading.Event) -> None:
    from loaders.facts.complete import complete

    observer.stage(session.chain.name, "reading contract state")

    def on_progress(_calls: int) -> None:
        # Written in one piece at the end: what is read until here is asked again by the next load.
        if stop.is_set():
            raise Stopped

    complete(session, progress=on_progress)

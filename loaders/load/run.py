"""One load: check the node, plan from the ledger, read, write packages, complete the facts."""

from __future__ import annotations

import gc
import itertools
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from loaders.decode.decoder import DECODER_VERSION
from loaders.errors import PoolhouseError
from loaders.facts.replaced import recheck_read_blocks
from loaders.load.archive import Archive
from loaders.load.ledger import Ledger, plan, read_ledger
from loaders.load.package import ChainMoved, PackageWriter, Work
from loaders.load.reuse import archive_of_missing
from loaders.load.runs import LoadSummary, recorded_run
from loaders.load.warehouse import DestinationName, Rows, open_warehouse
from loaders.observer import Observer
from loaders.plan.filters import Filter, Segment, filters_for
from loaders.plan.intervals import Intervals
from loaders.registry.chains import Chain
from loaders.registry.events import TRANSFERS
from loaders.registry.seeds import Contract, Registry, load_registry
from loaders.registry.tables import CONTRACT_READS
from loaders.rpc.configuration import Endpoints
from loaders.rpc.connect import connect
from loaders.rpc.endpoint import Endpoint, Header
from loaders.session import Session, endpoint_caps, work_directory
from loaders.shutdown import Stopped
from loaders.source.base import Batch, ChainView, LogSource, OpenSource, SourceRequest
from loaders.source.clock import BlockGap
from loaders.source.rpc import RpcSource
from loaders.source.transactions import TransactionMode, TransactionReader, WithTransactions

LOGS_PER_PACKAGE = 1_000_000
_REORG_ATTEMPTS = 3


@dataclass(frozen=True)
class LoadRequest:
    """What the user asked for. Blocks are inclusive; None is the default of the chain."""

    chain: str
    rpc_url: Endpoints
    """May be empty beside a ``source``: then nothing is asked of a node, neither transactions nor facts."""
    database: Path
    protocols: tuple[str, ...] = ()
    from_block: int | None = None
    to_block: int | None = None
    last_blocks: int | None = None
    blocks: Intervals = ()
    """Scattered blocks and ranges, instead of one range."""
    destination: DestinationName = "duckdb"
    transactions: TransactionMode = TransactionMode.AUTO
    archive: Path | str | None = None
    """Folder for raw logs, local or in a bucket; None keeps none."""
    logs_per_package: int = LOGS_PER_PACKAGE
    threads: int = 4
    with_facts: bool = True
    with_transfers: bool = False
    """Load the transfers of every token as well: most of a chain's logs."""
    source: SourceRequest | None = None
    """Where logs come from instead of the node."""
    is_decoding_again: bool = False
    """What an older decoder wrote counts as missing."""
    reuses_archive: bool = False
    """Read final blocks from the archive where it answers what is missing, and only the rest from the node."""


def default_archive(destination: DestinationName, database: Path) -> Path:
    name = database.stem if destination == "duckdb" else destination
    return work_directory(database) / "archive" / name


@contextmanager
def open_session(
    chain: str,
    protocols: Sequence[str],
    rpc_url: Endpoints,
    destination: DestinationName,
    database: Path,
    registry: Registry | None = None,
    source: SourceRequest | None = None,
) -> Iterator[Session]:
    """Check the node, the source beside it and the warehouse. Raises :class:`PoolhouseError` when one does not serve."""
    registry = registry or load_registry()
    known = registry.chain(chain)
    families = registry.select_families(known, protocols)
    view, endpoint, opened = _open_chain(known, rpc_url, registry, source, database)
    work = work_directory(database)
    events = registry.events.with_tables_for(families)
    with open_warehouse(destination, events, database=database, root=work) as warehouse:
        yield Session(registry, known, tuple(families), view, warehouse, endpoint, opened)


def _open_chain(
    chain: Chain, rpc_url: Endpoints, registry: Registry, source: SourceRequest | None, database: Path
) -> tuple[ChainView, Endpoint | None, OpenSource | None]:
    """The chain as it is now: as the source has it, else as the node has."""
    endpoint = connect(rpc_url, chain, registry, caps=endpoint_caps(database)) if rpc_url or source is None else None
    opened = source.open(chain, endpoint) if source else None
    view = opened.view if opened else endpoint
    assert view is not None
    return view, endpoint, opened


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
    _check_range(request)
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
        if current.endpoint is not None:
            current.endpoint.node.stop = stop
        try:
            observer.connected(session.chain.name, current.view)
            _load(request, current, summary, observer, stop)
            return
        except ChainMoved:
            if attempt == _REORG_ATTEMPTS:
                raise
        finally:
            summary.add_requests(current.view.stats)
            if current.endpoint is not None and current.endpoint is not current.view:
                summary.add_requests(current.endpoint.stats)
        view, endpoint, opened = _open_chain(
            session.chain, request.rpc_url, session.registry, request.source, request.database
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
                replace(request, archive=None), reading, answered, [], (), summary, observer, stop
            )
            if failure is not None:
                raise failure
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


@dataclass(frozen=True, slots=True)
class Missing:
    """What a request comes to, before anything of it is read."""

    found: list[Rows]
    """Contract reads that told of further contracts."""
    wanted: dict[Filter, Intervals]
    ledger: Ledger
    segments: list[Segment]


def missing_segments(request: LoadRequest, session: Session) -> Missing:
    """Raises :class:`PoolhouseError` for what cannot be asked, and for a node of another chain than the loaded one."""
    session.extra_contracts += _contracts_of_source(session)
    found = find_aggregators(session) if request.with_facts and session.endpoint is not None else []
    filters = filters_of(session.registry, session.families, session.contracts, with_transfers=request.with_transfers)
    wanted = wanted_blocks(request, session, filters)
    ledger = read_ledger(session.warehouse, session.chain.chain_id)
    database = str(request.database) if request.destination == "duckdb" else session.warehouse.name
    ledger.check_same_chain(session.view, database)
    answers = session.source.answers if session.source else lambda _: None
    oldest_decoder = int(DECODER_VERSION) if request.is_decoding_again else 0
    segments = plan(filters, wanted, ledger, session.view, answers, oldest_decoder)
    return Missing(found, wanted, ledger, segments)


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
    found: list[Rows],
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
    first: Iterable[Rows] | None = found
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


def _check_range(request: LoadRequest) -> None:
    if request.blocks and (request.from_block, request.to_block, request.last_blocks) != (None, None, None):
        raise PoolhouseError(
            "--blocks excludes --from-block, --to-block and --last-blocks.", "Say in one way which blocks to load."
        )
    if request.last_blocks is not None and request.from_block is not None:
        raise PoolhouseError("--last-blocks and --from-block exclude each other.", "Give one of them.")
    if request.last_blocks is not None and request.last_blocks < 1:
        raise PoolhouseError("--last-blocks must be at least 1.", "Give a positive number of blocks.")
    low, high = request.from_block, request.to_block
    if (low is not None and low < 0) or (high is not None and high < 0):
        raise PoolhouseError("Block numbers are not negative.", "Give --from-block and --to-block from 0.")
    if low is not None and high is not None and low > high:
        raise PoolhouseError(
            f"--from-block {low} is above --to-block {high}.", "Swap them: both ends belong to the range."
        )


def wanted_blocks(request: LoadRequest, session: Session, filters: tuple[Filter, ...]) -> dict[Filter, Intervals]:
    """Blocks asked for, per filter. Without a start, a family begins where its first contract was created."""
    head = session.view.head_block
    to_block = head if request.to_block is None else request.to_block
    last = request.blocks[-1][1] if request.blocks else to_block
    # Files say themselves which blocks they hold; a node has all up to its head.
    if last > head and session.view.source != "files":
        option = "--blocks" if request.blocks else "--to-block"
        raise PoolhouseError(
            f"{option} {last} is beyond the head of {session.chain.name}, which is {head}.",
            f"Use {option} up to {head}, or leave it out.",
        )
    if request.from_block is not None and request.from_block > to_block:
        raise PoolhouseError(
            f"--from-block {request.from_block} is beyond the last block to load, which is {to_block}.",
            "Use a lower --from-block.",
        )
    if not filters:
        raise PoolhouseError(
            f"Nothing to load on {session.chain.name} for {', '.join(session.families)}.",
            "Check the contracts' roles in seeds/registry_contracts.csv.",
        )
    if request.blocks:
        return dict.fromkeys(filters, request.blocks)
    starts = {family: _start(request, session, family, to_block) for family in session.families}
    # Transfers belong to no protocol: they are wanted where any other family is.
    first = min(starts.values())
    return {f: ((starts.get(f.spec.family, first), to_block),) for f in filters}


def _start(request: LoadRequest, session: Session, family: str, to_block: int) -> int:
    if request.from_block is not None:
        return request.from_block
    if request.last_blocks is not None:
        return max(0, to_block - request.last_blocks + 1)
    starts = [c.start_block for c in session.contracts if c.family == family]
    return min(min(starts, default=0), to_block)


def filters_of(
    registry: Registry, families: Sequence[str], contracts: Iterable[Contract], *, with_transfers: bool
) -> tuple[Filter, ...]:
    """What a load of the families asks for."""
    wanted = (*families, *([TRANSFERS] if with_transfers else ()))
    return filters_for([e for e in registry.events.events if e.family in wanted], contracts)


def _contracts_of_source(session: Session) -> list[Contract]:
    known = {(c.family, c.role, c.address) for c in session.contracts}
    emitters = session.source.emitters if session.source else ()
    return [
        Contract(session.chain.chain_id, family, "", family, role, "", address, 0, None, "")
        for family, role, address in emitters
        if family in session.families and (family, role, address) not in known
    ]


def find_aggregators(session: Session) -> list[Rows]:
    """Price aggregators behind the registered feeds become contracts of this load; returns the reads that say so."""
    if "chainlink" not in session.families:
        return []
    from loaders.facts.feeds import feed_aggregators

    found = feed_aggregators(session)
    session.extra_contracts += [
        Contract(session.chain.chain_id, "chainlink", "", "chainlink", "aggregator", "", address, 0, None, "")
        for address in found.addresses
    ]
    return [(CONTRACT_READS.name, found.reads)]


def _complete(session: Session, observer: Observer, stop: threading.Event) -> None:
    from loaders.facts.complete import complete

    observer.stage(session.chain.name, "reading contract state")

    def on_progress(_calls: int) -> None:
        # Written in one piece at the end: what is read until here is asked again by the next load.
        if stop.is_set():
            raise Stopped

    complete(session, progress=on_progress)

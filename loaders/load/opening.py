"""Node, source and warehouse of a command, checked before anything is read."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from loaders.load.warehouse import DestinationName, open_warehouse
from loaders.registry.chains import Chain
from loaders.registry.seeds import Registry, load_registry
from loaders.rpc.configuration import Endpoints
from loaders.rpc.connect import connect
from loaders.rpc.endpoint import Endpoint
from loaders.session import Session, endpoint_caps, work_directory
from loaders.source.base import ChainView, OpenSource, SourceRequest


@contextmanager
def open_session(
    chain: str,
    protocols: Sequence[str],
    rpc_url: Endpoints,
    destination: DestinationName,
    database: Path,
    registry: Registry | None = None,
    source: SourceRequest | None = None,
    stop: threading.Event | None = None,
) -> Iterator[Session]:
    """Check the node, the source beside it and the warehouse. Raises :class:`PoolhouseError` when one does not serve."""
    registry = registry or load_registry()
    known = registry.chain(chain)
    families = registry.select_families(known, protocols)
    view, endpoint, opened = open_chain(known, rpc_url, registry, source, database, stop)
    work = work_directory(database)
    events = registry.events.with_tables_for(families)
    with open_warehouse(destination, events, database=database, root=work) as warehouse:
        yield Session(registry, known, tuple(families), view, warehouse, endpoint, opened)


def open_chain(
    chain: Chain,
    rpc_url: Endpoints,
    registry: Registry,
    source: SourceRequest | None,
    database: Path,
    stop: threading.Event | None,
) -> tuple[ChainView, Endpoint | None, OpenSource | None]:
    """The chain as it is now: as the source has it, else as the node has."""
    endpoint = None
    if rpc_url or source is None:
        endpoint = connect(rpc_url, chain, registry, caps=endpoint_caps(database), stop=stop)
    opened = source.open(chain, endpoint) if source else None
    view = opened.view if opened else endpoint
    assert view is not None
    return view, endpoint, opened

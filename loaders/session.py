"""What the parts of one command share: chain, node, warehouse and the block at which facts are read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from loaders.errors import PoolhouseError
from loaders.load.warehouse import Package, Warehouse
from loaders.registry.chains import Chain
from loaders.registry.seeds import Contract, Registry
from loaders.rpc.caps import FILE_NAME, CapsFile
from loaders.rpc.endpoint import Endpoint, Header
from loaders.rpc.node import Node
from loaders.source.base import ChainView, OpenSource

WORK_DIRECTORY = ".poolhouse"


@dataclass
class Session:
    """One command against one chain and one warehouse."""

    registry: Registry
    chain: Chain
    families: tuple[str, ...]
    view: ChainView
    """The chain as the source of logs has it: the node's own endpoint, or something without a node behind it."""
    warehouse: Warehouse
    endpoint: Endpoint | None = None
    """The node, where there is one: state is read from it."""
    source: OpenSource | None = None
    """Where logs come from, when not from the node."""
    extra_contracts: list[Contract] = field(default_factory=list)
    """Contracts found on the chain instead of the registry (price aggregators behind their proxies)."""
    replaced_hashes: frozenset[str] = frozenset()
    """Blocks that left the chain since state was read at them: what was read there is no longer known."""

    @property
    def node(self) -> Node:
        return self._connected.node

    @property
    def pinned(self) -> Header:
        """The block at which everything of this command is read: the head when it started."""
        return self._connected.head

    @property
    def _connected(self) -> Endpoint:
        if self.endpoint is None:
            raise PoolhouseError(f"{self.view.host} has no node that could be asked for state.", "Give --rpc-url.")
        return self.endpoint

    @property
    def contracts(self) -> tuple[Contract, ...]:
        """Registered and found contracts of the chain."""
        return (*self.registry.contracts_of(self.chain), *self.extra_contracts)

    def write(self, rows: Mapping[str, pa.Table] | Iterable[tuple[str, pa.Table]]) -> Package:
        """Append rows to raw tables in one package; their columns are those of the registry, in its order."""
        return self.warehouse.load(rows.items() if isinstance(rows, Mapping) else rows)

    def query(self, sql: str) -> list[dict[str, Any]]:
        """Rows of a query; write ``{uniswap_v2__pair_swap}`` for a raw table. Empty when a table does not exist yet."""
        return self.warehouse.query(sql)


def work_directory(database: Path) -> Path:
    """Where the loader keeps pipelines and archives: beside the DuckDB file."""
    return database.resolve().parent / WORK_DIRECTORY


def endpoint_caps(database: Path) -> CapsFile:
    """What earlier commands learnt of endpoints: kept beside the DuckDB file, too."""
    return CapsFile(work_directory(database) / FILE_NAME)

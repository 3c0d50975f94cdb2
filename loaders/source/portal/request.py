"""Portals as the user named them, opened: the view of the chain, held against the node's where there is one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from loaders.errors import PoolhouseError
from loaders.plan.filters import Filter
from loaders.plan.intervals import Intervals
from loaders.registry.chains import Chain
from loaders.rpc.endpoint import Endpoint, Header
from loaders.rpc.node import Lagging
from loaders.rpc.stats import RequestStats
from loaders.source.base import SourceName
from loaders.source.parse import Malformed
from loaders.source.portal.http import PortalHttp
from loaders.source.portal.hypersync import HyperSync
from loaders.source.portal.source import Portal, PortalSource
from loaders.source.portal.sqd import SqdPortal
from loaders.source.verify import Inconsistent

# The names that SQD gives to the chains that ship with Poolhouse.
_SQD_DATASETS = {
    1: "ethereum-mainnet",
    10: "optimism-mainnet",
    56: "binance-mainnet",
    100: "gnosis-mainnet",
    137: "polygon-mainnet",
    8453: "base-mainnet",
    42161: "arbitrum-one",
    43114: "avalanche-mainnet",
}


@dataclass(frozen=True)
class PortalView:
    """The chain as a portal has it, cut off at what the node beside it has, too."""

    source: SourceName
    host: str
    head_block: int
    final_block: int
    genesis_hash: str | None
    stats: RequestStats
    portal: Portal

    def headers(self, numbers: Sequence[int]) -> list[Header]:
        return _headers(self.portal, numbers)


@dataclass(frozen=True)
class OpenPortal:
    """A portal that serves the chain."""

    view: PortalView
    logs: PortalSource
    emitters: tuple[tuple[str, str, str], ...] = ()

    def answers(self, asked: Filter) -> Intervals | None:  # noqa: ARG002 (a portal has every filter)
        return None


def configured_portal(name: str, chain: str, field: str) -> str | None:
    """A portal's ``url`` or ``token`` in dlt's configuration: the chain's own, else the one for all chains."""
    import dlt

    for section in (f"sources.poolhouse.{chain}.{name}", f"sources.poolhouse.{name}"):
        value = dlt.secrets.get(f"{section}.{field}", str)
        if value:
            return str(value)
    return None


@dataclass(frozen=True)
class SqdRequest:
    """A dataset of SQD Network's portal, or of one's own."""

    url: str | None = None
    """None: the public portal's dataset of the chain."""
    token: str | None = None

    def open(self, chain: Chain, endpoint: Endpoint | None) -> OpenPortal:
        """Raises :class:`PoolhouseError` when the portal does not serve the chain."""
        http = PortalHttp(self.url or self._default_url(chain), self.token)
        portal = SqdPortal(http)
        final = portal.finalized_head()
        return _open("sqd", portal, http, chain, endpoint, head=max(final, portal.head()), final=final)

    @staticmethod
    def _default_url(chain: Chain) -> str:
        dataset = _SQD_DATASETS.get(chain.chain_id)
        if dataset is None:
            raise PoolhouseError(
                f"Which dataset of SQD's portal is {chain.name} is not known.",
                "Give --source-url, for example https://portal.sqd.dev/datasets/ethereum-mainnet.",
            )
        return f"https://portal.sqd.dev/datasets/{dataset}"


@dataclass(frozen=True)
class HyperSyncRequest:
    """Envio HyperSync of one chain."""

    url: str | None = None
    """None: the public service's address of the chain."""
    token: str | None = None

    def open(self, chain: Chain, endpoint: Endpoint | None) -> OpenPortal:
        """Raises :class:`PoolhouseError` when the service does not serve the chain."""
        http = PortalHttp(self.url or f"https://{chain.chain_id}.hypersync.xyz", self.token)
        portal = HyperSync(http)
        chain_id = portal.chain_id()
        if chain_id != chain.chain_id:
            raise PoolhouseError(
                f"{http.host} serves chain {chain_id}, not {chain.name} ({chain.chain_id}).",
                f"Use another --source-url, or --chain {chain_id}.",
            )
        # It knows no finality: the chain's depth decides, and the node's word where there is a node.
        head = portal.height()
        return _open("hypersync", portal, http, chain, endpoint, head=head, final=head - chain.finality_depth)


def _open(
    source: SourceName,
    portal: Portal,
    http: PortalHttp,
    chain: Chain,
    endpoint: Endpoint | None,
    *,
    head: int,
    final: int,
) -> OpenPortal:
    if head < 0:
        raise PoolhouseError(f"{http.host} has no block of {chain.name} yet.", "Check its URL, or try again later.")
    genesis = endpoint.genesis_hash if endpoint else _genesis_hash(portal)
    if endpoint is not None:
        # What either of the two may still replace is not final, and what only one has cannot be held against the other.
        head, final = min(head, endpoint.head_block), min(final, endpoint.final_block)
        _check_same_chain(portal, endpoint, max(final, 0))
    view = PortalView(source, http.host, head, max(-1, min(final, head)), genesis, http.stats, portal)
    return OpenPortal(view, PortalSource(portal, chain, endpoint.node if endpoint else None))


def _check_same_chain(portal: Portal, endpoint: Endpoint, number: int) -> None:
    at_portal, at_node = _headers(portal, [number])[0].hash, endpoint.headers([number])[0].hash
    if at_portal != at_node:
        raise PoolhouseError(
            f"{portal.host} and {endpoint.host} are of different chains: their blocks {number} differ.",
            "Check both URLs.",
        )


def _genesis_hash(portal: Portal) -> str | None:
    try:
        return portal.headers([0])[0].hash
    except (PoolhouseError, Inconsistent, Malformed, msgspec.DecodeError):
        return None  # a dataset may begin later


def _headers(portal: Portal, numbers: Sequence[int]) -> list[Header]:
    try:
        return portal.headers(numbers) if numbers else []
    except (Inconsistent, Malformed, msgspec.DecodeError) as error:
        raise Lagging(f"{portal.host}: {error}") from None

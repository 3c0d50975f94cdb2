"""Are these nodes of that chain, all of the same one, and how far are they? Asked once at the start of every command.

An endpoint that is down, or of another chain, is left out of the run with a warning as long as another one serves. Endpoints
of the right chain id that begin with different blocks are refused together: nobody here knows which one is right.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec

from loaders.errors import PoolhouseError
from loaders.registry.chains import Chain
from loaders.registry.seeds import Registry
from loaders.rpc.caps import CapsFile
from loaders.rpc.client import RpcClient
from loaders.rpc.configuration import EndpointConfig, Endpoints, endpoints_of
from loaders.rpc.endpoint import Endpoint, Header, parse_header, read_head
from loaders.rpc.node import Node, Unanswered
from loaders.rpc.stats import RequestStats
from loaders.rpc.upstream import Upstream
from loaders.shutdown import Stopped

_LOG = logging.getLogger("poolhouse")

_Asked = Callable[[Sequence[Upstream], int], Node]
"""Upstreams as one node that tries so many times; all of them share what this command counts and heeds."""


@dataclass(frozen=True, slots=True)
class _Checked:
    """An endpoint that is a node of the chain."""

    upstream: Upstream
    head: Header
    final_block: int
    first: Header | None
    """The first block it has."""


def connect(
    endpoints: Endpoints,
    chain: Chain,
    registry: Registry,
    *,
    attempts: int = 7,
    caps: CapsFile | None = None,
    stop: threading.Event | None = None,
) -> Endpoint:
    """Check the nodes behind the URLs. Raises :class:`PoolhouseError` saying what is wrong with them.

    ``caps`` is what earlier runs learnt of them; once ``stop`` is set, no request to them is tried again. The head is that
    of the node which is furthest; what is final is so for every node near it.
    """
    stats, stop = RequestStats(), stop or threading.Event()
    upstreams = [_upstream(config, caps) for config in endpoints_of(endpoints)]
    if not upstreams:
        raise PoolhouseError(f"No RPC URL for {chain.name}.", "Give --rpc-url; docs/providers.md has other ways.")

    def asked(upstreams: Sequence[Upstream], attempts: int) -> Node:
        return Node(upstreams, attempts=attempts, stats=stats, stop=stop)

    checked = _check_all(upstreams, chain, registry, attempts, asked)
    _require_same_first_block(checked)
    furthest = max(checked, key=lambda c: c.head.number)
    near = [c for c in checked if furthest.head.number - c.head.number <= chain.finality_depth]
    final_block = min(c.final_block for c in near)
    # One that dropped old blocks begins later: the chain's own first block is the earliest of them.
    first = min((c.first for c in checked if c.first), key=lambda header: header.number, default=None)
    return Endpoint(
        asked([c.upstream for c in checked], attempts), furthest.head, final_block, first.hash if first else None
    )


def _upstream(config: EndpointConfig, caps: CapsFile | None) -> Upstream:
    _check_url(config.url)
    return Upstream(
        RpcClient(config.url, connections=config.concurrency),
        caps=caps.of(config.url) if caps else None,
        weight=config.weight,
        units_per_second=config.compute_units_per_second,
        compute_units=config.compute_units,
        concurrency=config.concurrency,
    )


def _check_all(
    upstreams: Sequence[Upstream], chain: Chain, registry: Registry, attempts: int, asked: _Asked
) -> list[_Checked]:
    def check(upstream: Upstream) -> _Checked | PoolhouseError:
        try:
            return _check(upstream, chain, registry, attempts, asked)
        except PoolhouseError as error:
            return error

    if len(upstreams) == 1:
        return [_check(upstreams[0], chain, registry, attempts, asked)]
    with ThreadPoolExecutor(len(upstreams), thread_name_prefix="connect") as threads:
        found = list(threads.map(check, upstreams))
    checked = [f for f in found if isinstance(f, _Checked)]
    errors = [f for f in found if isinstance(f, PoolhouseError)]
    if stopped := next((e for e in errors if isinstance(e, Stopped)), None):
        raise stopped
    if not checked:
        raise PoolhouseError(" ".join(e.message for e in errors), errors[0].remedy)
    for error in errors:
        _LOG.warning("%s This endpoint is left out of the run.", error.message)
    return checked


def _check(upstream: Upstream, chain: Chain, registry: Registry, attempts: int, asked: _Asked) -> _Checked:
    # Without many retries, so that a wrong URL fails at once.
    chain_id = _chain_id(asked([upstream], 2))
    if chain_id != chain.chain_id:
        raise PoolhouseError(
            f"The node at {upstream.host} is chain {_name(chain_id, registry)}, not {chain.name} ({chain.chain_id}).",
            f"Use --chain {registry.chain_name(chain_id)}, or the URL of a node of {chain.name}.",
        )
    once = asked([upstream], 1)
    try:
        head, final_block = read_head(asked([upstream], attempts), chain)
        # A test chain may begin at a number of its own; it is still told from others by its first block.
        return _Checked(upstream, head, final_block, _block(once, "0x0") or _block(once, "earliest"))
    except (msgspec.DecodeError, ValueError):
        raise PoolhouseError(
            f"{upstream.host} does not answer eth_getBlockByNumber as an EVM node does.",
            "Check that the URL is an EVM node's JSON-RPC endpoint.",
        ) from None


def _require_same_first_block(checked: Sequence[_Checked]) -> None:
    """Only blocks of the same number can differ."""
    by_number: dict[int, dict[str, str]] = {}
    for c in checked:
        if c.first:
            by_number.setdefault(c.first.number, {}).setdefault(c.first.hash, c.upstream.host)
    for number, hosts in by_number.items():
        if len(hosts) > 1:
            differing = ", ".join(f"{block_hash[:10]}… at {host}" for block_hash, host in hosts.items())
            raise PoolhouseError(
                f"The endpoints are of different chains: block {number} is {differing}.",
                "Remove the endpoint of the other chain.",
            )


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        valid = False
    if not valid:
        raise PoolhouseError(
            "The RPC URL is not an http(s) URL.",
            "Write it as https://host/path, or http://127.0.0.1:8545 for a local node.",
        )


def _chain_id(node: Node) -> int:
    try:
        answer: Any = node.call("eth_chainId")
    except Unanswered as error:
        raise PoolhouseError(
            f"No node answers at {node.host}: {error.reason}.",
            "Check the URL, that the node runs, and that it can be reached from here.",
        ) from None
    try:
        return int(answer, 16)
    except (TypeError, ValueError):
        raise PoolhouseError(
            f"{node.host} does not answer eth_chainId as an EVM node does.",
            "Check that the URL is an EVM node's JSON-RPC endpoint.",
        ) from None


def _block(node: Node, tag: str) -> Header | None:
    try:
        return parse_header(node.request([("eth_getBlockByNumber", (tag, False))])[0])
    except PoolhouseError:
        return None


def _name(chain_id: int, registry: Registry) -> str:
    name = registry.chain_name(chain_id)
    return str(chain_id) if name == str(chain_id) else f"{name} ({chain_id})"

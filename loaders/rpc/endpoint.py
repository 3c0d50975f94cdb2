"""A node as a source of blocks: headers, the head, and what counts as final."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from loaders.errors import PoolhouseError
from loaders.registry.chains import Chain
from loaders.rpc.classify import classify
from loaders.rpc.client import RpcError
from loaders.rpc.node import Lagging, Node
from loaders.rpc.stats import RequestStats

_HEADERS_PER_REQUEST = 50
_ASKS = 3


@dataclass(frozen=True, slots=True)
class Header:
    number: int
    hash: str
    parent_hash: str
    timestamp: int
    """Seconds since 1970."""
    logs_bloom: bytes = b""
    """256 bytes, or empty where the node serves none."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What a node said about itself when the command started."""

    node: Node
    head: Header
    final_block: int
    """Newest block that counts as final; -1 when none does."""
    genesis_hash: str | None
    source: Literal["rpc"] = "rpc"

    @property
    def host(self) -> str:
        """Host of the endpoint, without its key."""
        return self.node.host

    @property
    def head_block(self) -> int:
        return self.head.number

    @property
    def stats(self) -> RequestStats:
        return self.node.stats

    def headers(self, numbers: Sequence[int]) -> list[Header]:
        """Headers of the blocks, in order."""
        return read_headers(self.node, numbers)


class _HeaderJson(msgspec.Struct, rename="camel"):
    number: str | None
    hash: str | None
    parent_hash: str
    timestamp: str
    logs_bloom: str | None = None


_HEADER = msgspec.json.Decoder(_HeaderJson | None).decode


def parse_header(raw: bytes | msgspec.Raw) -> Header | None:
    """The header in an ``eth_getBlockByNumber`` result, None for null or pending. Skips the transactions without building them."""
    block = _HEADER(raw)
    if block is None or block.number is None or block.hash is None:
        return None  # absent, or still pending
    bloom = bytes.fromhex(block.logs_bloom[2:]) if block.logs_bloom else b""
    return Header(int(block.number, 16), block.hash, block.parent_hash, int(block.timestamp, 16), bloom)


def read_headers(node: Node, numbers: Sequence[int]) -> list[Header]:
    """Headers of the blocks, in order. Raises :class:`Lagging` when the node lacks one."""
    headers = []
    for at in range(0, len(numbers), _HEADERS_PER_REQUEST):
        chunk = numbers[at : at + _HEADERS_PER_REQUEST]
        for number, raw in zip(
            chunk, node.request([("eth_getBlockByNumber", (hex(n), False)) for n in chunk]), strict=True
        ):
            header = parse_header(raw)
            if header is None:
                raise Lagging(f"{node.host} has no block {number}")
            if header.number != number:
                raise Lagging(f"{node.host} answers block {number} with block {header.number}")
            headers.append(header)
    return headers


def read_head(node: Node, chain: Chain, *, wait_s: float = 0.5) -> tuple[Header, int]:
    """The newest block, and the number of the newest final one (-1: none), in one request: both are of one moment.

    The table of chains says whether the ``finalized`` tag decides; what is only ``safe`` can still be replaced. A finalized
    block above the newest comes of two nodes behind one address, and of what the slower one holds nobody knows whether it is
    final: it is asked again, and refused if it stays so. Raises :class:`PoolhouseError` when there is no answer.
    """
    tags = ["latest", *(["finalized"] if chain.finality_rule == "tag" else [])]
    contradiction = ""
    for ask in range(_ASKS):
        if ask:
            time.sleep(wait_s)
        answers = node.answers([("eth_getBlockByNumber", (tag, False)) for tag in tags], keep=_is_about_the_block)
        headers = [None if isinstance(a, RpcError) else parse_header(a) for a in answers]
        head = headers[0]
        if head is None:
            raise PoolhouseError(f"The node at {node.host} has no latest block.", "Wait until it has synced.")
        # Dev nodes and some clients answer the tag with null or an error: depth is the fallback.
        finalized = headers[1] if len(headers) > 1 else None
        final_block = finalized.number if finalized else head.number - chain.finality_depth
        if final_block <= head.number:
            return head, max(-1, final_block)
        contradiction = f"{node.host} calls block {final_block} final, but its newest is {head.number}"
    raise Lagging(contradiction)


def _is_about_the_block(error: RpcError) -> bool:
    """The node lacks the tag, or a block for it. A refusal for another reason says nothing about finality."""
    return classify(error.code, error.message).kind in ("fatal", "unsupported", "lag")

"""A block's logs, proven against its hash: block hash ← header ← receipts root ← receipts ← logs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from loaders.audit.header import header_hash
from loaders.audit.receipts import NotProvable, Receipt, committed_receipts
from loaders.logs import RawLogs
from loaders.registry.chains import Chain
from loaders.rpc.exchange import Call
from loaders.rpc.node import Lagging, Node, SizeRefused, Unsupported
from loaders.source.parse import parse_any_layout

_POLYGON = 137
# Chains, and since which block, of which recorded blocks, or a node in tests, vouch for how headers and receipts are encoded.
# On another a root that differs may be our ignorance of its encoding, not a lie. Optimism since Bedrock; what else is odd
# about a chain's roots are quirks in the table of chains.
_ENCODING_KNOWN_SINCE = {1: 0, 10: 105_235_063, _POLYGON: 0, 8453: 0, 42161: 0, 31337: 0}
_SPRINT_BLOCKS = 16
"""Polygon's deposits from Ethereum, which its roots left out for years, come with the first block of a sprint (of 64 at first)."""
_RECEIPTS_PER_REQUEST = 50
_LONGEST_WALK = 256
_HEADERS_PER_REQUEST = 50


class Refuted(Exception):
    """What the node serves contradicts itself or the chain; says how."""


@dataclass(frozen=True, slots=True)
class BlockProof:
    """How far the proof of one block came. The reasons are empty where a step holds."""

    number: int
    block_hash: str
    logs: RawLogs | None
    """All logs of the block, by position; None where the receipts could not be held against the root."""
    header_gap: str = ""
    """Why the header's hash could not be recomputed."""
    receipts_gap: str = ""
    """Why the receipts could not be held against the header's root."""
    anchor_gap: str = ""
    """Why the block could not be tied to a hash that the warehouse holds."""

    @property
    def gap(self) -> str:
        return self.header_gap or self.receipts_gap or self.anchor_gap


def prove_block(
    node: Node, chain: Chain, number: int, known_hashes: Mapping[int, str], *, is_second_witness: bool = False
) -> BlockProof:
    """Prove one block; ``known_hashes`` are the warehouse's. Raises :class:`Refuted`.

    A second witness is an endpoint that the block was not loaded from: where no known hash is near, two providers that agree
    on the block's own hash are as good.
    """
    block = _block(node, number)
    block_hash = str(block.get("hash"))
    header_gap = _header_gap(chain, block)
    logs, receipts_gap = None, ""
    try:
        logs = _proven_logs(chain, block, _receipts(node, block))
    except NotProvable as reason:
        receipts_gap = str(reason)
    anchor_gap = "" if header_gap else _anchor_gap(node, chain, block, known_hashes, is_second_witness)
    return BlockProof(number, block_hash, logs, header_gap, receipts_gap, anchor_gap)


def _block(node: Node, number: int) -> dict[str, Any]:
    block = node.call("eth_getBlockByNumber", hex(number), False)
    if not isinstance(block, dict):
        raise Lagging(f"{node.host} has no block {number}")
    if block.get("number") != hex(number):
        raise Refuted(f"asked for block {number}, the node answers with {block.get('number')}")
    return block


def _header_gap(chain: Chain, block: dict[str, Any]) -> str:
    """Why the header does not prove its hash, empty where it does. Raises :class:`Refuted` where it proves another."""
    try:
        computed = header_hash(block)
    except NotProvable as reason:
        return str(reason)
    if computed == block.get("hash"):
        return ""
    if _is_encoding_known(chain, int(block["number"], 16)):
        raise Refuted(f"the header's fields hash to {computed}, the node says {block.get('hash')}")
    return "the header's hash cannot be recomputed: how this chain lays headers out is not known here"


def _is_encoding_known(chain: Chain, number: int) -> bool:
    since = _ENCODING_KNOWN_SINCE.get(chain.chain_id)
    is_odd = chain.chain_id != _POLYGON and chain.has_quirk("receipts_root_incomplete", number)
    return since is not None and number >= since and not is_odd


def _receipts(node: Node, block: dict[str, Any]) -> list[Receipt]:
    try:
        raw = [node.request([("eth_getBlockReceipts", (block["number"],))])[0]]
        return msgspec.json.decode(raw[0], type=list[Receipt])
    except (SizeRefused, Unsupported):
        pass  # one by one is dearer, and proves the same
    except msgspec.DecodeError as error:
        raise NotProvable(f"the node's receipts are not as the specification has them: {error}") from None
    hashes = [t if isinstance(t, str) else t["hash"] for t in block["transactions"]]
    receipts: list[Receipt] = []
    try:
        for at in range(0, len(hashes), _RECEIPTS_PER_REQUEST):
            chunk = hashes[at : at + _RECEIPTS_PER_REQUEST]
            calls: list[Call] = [("eth_getTransactionReceipt", (h,)) for h in chunk]
            receipts += [msgspec.json.decode(raw, type=Receipt) for raw in node.request(calls)]
    except (SizeRefused, Unsupported, msgspec.DecodeError):
        raise NotProvable("the node serves no receipts, neither of blocks nor of transactions") from None
    return receipts


def _proven_logs(chain: Chain, block: dict[str, Any], receipts: Sequence[Receipt]) -> RawLogs:
    """The logs by their position, which the root proves; only the transaction hashes are taken from the node."""
    number, block_hash, root = int(block["number"], 16), str(block["hash"]), block.get("receiptsRoot")
    if not root:
        raise NotProvable("the node's header lacks receiptsRoot")
    try:
        committed = committed_receipts(receipts, root, number, block_hash)
    except ValueError as error:
        if _is_encoding_known(chain, int(block["number"], 16)):
            raise Refuted(str(error)) from None
        raise NotProvable("how this chain encodes receipts is not known here") from None
    if chain.has_quirk("receipts_root_incomplete", number) and (
        chain.chain_id != _POLYGON or number % _SPRINT_BLOCKS == 0
    ):
        # Also where the node shows nothing outside the root: nobody could prove that there is nothing.
        raise NotProvable(f"logs of such a block of {chain.name} may lie outside the receipts root")
    if len(committed) < len(receipts):
        raise NotProvable("the last receipt, called a deposit from Ethereum, lies outside the receipts root")
    logs: list[dict[str, Any]] = []
    for tx_index, receipt in enumerate(committed):
        for log in receipt.logs:
            if int(log.log_index, 16) != len(logs):
                raise Refuted(f"log {len(logs)} of block {number} has the index {int(log.log_index, 16)} at the node")
            logs.append(
                {
                    "address": log.address,
                    "topics": log.topics,
                    "data": log.data,
                    "blockNumber": hex(number),
                    "blockHash": block_hash,
                    "transactionHash": receipt.transaction_hash,
                    "transactionIndex": hex(tx_index),
                    "logIndex": hex(len(logs)),
                    "blockTimestamp": block["timestamp"],
                }
            )
    return parse_any_layout(msgspec.json.encode(logs))


def _anchor_gap(
    node: Node, chain: Chain, block: dict[str, Any], known_hashes: Mapping[int, str], is_second_witness: bool
) -> str:
    """Follow parent hashes down from the nearest hash above that the warehouse knows, or the block's own where there is none.

    From above wherever possible: a block that was forged when it was loaded, and is again, has the hash that was stored of
    it, but no place in the chain. Raises :class:`Refuted`.
    """
    number = int(block["number"], 16)
    within = [n for n in known_hashes if number <= n <= number + _LONGEST_WALK]
    if not within:
        alone = f"the warehouse holds no block hash within {_LONGEST_WALK} blocks above, and no second endpoint vouches for it"
        return "" if is_second_witness else alone
    above = min((n for n in within if n > number), default=number)
    _check_known(number, str(block["hash"]), known_hashes)
    expected = block["hash"]
    for at in range(number + 1, above + 1, _HEADERS_PER_REQUEST):
        numbers = range(at, min(at + _HEADERS_PER_REQUEST, above + 1))
        for header in node.calls([("eth_getBlockByNumber", (hex(n), False)) for n in numbers]):
            if not isinstance(header, dict) or header.get("parentHash") != expected:
                raise Refuted(f"the node's blocks above {number} do not follow from one another")
            if gap := _header_gap(chain, header):
                return gap
            expected = header["hash"]
    _check_known(above, str(expected), known_hashes)
    return ""


def _check_known(number: int, block_hash: str, known_hashes: Mapping[int, str]) -> None:
    known = known_hashes.get(number, block_hash)
    if known != block_hash:
        raise Refuted(f"block {number} is {known} in the warehouse, {block_hash} at the node")

"""Receipts as the chain commits to them: their encoding, their root, and the logs that the root proves.

A root proves position, address, topics and data of every log of the block, and that there is no other. It says nothing of
transaction hashes, which only the transactions' own root would.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import msgspec
import rlp
from eth_hash.auto import keccak

from loaders.audit.trie import list_root

_DEPOSIT = 0x7E
"""OP Stack: a transaction that comes from L1."""
_ARBITRUM_CLASSIC = 0x78
"""Arbitrum before Nitro, carried over: its blocks' roots were computed in another way."""


class NotProvable(Exception):
    """The root cannot be recomputed from what the node serves; says why."""


class Log(msgspec.Struct, rename="camel"):
    address: str
    topics: list[str]
    data: str
    log_index: str


class Receipt(msgspec.Struct, rename="camel"):
    """What of a receipt the root commits to, and its transaction."""

    cumulative_gas_used: str
    logs: list[Log]
    transaction_hash: str
    type: str = "0x0"
    status: str | None = None
    root: str | None = None
    """State root in the place of the status, before Byzantium."""
    deposit_nonce: str | None = None
    deposit_receipt_version: str | None = None


def committed_receipts(receipts: Sequence[Receipt], root: str, number: int, block_hash: str) -> Sequence[Receipt]:
    """The receipts that the header's ``root`` proves; fewer than given only where a chain adds some outside it.

    Raises :class:`NotProvable` for encodings unknown here and :class:`ValueError` where the root differs.
    """
    encoded = [encode_receipt(receipt) for receipt in receipts]
    if _hex(list_root(encoded)) == root:
        return receipts
    # Polygon reports deposits from Ethereum as a last transaction of the block that its root left out for years.
    is_state_sync = bool(receipts) and receipts[-1].transaction_hash == _state_sync_hash(number, block_hash)
    if is_state_sync and _hex(list_root(encoded[:-1])) == root:
        return receipts[:-1]
    raise ValueError(f"the receipts give the root {_hex(list_root(encoded))}, the header says {root}")


def encode_receipt(receipt: Receipt) -> bytes:
    """The receipt's leaf in the trie (EIP-2718). Raises :class:`NotProvable` where the encoding is unknown."""
    kind = int(receipt.type, 16)
    if kind == _ARBITRUM_CLASSIC:
        raise NotProvable("Arbitrum's blocks before Nitro commit to receipts in another way")
    if receipt.root is not None:
        outcome = _bytes(receipt.root)
    elif receipt.status is not None:
        outcome = _integer(receipt.status)
    else:
        raise NotProvable("the node's receipts have neither status nor state root")
    logs = [[_bytes(log.address), [_bytes(t) for t in log.topics], _bytes(log.data)] for log in receipt.logs]
    fields = [outcome, _integer(receipt.cumulative_gas_used), logs_bloom(receipt.logs), logs]
    # The nonce of a deposit is committed to only since the version says so (Canyon).
    if kind == _DEPOSIT and receipt.deposit_receipt_version is not None:
        if receipt.deposit_nonce is None:
            raise NotProvable("the node's deposit receipts lack their nonce")
        fields += [_integer(receipt.deposit_nonce), _integer(receipt.deposit_receipt_version)]
    payload: bytes = rlp.encode(fields, infer_serializer=False)
    return payload if kind == 0 else bytes([kind]) + payload


def logs_bloom(logs: Sequence[Log]) -> bytes:
    """Recomputed, because not every node states it."""
    bits = 0
    for log in logs:
        for value in (log.address, *log.topics):
            bits |= _bloom_bits(value)
    return bits.to_bytes(256, "big")


@lru_cache(maxsize=65536)
def _bloom_bits(value: str) -> int:
    digest = keccak(_bytes(value))
    return sum({1 << (int.from_bytes(digest[i : i + 2], "big") & 2047) for i in (0, 2, 4)})


def _state_sync_hash(number: int, block_hash: str) -> str:
    return _hex(keccak(b"matic-bor-receipt-" + number.to_bytes(8, "big") + _bytes(block_hash)))


def _integer(text: str) -> bytes:
    value = int(text, 16)
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text[2:])


def _hex(raw: bytes) -> str:
    return "0x" + raw.hex()

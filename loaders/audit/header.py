"""A header's hash, recomputed from its fields: what ties the root of the receipts to the block hash that the ledger holds."""

from __future__ import annotations

from typing import Any

import rlp
from eth_hash.auto import keccak

from loaders.audit.receipts import NotProvable

_INTEGERS = frozenset(
    ("difficulty", "number", "gasLimit", "gasUsed", "timestamp", "baseFeePerGas", "blobGasUsed", "excessBlobGas")
)
_FIELDS = (
    *("parentHash", "sha3Uncles", "miner", "stateRoot", "transactionsRoot", "receiptsRoot", "logsBloom"),
    *("difficulty", "number", "gasLimit", "gasUsed", "timestamp", "extraData", "mixHash", "nonce"),
)
# Each fork appends: London, Shanghai, Cancun, Prague. What follows an absent one is absent, too.
_FORK_FIELDS = (
    *("baseFeePerGas", "withdrawalsRoot", "blobGasUsed", "excessBlobGas", "parentBeaconBlockRoot", "requestsHash"),
)
# Fields of chains whose headers are laid out in another way.
_FOREIGN = {"extDataHash": "Avalanche", "signature": "a proof-of-authority chain (AuRa)"}


def header_hash(block: dict[str, Any]) -> str:
    """The hash of an ``eth_getBlockByNumber`` result's header. Raises :class:`NotProvable` where it cannot be computed."""
    for name, chain in _FOREIGN.items():
        if name in block:
            raise NotProvable(f"headers of {chain} are laid out in another way")
    present = [name for name in _FORK_FIELDS if block.get(name) is not None]
    absent = [name for name in _FIELDS if block.get(name) is None]
    if absent:
        raise NotProvable(f"the node's header lacks {', '.join(absent)}")
    if present != list(_FORK_FIELDS[: len(present)]):
        raise NotProvable(f"the node's header has {present[-1]} but lacks a field of an earlier fork")
    try:
        encoded = [_encoded(name, block[name]) for name in (*_FIELDS, *present)]
    except (TypeError, ValueError) as error:
        raise NotProvable(f"the node's header is malformed: {error}") from None
    raw: bytes = rlp.encode(encoded, infer_serializer=False)
    return "0x" + keccak(raw).hex()


def _encoded(name: str, value: str) -> bytes:
    if name not in _INTEGERS:
        return bytes.fromhex(value[2:])
    number = int(value, 16)
    return number.to_bytes((number.bit_length() + 7) // 8, "big")

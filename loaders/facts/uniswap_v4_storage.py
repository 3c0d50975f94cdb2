"""State of a Uniswap V4 pool: words of its manager's storage, read by `extsload` and named as the StateView lens names them.

The manager keeps all pools in one mapping and has no view for any of them, so what is asked is a storage slot and what
comes back is a packed word. `contract_reads` shows neither: there the read has the pool as its argument and the fields
as its value.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

from eth_abi.packed import encode_packed
from eth_utils.crypto import keccak

from loaders.facts.calls import ContractCall
from loaders.facts.functions import Function, Undecodable, load_functions

# Where PoolManager and its Pool.State keep things; constants of the deployed bytecode, as in its StateLibrary.
_POOLS_SLOT = 6
_LIQUIDITY_OFFSET, _POSITIONS_OFFSET = 3, 6
_WORD = 32


@dataclass(frozen=True, slots=True)
class _StorageView(Function):
    """A view that `extsload` answers."""

    def calldata(self, *arguments: Any) -> bytes:
        return load_functions()["extsload"].calldata(self.slot(*arguments).to_bytes(_WORD, "big"))

    def values(self, output: bytes) -> tuple[Any, ...]:
        if len(output) != _WORD:
            raise Undecodable(f"{len(output)} bytes")
        return self.fields(int.from_bytes(output, "big"))

    @abstractmethod
    def slot(self, *arguments: Any) -> int:
        """The storage slot that holds the answer."""

    @abstractmethod
    def fields(self, word: int) -> tuple[int, ...]:
        """What the word says."""


class _Slot0(_StorageView):
    __slots__ = ()

    def slot(self, *arguments: Any) -> int:
        return _state_slot(*arguments)

    def fields(self, word: int) -> tuple[int, ...]:
        tick = word >> 160 & 0xFFFFFF
        return word & (1 << 160) - 1, tick - (tick >> 23 << 24), word >> 184 & 0xFFFFFF, word >> 208 & 0xFFFFFF


class _Liquidity(_StorageView):
    __slots__ = ()

    def slot(self, *arguments: Any) -> int:
        return _state_slot(*arguments) + _LIQUIDITY_OFFSET

    def fields(self, word: int) -> tuple[int, ...]:
        return (word & (1 << 128) - 1,)


class _PositionLiquidity(_Liquidity):
    __slots__ = ()

    def slot(self, *arguments: Any) -> int:
        pool_id, owner, lower, upper, salt = arguments
        packed = encode_packed(["address", "int24", "int24", "bytes32"], [owner, lower, upper, _bytes(salt)])
        return _mapped(keccak(packed), _state_slot(pool_id) + _POSITIONS_OFFSET)


_SLOT0 = _Slot0("getSlot0", b"", ("bytes32",), ("uint160", "int24", "uint24", "uint24"))
_LIQUIDITY = _Liquidity("getLiquidity", b"", ("bytes32",), ("uint128",))
_POSITION = _PositionLiquidity(
    "getPositionLiquidity", b"", ("bytes32", "address", "int24", "int24", "bytes32"), ("uint128",)
)


def slot0(manager: str, pool_id: str) -> ContractCall:
    """sqrtPriceX96, tick, protocolFee (12 bits a direction) and lpFee."""
    return ContractCall(manager, _SLOT0, (pool_id,))


def liquidity(manager: str, pool_id: str) -> ContractCall:
    """Active liquidity."""
    return ContractCall(manager, _LIQUIDITY, (pool_id,))


def position_liquidity(manager: str, pool_id: str, owner: str, lower: int, upper: int, salt: str) -> ContractCall:
    """Liquidity of one position; ``owner`` is who called the manager."""
    return ContractCall(manager, _POSITION, (pool_id, owner, lower, upper, salt))


def _state_slot(pool_id: str) -> int:
    return _mapped(_bytes(pool_id), _POOLS_SLOT)


def _mapped(key: bytes, slot: int) -> int:
    """Slot of a mapping's value (Solidity's layout)."""
    return int.from_bytes(keccak(key + slot.to_bytes(_WORD, "big")), "big")


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))

"""Addresses of pools computed from what created them (EIP-1014): membership of a factory proven without a call."""

from __future__ import annotations

from eth_abi.abi import encode
from eth_abi.packed import encode_packed
from eth_utils.crypto import keccak

Salt = bytes


def create2_address(deployer: str, salt: Salt, init_code_hash: str) -> str:
    """Address that ``deployer`` gives to code with that hash under that 32-byte salt; lower-case 0x hex throughout."""
    code_hash = bytes.fromhex(init_code_hash.removeprefix("0x"))
    return "0x" + keccak(b"\xff" + bytes.fromhex(deployer[2:]) + salt + code_hash)[12:].hex()


def pool_salt(family: str, token0: str, token1: str, fee: int | None) -> Salt:
    """The salt under which factories of a family create a pool. Raises :class:`ValueError` where there is none."""
    if family == "uniswap_v2":
        return keccak(encode_packed(["address", "address"], [token0, token1]))
    if family == "uniswap_v3":
        if fee is None:
            raise ValueError("the salt of a V3 pool contains its fee")
        return keccak(encode(["address", "address", "uint24"], [token0, token1, fee]))
    raise ValueError(f"pools of family {family} are not created by CREATE2")

"""Uniswap V4: the pool manager that holds all pools, the routers of its own tests, and pools, one with native ether."""

from __future__ import annotations

from dataclasses import dataclass, field

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from devnet.chain import Chain
from devnet.contracts import ZERO_ADDRESS, Artifact, Contract, packaged
from devnet.protocols.roles import Roles
from devnet.protocols.tokens import Token, Tokens
from devnet.protocols.uniswap_v3 import sqrt_price

PoolKey = tuple[str, str, int, int, str]
"""currency0, currency1, fee in pips, tick spacing, hooks."""

_KEY_TYPES = ("address", "address", "uint24", "int24", "address")
_NATIVE = "ETH"


@dataclass(frozen=True)
class Pool:
    """A pool of the manager. Native ether has address zero as its currency, and WETH as the token that prices it."""

    key: PoolKey
    token0: Token
    token1: Token

    @property
    def pool_id(self) -> str:
        return "0x" + keccak(encode(_KEY_TYPES, self.key)).hex()

    @property
    def fee_pips(self) -> int:
        return self.key[2]

    @property
    def tick_spacing(self) -> int:
        return self.key[3]

    @property
    def has_native(self) -> bool:
        return self.key[0] == ZERO_ADDRESS


@dataclass
class Exchange:
    """The manager with its routers; they call it for anyone, and are the owners of all positions."""

    manager: Contract
    swap_router: Contract
    liquidity_router: Contract
    donate_router: Contract
    pools: list[Pool] = field(default_factory=list)

    @property
    def routers(self) -> tuple[Contract, ...]:
        return self.swap_router, self.liquidity_router, self.donate_router


def deploy(chain: Chain, roles: Roles, tokens: Tokens) -> Exchange:
    owner = roles.uniswap_v4
    manager = chain.deploy(owner, _artifact("PoolManager"), owner)
    exchange = Exchange(
        manager,
        swap_router=chain.deploy(owner, _artifact("PoolSwapTest"), manager.address),
        liquidity_router=chain.deploy(owner, _artifact("PoolModifyLiquidityTest"), manager.address),
        donate_router=chain.deploy(owner, _artifact("PoolDonateTest"), manager.address),
    )
    chain.send(owner, manager, "setProtocolFeeController", owner)
    for one, other, fee_pips, tick_spacing in (
        ("WETH", "USDC", 500, 10),
        (_NATIVE, "USDC", 3000, 60),
        ("WBTC", "WETH", 3000, 60),
        ("DAI", "USDC", 100, 1),
    ):
        pool = _pool(tokens, one, other, fee_pips, tick_spacing)
        price = pool.token0.spec.start_price_usd / pool.token1.spec.start_price_usd
        chain.send(owner, manager, "initialize", pool.key, sqrt_price(pool.token0, pool.token1, price))
        exchange.pools.append(pool)
    chain.settle()
    return exchange


def _pool(tokens: Tokens, one: str, other: str, fee_pips: int, tick_spacing: int) -> Pool:
    currencies = {
        ZERO_ADDRESS if symbol == _NATIVE else tokens[symbol].address: tokens["WETH" if symbol == _NATIVE else symbol]
        for symbol in (one, other)
    }
    currency0, currency1 = sorted(currencies, key=lambda address: int(address, 16))
    key = (currency0, currency1, fee_pips, tick_spacing, ZERO_ADDRESS)
    return Pool(key, currencies[currency0], currencies[currency1])


def _artifact(name: str) -> Artifact:
    return packaged("@uniswap/v4-core", f"out/{name}.sol/{name}.json")

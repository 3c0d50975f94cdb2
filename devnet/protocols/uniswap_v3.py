"""Uniswap V3: factory, router, position manager and pools."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from devnet.chain import Chain
from devnet.contracts import ZERO_ADDRESS, Artifact, Contract, packaged
from devnet.protocols.roles import Roles
from devnet.protocols.tokens import Token, Tokens

_CORE, _PERIPHERY = "@uniswap/v3-core", "@uniswap/v3-periphery"
MIN_SQRT_PRICE = 4_295_128_739
MAX_SQRT_PRICE = 1_461_446_703_485_210_103_287_273_052_203_988_822_378_723_970_342
_PROTOCOL_SHARE = 6
"""The protocol takes 1/6 of the fees of the pool that has it switched on."""
_SPACINGS = {100: 1, 500: 10, 3000: 60, 10000: 200}


@dataclass(frozen=True)
class Pool:
    """A pool; token0 is the one with the lower address. ``fee_pips`` is in millionths of the input."""

    contract: Contract
    token0: Token
    token1: Token
    fee_pips: int
    tick_spacing: int

    def other(self, token: Token) -> Token:
        """The token that is not ``token``."""
        return self.token1 if token is self.token0 else self.token0


@dataclass
class Exchange:
    """A factory with its pools."""

    protocol: str
    factory: Contract
    pool_code: Artifact
    spacings: dict[int, int]
    """Tick spacing by fee."""
    pools: list[Pool] = field(default_factory=list)


@dataclass
class RoutedExchange(Exchange):
    """An exchange with what stands around it."""

    router: Contract = field(kw_only=True)
    positions: Contract = field(kw_only=True)


def deploy(chain: Chain, roles: Roles, tokens: Tokens) -> RoutedExchange:
    owner, weth = roles.uniswap_v3, tokens["WETH"].address
    factory = chain.deploy(owner, _artifact(_CORE, "UniswapV3Factory"))
    router = chain.deploy(owner, _artifact(_PERIPHERY, "SwapRouter"), factory.address, weth)
    # the position descriptor draws pictures; nobody looks at them here
    manager = _artifact(_PERIPHERY, "NonfungiblePositionManager")
    positions = chain.deploy(owner, manager, factory.address, weth, ZERO_ADDRESS)
    chain.send(owner, factory, "enableFeeAmount", 100, 1)
    pool_code = _artifact(_CORE, "UniswapV3Pool")
    exchange = RoutedExchange("uniswap", factory, pool_code, _SPACINGS, router=router, positions=positions)
    specs = (
        ("WETH", "USDC", 500),
        ("WETH", "USDC", 3000),
        ("WETH", "USDT", 3000),
        ("WBTC", "WETH", 3000),
        ("DAI", "USDC", 100),
        ("LINK", "WETH", 10000),
        ("wstETH", "WETH", 100),
        ("NOFEED", "USDC", 3000),
    )
    create_pools(chain, exchange, owner, [(tokens[one], tokens[other], fee) for one, other, fee in specs])
    chain.send(owner, exchange.pools[0].contract, "setFeeProtocol", _PROTOCOL_SHARE, _PROTOCOL_SHARE)
    chain.settle()
    return exchange


def create_pools(chain: Chain, exchange: Exchange, owner: str, specs: Sequence[tuple[Token, Token, int]]) -> None:
    """Create pools of two tokens and a fee, initialise them at the tokens' prices and add them to the exchange."""
    ordered = [(*_sorted(one, other), fee) for one, other, fee in specs]
    for token0, token1, fee_pips in ordered:
        chain.send(owner, exchange.factory, "createPool", token0.address, token1.address, fee_pips, gas=8_000_000)
    chain.settle()
    addresses = chain.read_many(
        (exchange.factory, "getPool", (token0.address, token1.address, fee)) for token0, token1, fee in ordered
    )
    for (token0, token1, fee_pips), address in zip(ordered, addresses, strict=True):
        contract = Contract(address, exchange.pool_code)
        start = sqrt_price(token0, token1, token0.spec.start_price_usd / token1.spec.start_price_usd)
        chain.send(owner, contract, "initialize", start)
        exchange.pools.append(Pool(contract, token0, token1, fee_pips, exchange.spacings[fee_pips]))


def sqrt_price(token0: Token, token1: Token, price: float) -> int:
    """sqrtPriceX96 at which one token0 costs ``price`` token1, both in whole tokens."""
    raw_price = price * 10.0 ** (token1.spec.decimals - token0.spec.decimals)
    return int(math.sqrt(raw_price) * 2**96)


def _sorted(one: Token, other: Token) -> tuple[Token, Token]:
    return (one, other) if int(one.address, 16) < int(other.address, 16) else (other, one)


def _artifact(package: str, name: str) -> Artifact:
    return packaged(package, f"artifacts/contracts/{name}.sol/{name}.json")

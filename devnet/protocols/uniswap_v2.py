"""Uniswap V2 and exchanges with its bytecode."""

from __future__ import annotations

from dataclasses import dataclass, field

from devnet.chain import Chain
from devnet.contracts import Artifact, Contract, packaged
from devnet.protocols.roles import Roles
from devnet.protocols.tokens import Token, Tokens

FEE_PIPS = 3000
"""Of Uniswap and SushiSwap, in millionths of the input."""


@dataclass(frozen=True)
class Pair:
    """A pool; token0 is the one with the lower address."""

    contract: Contract
    token0: Token
    token1: Token
    exchange: Exchange = field(repr=False)

    def other(self, token: Token) -> Token:
        """The token that is not ``token``."""
        return self.token1 if token is self.token0 else self.token0


@dataclass
class Exchange:
    """One factory with its pairs, and a router where there is one that finds them."""

    protocol: str
    factory: Contract
    pair_code: Artifact
    fee_pips: int
    """Swap fee in millionths of the input."""
    found_by: Contract | None = None
    pairs: list[Pair] = field(default_factory=list)

    @property
    def router(self) -> Contract:
        """Raises :class:`LookupError` where there is none."""
        if self.found_by is None:
            raise LookupError(f"{self.protocol} has no router")
        return self.found_by


def deploy_uniswap(chain: Chain, roles: Roles, tokens: Tokens) -> Exchange:
    exchange = _deploy(chain, "uniswap", roles.uniswap_v2, tokens)
    symbols = (
        ("WETH", "USDC"),
        ("WETH", "USDT"),
        ("WBTC", "WETH"),
        ("LINK", "WETH"),
        ("DAI", "USDC"),
        ("wstETH", "WETH"),
    )
    pairs = [(tokens[one], tokens[other]) for one, other in symbols]
    pairs += [(tokens.bytes32, tokens["WETH"]), (tokens.nameless, tokens["USDC"]), (tokens.taxed, tokens["WETH"])]
    pairs += [(tokens.rebasing, tokens["WETH"]), (tokens["NOFEED"], tokens["WETH"])]
    create_pairs(chain, exchange, roles.uniswap_v2, pairs)
    return exchange


def deploy_sushiswap(chain: Chain, roles: Roles, tokens: Tokens) -> Exchange:
    """A second factory. Its liquidity providers share a sixth of their fees with the treasury."""
    exchange = _deploy(chain, "sushiswap", roles.sushiswap, tokens)
    chain.send(roles.sushiswap, exchange.factory, "setFeeTo", roles.treasury)
    pairs = [(tokens["WETH"], tokens["USDC"]), (tokens["DAI"], tokens["WETH"])]
    create_pairs(chain, exchange, roles.sushiswap, pairs)
    return exchange


def amount_out(amount_in: int, reserve_in: int, reserve_out: int, fee_pips: int = FEE_PIPS) -> int:
    """What a pair pays at most for ``amount_in``, all in smallest units."""
    after_fee = amount_in * (1_000_000 - fee_pips)
    return reserve_out * after_fee // (reserve_in * 1_000_000 + after_fee)


def _deploy(chain: Chain, protocol: str, deployer: str, tokens: Tokens) -> Exchange:
    factory = chain.deploy(deployer, packaged("@uniswap/v2-core", "build/UniswapV2Factory.json"), deployer)
    router_code = packaged("@uniswap/v2-periphery", "build/UniswapV2Router02.json")
    router = chain.deploy(deployer, router_code, factory.address, tokens["WETH"].address)
    pair_code = packaged("@uniswap/v2-core", "build/UniswapV2Pair.json")
    return Exchange(protocol, factory, pair_code, FEE_PIPS, router)


def create_pairs(chain: Chain, exchange: Exchange, deployer: str, pairs: list[tuple[Token, Token]]) -> None:
    """Create pairs and add them to the exchange."""
    for one, other in pairs:
        chain.send(deployer, exchange.factory, "createPair", one.address, other.address)
    chain.settle()
    addresses = chain.read_many((exchange.factory, "getPair", (one.address, other.address)) for one, other in pairs)
    for (one, other), address in zip(pairs, addresses, strict=True):
        token0, token1 = sorted((one, other), key=lambda token: int(token.address, 16))
        exchange.pairs.append(Pair(Contract(address, exchange.pair_code), token0, token1, exchange))

"""Morpho Blue: one contract, and markets in it that know nothing of one another."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from devnet.chain import Chain
from devnet.compiler import Sources, compiled
from devnet.contracts import Artifact, Contract
from devnet.protocols.roles import Roles
from devnet.protocols.tokens import Token, Tokens

_WAD = 10**18
_SOURCES = Sources(
    "@morpho-org/morpho-blue",
    {
        "Morpho": "src/Morpho.sol",
        "IrmMock": "src/mocks/IrmMock.sol",
        "OracleMock": "src/mocks/OracleMock.sol",
    },
    # those of the deployed contract
    {"optimizer": {"enabled": True, "runs": 999_999}, "viaIR": True},
)


@dataclass(frozen=True, slots=True)
class MarketConfig:
    """``lltv`` is the debt in per cent of the collateral at which liquidation begins, ``fee`` that of the interest."""

    loan: str
    collateral: str
    lltv: int
    fee: int


MARKETS = (
    MarketConfig("USDC", "WETH", 86, 10),
    MarketConfig("USDT", "WBTC", 91, 0),
    MarketConfig("DAI", "LINK", 77, 25),
)


@dataclass(frozen=True)
class Market:
    """A market. ``parameters`` are those by which the contract's functions take it."""

    config: MarketConfig
    loan: Token
    collateral: Token
    oracle: Contract
    parameters: tuple[str, str, str, str, int]

    @property
    def market_id(self) -> bytes:
        return keccak(encode(["address", "address", "address", "address", "uint256"], self.parameters))


@dataclass(frozen=True)
class Lending:
    """The contract with its markets."""

    morpho: Contract
    markets: tuple[Market, ...]


def compile_contracts() -> None:
    """Compile them now if the cache lacks them: it takes half a minute."""
    compiled(_SOURCES)


def deploy(chain: Chain, roles: Roles, tokens: Tokens) -> Lending:
    """Everything is as deployed on mainnet but the rate model, which is linear, and the oracles, which are told prices."""
    owner = roles.morpho_blue
    morpho = chain.deploy(owner, _artifact("Morpho"), owner)
    rates = chain.deploy(owner, _artifact("IrmMock"))
    oracles = [chain.deploy(owner, _artifact("OracleMock")) for _ in MARKETS]
    chain.settle()
    chain.send(owner, morpho, "enableIrm", rates.address)
    markets = []
    for config, oracle in zip(MARKETS, oracles, strict=True):
        loan, collateral = tokens[config.loan], tokens[config.collateral]
        lltv = config.lltv * _WAD // 100
        chain.send(owner, morpho, "enableLltv", lltv)
        market = Market(
            config, loan, collateral, oracle, (loan.address, collateral.address, oracle.address, rates.address, lltv)
        )
        tell_price(chain, owner, market, collateral.spec.start_price_usd / loan.spec.start_price_usd)
        chain.send(owner, morpho, "createMarket", market.parameters)
        markets.append(market)
    chain.send(owner, morpho, "setFeeRecipient", roles.treasury)
    chain.settle()
    for market in markets:
        if market.config.fee:
            chain.send(owner, morpho, "setFee", market.parameters, market.config.fee * _WAD // 100)
    chain.settle()
    return Lending(morpho, tuple(markets))


def tell_price(chain: Chain, teller: str, market: Market, price: float) -> None:
    """Queue what the oracle is to answer: how many whole loan tokens one whole collateral token is worth."""
    decimals = 36 + market.loan.spec.decimals - market.collateral.spec.decimals
    chain.send(teller, market.oracle, "setPrice", int(price * 10**decimals), kind="morpho.set_price")


@cache
def _artifact(name: str) -> Artifact:
    built = compiled(_SOURCES)[name]
    return Artifact(name, built["abi"], built["bytecode"])

"""The tokens of the devnet: eight that the protocols use, and four whose metadata or transfers are unusual."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from devnet.chain import Chain
from devnet.contracts import Contract, own, packaged
from devnet.protocols.mainnet import KnownAddresses
from devnet.protocols.roles import Roles

UNLIMITED = 2**256 - 1
_FUNDING_USD = 30_000_000
_FUNDING_WETH = 300_000
_GAS = 200_000
_ODD_SUPPLY = 10**30


@dataclass(frozen=True)
class TokenSpec:
    """What is declared about a token. ``hourly_volatility`` is the standard deviation of an hour's log return."""

    symbol: str
    name: str
    decimals: int
    start_price_usd: float
    hourly_volatility: float
    category: str
    is_anchor: bool = False
    peg_usd: Decimal | None = None
    follows: str | None = None
    """Symbol of the token whose price it takes part in, beside its own volatility."""
    has_feed: bool = True


@dataclass(frozen=True, eq=False)
class Token:
    """A deployed token."""

    spec: TokenSpec
    contract: Contract

    @property
    def symbol(self) -> str:
        return self.spec.symbol

    @property
    def address(self) -> str:
        return self.contract.address

    def raw(self, units: float) -> int:
        """An amount in the token's smallest unit; at least one."""
        return max(1, int(units * 10**self.spec.decimals))


_ONE = Decimal(1)
CORE = (
    TokenSpec("WETH", "Wrapped Ether", 18, 3000.0, 0.008, "wrapped_native", is_anchor=True),
    TokenSpec("USDC", "USD Coin", 6, 1.0, 0.0002, "stable", is_anchor=True, peg_usd=_ONE),
    TokenSpec("USDT", "Tether USD", 6, 1.0, 0.0003, "stable", is_anchor=True, peg_usd=_ONE),
    TokenSpec("DAI", "Dai Stablecoin", 18, 1.0, 0.0003, "stable", is_anchor=True, peg_usd=_ONE),
    TokenSpec("WBTC", "Wrapped BTC", 8, 60_000.0, 0.006, "btc", is_anchor=True),
    TokenSpec("LINK", "ChainLink Token", 18, 15.0, 0.012, "other"),
    TokenSpec("wstETH", "Wrapped liquid staked Ether", 18, 3500.0, 0.0004, "lst", follows="WETH"),
    TokenSpec("NOFEED", "Token without a feed", 18, 0.8, 0.015, "other", has_feed=False),
)
BYTES32 = TokenSpec("MKRL", "Maker-like", 18, 1500.0, 0.0, "other")
"""Symbol and name are bytes32."""
NAMELESS = TokenSpec("", "", 0, 2.5, 0.0, "other")
"""`symbol()` reverts, `name()` is missing, no decimal places."""
TAXED = TokenSpec("DTT", "Deflating Test Token", 18, 1.0, 0.0, "other")
"""Burns one per cent of every transfer."""
REBASING = TokenSpec("REB", "Rebasing Test Token", 9, 1.2, 0.0, "other")
"""Its balances change without a transfer."""


@dataclass(frozen=True)
class Tokens:
    """``core`` by symbol; the odd ones apart, known to the exchanges' long tail only."""

    core: dict[str, Token]
    bytes32: Token
    nameless: Token
    taxed: Token
    rebasing: Token

    @property
    def odd(self) -> tuple[Token, ...]:
        return self.bytes32, self.nameless, self.taxed, self.rebasing

    def __getitem__(self, symbol: str) -> Token:
        return self.core[symbol]


def deploy(chain: Chain, roles: Roles, known: KnownAddresses) -> Tokens:
    core = {}
    for spec in CORE:
        if spec.category == "wrapped_native":
            contract = chain.deploy(roles.tokens, packaged("@uniswap/v2-periphery", "build/WETH9.json"))
        else:
            contract = chain.deploy(roles.tokens, own("TradedToken"), spec.name, spec.symbol, spec.decimals)
        core[spec.symbol] = Token(spec, contract)
    deflating = packaged("@uniswap/v2-periphery", "build/DeflatingERC20.json")
    tokens = Tokens(
        core,
        Token(BYTES32, chain.deploy(roles.tokens, own("Bytes32Token"))),
        Token(NAMELESS, chain.deploy(roles.tokens, own("NamelessToken"))),
        Token(TAXED, chain.deploy(roles.tokens, deflating, _ODD_SUPPLY)),
        Token(REBASING, chain.deploy(roles.tokens, own("RebasingToken"))),
    )
    chain.settle()
    for symbol, address in known.tokens_among(core):
        core[symbol] = replace(core[symbol], contract=chain.copy(core[symbol].contract, address))
    return tokens


def fund(chain: Chain, roles: Roles, tokens: Tokens, spenders: Iterable[str], odd_spenders: Iterable[str]) -> None:
    """Give every trader plenty of every token, and the protocols leave to take it."""
    taken_by = {token: list(spenders) for token in tokens.core.values()}
    taken_by |= {token: list(odd_spenders) for token in tokens.odd}
    for token, takers in taken_by.items():
        amount = token.raw(_FUNDING_USD / token.spec.start_price_usd)
        if token not in (tokens["WETH"], tokens.taxed):
            # our own: one transaction does for everybody
            chain.send(roles.tokens, token.contract, "mint", roles.traders, amount)
            chain.send(roles.tokens, token.contract, "trust", takers)
            continue
        for trader in roles.traders:
            if token is tokens.taxed:
                chain.send(roles.tokens, token.contract, "transfer", trader, amount, gas=_GAS)
            else:
                chain.send(trader, token.contract, "deposit", value=_FUNDING_WETH * 10**18, gas=_GAS)
            for taker in takers:
                chain.send(trader, token.contract, "approve", taker, UNLIMITED, gas=_GAS)
    chain.settle()

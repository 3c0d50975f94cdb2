"""Price feeds: Chainlink's FluxAggregator, which emits the answers, behind the proxy that consumers read."""

from __future__ import annotations

from dataclasses import dataclass, replace

from devnet.chain import Chain
from devnet.contracts import ZERO_ADDRESS, Contract, packaged
from devnet.protocols.mainnet import KnownAddresses
from devnet.protocols.roles import Roles
from devnet.protocols.tokens import Token, Tokens

DECIMALS = 8
HEARTBEAT_S = 86_400
_PACKAGE = "@chainlink/contracts"
_TIMEOUT_S = 1800
_MIN_ANSWER, _MAX_ANSWER = 1, 10**18


@dataclass(frozen=True)
class Feed:
    """A token's price in US dollars."""

    token: Token
    aggregator: Contract
    proxy: Contract


def answer(price_usd: float) -> int:
    """A price as a feed states it."""
    return max(_MIN_ANSWER, int(price_usd * 10**DECIMALS))


def deploy(chain: Chain, roles: Roles, tokens: Tokens, known: KnownAddresses) -> dict[str, Feed]:
    """A feed for each core token that has one, by symbol, with its first answer given."""
    aggregator_code = packaged(_PACKAGE, "abi/v0.6/FluxAggregator.json")
    proxy_code = packaged(_PACKAGE, "abi/v0.6/EACAggregatorProxy.json")
    feeds = {}
    for token in tokens.core.values():
        if not token.spec.has_feed:
            continue
        aggregator = chain.deploy(
            roles.chainlink,
            aggregator_code,
            tokens["LINK"].address,
            0,  # no payment: the oracle node works for nothing
            _TIMEOUT_S,
            ZERO_ADDRESS,
            _MIN_ANSWER,
            _MAX_ANSWER,
            DECIMALS,
            f"{token.symbol} / USD",
        )
        node = roles.oracle_node
        chain.send(roles.chainlink, aggregator, "changeOracles", [], [node], [node], 1, 1, 0)
        proxy = chain.deploy(roles.chainlink, proxy_code, aggregator.address, ZERO_ADDRESS)
        feeds[token.symbol] = Feed(token, aggregator, proxy)
    chain.settle()
    for symbol, address in known.feeds_among(feeds):
        feeds[symbol] = replace(feeds[symbol], proxy=chain.copy(feeds[symbol].proxy, address))
    for feed in feeds.values():
        submit(chain, roles, feed, 1, feed.token.spec.start_price_usd)
    chain.settle()
    return feeds


def submit(chain: Chain, roles: Roles, feed: Feed, round_id: int, price_usd: float) -> None:
    """Queue the answer of a round; rounds count from 1."""
    chain.send(
        roles.oracle_node, feed.aggregator, "submit", round_id, answer(price_usd), kind="chainlink.submit", gas=500_000
    )

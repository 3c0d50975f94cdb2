"""Addresses of mainnet, for a chain that passes for it: what the shipped registry knows stands where mainnet has it.

Factories get there as they did on mainnet, by their deployers' first transactions, so that CREATE2 gives their pools
mainnet's addresses too. Tokens and feed proxies are copied to where they belong.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field, replace

from devnet.chain import Chain
from devnet.node import ETHEREUM
from devnet.protocols.roles import Roles
from loaders.registry.seeds import load_registry

UNISWAP_V2_DEPLOYER = "0x9c33eacc2f50e39940d3afaf2c7b8246b681a374"
UNISWAP_V3_DEPLOYER = "0x6c9fc64a53c1b71fb3f9af64d1ae3a4931a5f4e9"


@dataclass(frozen=True)
class KnownAddresses:
    """Where the chain's registry expects contracts. Nowhere in particular on the devnet: its own rows follow it."""

    tokens: Mapping[str, str] = field(default_factory=dict)
    """Addresses by symbol."""
    feeds: Mapping[str, str] = field(default_factory=dict)
    """Addresses of the proxies by the symbol of the token."""

    def tokens_among(self, symbols: Container[str]) -> list[tuple[str, str]]:
        """Symbol and address of the known tokens that the market has: the registry knows more than it trades."""
        return [item for item in self.tokens.items() if item[0] in symbols]

    def feeds_among(self, symbols: Container[str]) -> list[tuple[str, str]]:
        """The same of the feeds."""
        return [item for item in self.feeds.items() if item[0] in symbols]


def known_addresses(chain: Chain) -> KnownAddresses:
    if chain.id != ETHEREUM.chain_id:
        return KnownAddresses()
    registry = load_registry()
    mainnet = registry.chain(ETHEREUM.name)
    return KnownAddresses(
        tokens={token.symbol: token.address for token in registry.tokens_of(mainnet)},
        feeds={feed.base_symbol: feed.address for feed in registry.feeds_of(mainnet)},
    )


def with_deployers(chain: Chain, roles: Roles) -> Roles:
    """The roles, with mainnet's deployers of Uniswap in their places on a chain that passes for mainnet."""
    if chain.id != ETHEREUM.chain_id:
        return roles
    for deployer in (UNISWAP_V2_DEPLOYER, UNISWAP_V3_DEPLOYER):
        chain.impersonate(deployer)
    return replace(roles, uniswap_v2=UNISWAP_V2_DEPLOYER, uniswap_v3=UNISWAP_V3_DEPLOYER)

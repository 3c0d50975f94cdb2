"""Who is who among the node's accounts. Indices are part of the addresses: append, never renumber."""

from __future__ import annotations

from dataclasses import dataclass

_FIRST_USER = 20
_USERS = 24


@dataclass(frozen=True, slots=True)
class Roles:
    """Accounts by their part in the market. Index 15 is kept for the deployer of a protocol to come."""

    tokens: str
    chainlink: str
    uniswap_v2: str
    sushiswap: str
    uniswap_v3: str
    aave_v3: str
    helpers: str
    pancakeswap: str
    uniswap_v4: str
    balancer_v2: str
    morpho_blue: str
    oracle_node: str
    """Submits the answers of every price feed."""
    keeper: str
    """Liquidates, and sweeps protocol income."""
    arbitrageur: str
    treasury: str
    sandwicher: str
    """Trades before and after others."""
    wash_traders: tuple[str, str]
    """Trade with each other, or with themselves."""
    sleeper: str
    """Borrows against LINK when the market opens and never looks again: what its crash leaves is bad debt."""
    users: tuple[str, ...]

    @classmethod
    def of(cls, accounts: list[str]) -> Roles:
        return cls(
            tokens=accounts[0],
            chainlink=accounts[1],
            uniswap_v2=accounts[2],
            sushiswap=accounts[3],
            uniswap_v3=accounts[4],
            aave_v3=accounts[5],
            helpers=accounts[6],
            pancakeswap=accounts[7],
            uniswap_v4=accounts[8],
            balancer_v2=accounts[9],
            morpho_blue=accounts[10],
            oracle_node=accounts[16],
            keeper=accounts[17],
            arbitrageur=accounts[18],
            treasury=accounts[19],
            sandwicher=accounts[11],
            wash_traders=(accounts[12], accounts[13]),
            sleeper=accounts[14],
            users=tuple(accounts[_FIRST_USER : _FIRST_USER + _USERS]),
        )

    @property
    def provider(self) -> str:
        """The user whose liquidity every pool and the lending market start with."""
        return self.users[0]

    @property
    def traders(self) -> tuple[str, ...]:
        """Everyone who holds tokens."""
        return (*self.users, self.arbitrageur, self.keeper, self.sandwicher, *self.wash_traders, self.sleeper)

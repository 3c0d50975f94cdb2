"""Everything that stands on the devnet before the market opens."""

from __future__ import annotations

from dataclasses import dataclass

from devnet.chain import Chain
from devnet.contracts import Contract, own
from devnet.packages import fetch_missing, required
from devnet.protocols import (
    aave_v3,
    balancer_v2,
    chainlink,
    mainnet,
    morpho_blue,
    pancakeswap,
    tokens,
    uniswap_v2,
    uniswap_v3,
    uniswap_v4,
)
from devnet.protocols.roles import Roles


@dataclass(frozen=True)
class World:
    """The deployed protocols. Addresses do not depend on the market's seed or size."""

    chain: Chain
    roles: Roles
    tokens: tokens.Tokens
    feeds: dict[str, chainlink.Feed]
    v2_exchanges: tuple[uniswap_v2.Exchange, ...]
    v3_exchange: uniswap_v3.RoutedExchange
    lending: aave_v3.Market
    caller: Contract
    """Our contract that answers the callbacks of pools and flash loans."""
    pancakeswap_v2: uniswap_v2.Exchange
    pancakeswap_v3: pancakeswap.V3Exchange
    uniswap_v4: uniswap_v4.Exchange
    balancer: balancer_v2.Exchange
    morpho: morpho_blue.Lending


def deploy(chain: Chain) -> World:
    """Deploy every protocol on a fresh chain. New protocols go to the end: then nothing moves to another block."""
    fetch_missing(required())
    roles = mainnet.with_deployers(chain, Roles.of(chain.accounts))
    known = mainnet.known_addresses(chain)
    all_tokens = tokens.deploy(chain, roles, known)
    caller = chain.deploy(roles.helpers, own("PoolCaller"))
    feeds = chainlink.deploy(chain, roles, all_tokens, known)
    v2_exchanges = (
        uniswap_v2.deploy_uniswap(chain, roles, all_tokens),
        uniswap_v2.deploy_sushiswap(chain, roles, all_tokens),
    )
    v3_exchange = uniswap_v3.deploy(chain, roles, all_tokens)
    lending = aave_v3.deploy(chain, roles, all_tokens, feeds)
    pancakeswap_v2 = pancakeswap.deploy_v2(chain, roles, all_tokens)
    pancakeswap_v3 = pancakeswap.deploy_v3(chain, roles, all_tokens)
    uniswap_v4_exchange = uniswap_v4.deploy(chain, roles, all_tokens)
    balancer = balancer_v2.deploy(chain, roles, all_tokens)
    morpho = morpho_blue.deploy(chain, roles, all_tokens)
    return World(
        chain=chain,
        roles=roles,
        tokens=all_tokens,
        feeds=feeds,
        v2_exchanges=v2_exchanges,
        v3_exchange=v3_exchange,
        lending=lending,
        caller=caller,
        pancakeswap_v2=pancakeswap_v2,
        pancakeswap_v3=pancakeswap_v3,
        uniswap_v4=uniswap_v4_exchange,
        balancer=balancer,
        morpho=morpho,
    )


def fund(world: World) -> None:
    """Give the traders tokens, and the protocols leave to take them."""
    routers = [exchange.router.address for exchange in world.v2_exchanges]
    v3 = world.v3_exchange
    spenders = [*routers, world.caller.address, v3.router.address, v3.positions.address, world.lending.pool.address]
    spenders += [router.address for router in world.uniswap_v4.routers]
    spenders.append(world.balancer.vault.address)
    spenders.append(world.morpho.morpho.address)
    tokens.fund(world.chain, world.roles, world.tokens, spenders, odd_spenders=routers[:1])

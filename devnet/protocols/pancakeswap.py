"""PancakeSwap: V2 with its own bytecode of pairs, V3 with pools that are created through a deployer."""

from __future__ import annotations

from dataclasses import dataclass, field

from devnet.chain import Chain
from devnet.contracts import Artifact, Contract, own, packaged
from devnet.protocols import uniswap_v2, uniswap_v3
from devnet.protocols.roles import Roles
from devnet.protocols.tokens import Tokens

_V2, _V3 = "@pancakeswap-libs/pancake-swap-core", "@pancakeswap/v3-core"
V2_FEE_PIPS = 2000
"""What the packaged pairs charge. On mainnets it is 2500: the bytecode there is a later one."""
_SPACINGS = {100: 1, 500: 10, 2500: 50, 10000: 200}
_PROTOCOL_SHARE = 3300
"""The protocol takes 33 per cent of the fees, in ten-thousandths."""


@dataclass
class V3Exchange(uniswap_v3.Exchange):
    """A factory whose pools' addresses follow from the deployer, not from the factory."""

    pool_deployer: Contract = field(kw_only=True)


def deploy_v2(chain: Chain, roles: Roles, tokens: Tokens) -> uniswap_v2.Exchange:
    """Without a router: Uniswap's finds pairs of Uniswap's bytecode only."""
    owner = roles.pancakeswap
    factory = chain.deploy(owner, packaged(_V2, "build/PancakeFactory.json"), owner)
    pair_code = packaged(_V2, "build/PancakePair.json")
    exchange = uniswap_v2.Exchange("pancakeswap", factory, pair_code, V2_FEE_PIPS)
    pairs = [(tokens["WETH"], tokens["USDC"]), (tokens["WBTC"], tokens["USDT"])]
    uniswap_v2.create_pairs(chain, exchange, owner, pairs)
    return exchange


def deploy_v3(chain: Chain, roles: Roles, tokens: Tokens) -> V3Exchange:
    owner = roles.pancakeswap
    pool_code = packaged(_V3, "artifacts/contracts/PancakeV3Pool.sol/PancakeV3Pool.json")
    kept_code = chain.deploy(owner, _kept(pool_code))
    deployer = chain.deploy(owner, own("PancakeV3PoolDeployer"), kept_code.address)
    factory_code = packaged(_V3, "artifacts/contracts/PancakeV3Factory.sol/PancakeV3Factory.json")
    factory = chain.deploy(owner, factory_code, deployer.address)
    exchange = V3Exchange("pancakeswap", factory, pool_code, _SPACINGS, pool_deployer=deployer)
    specs = (("WETH", "USDC", 500), ("WBTC", "USDT", 2500), ("DAI", "USDC", 100), ("LINK", "WETH", 10000))
    uniswap_v3.create_pools(chain, exchange, owner, [(tokens[one], tokens[other], fee) for one, other, fee in specs])
    first = exchange.pools[0].contract
    chain.send(owner, factory, "setFeeProtocol", first.address, _PROTOCOL_SHARE, _PROTOCOL_SHARE)
    chain.settle()
    return exchange


def _kept(code: Artifact) -> Artifact:
    """A contract whose code is one byte that stops it, then the creation code of ``code``."""
    kept = "00" + code.bytecode
    # PUSH2 size, DUP1, PUSH1 10 (the length of this constructor), RETURNDATASIZE (0), CODECOPY, RETURNDATASIZE, RETURN
    constructor = f"61{len(kept) // 2:04x}80600a3d393df3"
    return Artifact(f"code of {code.name}", [], constructor + kept)

"""Balancer V2: the vault that holds every pool's tokens, and pools of its three kinds."""

from __future__ import annotations

from dataclasses import dataclass

from eth_utils.crypto import keccak

from devnet.chain import Chain
from devnet.contracts import Artifact, Contract, own, packaged
from devnet.protocols.roles import Roles
from devnet.protocols.tokens import Token, Tokens

_PACKAGE = "@balancer-labs/v2-deployments"
_WAD = 10**18
_PROTOCOL_SHARE = _WAD // 10
"""Of the swap fees, taken when someone joins or exits."""
_SWAP_FEE = 3 * _WAD // 1000
WEIGHTS = ({"WETH": 50, "USDC": 20, "WBTC": 30}, {"LINK": 80, "WETH": 20})
"""Per cent that each token has of a weighted pool's value. The vault keeps two tokens otherwise than three."""
_MANAGED = ("USDC", "DAI")
_POOL_REGISTERED = "0x" + keccak(text="PoolRegistered(bytes32,address,uint8)").hex()
_FEES_COLLECTOR = Artifact(
    "ProtocolFeesCollector",
    [
        {"type": "function", "name": name, "inputs": [{"type": kind}], "outputs": [{"type": "bytes32"}]}
        for name, kind in (("getActionId", "bytes4"), ("setSwapFeePercentage", "uint256"))
    ],
    "",
)
"""The vault deploys it itself, and the package has no ABI of it."""


@dataclass(frozen=True)
class Pool:
    """A pool, with its tokens in the vault's order."""

    contract: Contract
    pool_id: bytes
    tokens: tuple[Token, ...]


@dataclass(frozen=True)
class Exchange:
    """The vault with its pools."""

    vault: Contract
    weighted: tuple[Pool, ...]
    """As in :data:`WEIGHTS`."""
    managed: Pool
    """The manager may take its tokens out of the vault to invest them."""
    manager: str


def deploy(chain: Chain, roles: Roles, tokens: Tokens) -> Exchange:
    owner = roles.balancer_v2
    authorizer = chain.deploy(owner, _artifact("authorizer/artifact/Authorizer"), owner)
    # nobody can pause it
    vault_code = _artifact("vault/artifact/Vault")
    vault = chain.deploy(owner, vault_code, authorizer.address, tokens["WETH"].address, 0, 0)
    factory = chain.deploy(owner, _artifact("weighted-pool/bytecode/WeightedPoolFactory"), vault.address)
    chain.settle()
    _take_protocol_fees(chain, owner, authorizer, vault)
    weighted_code = _artifact("weighted-pool/bytecode/WeightedPool")
    weighted = []
    for weights in WEIGHTS:
        members = sorted((tokens[symbol] for symbol in weights), key=lambda token: int(token.address, 16))
        addresses = [token.address for token in members]
        shares = [weights[token.symbol] * _WAD // 100 for token in members]
        name = "-".join(weights)
        chain.send(owner, factory, "create", name, name, addresses, shares, _SWAP_FEE, owner, gas=8_000_000)
        pool_id, address = _registered(chain, vault)
        weighted.append(Pool(Contract(address, weighted_code), pool_id, tuple(members)))
    manager = roles.keeper
    invested = tuple(tokens[symbol] for symbol in _MANAGED)
    managed = chain.deploy(owner, own("ManagedPool"), vault.address, [token.address for token in invested], manager)
    pool_id, _ = _registered(chain, vault)
    return Exchange(vault, tuple(weighted), Pool(managed, pool_id, invested), manager)


def _take_protocol_fees(chain: Chain, owner: str, authorizer: Contract, vault: Contract) -> None:
    collector = Contract(chain.read(vault, "getProtocolFeesCollector"), _FEES_COLLECTOR)
    setter = collector.function("setSwapFeePercentage", 1)
    chain.send(owner, authorizer, "grantRole", chain.read(collector, "getActionId", setter.selector), owner)
    chain.send(owner, collector, setter.name, _PROTOCOL_SHARE)
    chain.settle()


def _registered(chain: Chain, vault: Contract) -> tuple[bytes, str]:
    """Id and address of the pool that what is queued registers."""
    (log,) = [
        log
        for sent in chain.settle()
        for log in sent.receipt["logs"]
        if log["address"] == vault.address and log["topics"][0] == _POOL_REGISTERED
    ]
    return bytes.fromhex(log["topics"][1][2:]), "0x" + log["topics"][2][-40:]


def _artifact(path: str) -> Artifact:
    return packaged(_PACKAGE, f"dist/tasks/20210418-{path}.json")

"""The devnet's rows of the registry in `seeds/`, read from a freshly deployed chain.

Addresses are deterministic, so the rows are committed like any other chain's; a test holds them to the deployment.
`python -m devnet.registry_rows` shows whether they agree, with ``--write`` it puts the right rows in place.
"""

from __future__ import annotations

import csv
import io
import sys
from dataclasses import dataclass
from pathlib import Path

from devnet import world as deployment
from devnet.chain import Chain
from devnet.node import DEVNET, Anvil
from devnet.protocols import aave_v3, chainlink, uniswap_v2
from devnet.world import World
from loaders.registry.seeds import SEEDS

_FINALITY_DEPTH = 64
_MIN_BLOCK_GAP_S = 1

Row = dict[str, str]


@dataclass(frozen=True)
class SeedFile:
    """A CSV of the registry: its header and its rows, of all chains."""

    header: list[str]
    rows: list[Row]

    @classmethod
    def read(cls, path: Path) -> SeedFile:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            return cls(list(reader.fieldnames or []), list(reader))

    def with_devnet(self, rows: list[Row]) -> SeedFile:
        """The same file with the devnet's rows replaced, at its end."""
        others = [row for row in self.rows if row["chain_id"] != str(DEVNET.chain_id)]
        return SeedFile(self.header, [*others, *rows])

    def devnet_rows(self) -> list[Row]:
        return [row for row in self.rows if row["chain_id"] == str(DEVNET.chain_id)]

    def text(self) -> str:
        out = io.StringIO()
        writer = csv.DictWriter(out, self.header, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        return out.getvalue()


def of(world: World) -> dict[str, list[Row]]:
    """The devnet's rows by file name."""
    return {
        "chains.csv": [_chain_row(world)],
        "registry_contracts.csv": _contract_rows(world),
        "registry_tokens.csv": _token_rows(world),
        "registry_feeds.csv": _feed_rows(world),
    }


def deployed() -> dict[str, list[Row]]:
    """The rows of a chain that is deployed for the purpose and thrown away."""
    with Anvil() as node:
        return of(deployment.deploy(Chain(node.rpc)))


def _chain_row(world: World) -> Row:
    return _row(
        chain="devnet",
        native_symbol="ETH",
        wrapped_native_address=world.tokens["WETH"].address,
        finality_rule="tag",
        finality_depth=_FINALITY_DEPTH,
        min_block_gap_s=_MIN_BLOCK_GAP_S,
        min_block_gap_since_block=0,
        min_block_gap_until_block="",
        quirks="",
    )


def _contract_rows(world: World) -> list[Row]:
    def row(protocol: str, version: str, family: str, role: str, address: str, **rest: object) -> Row:
        values = {"market": "", "fee_pips": "", "init_code_hash": "", "note": ""} | rest
        return _row(
            protocol=protocol,
            version=version,
            family=family,
            role=role,
            contract_address=address,
            start_block=_first_block(world.chain, address),
            **values,
        )

    def v2_factory(exchange: uniswap_v2.Exchange) -> Row:
        return row(
            exchange.protocol,
            "2",
            "uniswap_v2",
            "factory",
            exchange.factory.address,
            fee_pips=exchange.fee_pips,
            init_code_hash=exchange.pair_code.init_code_hash,
        )

    rows = [v2_factory(exchange) for exchange in world.v2_exchanges]
    v3 = world.v3_exchange
    code_hash = v3.pool_code.init_code_hash
    rows.append(row("uniswap", "3", "uniswap_v3", "factory", v3.factory.address, init_code_hash=code_hash))
    for role in ("pool", "configurator", "oracle", "addresses_provider", "data_provider"):
        contract = getattr(world.lending, role)
        rows.append(row("aave", "3", "aave_v3", role, contract.address, market=aave_v3.MARKET))
    rows.append(v2_factory(world.pancakeswap_v2))
    pancakeswap_v3 = world.pancakeswap_v3
    code_hash = pancakeswap_v3.pool_code.init_code_hash
    rows.append(row("pancakeswap", "3", "uniswap_v3", "factory", pancakeswap_v3.factory.address))
    deployer = pancakeswap_v3.pool_deployer.address
    rows.append(row("pancakeswap", "3", "uniswap_v3", "pool_deployer", deployer, init_code_hash=code_hash))
    rows.append(row("uniswap", "4", "uniswap_v4", "pool_manager", world.uniswap_v4.manager.address))
    rows.append(row("balancer", "2", "balancer_v2", "vault", world.balancer.vault.address))
    rows.append(row("morpho", "1", "morpho_blue", "morpho", world.morpho.morpho.address))
    return rows


def _token_rows(world: World) -> list[Row]:
    return [
        _row(
            token_address=token.address,
            symbol=token.symbol,
            decimals=token.spec.decimals,
            category=token.spec.category,
            is_anchor=str(token.spec.is_anchor).lower(),
            peg_usd="" if token.spec.peg_usd is None else token.spec.peg_usd,
        )
        for token in world.tokens.core.values()
    ]


def _feed_rows(world: World) -> list[Row]:
    return [
        _row(
            feed_address=feed.proxy.address,
            base_token_address=feed.token.address,
            base_symbol=feed.token.symbol,
            quote="usd",
            decimals=chainlink.DECIMALS,
            heartbeat_s=chainlink.HEARTBEAT_S,
        )
        for feed in world.feeds.values()
    ]


def _row(**values: object) -> Row:
    return {"chain_id": str(DEVNET.chain_id)} | {column: str(value) for column, value in values.items()}


def _first_block(chain: Chain, address: str) -> int:
    """The block in which ``address`` got its code, by bisection."""
    low, high = 0, chain.head()[0]
    while low < high:
        middle = (low + high) // 2
        if chain.rpc.call("eth_getCode", address, hex(middle)) == "0x":
            low = middle + 1
        else:
            high = middle
    return low


def main(arguments: list[str]) -> int:
    """Exit code 0 when the committed rows agree with the deployment, or were written."""
    write = arguments == ["--write"]
    if arguments and not write:
        print("usage: python -m devnet.registry_rows [--write]", file=sys.stderr)
        return 2
    stale = False
    for name, rows in deployed().items():
        path = SEEDS / name
        committed = SeedFile.read(path)
        right = committed.with_devnet(rows)
        if right.devnet_rows() == committed.devnet_rows():
            continue
        stale = True
        print(f"{path.name}: {'rewritten' if write else 'differs from the deployment'}")
        if write:
            path.write_text(right.text(), encoding="utf-8")
    return int(stale and not write)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

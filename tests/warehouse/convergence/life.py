"""One warehouse through its life: loads, snapshots, builds, kills; and the question whether it converged."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import duckdb

from loaders.facts.snapshot import snapshot
from loaders.load.opening import open_session
from loaders.load.request import LoadRequest, default_archive
from loaders.load.run import load
from tests.warehouse.convergence.chain import LivingChain
from tests.warehouse.convergence.dbt import NAME, Contents, Dbt, differences
from tests.warehouse.convergence.project import Project

CHANGES = {"load": 90, "snapshot": 18, "build": 90}
"""Changes of the warehouse's files before which a command is killed: far fewer than a whole run of it makes."""


@dataclass(frozen=True)
class Piece:
    """What a load is asked for."""

    from_block: int | None = None
    to_block: int | None = None
    with_facts: bool = True

    @property
    def options(self) -> list[str]:
        """The same for the command."""
        ends = (("--from-block", self.from_block), ("--to-block", self.to_block))
        ranges = [text for option, block in ends if block is not None for text in (option, str(block))]
        return [*ranges, *([] if self.with_facts else ["--no-facts"])]


WHOLE = Piece()

LATE = {
    "registry_contracts": ",sushiswap,2,uniswap_v2,factory,",
    "registry_feeds": ",WETH,usd,",
    "registry_tokens": ",USDC,6,",
}
"""What a registry may learn late: rows of a seed by a part of their text."""


_SEGMENT = "chain_id, filter_set, load_id, from_block, to_block"
_CHANGES_WITHOUT_RANGE = f"""
    with logged as (
        select {_SEGMENT} from intermediate.int_ledger_changes
        where filter_set != 'headers' group by all having sum(change_sign) > 0
    ),
    live as (select {_SEGMENT} from intermediate.int_ledger_live_segments)
    (from logged except from live) union all (from live except from logged)
"""
_TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
_ERC721_TOPICS = 4


@dataclass
class Lab:
    """What all warehouses of a test run share."""

    folder: Path
    project: Project
    dbt: Dbt
    chain: LivingChain
    _number: int = 0

    def warehouse(self) -> Warehouse:
        """A new, empty one."""
        self._number += 1
        folder = self.folder / f"warehouse{self._number}"
        folder.mkdir()
        return Warehouse(self, folder / NAME)

    def clean(self, snapshots: list[int]) -> Warehouse:
        """One load of the whole chain, one snapshot, one build."""
        warehouse = self.warehouse()
        warehouse.load()
        warehouse.snapshot(*snapshots)
        warehouse.build()
        return warehouse


@dataclass
class Warehouse:
    lab: Lab
    database: Path
    reads: dict[int, str | None] = field(default_factory=dict)
    """Hash that each block had when its state was read last."""

    # ---- in this process

    def load(self, piece: Piece = WHOLE) -> None:
        request = LoadRequest(
            "devnet",
            self.lab.chain.url,
            self.database,
            from_block=piece.from_block,
            to_block=piece.to_block,
            with_facts=piece.with_facts,
            with_transfers=True,
            archive=default_archive("duckdb", self.database),
        )
        load(request, registry=self.lab.project.registry)

    def snapshot(self, *blocks: int) -> None:
        url, registry = self.lab.chain.url, self.lab.project.registry
        with open_session("devnet", (), url, "duckdb", self.database, registry) as session:
            snapshot(session, blocks)
        self.reads |= {b: self.lab.chain.block_hash(b) for b in blocks}

    # ---- commands, each in a process of its own, killed at a random moment: when it has changed the files so many times.
    # False when it was faster.

    def kill_load(self, rng: Random, piece: Piece = WHOLE) -> bool:
        return self._kill(rng, "load", *self._where, "--with-transfers", *piece.options)

    def kill_snapshot(self, rng: Random, *blocks: int) -> bool:
        return self._kill(rng, "snapshot", *self._where, "--blocks", ",".join(map(str, blocks)))

    def kill_build(self, rng: Random) -> bool:
        return self._kill(rng, "build", "--database", str(self.database))

    def _kill(self, rng: Random, command: str, *options: str) -> bool:
        return self.lab.project.kill(self.database, rng.randint(1, CHANGES[command]), command, *options)

    @property
    def _where(self) -> tuple[str, ...]:
        return "--chain", "devnet", "--rpc-url", self.lab.chain.url, "--database", str(self.database)

    # ---- models

    def build(self) -> Contents:
        """Seeds and models, by dbt; what they contain."""
        self.lab.dbt.invoke(self.database, "build", "--resource-type", "seed", "--resource-type", "model")
        return self.contents()

    def build_and_test(self) -> None:
        """The same, and every data test."""
        self.lab.dbt.invoke(self.database, "build", "--exclude-resource-type", "unit_test")

    def contents(self) -> Contents:
        return self.lab.dbt.contents(self.database)

    def query(self, sql: str) -> list[tuple[object, ...]]:
        with duckdb.connect(str(self.database), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    # ---- what must hold

    def valid_reads(self) -> list[int]:
        """Blocks whose state was read and that are still the chain's."""
        return sorted(b for b, block_hash in self.reads.items() if self.lab.chain.block_hash(b) == block_hash)

    def failed_checks(self) -> list[tuple[object, ...]]:
        return self.query("select * from quality.data_invariants where status = 'failed'")

    def assert_no_check_failed(self) -> None:
        """Nor may there have been nothing to check."""
        checked = self.query("select coalesce(sum(checked_count), 0) from quality.data_invariants where status = 'ok'")
        assert checked[0][0] > 0  # type: ignore[operator]
        assert not self.failed_checks()

    def assert_live_logs_are_the_chains(self) -> None:
        """Each log that the ledger covers counts exactly once: compared with the node's own answer."""
        covered: dict[tuple[str, str], int] = {}
        for topic0, address, first in self.query(
            "select topic0, contract_address, min(from_block) from staging.stg_poolhouse__load_ranges group by all"
        ):
            covered[str(topic0), str(address)] = int(str(first))
        undecoded = set(self.query("select block_number, log_index, tx_hash, block_hash from raw.undecoded_logs"))
        expected = set()
        for log in self.lab.chain.logs():
            if len(log["topics"]) == _ERC721_TOPICS and log["topics"][0] == _TRANSFER:
                continue  # another event of the same name
            found = (int(log["blockNumber"], 16), int(log["logIndex"], 16), log["transactionHash"], log["blockHash"])
            keys = [(topic0, address) for topic0 in log["topics"][:1] for address in ("*", log["address"])]
            if any(key in covered and found[0] >= covered[key] for key in keys) and found not in undecoded:
                expected.add(found)
        live = self.query("select block_number, log_index, tx_hash, block_hash from staging.stg_poolhouse__live_logs")
        assert expected
        assert not set(live) ^ expected
        assert len(live) == len(expected), "a log counts twice"

    def assert_incremental_equals_full_refresh(self) -> None:
        incremental, refreshed = self.lab.dbt.refreshed(self.database, self.database.parent / "refreshed")
        assert incremental
        assert refreshed == incremental
        assert not self.query(_CHANGES_WITHOUT_RANGE), "the change log, which is never rebuilt, does not add up"

    def assert_second_build_changes_nothing(self) -> None:
        before, changes = self.contents(), self._changes()
        assert self.build() == before
        assert self._changes() == changes, "a second build saw changes where nothing had changed"

    def assert_equals(self, clean: Warehouse) -> None:
        """The same marts and logs as in a warehouse of one load."""
        mine, expected = self.contents(), clean.contents()
        assert expected
        different = [r for r in sorted(mine | expected) if mine.get(r) != expected.get(r)]
        assert not different, [different, *differences(self.database, clean.database, different)]

    def _changes(self) -> list[tuple[object, ...]]:
        return self.query("select count(*), max(build_number) from intermediate.int_ledger_changes")

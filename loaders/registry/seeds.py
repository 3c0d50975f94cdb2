"""Chains, contracts, tokens and price feeds: the CSV files in ``seeds/``, which dbt reads as well."""

from __future__ import annotations

import csv
import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from loaders.errors import PoolhouseError
from loaders.registry.chains import FINALITY_RULES, QUIRK_NAMES, Chain, Quirk, parse_quirks
from loaders.registry.events import EventRegistry, load_events
from loaders.registry.families import load_families

S = TypeVar("S", bound=str)
T = TypeVar("T")

SEEDS = Path(__file__).resolve().parents[2] / "seeds"


@dataclass(frozen=True, slots=True)
class Contract:
    chain_id: int
    protocol: str
    version: str
    family: str
    role: str
    market: str
    address: str
    start_block: int
    fee_pips: int | None
    """Swap fee in 1e-6 of the input; None where pools carry their own."""
    init_code_hash: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Token:
    chain_id: int
    address: str
    symbol: str
    decimals: int
    category: str
    is_anchor: bool
    peg_usd: Decimal | None


@dataclass(frozen=True, slots=True)
class Feed:
    chain_id: int
    address: str
    """The proxy; the aggregator behind it emits the events."""
    base_token_address: str
    base_symbol: str
    quote: str
    decimals: int
    heartbeat_s: int


@dataclass(frozen=True)
class Registry:
    """Everything the loader knows in advance."""

    events: EventRegistry
    chains: tuple[Chain, ...]
    contracts: tuple[Contract, ...]
    tokens: tuple[Token, ...]
    feeds: tuple[Feed, ...]

    @cached_property
    def chain_names(self) -> list[str]:
        return [c.name for c in self.chains]

    def chain(self, name_or_id: str) -> Chain:
        """Raises :class:`PoolhouseError` for an unknown chain, naming the known ones."""
        wanted = name_or_id.strip().lower()
        for chain in self.chains:
            if wanted in (chain.name, str(chain.chain_id)):
                return chain
        raise _unknown("chain", wanted, self.chain_names, "Add a row to seeds/chains.csv to add a chain.")

    def chain_name(self, chain_id: int) -> str:
        return next((c.name for c in self.chains if c.chain_id == chain_id), str(chain_id))

    def contracts_of(self, chain: Chain) -> tuple[Contract, ...]:
        return tuple(c for c in self.contracts if c.chain_id == chain.chain_id)

    def tokens_of(self, chain: Chain) -> tuple[Token, ...]:
        return tuple(t for t in self.tokens if t.chain_id == chain.chain_id)

    def feeds_of(self, chain: Chain) -> tuple[Feed, ...]:
        return tuple(f for f in self.feeds if f.chain_id == chain.chain_id)

    def families_of(self, chain: Chain) -> list[str]:
        """Families that a load of the chain reads unless others are named, in the registry's order."""
        present = {c.family for c in self.contracts_of(chain)}
        if self.feeds_of(chain):
            present.add("chainlink")
        return [f for f in self.events.families if f in present and load_families()[f].loaded == "default"]

    def named_families_of(self, chain: Chain) -> list[str]:
        """Families that can be named on the chain: with a contract there, or with events that any contract may emit."""
        present = {c.family for c in self.contracts_of(chain)}
        present |= {e.family for e in self.events.events if e.emitters == "any"}
        by_option = {family.name for family in load_families().values() if family.loaded == "with_transfers"}
        return [f for f in self.events.families if f in {*self.families_of(chain), *present} - by_option]

    def select_families(self, chain: Chain, protocols: Iterable[str]) -> list[str]:
        """Families that a user named (`uniswap_v3`, `curve`), or of the protocols named (`uniswap`), and what they include.

        A protocol stands for those of its families that models read, or for all where models read none. For no name at
        all: what models read.
        """
        wanted = [p.strip().lower() for text in protocols for p in text.split(",") if p.strip()]
        defaults = self.families_of(chain)
        if not wanted and not defaults:
            raise PoolhouseError(
                f"Nothing is registered on chain {chain.name}.", "Add its contracts to seeds/registry_contracts.csv."
            )
        if not wanted:
            return defaults
        available = self.named_families_of(chain)
        by_name: dict[str, list[str]] = {family: [family] for family in available}
        for protocol, families in self._families_by_protocol(chain).items():
            modelled = [f for f in families if load_families()[f].is_modelled]
            by_name.setdefault(protocol, modelled or families)
        selected: set[str] = set()
        for protocol in wanted:
            if protocol not in by_name:
                remedy = "Add its contracts to seeds/registry_contracts.csv to add a protocol."
                raise _unknown(f"protocol on {chain.name}", protocol, sorted(by_name), remedy)
            selected.update(by_name[protocol])
        selected.update(*(load_families()[family].includes for family in tuple(selected)))
        return [f for f in available if f in selected]

    def _families_by_protocol(self, chain: Chain) -> dict[str, list[str]]:
        families: dict[str, list[str]] = {}
        for contract in self.contracts_of(chain):
            of_protocol = families.setdefault(contract.protocol, [])
            if contract.family not in of_protocol:
                of_protocol.append(contract.family)
        return families


def load_registry(seeds: Path = SEEDS, events: EventRegistry | None = None) -> Registry:
    """Read all registry files. Raises :class:`PoolhouseError` naming file, line and column of what is wrong."""
    known = events or load_events()
    return Registry(
        known,
        tuple(_read(seeds / "chains.csv", _chain)),
        tuple(_read(seeds / "registry_contracts.csv", lambda row: _contract(row, known.families))),
        tuple(_read(seeds / "registry_tokens.csv", _token)),
        tuple(_read(seeds / "registry_feeds.csv", _feed)),
    )


class _Row:
    """One CSV row whose accessors name file, line and column when a value is wrong."""

    def __init__(self, path: Path, line: int, values: dict[str, str]) -> None:
        self._where = f"{path.name}, line {line}"
        self._values = values

    def text(self, column: str) -> str:
        value = self._values.get(column)
        if value is None:
            raise PoolhouseError(f"{self._where}: column {column} is missing.", "Compare with the file's header.")
        return value.strip()

    def one_of(self, column: str, values: Iterable[S]) -> S:
        value, known = self.text(column), list(values)
        found = next((v for v in known if v == value), None)
        if found is None:
            raise self._wrong(column, value, f"one of {', '.join(known)}")
        return found

    def quirks(self, column: str) -> tuple[Quirk, ...]:
        value = self.text(column)
        try:
            return parse_quirks(value)
        except ValueError:
            expected = f"names of quirks ({', '.join(QUIRK_NAMES)}), each alone or with blocks as name@from-to"
            raise self._wrong(column, value, expected) from None

    def integer(self, column: str) -> int:
        value = self.text(column)
        try:
            return int(value)
        except ValueError:
            raise self._wrong(column, value, "a whole number") from None

    def optional_integer(self, column: str) -> int | None:
        return self.integer(column) if self.text(column) else None

    def address(self, column: str, *, required: bool = True) -> str:
        value = self.text(column)
        if not value and not required:
            return ""
        is_hex = value.startswith("0x") and len(value) == 42 and all(c in "0123456789abcdef" for c in value[2:])
        if not is_hex:
            raise self._wrong(column, value, "a lower-case 0x address")
        return value

    def boolean(self, column: str) -> bool:
        value = self.text(column).lower()
        if value not in ("true", "false", ""):
            raise self._wrong(column, value, "true or false")
        return value == "true"

    def optional_decimal(self, column: str) -> Decimal | None:
        value = self.text(column)
        return Decimal(value) if value else None

    def _wrong(self, column: str, value: str, expected: str) -> PoolhouseError:
        return PoolhouseError(f"{self._where}: {column} is {value!r}, expected {expected}.", "Correct the row.")


def _read(path: Path, build: Callable[[_Row], T]) -> Iterable[T]:
    if not path.is_file():
        raise PoolhouseError(f"{path} is missing.", "Run from a complete checkout of the project.")
    with path.open(encoding="utf-8", newline="") as file:
        for line, values in enumerate(csv.DictReader(file), start=2):
            yield build(_Row(path, line, values))


def _chain(row: _Row) -> Chain:
    return Chain(
        row.integer("chain_id"),
        row.text("chain"),
        row.text("native_symbol"),
        row.address("wrapped_native_address", required=False),
        row.integer("finality_depth"),
        row.optional_integer("min_block_gap_s") or 0,
        row.optional_integer("min_block_gap_since_block") or 0,
        row.optional_integer("min_block_gap_until_block"),
        row.one_of("finality_rule", FINALITY_RULES),
        row.quirks("quirks"),
    )


def _contract(row: _Row, families: Iterable[str]) -> Contract:
    return Contract(
        row.integer("chain_id"),
        row.text("protocol"),
        row.text("version"),
        row.one_of("family", families),
        row.text("role"),
        row.text("market"),
        row.address("contract_address"),
        row.optional_integer("start_block") or 0,
        row.optional_integer("fee_pips"),
        row.text("init_code_hash"),
        row.text("note"),
    )


def _token(row: _Row) -> Token:
    return Token(
        row.integer("chain_id"),
        row.address("token_address"),
        row.text("symbol"),
        row.integer("decimals"),
        row.text("category"),
        row.boolean("is_anchor"),
        row.optional_decimal("peg_usd"),
    )


def _feed(row: _Row) -> Feed:
    return Feed(
        row.integer("chain_id"),
        row.address("feed_address"),
        row.address("base_token_address", required=False),
        row.text("base_symbol"),
        row.text("quote"),
        row.integer("decimals"),
        row.optional_integer("heartbeat_s") or 0,
    )


def _unknown(kind: str, name: str, known: list[str], hint: str) -> PoolhouseError:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
    guess = f"Did you mean {near[0]}? " if near else ""
    return PoolhouseError(f"Unknown {kind}: {name!r}.", f"{guess}Known: {', '.join(known)}. {hint}")

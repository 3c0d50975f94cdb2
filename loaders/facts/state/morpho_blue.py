"""State of Morpho Blue."""

from __future__ import annotations

from loaders.facts.calls import Answer, call
from loaders.facts.catalog import Catalog, literals
from loaders.facts.reads import contracts
from loaders.facts.state.family import StateReader
from loaders.session import Session

_FAMILY = "morpho_blue"
_HOLDERS = (
    ("supply", "on_behalf"),
    ("withdraw", "on_behalf"),
    ("supply_collateral", "on_behalf"),
    ("withdraw_collateral", "on_behalf"),
    ("borrow", "on_behalf"),
    ("repay", "on_behalf"),
    ("liquidate", "borrower"),
)
"""Events by which an account comes to a position, and the column that names it."""


class MorphoBlueState:
    """Totals of every market whose creation is loaded, and every position that an event names."""

    def __init__(self, session: Session, catalog: Catalog) -> None:
        self._catalog = catalog
        self._emitters = literals(c.address for c in contracts(session, "morpho") if c.family == _FAMILY)

    def read(self, reader: StateReader) -> list[Answer]:
        if not self._emitters:
            return []
        markets = self._rows("select distinct contract_address, id", "create_market", reader.block_number)
        calls = [call(morpho, "market", _bytes(market)) for morpho, market in sorted(markets)]
        positions = {
            (morpho, market, account)
            for event, column in _HOLDERS
            for morpho, market, account in self._rows(
                f"select distinct contract_address, id, {column}", event, reader.block_number
            )
        }
        # the shares that pay a market's fee go to whoever received fees at the time
        recipients = "select distinct contract_address, new_fee_recipient"
        positions |= {
            (morpho, market, account)
            for emitter, account in self._rows(recipients, "set_fee_recipient", reader.block_number)
            for morpho, market in markets
            if morpho == emitter
        }
        known = set(markets)
        calls += [call(m, "position", _bytes(i), account) for m, i, account in sorted(positions) if (m, i) in known]
        return reader.read(calls)

    def _rows(self, select: str, event: str, block_number: int) -> list[tuple[str, ...]]:
        """Rows of one event up to the block."""
        table = self._catalog.complete(f"morpho_blue__morpho_{event}")
        return self._catalog.query(
            f"{select} from {table} and block_number <= {block_number} and contract_address in ({self._emitters})"
        )


def _bytes(market: str) -> bytes:
    return bytes.fromhex(market[2:])

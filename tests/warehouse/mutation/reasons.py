"""Why nothing can notice a mutation: what has been thought about, kind by kind.

Mutations of events that no model reads, that the market never emits, or that change no mart need no entry: the harness
finds that out. Everything else that goes unnoticed needs one, or the test fails.
"""

from __future__ import annotations

from tests.warehouse.mutation.logs import Mutation

BY_FATE = {
    "unread": "no model reads it",
    "absent": "the devnet's market emits none",
    "harmless": "changes no row of any mart",
    "martless": "no mart is built on it yet, and the checks of its family do not see it",
}

_REPEATED = "the action is listed twice, the state that it sets is the same; contracts do repeat it"
_REPLACED = "between two pinned blocks nothing but the next answer follows it, and aggregators have skipped rounds"


def reason_for(event: str, mutation: Mutation) -> str:
    """Empty when nobody has thought of one."""
    return _REASONS.get((event, mutation), "")


_REASONS: dict[tuple[str, Mutation], str] = {
    ("aave_v3.pool.UserEModeSet", "duplicate"): _REPEATED,
    ("aave_v3.pool.ReserveUsedAsCollateralEnabled", "duplicate"): _REPEATED,
    ("aave_v3.pool.ReserveUsedAsCollateralDisabled", "duplicate"): _REPEATED,
    ("chainlink.aggregator.AnswerUpdated", "drop"): _REPLACED,
    ("chainlink.aggregator.AnswerUpdated", "alter"): _REPLACED,
}

_LIST = ("lending_actions",)
_TRADES = ("dex_trades", "dex_volume_daily")
PASSED_OVER: dict[tuple[str, Mutation], tuple[tuple[str, ...], str]] = {
    ("aave_v3.pool.UserEModeSet", "drop"): (_LIST, "one that sets the mode the account is in already"),
    ("aave_v3.pool.ReserveUsedAsCollateralDisabled", "drop"): (
        _LIST,
        "one that is undone before the next pinned block",
    ),
    ("uniswap_v2.pair.Swap", "drop"): (
        _TRADES,
        "a flash swap paid back in the token that was lent: to the pair's reserves it is a gift",
    ),
}
"""Logs that nothing can notice the lack of, although these marts list them: another log is taken in their stead."""

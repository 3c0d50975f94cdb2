"""Models of which the small market gives no row: that they run on both engines is all that parity says of them."""

from __future__ import annotations

_VIEW = "casts and renames like the staging views beside it, which have rows; its types are analysed"
EMPTY = {
    "int_dex_v3_donations": "nobody gives a V3 pool tokens for nothing; its unit test has such a pool",
    "stg_aave_v3__pool_deficit_covered": f"no deficit is covered; {_VIEW}",
    "stg_aave_v3__pool_deficit_created": f"no liquidation leaves bad debt; {_VIEW}",
    "stg_poolhouse__pool_completions": f"every pool's creation is loaded; {_VIEW}",
    "stg_poolhouse__undecoded_logs": f"every log is decoded; {_VIEW}",
}
"""By model, why there is none and what else speaks for it."""

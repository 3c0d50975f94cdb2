"""What an error answer means for the next request. One table, first match wins; the texts are those of real providers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["size", "rate", "lag", "auth", "unsupported", "transient", "fatal"]
"""
size         ask for less at a time
rate         wait, then ask the same
lag          this node has not got the block yet: wait or ask another
auth         no retry helps until the key or plan changes
unsupported  the node lacks the method
transient    try again
fatal        the request itself is wrong
"""

# Order matters: lag and rate answers also speak of "range" and "limit", and shrinking a range because of them never ends.
_MESSAGES: tuple[tuple[Kind, str], ...] = (
    # Fewer blocks would not help: these are about the filter.
    ("fatal", r"exceeds? (?:the )?max(?:imum)?(?: of [\d,]+)? (?:addresses|topics)"),
    (
        "lag",
        r"beyond current head|after last accepted block|block(?: range)? (?:is )?(?:out of range|beyond)|BlockOutOfRange",
    ),
    (
        "lag",
        r"unknown block|header not found|block not found|could not find block|requested block .*not (?:yet )?available",
    ),
    ("lag", r"^\d+ could not be found"),
    # Ranges here are never inverted: to a node that calls one invalid, its end is a block of the future.
    (
        "lag",
        r"invalid block range|could not get header for block|blocks? specified in filter .*cannot be found",
    ),
    (
        "rate",
        r"compute units per second|rate.?limit|too many requests|request rate|throughput|requests? per (?:second|minute)",
    ),
    (
        "rate",
        r"capacity exceeded|quota (?:will )?reset|call rate|exceeded its .*capacity|retry.?after|\d/sec(?:ond)?\b|rps limit",
    ),
    (
        "auth",
        r"must be authenticated|unauthori[sz]ed|invalid (?:api|project|access).?(?:key|id|token)",
    ),
    ("auth", r"api.?key (?:is )?(?:invalid|missing|disabled)"),
    (
        "auth",
        r"monthly (?:capacity|quota)|daily (?:request|quota)|upgrade your plan|project id .*(?:invalid|required)|access denied|forbidden",
    ),
    (
        "size",
        r"returned more than|more than [\d,]+ (?:results|logs)|max(?:imum)? (?:results|number of logs)|logs? limit",
    ),
    (
        "size",
        r"too many logs|logs matched by query exceeds|^limit exceeded$|number of requested blocks",
    ),
    (
        "size",
        r"response (?:size )?(?:is too|should not|exceeded|too) ?(?:large|big|greater)?|log response size exceeded|response too large",
    ),
    (
        "size",
        r"block range|range (?:is )?too (?:large|wide|big)|limited to (?:a )?[\d,.]+k? ?(?:blocks? )?range|max(?:imum)? (?:block )?range",
    ),
    (
        "size",
        r"range [\d,]+ (?:exceeds|is bigger than range) limit|exceeds? max(?:imum)? (?:results|block range)",
    ),
    (
        "size",
        r"ranges? over [\d,]+ blocks|max is [\d,]+k? blocks",
    ),
    (
        "size",
        r"query (?:timeout|timed out)|execution (?:timeout|aborted)|timeout exceeded|context deadline exceeded|query exceeds",
    ),
    ("size", r"backend response too large|body (?:is )?too large|request entity too large|payload too large"),
    (
        "unsupported",
        r"method .*(?:not (?:found|available|supported|exist|whitelisted|allowed)|does not exist|is unavailable)",
    ),
    ("unsupported", r"unsupported method|method not found|not implemented|unknown method"),
    (
        "transient",
        r"no backend is currently healthy|internal (?:server )?error|temporarily|try again|overloaded|server busy|connection",
    ),
    ("transient", r"missing trie node|bad gateway|gateway time|service unavailable"),
)
_CODES: dict[int, Kind] = {
    -32601: "unsupported",
    -32004: "unsupported",
    -32614: "size",
    -32005: "rate",
    -32016: "rate",
    429: "rate",
    -32603: "transient",
    -32000: "transient",
}
_STATUS: dict[int, Kind] = {
    401: "auth",
    402: "auth",
    403: "auth",
    404: "fatal",
    408: "size",
    413: "size",
    429: "rate",
    500: "transient",
    502: "transient",
    503: "transient",
    504: "size",
}
_TIMEOUTS = (408, 504)
_COMPILED = tuple((kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in _MESSAGES)

_HEX_RANGE = re.compile(r"\[?\s*(0x[0-9a-f]+)\s*[,-]\s*(0x[0-9a-f]+)\s*\]?", re.IGNORECASE)
_DECIMAL_RANGE = re.compile(r"range (\d+)\s*-\s*(\d+)")
# The number that ends a range of blocks, not one of logs or bytes.
_BLOCK_CAP = re.compile(
    r"(?:limited to (?:a )?|max is |exceeds the maximum of |up to an? |"
    r"max(?:imum)? (?:block )?range(?: =|:| of)? |range limit (?:of )?|\(maximum |"
    r"number of requested blocks is |range [\d,]+ exceeds limit of |server limit, narrow your filter: |ranges over )"
    r"([\d,]+)(k?)\b(?! (?:results|logs|bytes|block range and no limit))",
    re.IGNORECASE,
)
_LOG_CAP = re.compile(
    r"(?:returned more than |matched by query exceeds limit of |too many logs, narrow your filter: |"
    r"exceeds max results |max logs per response is |with a cap of )([\d,]+)(k?)\b",
    re.IGNORECASE,
)
_BYTE_CAP = re.compile(r"([\d,]+) bytes", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Verdict:
    kind: Kind
    suggested: tuple[int, int] | None = None
    """A block range the node says would work."""
    block_cap: int | None = None
    """Number of blocks the node says is its limit."""
    log_cap: int | None = None
    """The same for logs in one answer."""
    byte_cap: int | None = None
    """The same for the size of one answer."""
    is_slow: bool = False
    """Whether no answer came in time: less at a time may do better, but no limit is proven."""


def classify(code: int, message: str, *, status: int = 200) -> Verdict:
    """Meaning of an error object, or of an HTTP status when there is none (``code`` 0, empty message)."""
    for kind, pattern in _COMPILED:
        if pattern.search(message):
            return Verdict(kind, *_hints(message)) if kind == "size" else Verdict(kind)
    if code in _CODES:
        return Verdict(_CODES[code])
    kind = _STATUS.get(status, "transient" if status >= 500 else "fatal")
    return Verdict(kind, is_slow=kind == "size" and status in _TIMEOUTS)


def _hints(message: str) -> tuple[tuple[int, int] | None, int | None, int | None, int | None]:
    suggested = None
    if match := _HEX_RANGE.search(message):
        suggested = int(match[1], 16), int(match[2], 16)
    elif match := _DECIMAL_RANGE.search(message):
        suggested = int(match[1]), int(match[2])
    # An inverted suggestion is a provider's bug; following it would never end.
    useful = suggested if suggested and suggested[0] <= suggested[1] else None
    return useful, _limit(_BLOCK_CAP, message), _limit(_LOG_CAP, message), _limit(_BYTE_CAP, message)


def _limit(pattern: re.Pattern[str], message: str) -> int | None:
    """The number that the pattern's first group finds, in thousands where a second one finds a k; None for 0."""
    match = pattern.search(message)
    if match is None:
        return None
    thousands = 1000 if pattern.groups > 1 and match[2] else 1
    return int(match[1].replace(",", "")) * thousands or None

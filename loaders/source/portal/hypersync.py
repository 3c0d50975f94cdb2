"""Envio HyperSync by its JSON interface: ``POST /query``, answered up to ``next_block``, which it leaves out.

Its binary interface (Cap'n Proto around Arrow) is quicker and needs the vendor's client; this one needs HTTP alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from loaders.errors import PoolhouseError
from loaders.logs import RawLogs, empty_logs
from loaders.rpc.endpoint import Header
from loaders.rpc.node import Lagging
from loaders.source.parse import logs_of_texts
from loaders.source.portal.http import PortalHttp
from loaders.source.portal.source import Page, Question, headers_by_runs
from loaders.source.verify import Inconsistent

Json = Any
Quantity = int | str
"""The interface writes some integers as numbers and some as hex."""

_BLOCK_FIELDS = ["number", "hash", "parent_hash", "timestamp", "logs_bloom"]
_LOG_FIELDS = [
    *("removed", "log_index", "transaction_index", "transaction_hash", "block_hash", "block_number"),
    *("address", "data", "topic0", "topic1", "topic2", "topic3"),
]


class _Log(msgspec.Struct, gc=False):
    log_index: Quantity
    transaction_index: Quantity
    transaction_hash: str
    block_hash: str
    block_number: Quantity
    address: str
    data: str = "0x"
    topic0: str | None = None
    topic1: str | None = None
    topic2: str | None = None
    topic3: str | None = None
    removed: bool | None = None


class _Block(msgspec.Struct, gc=False):
    number: Quantity
    hash: str
    parent_hash: str
    timestamp: Quantity
    logs_bloom: str | None = None


class _Data(msgspec.Struct):
    blocks: list[_Block] = []
    logs: list[_Log] = []


class _Guard(msgspec.Struct):
    """The blocks at the ends of the answer, served where a reorganisation might still replace them."""

    block_number: int
    hash: str | None = None
    first_block_number: int | None = None
    first_parent_hash: str | None = None


class _Answer(msgspec.Struct):
    next_block: int
    data: list[_Data] = []
    archive_height: int | None = None
    rollback_guard: _Guard | None = None


class _Height(msgspec.Struct):
    height: int | None


class _ChainId(msgspec.Struct):
    chain_id: int


_ANSWER = msgspec.json.Decoder(_Answer).decode


class HyperSync:
    """HyperSync of one chain: ``https://<chain id>.hypersync.xyz``."""

    def __init__(self, http: PortalHttp) -> None:
        self._http = http
        self.host = http.host

    def height(self) -> int:
        """Newest block; -1 when there is none."""
        try:
            height = msgspec.json.decode(self._http.get("height").body, type=_Height).height
        except msgspec.DecodeError:
            raise _not_hypersync(self.host) from None
        return -1 if height is None else height

    def chain_id(self) -> int:
        try:
            return msgspec.json.decode(self._http.get("chain_id").body, type=_ChainId).chain_id
        except msgspec.DecodeError:
            raise _not_hypersync(self.host) from None

    def read(self, question: Question) -> Page:
        query: dict[str, Json] = {
            "from_block": question.low,
            "to_block": question.high + 1,
            "logs": [
                {
                    **({"topics": [list(q.topics)]} if q.topics else {}),
                    **({"address": list(q.addresses)} if q.addresses else {}),
                }
                for q in question.queries
            ],
            "field_selection": {"block": _BLOCK_FIELDS, "log": _LOG_FIELDS},
        }
        if question.with_all_headers:
            query["include_all_blocks"] = True
        answer = self._query(query)
        to_block = answer.next_block - 1
        if to_block < question.low:
            raise Lagging(f"{self.host} has no block {question.low} yet")
        headers = _headers(answer)
        # Blocks come with the logs they hold; the last one may hold none.
        if to_block not in headers and to_block <= question.high:
            headers[to_block] = self.headers([to_block])[0]
        guard = answer.rollback_guard
        if guard is not None:
            _check_guard(guard, headers, question)
        return Page(to_block, _logs(answer, headers), headers, _first_parent(guard, question.low))

    def headers(self, numbers: Sequence[int]) -> list[Header]:
        return headers_by_runs(numbers, self._all_headers)

    def _all_headers(self, low: int, high: int) -> dict[int, Header]:
        query = {
            "from_block": low,
            "to_block": high + 1,
            "include_all_blocks": True,
            "field_selection": {"block": _BLOCK_FIELDS},
        }
        return _headers(self._query(query))

    def _query(self, query: dict[str, Json]) -> _Answer:
        return _ANSWER(self._http.post("query", query).body)


def _headers(answer: _Answer) -> dict[int, Header]:
    found: dict[int, Header] = {}
    for block in itertools.chain.from_iterable(data.blocks for data in answer.data):
        bloom = bytes.fromhex(block.logs_bloom[2:]) if block.logs_bloom else b""
        number = _integer(block.number)
        header = Header(number, block.hash, block.parent_hash, _integer(block.timestamp), bloom)
        # Parts of an answer may repeat a block; they may not disagree on it.
        if found.setdefault(number, header) != header:
            raise Inconsistent(f"block {number} with two headers")
    return found


def _logs(answer: _Answer, headers: dict[int, Header]) -> RawLogs:
    logs = [log for data in answer.data for log in data.logs]
    if not logs:
        return empty_logs()
    if any(log.removed for log in logs):
        raise Inconsistent("a log is marked removed")
    # The parts of an answer come in no order that is promised; a log that comes twice stays twice, and is refused.
    logs.sort(key=lambda log: (_integer(log.block_number), _integer(log.log_index)))
    numbers = [_integer(log.block_number) for log in logs]
    absent = next((n for n in numbers if n not in headers), None)
    if absent is not None:
        raise Inconsistent(f"logs of block {absent} without its header")
    return logs_of_texts(
        block_number=np.array(numbers, np.int64),
        log_index=np.array([_integer(log.log_index) for log in logs], np.int64),
        tx_index=np.array([_integer(log.transaction_index) for log in logs], np.int64),
        timestamp=np.array([headers[n].timestamp for n in numbers], np.int64),
        block_hash=[log.block_hash for log in logs],
        tx_hash=[log.transaction_hash for log in logs],
        address=[log.address for log in logs],
        topics=[[t for t in (log.topic0, log.topic1, log.topic2, log.topic3) if t is not None] for log in logs],
        data=[log.data for log in logs],
    )


def _check_guard(guard: _Guard, headers: dict[int, Header], question: Question) -> None:
    """Raises :class:`Inconsistent` where the guard contradicts the headers or the block before."""
    end = headers.get(guard.block_number)
    if end is not None and guard.hash is not None and end.hash != guard.hash:
        raise Inconsistent(f"block {guard.block_number} changed while it was read")
    before = _first_parent(guard, question.low)
    if before is not None and question.parent_hash not in (None, before):
        raise Inconsistent(f"the block before {question.low} is another now: the chain reorganised")


def _first_parent(guard: _Guard | None, low: int) -> str | None:
    return guard.first_parent_hash if guard is not None and guard.first_block_number == low else None


def _integer(value: Quantity) -> int:
    return int(value, 0) if isinstance(value, str) else value


def _not_hypersync(host: str) -> PoolhouseError:
    return PoolhouseError(
        f"{host} does not answer as HyperSync does.", "Give the URL of a chain, for example https://1.hypersync.xyz."
    )

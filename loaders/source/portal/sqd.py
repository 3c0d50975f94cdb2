"""SQD Network's portal: ``POST <dataset>/stream`` and ``/finalized-stream``, one JSON block a line.

The stream holds the blocks with matching logs and always the first and the last block that the answer covers; it may end
before the last block asked for. 204 says that the blocks are not there yet, 409 that the block before them is another.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from loaders.errors import PoolhouseError
from loaders.logs import empty_logs
from loaders.plan.filters import Finality
from loaders.rpc.endpoint import Header
from loaders.rpc.node import Lagging
from loaders.source.parse import logs_of_texts
from loaders.source.portal.http import PortalHttp
from loaders.source.portal.source import Page, Question, headers_by_runs
from loaders.source.verify import Inconsistent

Json = Any

_PATHS: dict[Finality, str] = {"final": "finalized-stream", "tail": "stream"}
_BLOCK_FIELDS = dict.fromkeys(("number", "hash", "parentHash", "timestamp", "logsBloom"), True)
_LOG_FIELDS = dict.fromkeys(("logIndex", "transactionIndex", "transactionHash", "address", "data", "topics"), True)


class _Log(msgspec.Struct, gc=False, rename="camel"):
    log_index: int
    transaction_index: int
    transaction_hash: str
    address: str
    data: str
    topics: list[str]


class _Header(msgspec.Struct, gc=False, rename="camel"):
    number: int
    hash: str
    parent_hash: str
    timestamp: int
    logs_bloom: str | None = None


class _Block(msgspec.Struct, gc=False):
    header: _Header
    logs: list[_Log] = []


class _BlockId(msgspec.Struct):
    number: int
    hash: str


_LINES = msgspec.json.Decoder(_Block)
_HEAD = msgspec.json.Decoder(_BlockId | None)


class SqdPortal:
    """A dataset of a portal: ``https://portal.sqd.dev/datasets/ethereum-mainnet``, or one of your own."""

    def __init__(self, http: PortalHttp) -> None:
        self._http = http
        self.host = http.host

    def head(self) -> int:
        """Newest block; -1 when there is none."""
        return self._block_id("head")

    def finalized_head(self) -> int:
        return self._block_id("finalized-head")

    def _block_id(self, path: str) -> int:
        try:
            block = _HEAD.decode(self._http.get(path).body)
        except msgspec.DecodeError:
            raise PoolhouseError(
                f"{self.host} does not answer as SQD's portal does.",
                "Give the URL of a dataset, for example https://portal.sqd.dev/datasets/ethereum-mainnet.",
            ) from None
        return block.number if block else -1

    def read(self, question: Question) -> Page:
        query: dict[str, Json] = {
            "type": "evm",
            "fromBlock": question.low,
            "toBlock": question.high,
            "fields": {"block": _BLOCK_FIELDS, "log": _LOG_FIELDS},
            "logs": [
                {
                    **({"topic0": list(q.topics)} if q.topics else {}),
                    **({"address": list(q.addresses)} if q.addresses else {}),
                }
                for q in question.queries
            ],
        }
        if question.parent_hash is not None:
            query["parentBlockHash"] = question.parent_hash
        if question.with_all_headers:
            query["includeAllBlocks"] = True
        blocks = self._blocks(query, question.finality)
        if blocks[0].header.number != question.low:
            raise Inconsistent(f"the answer begins at block {blocks[0].header.number} instead of {question.low}")
        return _page(blocks)

    def headers(self, numbers: Sequence[int]) -> list[Header]:
        return headers_by_runs(numbers, self._headers)

    def _headers(self, low: int, high: int) -> dict[int, Header]:
        query = {
            "type": "evm",
            "fromBlock": low,
            "toBlock": high,
            "includeAllBlocks": True,
            "fields": {"block": _BLOCK_FIELDS},
        }
        return {block.header.number: _header(block.header) for block in self._blocks(query, "tail")}

    def _blocks(self, query: dict[str, Json], finality: Finality) -> list[_Block]:
        reply = self._http.post(_PATHS[finality], query, known=(409,))
        if reply.status == 409:
            raise Inconsistent(f"the block before {query['fromBlock']} is another now: the chain reorganised")
        if reply.status == 204:
            raise Lagging(f"{self.host} has no block {query['fromBlock']} yet")
        blocks = _LINES.decode_lines(reply.body)
        if not blocks:
            raise Inconsistent("an empty answer, without the blocks it covers")
        numbers = [block.header.number for block in blocks]
        if any(b <= a for a, b in itertools.pairwise(numbers)):
            raise Inconsistent("blocks out of order or repeated")
        return blocks


def _page(blocks: list[_Block]) -> Page:
    headers = {block.header.number: _header(block.header) for block in blocks}
    filled = [block for block in blocks if block.logs]
    first = blocks[0].header.parent_hash
    if not filled:
        return Page(blocks[-1].header.number, empty_logs(), headers, first)
    # The portal writes a block's logs in whatever order it stored them.
    for block in filled:
        block.logs.sort(key=lambda log: log.log_index)
    counts = [len(block.logs) for block in filled]
    logs = [log for block in filled for log in block.logs]
    raw = logs_of_texts(
        block_number=np.repeat(np.array([b.header.number for b in filled], np.int64), counts),
        log_index=np.array([log.log_index for log in logs], np.int64),
        tx_index=np.array([log.transaction_index for log in logs], np.int64),
        timestamp=np.repeat(np.array([headers[b.header.number].timestamp for b in filled], np.int64), counts),
        block_hash=[block.header.hash for block in filled for _ in block.logs],
        tx_hash=[log.transaction_hash for log in logs],
        address=[log.address for log in logs],
        topics=[log.topics for log in logs],
        data=[log.data for log in logs],
    )
    return Page(blocks[-1].header.number, raw, headers, first)


def _header(header: _Header) -> Header:
    bloom = bytes.fromhex(header.logs_bloom[2:]) if header.logs_bloom else b""
    return Header(header.number, header.hash, header.parent_hash, header.timestamp, bloom)

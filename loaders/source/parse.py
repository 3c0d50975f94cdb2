"""JSON-RPC log objects -> :class:`RawLogs`."""

from __future__ import annotations

import binascii

import msgspec
import numpy as np

from loaders.logs import UNKNOWN_TIMESTAMP, Bytes, Integers, RawLogs, empty_logs
from loaders.source.scan import UnusualLayout, scan_logs


class Malformed(Exception):
    """The node's answer is not a list of logs as the JSON-RPC specification has them."""


class _Log(msgspec.Struct, gc=False, rename="camel"):
    address: str
    topics: list[str]
    data: str
    block_number: str
    block_hash: str
    transaction_hash: str
    transaction_index: str
    log_index: str
    removed: bool = False
    block_timestamp: str | int | None = None


_DECODE = msgspec.json.Decoder(list[_Log]).decode


def parse_logs(raw: bytes | memoryview | msgspec.Raw) -> RawLogs:
    """The logs of one ``eth_getLogs`` result, in its order. Raises :class:`Malformed`."""
    try:
        return scan_logs(memoryview(raw))
    except UnusualLayout:
        return parse_any_layout(raw)


def parse_any_layout(raw: bytes | memoryview | msgspec.Raw) -> RawLogs:
    """Like :func:`parse_logs`, by the JSON parser alone: several times the work, any order of keys."""
    try:
        logs = _DECODE(raw)
        return _columns(logs) if logs else empty_logs()
    except (msgspec.DecodeError, ValueError, OverflowError) as error:
        raise Malformed(str(error)) from None


def _columns(logs: list[_Log]) -> RawLogs:
    if any([log.removed for log in logs]):  # noqa: C419 (a list is faster than a generator here)
        raise Malformed("a log is marked removed")
    return logs_of_texts(
        block_number=_integers([log.block_number for log in logs]),
        log_index=_integers([log.log_index for log in logs]),
        tx_index=_integers([log.transaction_index for log in logs]),
        timestamp=_timestamps(logs),
        block_hash=[log.block_hash for log in logs],
        tx_hash=[log.transaction_hash for log in logs],
        address=[log.address for log in logs],
        topics=[log.topics for log in logs],
        data=[log.data for log in logs],
    )


def logs_of_texts(
    *,
    block_number: Integers,
    log_index: Integers,
    tx_index: Integers,
    timestamp: Integers,
    block_hash: list[str],
    tx_hash: list[str],
    address: list[str],
    topics: list[list[str]],
    data: list[str],
) -> RawLogs:
    """Logs from columns of ``0x…`` text. Raises :class:`Malformed` or ``ValueError`` for text that is not such."""
    sizes = np.fromiter(map(len, data), np.int64, len(data)) // 2 - 1
    data_bytes = _unhex(data)
    if len(data_bytes) != sizes.sum():
        raise Malformed("data has half a byte")
    topic_count, topic_bytes = _topics(topics)
    return RawLogs(
        block_number=block_number,
        log_index=log_index,
        tx_index=tx_index,
        timestamp=timestamp,
        block_hash=_rows(block_hash, 32),
        tx_hash=_rows(tx_hash, 32),
        address=_rows(address, 20),
        topic_count=topic_count,
        topics=topic_bytes,
        data=data_bytes,
        data_start=np.cumsum(sizes) - sizes,
        data_size=sizes,
    )


def _topics(lists: list[list[str]]) -> tuple[Integers, Bytes]:
    counts = np.fromiter(map(len, lists), np.int64, len(lists))
    if counts.max(initial=0) > 4:
        raise Malformed("a log has more than 4 topics")
    flat = _rows([t for topics in lists for t in topics], 32)
    topics = np.zeros((len(lists), 4, 32), np.uint8)
    topics[np.arange(4) < counts[:, None]] = flat
    return counts, topics


def _rows(parts: list[str], width: int) -> Bytes:
    """``0x…`` texts of ``width`` bytes each."""
    # Each, not all together: one that is short and one that is long would shift what lies between.
    if any([len(p) != 2 + 2 * width for p in parts]):  # noqa: C419 (a list is faster than a generator here)
        raise Malformed("a hash, address or topic has the wrong length")
    return _unhex(parts).reshape(-1, width)


def _unhex(parts: list[str]) -> Bytes:
    """``0x…`` texts, joined."""
    if "".join([p[:2] for p in parts]) != "0x" * len(parts):
        raise Malformed("a value is not hexadecimal")
    return np.frombuffer(binascii.unhexlify("".join([p[2:] for p in parts])), np.uint8)


def _integers(parts: list[str]) -> Integers:
    return np.array([_quantity(p) for p in parts], np.int64)


def _quantity(text: str) -> int:
    # Python's int() also takes signs, spaces, underscores and the digits of any script.
    if text[:2] != "0x" or not (text.isascii() and text.isalnum()):
        raise Malformed(f"{text[:20]!r} is not a hexadecimal quantity")
    return int(text, 16)


def _timestamps(logs: list[_Log]) -> Integers:
    """Seconds as the node states them; the clock decides whether they are sane."""
    values = [log.block_timestamp for log in logs]
    if values[0] is None:
        return np.full(len(logs), UNKNOWN_TIMESTAMP, np.int64)
    seconds = [UNKNOWN_TIMESTAMP if v is None else _quantity(v) if isinstance(v, str) else v for v in values]
    return np.array(seconds, np.int64)

"""What providers do to answers, as scripted changes of an honest node's."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from tests.loaders.emitter import Answer, Fault

Call: TypeAlias = dict[str, Any]
Raw: TypeAlias = tuple[int, dict[str, str], bytes]
Change: TypeAlias = Callable[[Call, Answer], Answer | bytes | Raw]

MAX_LOGS = 12
"""More logs than this in one answer are refused by those who refuse: a few blocks' worth."""


def asks_for_range(call: Call) -> bool:
    return bool(call["method"] == "eth_getLogs" and "toBlock" in call["params"][0])


def bounds(call: Call) -> tuple[int, int]:
    question = call["params"][0]
    return int(question["fromBlock"], 16), int(question["toBlock"], 16)


def error(call: Call, code: int, message: str) -> Answer:
    return {"jsonrpc": "2.0", "id": call["id"], "error": {"code": code, "message": message}}


def sometimes(every: int, change: Change) -> Fault:
    """Changes every so many answers to ranges, the others are honest."""
    asked = {"count": 0}

    def fault(call: Call, answer: Answer) -> Answer | bytes | Raw:
        if not asks_for_range(call):
            return answer
        asked["count"] += 1
        return change(call, answer) if asked["count"] % every == 0 else answer

    return fault


def by_chance(seed: int, share: float, change: Change) -> Fault:
    """Changes so many answers to ranges, whichever chance picks."""
    chance = random.Random(seed)

    def fault(call: Call, answer: Answer) -> Answer | bytes | Raw:
        return change(call, answer) if asks_for_range(call) and chance.random() < share else answer

    return fault


def together(faults: Sequence[Fault]) -> Fault:
    """One after the other, until one answers with something else than logs."""

    def fault(call: Call, answer: Answer) -> Answer | bytes | Raw:
        for each in faults:
            changed = each(call, answer)
            if not isinstance(changed, dict) or "error" in changed:
                return changed
            answer = changed
        return answer

    return fault


def block_cap(most: int) -> Fault:
    def fault(call: Call, answer: Answer) -> Answer:
        low, high = bounds(call) if asks_for_range(call) else (0, 0)
        return error(call, -32614, f"eth_getLogs is limited to a {most} range") if high - low + 1 > most else answer

    return fault


def log_cap(suggest: Callable[[int, int, int], str]) -> Fault:
    """Refuses long answers; ``suggest`` words a hint from first block, last block and the last that would fit."""

    def fault(call: Call, answer: Answer) -> Answer:
        if not asks_for_range(call) or len(answer["result"]) <= MAX_LOGS:
            return answer
        low, high = bounds(call)
        fitting = max(low, int(answer["result"][MAX_LOGS]["blockNumber"], 16) - 1)
        return error(call, -32005, f"query returned more than {MAX_LOGS} results{suggest(low, high, fitting)}")

    return fault


def _range(low: int, high: int) -> str:
    return f". Try with this block range [{low:#x}, {high:#x}]."


def without_timestamps() -> Fault:
    """Logs with no timestamp, with one of zero and with one in milliseconds, in turn."""
    stated = itertools.cycle([None, "0x0", "0x19a9c8b2f40"])

    def fault(call: Call, answer: Answer) -> Answer:
        if call["method"] != "eth_getLogs":
            return answer
        timestamp = next(stated)
        bare = [{k: v for k, v in log.items() if k != "blockTimestamp"} for log in answer["result"]]
        return {**answer, "result": [{**log, "blockTimestamp": timestamp} if timestamp else log for log in bare]}

    return fault


def _slow(_: Call, answer: Answer) -> Answer:
    time.sleep(0.1)
    return answer


def _changed(change: Callable[[list[Answer], Call], list[Answer]]) -> Change:
    return lambda call, answer: {**answer, "result": change(answer["result"], call)}


def _older_half(logs: list[Answer], call: Call) -> list[Answer]:
    low, high = bounds(call)
    return [log for log in logs if int(log["blockNumber"], 16) <= (low + high) // 2]


def _newer_half(logs: list[Answer], call: Call) -> list[Answer]:
    low, high = bounds(call)
    return [log for log in logs if int(log["blockNumber"], 16) > (low + high) // 2]


def _outer_blocks(logs: list[Answer], call: Call) -> list[Answer]:
    return [log for log in logs if int(log["blockNumber"], 16) in bounds(call)]


def lagging(every: int) -> Fault:
    """A backend that has not got the last block asked for, whatever it says of the logs."""
    asked = {"count": 0}

    def fault(call: Call, answer: Answer) -> Answer:
        if call["method"] == "eth_getBlockByNumber" and not str(call["params"][0]).isalpha():
            asked["count"] += 1
            return {**answer, "result": None} if asked["count"] % every == 0 else answer
        return answer

    return fault


CAPS: dict[str, Fault] = {
    "log cap without a hint": log_cap(lambda *_: ""),
    "log cap with a hint": log_cap(lambda low, _, fitting: _range(low, fitting)),
    "log cap that suggests the same range": log_cap(lambda low, high, _: _range(low, high)),
    "log cap that suggests an inverted range": log_cap(lambda low, high, _: _range(high, low)),
    "log cap that suggests other blocks": log_cap(lambda _, high, __: _range(high + 5, high + 9)),
    "block cap": block_cap(7),
}
"""Faults that refuse what is too large."""

PASSING: dict[str, Fault] = {
    "429": sometimes(3, lambda *_: (429, {"Retry-After": "0"}, b'{"error":{"code":429,"message":"rate limit"}}')),
    "503": sometimes(3, lambda *_: (503, {}, b"upstream unavailable")),
    "cut body": sometimes(3, lambda *_: (200, {"Content-Length": "900"}, b'[{"jsonrpc":"2.0","id":0,"result":[{"ad')),
    "bad gzip": sometimes(3, lambda *_: (200, {"Content-Encoding": "gzip"}, b"\x1f\x8b\x08\x00 not gzip at all")),
    "no JSON": sometimes(4, lambda *_: (502, {}, b"<html>bad gateway</html>")),
    "slow": sometimes(2, _slow),
    "false-empty": sometimes(7, _changed(lambda *_: [])),
    "without the newest": sometimes(3, _changed(_older_half)),
    "without the oldest": sometimes(3, _changed(_newer_half)),
    "with a gap": sometimes(3, _changed(_outer_blocks)),
    "repeated": sometimes(3, _changed(lambda logs, _: [*logs, *logs[-1:]])),
    "out of range": sometimes(
        3, _changed(lambda logs, call: [*logs[:-1], {**logs[-1], "blockNumber": hex(bounds(call)[1] + 1)}])
    ),
    "removed": sometimes(3, _changed(lambda logs, _: [*logs[:-1], {**logs[-1], "removed": True}])),
    "other block": sometimes(3, _changed(lambda logs, _: [{**log, "blockHash": "0x" + "5a" * 32} for log in logs])),
    "lagging": lagging(5),
    "timestamps": without_timestamps(),
}
"""Faults of answers that are not refused; in reach of a reader who doubts and asks again."""


def several(seed: int) -> Fault:
    """A provider with a cap and four other faults at once, each in one answer of eight."""
    chance = random.Random(seed)
    faults = [by_chance(seed + i, 1 / 8, _CHANGES[name]) for i, name in enumerate(chance.sample(sorted(_CHANGES), 4))]
    return together([chance.choice([block_cap(4), CAPS["log cap without a hint"], block_cap(2)]), *faults])


_CHANGES: dict[str, Change] = {
    "429": lambda *_: (429, {"Retry-After": "0"}, b'{"error":{"code":429,"message":"rate limit"}}'),
    "503": lambda *_: (503, {}, b"upstream unavailable"),
    "false-empty": _changed(lambda *_: []),
    "without the newest": _changed(_older_half),
    "repeated": _changed(lambda logs, _: [*logs, *logs[-1:]]),
    "lagging": lambda call, _: error(call, -32000, "block range extends beyond current head block"),
    "cut body": lambda *_: (200, {"Content-Length": "900"}, b'[{"jsonrpc":"2.0","id":0,"result":[{"ad'),
}

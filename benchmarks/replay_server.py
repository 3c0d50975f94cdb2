"""A loopback JSON-RPC node that replays generated Uniswap V3 swaps, with real blooms and a cap of 10,000 logs per answer.

    python -m benchmarks.replay_server --data DIR --seconds 600 [--empty-every 7] [--empty-share 0.14]

Prints its URL, serves until the time is up or it is terminated. Generation is deterministic. With --empty-every or --empty-share
it answers some `eth_getLogs` with no logs, as a node behind a load balancer does that has not got the blocks yet.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import mmap
import random
import signal
import sys
import threading
from array import array
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from eth_utils.crypto import keccak

START = 17_000_000
LOGS_PER_BLOCK = 50
POOLS = 400
SWAP = "0xc42079f94a6350d7e6235f29174924f928cc2ac818eb64fed8004e115fbcca67"
MAX_LOGS = 10_000
_GENESIS_TIME = 1_681_338_455
_WORD = 1 << 256


def digest(text: str, size: int = 32) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[: 2 * size]


def generate(directory: Path, logs: int) -> None:
    """Write ``logs.bin`` (JSON objects joined by commas), ``headers.bin`` and their offsets, unless they are there."""
    if (directory / "complete").is_file():
        return
    directory.mkdir(parents=True, exist_ok=True)
    chance = random.Random(7)
    pools = ["0x" + digest(f"pool{i}", 20) for i in range(POOLS)]
    weights = [1 / (i + 1) ** 0.9 for i in range(POOLS)]
    traders = ["0x" + "0" * 24 + digest(f"trader{i}", 20) for i in range(5000)]
    ticks = [chance.randint(-276_400, 276_400) for _ in pools]
    log_offsets, header_offsets = array("q", [0]), array("q", [0])
    with (directory / "logs.bin").open("wb") as log_file, (directory / "headers.bin").open("wb") as header_file:
        for number in range(START, START + logs // LOGS_PER_BLOCK):
            seconds = _GENESIS_TIME + 12 * (number - START)
            chosen = chance.choices(range(POOLS), weights, k=LOGS_PER_BLOCK)
            text, bloom, hashes = _block(chance, number, seconds, chosen, pools, traders, ticks)
            log_file.write(text)
            header_file.write(_header(number, seconds, bloom, hashes))
            log_offsets.append(log_file.tell())
            header_offsets.append(header_file.tell())
    (directory / "offsets.bin").write_bytes(log_offsets.tobytes() + header_offsets.tobytes())
    (directory / "complete").write_text(str(logs))


def _block(
    chance: random.Random,
    number: int,
    seconds: int,
    chosen: list[int],
    pools: list[str],
    traders: list[str],
    ticks: list[int],
) -> tuple[bytes, bytes, list[str]]:
    block_hash = "0x" + digest(f"block{number}")
    bloom = 0
    logs = []
    hashes: list[str] = []
    transaction, log_index = 0, chance.randint(0, 5)
    for pool in chosen:
        if not hashes or chance.random() < 0.65:
            transaction += chance.randint(1, 6)
            hashes.append("0x" + digest(f"tx{number}-{transaction}"))
        ticks[pool] = max(-880_000, min(880_000, ticks[pool] + chance.randint(-3, 3)))
        tick = ticks[pool]
        amount0 = int(10 ** chance.uniform(3, 24)) * chance.choice((1, -1))
        amount1 = int(10 ** chance.uniform(3, 24)) * (-1 if amount0 > 0 else 1)
        price = int(1.0001 ** (max(-400_000, min(400_000, tick)) / 2) * 2**96)
        words = (amount0 % _WORD, amount1 % _WORD, price, int(10 ** chance.uniform(12, 26)), tick % _WORD)
        sender, recipient = chance.choice(traders), chance.choice(traders)
        for value in (pools[pool], SWAP, sender, recipient):
            bloom |= _bloom_bits(value)
        logs.append(
            f'{{"address":"{pools[pool]}","topics":["{SWAP}","{sender}","{recipient}"],'
            f'"data":"0x{"".join(f"{w:064x}" for w in words)}","blockNumber":"{number:#x}",'
            f'"transactionHash":"{hashes[-1]}","transactionIndex":"{transaction:#x}","blockHash":"{block_hash}",'
            f'"blockTimestamp":"{seconds:#x}","logIndex":"{log_index:#x}","removed":false}},'
        )
        log_index += chance.randint(1, 6)
    return "".join(logs).encode(), bloom.to_bytes(256, "big"), hashes


@lru_cache(maxsize=20_000)
def _bloom_bits(value: str) -> int:
    hashed = keccak(bytes.fromhex(value[2:]))
    return sum({1 << (int.from_bytes(hashed[i : i + 2], "big") & 2047) for i in (0, 2, 4)})


def _header(number: int, seconds: int, bloom: bytes, hashes: list[str]) -> bytes:
    """A header of realistic size: 150 transaction hashes."""
    others = ["0x" + digest(f"other{number}-{i}") for i in range(150 - len(hashes))]
    zero = "0x" + "00" * 32
    header = {
        "number": hex(number),
        "hash": "0x" + digest(f"block{number}"),
        "parentHash": "0x" + digest(f"block{number - 1}"),
        "timestamp": hex(seconds),
        "logsBloom": "0x" + bloom.hex(),
        "gasLimit": "0x1c9c380",
        "gasUsed": "0xe4e1c0",
        "miner": "0x" + "00" * 20,
        "stateRoot": zero,
        "receiptsRoot": zero,
        "transactions": hashes + others,
        "uncles": [],
    }
    return json.dumps(header, separators=(",", ":")).encode()


class Replay:
    """Answers calls from the generated files."""

    def __init__(self, directory: Path, *, empty_every: int = 0, empty_share: float = 0.0) -> None:
        self._empty_every, self._empty_share = empty_every, empty_share
        self._asked_for_logs = 0
        self._chance = random.Random(11)
        self._lock = threading.Lock()
        offsets = array("q")
        offsets.frombytes((directory / "offsets.bin").read_bytes())
        half = len(offsets) // 2
        self._log_offsets, self._header_offsets = offsets[:half], offsets[half:]
        self._logs = _mapped(directory / "logs.bin")
        self._headers = _mapped(directory / "headers.bin")
        self.head = START + half - 2
        self._numbers = {"0x" + digest(f"block{n}"): n for n in range(START, self.head + 1)}

    def answer(self, call: dict[str, Any]) -> list[bytes | memoryview]:
        start = b'{"jsonrpc":"2.0","id":' + json.dumps(call["id"]).encode()
        match call["method"]:
            case "eth_chainId":
                return [start, b',"result":"0x1"}']
            case "eth_blockNumber":
                return [start, b',"result":"' + hex(self.head).encode() + b'"}']
            case "eth_getBlockByNumber":
                return [start, b',"result":', self._header(call["params"][0]), b"}"]
            case "eth_getLogs":
                return self._get_logs(start, call["params"][0])
        return [start, b',"error":{"code":-32601,"message":"the method does not exist"}}']

    def _header(self, tag: str) -> bytes | memoryview:
        tags = {"latest": self.head, "finalized": self.head, "earliest": 0}
        number = tags[tag] if tag in tags else int(tag, 16)
        at = number - START
        if not 0 <= at <= self.head - START:
            return b"null"
        return self._headers[self._header_offsets[at] : self._header_offsets[at + 1]]

    def _get_logs(self, start: bytes, wanted: dict[str, Any]) -> list[bytes | memoryview]:
        if self._is_hidden():
            return [start, b',"result":[]}']
        if "blockHash" in wanted:
            low = high = self._numbers[wanted["blockHash"]]
        else:
            low, high = int(wanted["fromBlock"], 16), int(wanted["toBlock"], 16)
        count = (min(high, self.head) - max(low, START) + 1) * LOGS_PER_BLOCK
        if SWAP not in wanted["topics"][0] or wanted.get("address") or count <= 0:
            return [start, b',"result":[]}']
        if count > MAX_LOGS:
            message = f"query returned more than {MAX_LOGS} results"
            return [start, b',"error":{"code":-32005,"message":"' + message.encode() + b'"}}']
        first, last = self._log_offsets[low - START], self._log_offsets[high - START + 1] - 1
        return [start, b',"result":[', self._logs[first:last], b"]}"]

    def _is_hidden(self) -> bool:
        with self._lock:
            self._asked_for_logs += 1
            is_turn = self._empty_every and self._asked_for_logs % self._empty_every == 0
            return bool(is_turn) or self._chance.random() < self._empty_share


def _mapped(path: Path) -> memoryview:
    with path.open("rb") as file:
        return memoryview(mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ))


def _handler(replay: Replay) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            parts: list[bytes | memoryview] = []
            for i, call in enumerate(request if isinstance(request, list) else [request]):
                parts += [b"," if i else b"", *replay.answer(call)]
            if isinstance(request, list):
                parts = [b"[", *parts, b"]"]
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(sum(map(len, parts))))
            self.end_headers()
            for part in parts:
                self.wfile.write(part)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder that generate() filled")
    parser.add_argument("--seconds", type=float, default=600, help="stop by itself after this long")
    parser.add_argument("--empty-every", type=int, default=0, help="answer every so many eth_getLogs with no logs")
    parser.add_argument(
        "--empty-share", type=float, default=0.0, help="answer so many of them, by chance, with no logs"
    )
    options = parser.parse_args()
    replay = Replay(options.data, empty_every=options.empty_every, empty_share=options.empty_share)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(replay))
    server.daemon_threads = True
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    stop = threading.Timer(options.seconds, server.shutdown)
    stop.daemon = True
    stop.start()
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()

"""Many view calls at one pinned block, in few requests.

Multicall3 carries them where it has code at that block, JSON-RPC batches elsewhere. Inside an aggregate one call can
starve the others of gas, so a failure there proves nothing: what fails is asked again in smaller aggregates, in the end
alone. Only a call that fails alone is recorded as reverted. Transport failures are errors, never rows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import msgspec

from loaders.errors import PoolhouseError
from loaders.facts.functions import Argument, Function, Status, Undecodable, arguments_text, load_functions
from loaders.rpc.client import RpcError
from loaders.rpc.endpoint import Header, parse_header
from loaders.rpc.node import Lagging, Node, SizeRefused

MULTICALL3 = "0xca11bde05977b3631167028862be2a173976ca11"

_AGGREGATE_SIZES = (400, 40)
_BATCH_SIZE = 100
_NO_CODE = ("0x", "0x0", None)

Progress = Callable[[int], None]
"""Called with the number of further calls that have been answered."""

# Execution ended without success. Code 3 is what geth and its kin answer to a revert.
_HALTED = re.compile(
    r"revert|invalid ?opcode|invalidfeopcode|opcode .*not defined|out ?of ?gas|gas required exceeds"
    r"|stack ?(under|over)flow|invalid ?jump|vm execution error|vm exception|evm error|bad (instruction|jump)",
    re.IGNORECASE,
)
# The node knows the block, whose header it gave, but no longer keeps its state.
_PRUNED = re.compile(
    r"missing trie node|pruned|historical state|state .*(not|un) ?available|no state|required historical"
    r"|old data not available|distance to target block exceeds|proof window|archive|BlockOutOfRange",
    re.IGNORECASE,
)


class StateUnavailable(PoolhouseError):
    """The node does not keep the state of the block any more."""

    def __init__(self, host: str, block_number: int) -> None:
        super().__init__(
            f"{host} no longer has the contract state of block {block_number}.",
            "Use an archive node, or a block within the last ~128 that a full node keeps.",
        )


@dataclass(frozen=True, slots=True)
class ContractCall:
    """One view call."""

    contract: str
    """lower-case 0x hex"""
    function: Function
    arguments: tuple[Argument, ...] = ()
    recorded: tuple[Argument, ...] | None = None
    """What stands for the arguments in ``contract_reads``: the parts of an argument that is only their hash."""

    @property
    def key(self) -> tuple[str, str, str]:
        """Identity within a block, as ``contract_reads`` has it."""
        return self.contract, self.function.name, arguments_text(self.recorded or self.arguments)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call returned."""

    call: ContractCall
    status: Status
    output: bytes | None
    """None when the call reverted, or the node refused to hand over an answer so large."""
    value: str | None
    """Text of the decoded output; None unless the status is ok."""

    @property
    def values(self) -> tuple[Any, ...]:
        """The decoded outputs, empty unless the status is ok."""
        return self.call.function.values(self.output) if self.status == "ok" and self.output is not None else ()


def call(contract: str, function: str, *arguments: Argument) -> ContractCall:
    """A call of a function of ``functions.csv``."""
    return ContractCall(contract, load_functions()[function], arguments)


class _Oversized(Enum):
    """An answer that the node refuses to hand over even alone."""

    ANSWER = "too large"


_Output = bytes | _Oversized | None
# A token may answer anything at all to these: one that answers too much must not stop the load of all others.
_TOKEN_METADATA = frozenset({"name", "symbol", "decimals"})


class BlockReader:
    """Reads contract state at one block."""

    def __init__(self, node: Node, block: Header) -> None:
        self.block = block
        self._node = node
        self._tag = hex(block.number)
        self._has_multicall: bool | None = None
        self._batch_size = _BATCH_SIZE

    def read(self, calls: Sequence[ContractCall], progress: Progress | None = None) -> list[Answer]:
        """One answer per call, in order; the same call twice is asked once.

        Raises :class:`StateUnavailable` when the node pruned the block's state, :class:`PoolhouseError` when it fails.
        """
        unique = list(dict.fromkeys(calls))
        report = progress or (lambda _: None)
        outputs: dict[ContractCall, _Output] = {}
        pending = unique
        if len(unique) > 1 and self._multicall_exists():
            for size in _AGGREGATE_SIZES:
                found = self._aggregated(pending, size, report)
                outputs |= found
                pending = [c for c in pending if c not in found]
        outputs |= self._alone(pending, report)
        answers = {c: _answer(c, outputs[c]) for c in unique}
        return [answers[c] for c in calls]

    def probe(self) -> None:
        """Raise :class:`StateUnavailable` when the node has no state at the block."""
        self._multicall_exists()

    def confirm(self) -> None:
        """Raise :class:`PoolhouseError` when the block left the chain meanwhile: what was read may be of another."""
        now = header_at(self._node, self.block.number)
        if now is None or now.hash != self.block.hash:
            raise PoolhouseError(
                f"Block {self.block.number} was replaced by a reorganisation while it was read.",
                "Run the command again.",
            )

    def _multicall_exists(self) -> bool:
        if self._has_multicall is None:
            (code,) = self._ask([("eth_getCode", (MULTICALL3, self._tag))])
            self._has_multicall = not isinstance(code, RpcError) and code not in _NO_CODE
        return self._has_multicall

    def _aggregated(
        self, calls: Sequence[ContractCall], size: int, report: Progress
    ) -> dict[ContractCall, bytes | None]:
        """Outputs of the calls that succeeded inside aggregates of ``size``."""
        aggregate3 = load_functions()["aggregate3"]
        found: dict[ContractCall, bytes | None] = {}
        for chunk in _chunks(calls, size):
            data = aggregate3.calldata([(c.contract, True, c.function.calldata(*c.arguments)) for c in chunk])
            try:
                (result,) = self._ask([self._eth_call(MULTICALL3, data)])
                if isinstance(result, RpcError):
                    continue
                ((results),) = aggregate3.values(_bytes(result))
            except (SizeRefused, Undecodable):
                continue
            if len(results) != len(chunk):
                continue
            ok = {c: output for c, (success, output) in zip(chunk, results, strict=True) if success}
            found |= ok
            report(len(ok))
        return found

    def _alone(self, calls: Sequence[ContractCall], report: Progress) -> dict[ContractCall, _Output]:
        """Outputs of calls that each have the node's whole gas allowance; None for those that failed."""
        outputs: dict[ContractCall, _Output] = {}
        at = 0
        while at < len(calls):
            chunk = calls[at : at + self._batch_size]
            requests = [self._eth_call(c.contract, c.function.calldata(*c.arguments)) for c in chunk]
            try:
                results = self._ask(requests)
            except SizeRefused as error:
                if len(chunk) == 1 and chunk[0].function.name in _TOKEN_METADATA:
                    outputs[chunk[0]] = _Oversized.ANSWER
                    self._batch_size = _BATCH_SIZE
                    report(1)
                    at += 1
                    continue
                if len(chunk) == 1:
                    raise PoolhouseError(
                        f"{self._node.host} refuses one single call, {chunk[0].function.name} of {chunk[0].contract} "
                        f"at block {self.block.number}. {error.message}",
                        "Use an --rpc-url with a higher limit.",
                    ) from None
                self._batch_size = max(1, len(chunk) // 2)
                continue
            outputs |= {c: None if isinstance(r, RpcError) else _bytes(r) for c, r in zip(chunk, results, strict=True)}
            report(len(chunk))
            at += len(chunk)
        return outputs

    def _eth_call(self, contract: str, data: bytes) -> tuple[str, tuple[Any, ...]]:
        return "eth_call", ({"to": contract, "data": "0x" + data.hex()}, self._tag)

    def _ask(self, requests: Sequence[tuple[str, tuple[Any, ...]]]) -> list[Any]:
        """Decoded results; the :class:`RpcError` of a call whose execution failed stands in its place."""
        try:
            answers = self._node.answers(requests, keep=_is_answer)
        except Lagging:
            raise PoolhouseError(
                f"{self._node.host} does not have block {self.block.number}.",
                "Wait until it has synced, or use another node.",
            ) from None
        if any(isinstance(a, RpcError) and not _halted(a) for a in answers):
            raise StateUnavailable(self._node.host, self.block.number)
        return [a if isinstance(a, RpcError) else msgspec.json.decode(a) for a in answers]


def header_at(node: Node, number: int) -> Header | None:
    """The header of a block, None when the node has no such block."""
    try:
        return parse_header(node.request([("eth_getBlockByNumber", (hex(number), False))])[0])
    except Lagging:
        return None


def _is_answer(error: RpcError) -> bool:
    return _halted(error) or _PRUNED.search(error.message) is not None


def _halted(error: RpcError) -> bool:
    return error.code == 3 or _HALTED.search(error.message) is not None


def _bytes(result: Any) -> bytes:
    """A hex result. What is not hex is no answer of an EVM node."""
    try:
        return bytes.fromhex(result[2:])
    except (TypeError, ValueError):
        raise PoolhouseError(
            "The node answered eth_call with something that is not hex data.", "Use another --rpc-url."
        ) from None


def _answer(call: ContractCall, output: _Output) -> Answer:
    if isinstance(output, _Oversized):
        return Answer(call, "undecodable", None, None)
    if output is None:
        return Answer(call, "reverted", None, None)
    if not output:
        return Answer(call, "empty", output, None)
    try:
        return Answer(call, "ok", output, call.function.text(output))
    except Undecodable:
        return Answer(call, "undecodable", output, None)


def _chunks(calls: Sequence[ContractCall], size: int) -> list[Sequence[ContractCall]]:
    return [calls[i : i + size] for i in range(0, len(calls), size)]

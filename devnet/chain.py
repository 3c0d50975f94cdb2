"""Transactions on the devnet: queued, sent in order, mined into blocks with chosen timestamps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from devnet.contracts import Artifact, Contract, created_address
from devnet.node import GENESIS_TIMESTAMP
from devnet.pipelined_rpc import Call, in_order
from loaders.rpc.client import RpcClient, RpcError

Json = Any

_ETHER_FOR_GAS = 1_000
_CONSTRUCTORS_SLOTS = 16
_GAS_PER_CODE_BYTE = 450
"""200 for keeping a byte, 16 for sending it, and as much again for what a constructor does."""


class Reverted(Exception):
    """A transaction that had to succeed did not."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A mined transaction."""

    kind: str
    receipt: Json

    @property
    def succeeded(self) -> bool:
        return bool(self.receipt["status"] == "0x1")


@dataclass(frozen=True, slots=True)
class _Queued:
    kind: str
    transaction: dict[str, Json]


class Chain:
    """The only sender of transactions to a node, hence the one that knows order, nonces and time."""

    def __init__(self, rpc: RpcClient) -> None:
        self.rpc = rpc
        self.id = int(rpc.call("eth_chainId"), 16)
        self.accounts: list[str] = rpc.call("eth_accounts")
        self.timestamp = GENESIS_TIMESTAMP
        self._queue: list[_Queued] = []
        self._nonces = dict.fromkeys(self.accounts, 0)

    @property
    def queued(self) -> int:
        """Number of transactions that wait for the next block."""
        return len(self._queue)

    # ---- transactions

    def send(
        self,
        sender: str,
        contract: Contract,
        function: str,
        *arguments: Any,
        kind: str = "",
        value: int = 0,
        gas: int = 3_000_000,
    ) -> None:
        """Queue a call of ``function`` for the next block; ``value`` in wei."""
        transaction: dict[str, Json] = {
            "from": sender,
            "to": contract.address,
            "data": contract.encode(function, *arguments),
            "gas": hex(gas),
        }
        if value:
            transaction["value"] = hex(value)
        self._enqueue(kind or function, transaction)

    def deploy(
        self, deployer: str, artifact: Artifact, *arguments: Any, libraries: dict[str, str] | None = None
    ) -> Contract:
        """Queue a deployment. The contract's address is known at once, its code after the next :meth:`settle`."""
        code = artifact.creation_code(arguments, libraries or {})
        address = created_address(deployer, self._nonces[deployer])
        gas = 1_000_000 + _GAS_PER_CODE_BYTE * len(code)
        self._enqueue(f"deploy {artifact.name}", {"from": deployer, "data": "0x" + code.hex(), "gas": hex(gas)})
        return Contract(address, artifact)

    def impersonate(self, address: str) -> None:
        """Let somebody without a key here send transactions, the first of them with nonce 0."""
        self.rpc.call("anvil_impersonateAccount", address)
        self.rpc.call("anvil_setBalance", address, hex(_ETHER_FOR_GAS * 10**18))
        self._nonces[address] = 0

    def copy(self, contract: Contract, address: str) -> Contract:
        """The same contract at another address: its code and the state of its constructor (no mappings)."""
        self.rpc.call("anvil_setCode", address, self.rpc.call("eth_getCode", contract.address, "latest"))
        for slot in range(_CONSTRUCTORS_SLOTS):
            word = self.rpc.call("eth_getStorageAt", contract.address, hex(slot), "latest")
            if int(word, 16):
                self.rpc.call("anvil_setStorageAt", address, f"0x{slot:064x}", word)
        return replace(contract, address=address)

    def _enqueue(self, kind: str, transaction: dict[str, Json]) -> None:
        self._nonces[transaction["from"]] += 1
        self._queue.append(_Queued(kind, transaction))

    # ---- blocks

    def mine(self, seconds: int = 12) -> list[Sent]:
        """Mine what is queued, ``seconds`` after the last block. Failed transactions are in the answer like others."""
        queue, self._queue = self._queue, []
        sends: list[Call] = [("eth_sendTransaction", (q.transaction,)) for q in queue]
        hashes, receipts = self._mine_block(seconds, sends)
        # a block takes what fits into its gas limit; the rest goes into the next ones
        while any(h not in receipts for h in hashes):
            receipts |= self._mine_block(1, [])[1]
        return [Sent(q.kind, receipts[h]) for q, h in zip(queue, hashes, strict=True)]

    def settle(self) -> list[Sent]:
        """Mine what is queued. Raises :class:`Reverted` if any of it failed."""
        mined = self.mine()
        for sent in mined:
            if not sent.succeeded:
                raise Reverted(f"{sent.kind}: {self.reason(sent)}")
        return mined

    def reason(self, sent: Sent) -> str:
        """Why a transaction failed, found by running it again on top of its block."""
        transaction = self.rpc.call("eth_getTransactionByHash", sent.receipt["transactionHash"])
        again = {key: transaction[key] for key in ("from", "to", "value", "gas")} | {"data": transaction["input"]}
        try:
            self.rpc.call("eth_call", again, transaction["blockNumber"])
        except RpcError as error:
            return error.message
        return "no reason given"

    def _mine_block(self, seconds: int, sends: list[Call]) -> tuple[list[str], dict[str, Json]]:
        """Hashes of what was sent, and the block's receipts by hash."""
        self.timestamp += max(1, seconds)
        mining: list[Call] = [("evm_setNextBlockTimestamp", (self.timestamp,)), ("evm_mine", ())]
        results = in_order(self.rpc.url, [*sends, *mining, ("eth_getBlockReceipts", ("latest",))])
        return results[: len(sends)], {receipt["transactionHash"]: receipt for receipt in results[-1]}

    # ---- reads

    def read(self, contract: Contract, function: str, *arguments: Any) -> Any:
        """What a view function answers at the last block."""
        return self.read_many([(contract, function, arguments)])[0]

    def read_many(self, calls: Iterable[tuple[Contract, str, Sequence[Any]]]) -> list[Any]:
        """Several view functions in one request."""
        calls = list(calls)
        requests = [
            ("eth_call", ({"to": contract.address, "data": contract.encode(function, *arguments)}, "latest"))
            for contract, function, arguments in calls
        ]
        answers = _all_of(self.rpc.batch(requests))
        return [
            contract.function(function, len(arguments)).decode(answer)
            for (contract, function, arguments), answer in zip(calls, answers, strict=True)
        ]

    def quote_many(self, sender: str, calls: Iterable[tuple[Contract, str, Sequence[Any]]]) -> list[Any]:
        """What transactions of ``sender`` would return on top of the last block, each by itself; None if it reverted."""
        calls = list(calls)
        requests = [
            (
                "eth_call",
                ({"from": sender, "to": c.address, "data": c.encode(function, *arguments)}, "latest"),
            )
            for c, function, arguments in calls
        ]
        return [
            None if isinstance(answer, RpcError) else c.function(function, len(arguments)).decode(answer)
            for (c, function, arguments), answer in zip(calls, self.rpc.batch(requests), strict=True)
        ]

    def head(self) -> tuple[int, str]:
        """Number and hash of the last block."""
        block = self.rpc.call("eth_getBlockByNumber", "latest", False)
        return int(block["number"], 16), block["hash"]


def _all_of(answers: list[Json | RpcError]) -> list[Json]:
    for answer in answers:
        if isinstance(answer, RpcError):
            raise answer
    return answers

"""What a package says of the chain is of one chain."""

from __future__ import annotations

import dataclasses

import pytest

from devnet.node import Anvil
from loaders.load.package import ChainMoved, PackageWriter
from loaders.registry.seeds import load_registry
from loaders.rpc.connect import connect
from loaders.rpc.endpoint import Header
from tests.loaders.emitter import Emitter


def test_a_block_that_was_replaced_while_contracts_were_read_at_it_makes_no_package() -> None:
    """Of two headers of a number the later would count, and what was read at the chain's own block would not."""
    registry = load_registry()
    with Anvil() as anvil:
        Emitter(anvil).mine([0, 0])
        view = connect(anvil.url, registry.chain("devnet"), registry)
        before, head = view.headers([1, 2])

        def write(*headers: Header) -> None:
            PackageWriter(view, 31337, registry.events.version, None, headers)

        write(before, head, head)
        with pytest.raises(ChainMoved, match="Block 2 was replaced"):
            write(before, head, dataclasses.replace(head, hash="0x" + "ab" * 32))

"""A local EVM chain with the real contracts of real protocols and a seeded market: demo data and test bed.

The node is anvil, the contracts are the published artifacts of their projects; both come from npm, pinned by hash
(:mod:`devnet.packages`). The same seed and number of actions give the same chain, to the hash of its last block.
"""

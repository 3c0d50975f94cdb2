"""Facts that no event tells: contract state and metadata, read by ``eth_call`` at one pinned block."""

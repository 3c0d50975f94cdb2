"""Is what is loaded what the chain has? Sampled blocks are read again and proven from the block hash down to the row."""

"""Where raw logs come from, and how a batch of them is proven complete before anyone uses it."""

"""Which blocks are still to be read, for which events, and how many at a time."""

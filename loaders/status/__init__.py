"""`poolhouse status`: what a warehouse holds and how far behind it is."""

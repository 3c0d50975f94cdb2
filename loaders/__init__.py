"""Extract EVM contract events, decode them and load them as raw tables with dlt."""

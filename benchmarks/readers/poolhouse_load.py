"""The real command, into DuckDB."""

import sys

url, first, last, folder = sys.argv[1:]
sys.argv = [
    "poolhouse",
    "load",
    "--chain",
    "ethereum",
    "--protocol",
    "uniswap_v3",
    "--from-block",
    first,
    "--to-block",
    last,
]
sys.argv += ["--transactions", "none", "--no-facts", "--rpc-url", url, "--database", f"{folder}/w.duckdb"]

from loaders.cli import main  # noqa: E402 (it reads the arguments when imported)

main()

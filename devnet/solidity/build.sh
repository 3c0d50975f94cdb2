#!/bin/sh
# Compiles Helpers.sol into Helpers.json (ABI and bytecode, committed: setting up the devnet needs no compiler).
# Needs Node and npm; the compiler is fetched into the cache. Run from anywhere: sh devnet/solidity/build.sh
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cache=$here/../../.cache/solc-0.8.26
mkdir -p "$cache"
npm install --silent --no-audit --no-fund --no-save --ignore-scripts --prefix "$cache" solc@0.8.26
NODE_PATH=$cache/node_modules node "$here/compile.js" "$here/Helpers.sol" "$here/Helpers.json"

// Usage: node compile.js <source.sol> <output.json>; build.sh puts the compiler on NODE_PATH.
const crypto = require("crypto");
const fs = require("fs");
const path = require("path");
const solc = require("solc");

const [source, target] = process.argv.slice(2);
const content = fs.readFileSync(source, "utf8");
const name = path.basename(source);
const input = {
  language: "Solidity",
  sources: { [name]: { content } },
  settings: {
    evmVersion: "cancun",
    optimizer: { enabled: true, runs: 200 },
    outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } },
  },
};
const output = JSON.parse(solc.compile(JSON.stringify(input)));
const errors = (output.errors || []).filter((error) => error.severity === "error");
if (errors.length > 0) {
  errors.forEach((error) => console.error(error.formattedMessage));
  process.exit(1);
}
const contracts = {};
for (const [contract, built] of Object.entries(output.contracts[name])) {
  if (built.evm.bytecode.object) contracts[contract] = { abi: built.abi, bytecode: "0x" + built.evm.bytecode.object };
}
const built = {
  compiler: solc.version(),
  source_sha256: crypto.createHash("sha256").update(content).digest("hex"),
  contracts,
};
fs.writeFileSync(target, JSON.stringify(built, null, 1) + "\n");
console.log(`${target}: ${Object.keys(contracts).join(", ")}`);

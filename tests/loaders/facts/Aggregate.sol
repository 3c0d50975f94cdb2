// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.26;

/// The one function of Multicall3 that the loader uses, for tests on a chain that has no Multicall3.
/// Aggregate.hex is its runtime code: solc 0.8.26, optimizer 200 runs, EVM cancun, metadata left out.
contract Aggregate {
    struct Call {
        address target;
        bool allowFailure;
        bytes callData;
    }

    struct Result {
        bool success;
        bytes returnData;
    }

    function aggregate3(Call[] calldata calls) external payable returns (Result[] memory results) {
        results = new Result[](calls.length);
        for (uint256 i = 0; i < calls.length; i++) {
            (results[i].success, results[i].returnData) = calls[i].target.call(calls[i].callData);
            require(results[i].success || calls[i].allowFailure, "call failed");
        }
    }
}

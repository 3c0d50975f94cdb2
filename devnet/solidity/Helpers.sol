// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.26;

// Contracts of our own that the devnet needs beside the protocols'. After an edit run build.sh, which writes Helpers.json.

interface IERC20 {
    function approve(address spender, uint256 amount) external returns (bool);
    function transfer(address to, uint256 amount) external returns (bool);
    function transferFrom(address from, address to, uint256 amount) external returns (bool);
}

interface IPair {
    function token0() external view returns (address);
    function token1() external view returns (address);
    function swap(uint256 amount0Out, uint256 amount1Out, address to, bytes calldata data) external;
}

interface IV3Pool {
    function token0() external view returns (address);
    function token1() external view returns (address);
    function swap(address recipient, bool zeroForOne, int256 amountSpecified, uint160 sqrtPriceLimitX96, bytes calldata data)
        external
        returns (int256 amount0, int256 amount1);
    function mint(address recipient, int24 tickLower, int24 tickUpper, uint128 amount, bytes calldata data)
        external
        returns (uint256 amount0, uint256 amount1);
    function burn(int24 tickLower, int24 tickUpper, uint128 amount) external returns (uint256 amount0, uint256 amount1);
    function collect(address recipient, int24 tickLower, int24 tickUpper, uint128 amount0, uint128 amount1)
        external
        returns (uint128 paid0, uint128 paid1);
    function flash(address recipient, uint256 amount0, uint256 amount1, bytes calldata data) external;
}

/// Calls pools without their routers and pays what their callbacks ask for out of the caller's allowance.
contract PoolCaller {
    // Uniswap V2: borrow, and give the same token back with the fee (3/997, rounded up generously).
    function flashSwap(IPair pair, uint256 amount0, uint256 amount1) external {
        pair.swap(amount0, amount1, address(this), abi.encode(msg.sender));
    }

    function uniswapV2Call(address, uint256 amount0, uint256 amount1, bytes calldata data) external {
        address payer = abi.decode(data, (address));
        _repay(IERC20(IPair(msg.sender).token0()), payer, amount0);
        _repay(IERC20(IPair(msg.sender).token1()), payer, amount1);
    }

    function _repay(IERC20 token, address payer, uint256 amount) private {
        if (amount == 0) return;
        token.transferFrom(payer, msg.sender, amount * 4 / 997 + 1);
        token.transfer(msg.sender, amount);
    }

    // Uniswap V3: positions belong to this contract, tokens come from and go to the caller.
    function swap(IV3Pool pool, bool zeroForOne, int256 amount, uint160 limit, address recipient) external {
        pool.swap(recipient, zeroForOne, amount, limit, abi.encode(msg.sender));
    }

    function mint(IV3Pool pool, int24 lower, int24 upper, uint128 liquidity) external {
        pool.mint(address(this), lower, upper, liquidity, abi.encode(msg.sender));
    }

    function burn(IV3Pool pool, int24 lower, int24 upper, uint128 liquidity) external {
        pool.burn(lower, upper, liquidity);
        pool.collect(msg.sender, lower, upper, type(uint128).max, type(uint128).max);
    }

    function flash(IV3Pool pool, uint256 amount0, uint256 amount1) external {
        pool.flash(address(this), amount0, amount1, abi.encode(msg.sender, amount0, amount1));
    }

    function uniswapV3SwapCallback(int256 amount0, int256 amount1, bytes calldata data) external {
        address payer = abi.decode(data, (address));
        _pay(payer, amount0 > 0 ? uint256(amount0) : 0, amount1 > 0 ? uint256(amount1) : 0);
    }

    function uniswapV3MintCallback(uint256 amount0, uint256 amount1, bytes calldata data) external {
        _pay(abi.decode(data, (address)), amount0, amount1);
    }

    function uniswapV3FlashCallback(uint256 fee0, uint256 fee1, bytes calldata data) external {
        (address payer, uint256 amount0, uint256 amount1) = abi.decode(data, (address, uint256, uint256));
        _pay(payer, fee0, fee1);
        if (amount0 > 0) IERC20(IV3Pool(msg.sender).token0()).transfer(msg.sender, amount0);
        if (amount1 > 0) IERC20(IV3Pool(msg.sender).token1()).transfer(msg.sender, amount1);
    }

    function _pay(address payer, uint256 amount0, uint256 amount1) private {
        if (amount0 > 0) IERC20(IV3Pool(msg.sender).token0()).transferFrom(payer, msg.sender, amount0);
        if (amount1 > 0) IERC20(IV3Pool(msg.sender).token1()).transferFrom(payer, msg.sender, amount1);
    }

    // Aave V3 flash loans: `params` names who pays the premium.
    function executeOperation(address asset, uint256 amount, uint256 premium, address, bytes calldata params)
        external
        returns (bool)
    {
        _settle(asset, amount, premium, params);
        return true;
    }

    function executeOperation(
        address[] calldata assets,
        uint256[] calldata amounts,
        uint256[] calldata premiums,
        address,
        bytes calldata params
    ) external returns (bool) {
        for (uint256 i; i < assets.length; ++i) _settle(assets[i], amounts[i], premiums[i], params);
        return true;
    }

    function _settle(address asset, uint256 amount, uint256 premium, bytes calldata params) private {
        if (premium > 0) IERC20(asset).transferFrom(abi.decode(params, (address)), address(this), premium);
        IERC20(asset).approve(msg.sender, amount + premium);
    }
}

/// An ERC-20 without metadata, for the tokens below to add what they have.
abstract contract PlainToken {
    uint256 public totalSupply;
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;

    event Transfer(address indexed from, address indexed to, uint256 value);
    event Approval(address indexed owner, address indexed spender, uint256 value);

    function mint(address to, uint256 amount) external {
        totalSupply += amount;
        balanceOf[to] += amount;
        emit Transfer(address(0), to, amount);
    }

    function approve(address spender, uint256 amount) external returns (bool) {
        allowance[msg.sender][spender] = amount;
        emit Approval(msg.sender, spender, amount);
        return true;
    }

    function transfer(address to, uint256 amount) external returns (bool) {
        return _move(msg.sender, to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) external returns (bool) {
        allowance[from][msg.sender] -= amount;
        return _move(from, to, amount);
    }

    function _move(address from, address to, uint256 amount) private returns (bool) {
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
        emit Transfer(from, to, amount);
        return true;
    }
}

/// Name and symbol are bytes32, as in the first generation of tokens.
contract Bytes32Token is PlainToken {
    bytes32 public constant name = "Maker-like";
    bytes32 public constant symbol = "MKRL";
    uint256 public constant decimals = 18;
}

/// No name, a symbol() that reverts, no decimal places.
contract NamelessToken is PlainToken {
    uint8 public constant decimals = 0;

    function symbol() external pure returns (string memory) {
        revert("no symbol");
    }
}

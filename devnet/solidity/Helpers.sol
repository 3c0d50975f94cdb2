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
    function getReserves() external view returns (uint112 reserve0, uint112 reserve1, uint32 timestamp);
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

interface IMorpho {
    function flashLoan(address token, uint256 assets, bytes calldata data) external;
}

interface IBalancerVault {
    function registerPool(uint8 specialization) external returns (bytes32 poolId);
    function registerTokens(bytes32 poolId, address[] calldata tokens, address[] calldata assetManagers) external;
}

/// Calls pools without their routers and pays what their callbacks ask for out of the caller's allowance.
contract PoolCaller {
    // Uniswap V2 and PancakeSwap V2: borrow, and give the same token back with the fee (3/997, rounded up generously).
    function flashSwap(IPair pair, uint256 amount0, uint256 amount1) external {
        pair.swap(amount0, amount1, address(this), abi.encode(msg.sender));
    }

    function uniswapV2Call(address, uint256 amount0, uint256 amount1, bytes calldata data) external {
        _repayBoth(amount0, amount1, data);
    }

    function pancakeCall(address, uint256 amount0, uint256 amount1, bytes calldata data) external {
        _repayBoth(amount0, amount1, data);
    }

    function _repayBoth(uint256 amount0, uint256 amount1, bytes calldata data) private {
        address payer = abi.decode(data, (address));
        _repay(IERC20(IPair(msg.sender).token0()), payer, amount0);
        _repay(IERC20(IPair(msg.sender).token1()), payer, amount1);
    }

    function _repay(IERC20 token, address payer, uint256 amount) private {
        if (amount == 0) return;
        token.transferFrom(payer, msg.sender, amount * 4 / 997 + 1);
        token.transfer(msg.sender, amount);
    }

    // Uniswap V3 and PancakeSwap V3: positions belong to this contract, tokens come from and go to the caller.
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
        _payForSwap(amount0, amount1, data);
    }

    function pancakeV3SwapCallback(int256 amount0, int256 amount1, bytes calldata data) external {
        _payForSwap(amount0, amount1, data);
    }

    function uniswapV3MintCallback(uint256 amount0, uint256 amount1, bytes calldata data) external {
        _pay(abi.decode(data, (address)), amount0, amount1);
    }

    function pancakeV3MintCallback(uint256 amount0, uint256 amount1, bytes calldata data) external {
        _pay(abi.decode(data, (address)), amount0, amount1);
    }

    function uniswapV3FlashCallback(uint256 fee0, uint256 fee1, bytes calldata data) external {
        _payBackFlash(fee0, fee1, data);
    }

    function pancakeV3FlashCallback(uint256 fee0, uint256 fee1, bytes calldata data) external {
        _payBackFlash(fee0, fee1, data);
    }

    function _payForSwap(int256 amount0, int256 amount1, bytes calldata data) private {
        address payer = abi.decode(data, (address));
        _pay(payer, amount0 > 0 ? uint256(amount0) : 0, amount1 > 0 ? uint256(amount1) : 0);
    }

    function _payBackFlash(uint256 fee0, uint256 fee1, bytes calldata data) private {
        (address payer, uint256 amount0, uint256 amount1) = abi.decode(data, (address, uint256, uint256));
        _pay(payer, fee0, fee1);
        if (amount0 > 0) IERC20(IV3Pool(msg.sender).token0()).transfer(msg.sender, amount0);
        if (amount1 > 0) IERC20(IV3Pool(msg.sender).token1()).transfer(msg.sender, amount1);
    }

    function _pay(address payer, uint256 amount0, uint256 amount1) private {
        if (amount0 > 0) _give(IERC20(IV3Pool(msg.sender).token0()), payer, amount0);
        if (amount1 > 0) _give(IERC20(IV3Pool(msg.sender).token1()), payer, amount1);
    }

    function _give(IERC20 token, address payer, uint256 amount) private {
        if (payer == address(this)) token.transfer(msg.sender, amount);
        else token.transferFrom(payer, msg.sender, amount);
    }

    // Several pools of both kinds in one transaction: what one pays out goes into the next.
    struct Hop {
        address pool;
        bool zeroForOne;
        uint256 v2FeePips; // 0: a pool of Uniswap V3's kind
    }

    function swapThrough(Hop[] calldata hops, uint256 amount) external returns (uint256) {
        _token(hops[0], true).transferFrom(msg.sender, address(this), amount);
        for (uint256 i; i < hops.length; ++i) {
            amount = hops[i].v2FeePips > 0 ? _swapV2(hops[i], amount) : _swapV3(hops[i], amount);
        }
        _token(hops[hops.length - 1], false).transfer(msg.sender, amount);
        return amount;
    }

    function _swapV2(Hop calldata hop, uint256 amount) private returns (uint256 bought) {
        (uint256 reserveIn, uint256 reserveOut,) = IPair(hop.pool).getReserves();
        if (!hop.zeroForOne) (reserveIn, reserveOut) = (reserveOut, reserveIn);
        uint256 afterFee = amount * (1e6 - hop.v2FeePips);
        bought = reserveOut * afterFee / (reserveIn * 1e6 + afterFee);
        _token(hop, true).transfer(hop.pool, amount);
        IPair(hop.pool).swap(hop.zeroForOne ? 0 : bought, hop.zeroForOne ? bought : 0, address(this), "");
    }

    function _swapV3(Hop calldata hop, uint256 amount) private returns (uint256) {
        uint160 limit = hop.zeroForOne ? 4295128740 : 1461446703485210103287273052203988822378723970341;
        (int256 amount0, int256 amount1) = IV3Pool(hop.pool).swap(
            address(this), hop.zeroForOne, int256(amount), limit, abi.encode(address(this))
        );
        return uint256(-(hop.zeroForOne ? amount1 : amount0));
    }

    function _token(Hop calldata hop, bool input) private view returns (IERC20) {
        return IERC20(hop.zeroForOne == input ? IPair(hop.pool).token0() : IPair(hop.pool).token1());
    }

    // Morpho Blue flash loans cost nothing.
    function flashLoan(IMorpho morpho, address token, uint256 assets) external {
        morpho.flashLoan(token, assets, abi.encode(token));
    }

    function onMorphoFlashLoan(uint256 assets, bytes calldata data) external {
        IERC20(abi.decode(data, (address))).approve(msg.sender, assets);
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

/// What PancakeSwap's V3 factory creates its pools through; the package with the factory lacks it. The pool's creation
/// code is too large to pass with every creation: it is kept as the code of a contract, behind one byte that stops it.
contract PancakeV3PoolDeployer {
    struct Parameters {
        address factory;
        address token0;
        address token1;
        uint24 fee;
        int24 tickSpacing;
    }

    /// Read by the pool's constructor.
    Parameters public parameters;
    address private immutable poolCode;

    constructor(address poolCode_) {
        poolCode = poolCode_;
    }

    function deploy(address factory, address token0, address token1, uint24 fee, int24 tickSpacing)
        external
        returns (address pool)
    {
        parameters = Parameters(factory, token0, token1, fee, tickSpacing);
        bytes32 salt = keccak256(abi.encode(token0, token1, fee));
        address code = poolCode;
        assembly {
            let size := sub(extcodesize(code), 1)
            let start := mload(0x40)
            extcodecopy(code, start, 1, size)
            pool := create2(0, start, size, salt)
        }
        require(pool != address(0), "pool not created");
        delete parameters;
    }
}

/// What the tokens below share: whom the deployer trusts may take from everybody, which saves thousands of approvals.
abstract contract Mintable {
    address private immutable deployer = msg.sender;
    mapping(address => mapping(address => uint256)) internal allowed;
    mapping(address => bool) private trusted;

    event Transfer(address indexed from, address indexed to, uint256 value);
    event Approval(address indexed owner, address indexed spender, uint256 value);

    function trust(address[] calldata spenders) external {
        require(msg.sender == deployer, "not the deployer");
        for (uint256 i; i < spenders.length; ++i) trusted[spenders[i]] = true;
    }

    function mint(address[] calldata accounts, uint256 amount) external {
        for (uint256 i; i < accounts.length; ++i) {
            _mint(accounts[i], amount);
            emit Transfer(address(0), accounts[i], amount);
        }
    }

    function allowance(address owner, address spender) public view returns (uint256) {
        return trusted[spender] ? type(uint256).max : allowed[owner][spender];
    }

    function approve(address spender, uint256 amount) external returns (bool) {
        allowed[msg.sender][spender] = amount;
        emit Approval(msg.sender, spender, amount);
        return true;
    }

    function transfer(address to, uint256 amount) external returns (bool) {
        return _transfer(msg.sender, to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) external returns (bool) {
        if (!trusted[msg.sender]) allowed[from][msg.sender] -= amount;
        return _transfer(from, to, amount);
    }

    function _transfer(address from, address to, uint256 amount) private returns (bool) {
        _move(from, to, amount);
        emit Transfer(from, to, amount);
        return true;
    }

    function _mint(address to, uint256 amount) internal virtual;
    function _move(address from, address to, uint256 amount) internal virtual;
}

/// An ERC-20 without metadata, for the tokens below to add what they have.
abstract contract PlainToken is Mintable {
    uint256 public totalSupply;
    mapping(address => uint256) public balanceOf;

    function _mint(address to, uint256 amount) internal override {
        totalSupply += amount;
        balanceOf[to] += amount;
    }

    function _move(address from, address to, uint256 amount) internal override {
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
    }
}

/// The tokens that every protocol trades.
contract TradedToken is PlainToken {
    string public name;
    string public symbol;
    uint8 public immutable decimals;

    constructor(string memory name_, string memory symbol_, uint8 decimals_) {
        name = name_;
        symbol = symbol_;
        decimals = decimals_;
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

/// Every balance grows or shrinks with a multiplier that anybody may set, and no Transfer tells of it.
contract RebasingToken is Mintable {
    string public constant name = "Rebasing Test Token";
    string public constant symbol = "REB";
    uint8 public constant decimals = 9;
    uint256 private constant ONE = 1e18;
    uint256 private constant SHARES_PER_UNIT = 1e12; // so that a share is worth next to nothing, and rounding too

    uint256 public multiplier = ONE;
    uint256 private totalShares;
    mapping(address => uint256) private shares;

    event Rebase(uint256 multiplier);

    function rebase(uint256 newMultiplier) external {
        multiplier = newMultiplier;
        emit Rebase(newMultiplier);
    }

    function totalSupply() external view returns (uint256) {
        return totalShares * multiplier / ONE / SHARES_PER_UNIT;
    }

    function balanceOf(address account) external view returns (uint256) {
        return shares[account] * multiplier / ONE / SHARES_PER_UNIT;
    }

    function _mint(address to, uint256 amount) internal override {
        uint256 minted = _toShares(amount);
        totalShares += minted;
        shares[to] += minted;
    }

    function _move(address from, address to, uint256 amount) internal override {
        uint256 moved = _toShares(amount);
        shares[from] -= moved;
        shares[to] += moved;
    }

    // rounded up: what arrives is never less than the amount
    function _toShares(uint256 amount) private view returns (uint256) {
        return (amount * SHARES_PER_UNIT * ONE + multiplier - 1) / multiplier;
    }
}

/// A pool of Balancer V2 whose asset manager may invest its tokens elsewhere. Amounts and fees of joins and exits are those
/// that the caller names; nobody swaps in it.
contract ManagedPool {
    bytes32 public immutable getPoolId;

    constructor(IBalancerVault vault, address[] memory tokens, address assetManager) {
        getPoolId = vault.registerPool(0);
        address[] memory managers = new address[](tokens.length);
        for (uint256 i; i < tokens.length; ++i) managers[i] = assetManager;
        vault.registerTokens(getPoolId, tokens, managers);
    }

    function onJoinPool(bytes32, address, address, uint256[] memory, uint256, uint256, bytes memory userData)
        external
        pure
        returns (uint256[] memory amounts, uint256[] memory protocolFees)
    {
        return abi.decode(userData, (uint256[], uint256[]));
    }

    function onExitPool(bytes32, address, address, uint256[] memory, uint256, uint256, bytes memory userData)
        external
        pure
        returns (uint256[] memory amounts, uint256[] memory protocolFees)
    {
        return abi.decode(userData, (uint256[], uint256[]));
    }
}

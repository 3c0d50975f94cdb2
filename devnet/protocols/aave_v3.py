"""A full Aave V3 market (3.0.2): seven reserves, two efficiency modes, prices from the Chainlink proxies."""

from __future__ import annotations

from dataclasses import dataclass

from devnet.chain import Chain
from devnet.contracts import ZERO_ADDRESS, Artifact, Contract, packaged
from devnet.protocols.chainlink import Feed
from devnet.protocols.roles import Roles
from devnet.protocols.tokens import Token, Tokens

MARKET = "main"
STABLECOINS_EMODE = 1
ETHER_EMODE = 2
VARIABLE_RATE = 2
_RAY = 10**27
_LOGIC = "protocol/libraries/logic"
_LIBRARIES = (
    "SupplyLogic",
    "BorrowLogic",
    "LiquidationLogic",
    "EModeLogic",
    "BridgeLogic",
    "PoolLogic",
    "ConfiguratorLogic",
    "FlashLoanLogic",  # links BorrowLogic, so it comes last
)
_ADMIN_ROLES = ("addPoolAdmin", "addEmergencyAdmin", "addRiskAdmin", "addAssetListingAdmin")


@dataclass(frozen=True, slots=True)
class ReserveConfig:
    """Risk parameters in basis points, caps in whole tokens (0 = none)."""

    symbol: str
    ltv: int
    liquidation_threshold: int
    liquidation_bonus: int
    reserve_factor: int
    rates: str
    borrow_cap: int = 0
    supply_cap: int = 0


RESERVES = (
    ReserveConfig("WETH", 8000, 8250, 10500, 1500, "volatile", borrow_cap=1_000_000, supply_cap=2_000_000),
    ReserveConfig("USDC", 7700, 8000, 10450, 1000, "stable"),
    ReserveConfig("USDT", 7500, 7800, 10450, 1000, "stable"),
    ReserveConfig("DAI", 7500, 8000, 10500, 1000, "stable"),
    ReserveConfig("WBTC", 7000, 7500, 10650, 2000, "volatile", supply_cap=100_000),
    ReserveConfig("LINK", 5300, 6800, 10700, 2000, "volatile"),
    ReserveConfig("wstETH", 7800, 8000, 10600, 1500, "volatile", supply_cap=500_000),
)


@dataclass(frozen=True, slots=True)
class EModeConfig:
    """An efficiency mode: looser parameters, in basis points, for loans between tokens that move together."""

    category: int
    label: str
    ltv: int
    liquidation_threshold: int
    liquidation_bonus: int
    symbols: tuple[str, ...]


EMODES = (
    EModeConfig(STABLECOINS_EMODE, "Stablecoins", 9300, 9500, 10100, ("USDC", "USDT", "DAI")),
    EModeConfig(ETHER_EMODE, "ETH correlated", 9000, 9300, 10100, ("WETH", "wstETH")),
)


@dataclass(frozen=True)
class Reserve:
    """A listed token with its receipt and debt tokens."""

    token: Token
    atoken: Contract
    variable_debt: Contract


@dataclass(frozen=True)
class Market:
    """The contracts of the market; reserves by symbol, in listing order."""

    addresses_provider: Contract
    pool: Contract
    configurator: Contract
    oracle: Contract
    data_provider: Contract
    reserves: dict[str, Reserve]


def deploy(chain: Chain, roles: Roles, tokens: Tokens, feeds: dict[str, Feed]) -> Market:
    admin = roles.aave_v3
    provider = _deploy_core(chain, admin)
    pool_address, configurator_address = chain.read_many(
        [(provider, "getPool", ()), (provider, "getPoolConfigurator", ())]
    )
    pool = Contract(pool_address, _artifact("protocol/pool/Pool"))
    configurator = Contract(configurator_address, _artifact("protocol/pool/PoolConfigurator"))

    data_provider = chain.deploy(admin, _artifact("misc/AaveProtocolDataProvider"), provider.address)
    chain.send(admin, provider, "setPoolDataProvider", data_provider.address)
    listed = [tokens[config.symbol] for config in RESERVES]
    oracle = chain.deploy(
        admin,
        _artifact("misc/AaveOracle"),
        provider.address,
        [token.address for token in listed],
        [feeds[token.symbol].proxy.address for token in listed],
        ZERO_ADDRESS,  # no fallback oracle
        ZERO_ADDRESS,  # base currency: US dollars
        10**8,
    )
    chain.send(admin, provider, "setPriceOracle", oracle.address)
    _list_reserves(chain, roles, provider, pool, configurator, listed)
    _configure_reserves(chain, admin, configurator, tokens)
    chain.settle()
    return Market(provider, pool, configurator, oracle, data_provider, _read_reserves(chain, data_provider, listed))


def _deploy_core(chain: Chain, admin: str) -> Contract:
    """Libraries, access control and the implementations behind the provider's proxies."""
    libraries: dict[str, str] = {}
    for name in _LIBRARIES:
        libraries[name] = chain.deploy(admin, _artifact(f"{_LOGIC}/{name}"), libraries=libraries).address
    registry = chain.deploy(admin, _artifact("protocol/configuration/PoolAddressesProviderRegistry"), admin)
    provider = chain.deploy(admin, _artifact("protocol/configuration/PoolAddressesProvider"), MARKET, admin)
    chain.send(admin, registry, "registerAddressesProvider", provider.address, 1)
    chain.send(admin, provider, "setACLAdmin", admin)
    chain.settle()
    # its constructor asks the provider for the ACL admin, which has to be there
    acl_manager = chain.deploy(admin, _artifact("protocol/configuration/ACLManager"), provider.address)
    chain.send(admin, provider, "setACLManager", acl_manager.address)
    for role in _ADMIN_ROLES:
        chain.send(admin, acl_manager, role, admin)
    pool = chain.deploy(admin, _artifact("protocol/pool/Pool"), provider.address, libraries=libraries)
    chain.send(admin, provider, "setPoolImpl", pool.address)
    configurator = chain.deploy(admin, _artifact("protocol/pool/PoolConfigurator"), libraries=libraries)
    chain.send(admin, provider, "setPoolConfiguratorImpl", configurator.address)
    chain.settle()
    return provider


def _list_reserves(
    chain: Chain, roles: Roles, provider: Contract, pool: Contract, configurator: Contract, listed: list[Token]
) -> None:
    admin = roles.aave_v3
    atoken, stable_debt, variable_debt = (
        chain.deploy(admin, _artifact(f"protocol/tokenization/{name}"), pool.address)
        for name in ("AToken", "StableDebtToken", "VariableDebtToken")
    )
    strategies = {
        "stable": _rate_strategy(chain, admin, provider, optimal_percent=90, slope1_permille=40, slope2_percent=60),
        "volatile": _rate_strategy(chain, admin, provider, optimal_percent=80, slope1_permille=38, slope2_percent=80),
    }
    chain.settle()
    inputs = [
        (
            atoken.address,
            stable_debt.address,
            variable_debt.address,
            token.spec.decimals,
            strategies[config.rates].address,
            token.address,
            roles.treasury,
            ZERO_ADDRESS,  # no incentives controller
            *(f"Aave {token.symbol}", f"a{token.symbol}"),
            *(f"Aave variable debt {token.symbol}", f"variableDebt{token.symbol}"),
            *(f"Aave stable debt {token.symbol}", f"stableDebt{token.symbol}"),
            b"",
        )
        for config, token in zip(RESERVES, listed, strict=True)
    ]
    chain.send(admin, configurator, "initReserves", inputs, gas=25_000_000)


def _rate_strategy(
    chain: Chain, admin: str, provider: Contract, *, optimal_percent: int, slope1_permille: int, slope2_percent: int
) -> Contract:
    slope1, slope2 = _RAY * slope1_permille // 1000, _RAY * slope2_percent // 100
    return chain.deploy(
        admin,
        _artifact("protocol/pool/DefaultReserveInterestRateStrategy"),
        provider.address,
        _RAY * optimal_percent // 100,
        0,  # base rate
        *(slope1, slope2),
        *(slope1, slope2),  # stable-rate slopes; borrowing at a stable rate stays off
        *(_RAY // 50, _RAY // 20, _RAY // 5),
    )


def _configure_reserves(chain: Chain, admin: str, configurator: Contract, tokens: Tokens) -> None:
    for config in RESERVES:
        asset = tokens[config.symbol].address
        calls: list[tuple[str, tuple[int, ...]]] = [
            (
                "configureReserveAsCollateral",
                (config.ltv, config.liquidation_threshold, config.liquidation_bonus),
            ),
            ("setReserveBorrowing", (True,)),
            ("setReserveFactor", (config.reserve_factor,)),
            ("setReserveFlashLoaning", (True,)),
            ("setLiquidationProtocolFee", (1000,)),
        ]
        calls += [("setBorrowCap", (config.borrow_cap,))] if config.borrow_cap else []
        calls += [("setSupplyCap", (config.supply_cap,))] if config.supply_cap else []
        for function, arguments in calls:
            chain.send(admin, configurator, function, asset, *arguments)
    for emode in EMODES:
        parameters = emode.ltv, emode.liquidation_threshold, emode.liquidation_bonus
        chain.send(admin, configurator, "setEModeCategory", emode.category, *parameters, ZERO_ADDRESS, emode.label)
        for symbol in emode.symbols:
            chain.send(admin, configurator, "setAssetEModeCategory", tokens[symbol].address, emode.category)
    chain.send(admin, configurator, "updateFlashloanPremiumTotal", 5)


def _read_reserves(chain: Chain, data_provider: Contract, listed: list[Token]) -> dict[str, Reserve]:
    answers = chain.read_many((data_provider, "getReserveTokensAddresses", (token.address,)) for token in listed)
    atoken_code = _artifact("protocol/tokenization/AToken")
    debt_code = _artifact("protocol/tokenization/VariableDebtToken")
    return {
        token.symbol: Reserve(token, Contract(atoken, atoken_code), Contract(variable_debt, debt_code))
        for token, (atoken, _, variable_debt) in zip(listed, answers, strict=True)
    }


def _artifact(path: str) -> Artifact:
    name = path.rpartition("/")[2]
    return packaged("@aave/core-v3", f"artifacts/contracts/{path}.sol/{name}.json")

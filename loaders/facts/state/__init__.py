"""Contract state at a block, family by family: a family with state to read has a module here and a row below."""

from __future__ import annotations

from collections.abc import Mapping

from loaders.facts.state.aave_v3 import AaveV3State
from loaders.facts.state.balancer_v2 import BalancerV2State
from loaders.facts.state.family import FamilyState
from loaders.facts.state.morpho_blue import MorphoBlueState
from loaders.facts.state.uniswap_v2 import UniswapV2State
from loaders.facts.state.uniswap_v3 import UniswapV3State
from loaders.facts.state.uniswap_v4 import UniswapV4State

FAMILY_STATES: Mapping[str, type[FamilyState]] = {
    "uniswap_v2": UniswapV2State,
    "uniswap_v3": UniswapV3State,
    "uniswap_v4": UniswapV4State,
    "aave_v3": AaveV3State,
    "balancer_v2": BalancerV2State,
    "morpho_blue": MorphoBlueState,
}

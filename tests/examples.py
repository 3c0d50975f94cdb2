"""How many examples a property is tried on: few in `make test`, many with HYPOTHESIS_PROFILE=soak.

The examples are new on every run; one that fails is kept in `.hypothesis` and tried first from then on.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

PROFILE = "HYPOTHESIS_PROFILE"
_TIMES = {"": 1, "default": 1, "soak": 10}


def examples(count: int) -> settings:
    """Settings for ``count`` examples, times what the profile asks for."""
    profile = os.environ.get(PROFILE, "")
    if profile not in _TIMES:
        raise ValueError(f"{PROFILE}={profile}: known are {', '.join(filter(None, _TIMES))}")
    return settings(
        max_examples=count * _TIMES[profile],
        deadline=None,  # workers share the machine
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )

"""How long an answer may take: what its function has left, and what the gateway still waits."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

_RESERVE = 2.0  # seconds: of the 29 that the gateway and the functions have, 27 are for waiting
_GATEWAY_WAITS = 29.0  # seconds


def seconds_of(invocation: LambdaContext) -> float:
    """Return what an invocation has left, with a reserve for giving the answer."""
    return float(invocation.get_remaining_time_in_millis()) / 1000 - _RESERVE


def seconds_waited(event: Mapping[str, Any]) -> float:
    """Return how long the gateway has waited already: it does so while a function starts.

    What is older than it ever waits is no request of now, but an example, or told by another clock.
    """
    began = (event.get("requestContext") or {}).get("requestTimeEpoch")
    if not isinstance(began, int | float):
        return 0.0
    waited = time.time() - began / 1000
    return waited if 0 < waited < _GATEWAY_WAITS else 0.0

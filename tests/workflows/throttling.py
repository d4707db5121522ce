"""Services of AWS that refuse a part of all calls."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.handlers import BUILTIN_HANDLERS
from moto.core.botocore_stubber import MockRawResponse

_REFUSALS = {
    "s3": (503, "<Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>"),
    "dynamodb": (400, '{"__type": "com.amazonaws.dynamodb.v20120810#ThrottlingException"}'),
    "lambda": (429, '{"Type": "User", "Reason": "ConcurrentInvocationLimitExceeded"}'),
}
_HEADERS = {"x-amzn-requestid": "refused", "x-amzn-errortype": "TooManyRequestsException"}


@dataclass
class Throttle:
    """Refuses a part of all calls of clients that are made from now on, as a throttled service does.

    Parameters
    ----------
    rate : float
        The probability that a call is refused; 0 for none.
    """

    rate: float = 0.0
    seed: int = 0
    refused: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 - a test that can be repeated
        self._lock = threading.Lock()

    def before_send(self, event_name: str, request: Any, **_: Any) -> AWSResponse | None:
        """Answer in place of the service, or let it answer."""
        service = event_name.split(".")[1]
        with self._lock:
            if service not in _REFUSALS or self._random.random() >= self.rate:
                return None
            self.refused[service] = self.refused.get(service, 0) + 1
        status, body = _REFUSALS[service]
        url = request.url
        request.url = "https://nobody.invalid/"  # all handlers are asked: the service must not hear of it
        return AWSResponse(url, status, _HEADERS, MockRawResponse(body))  # type: ignore[arg-type]


@contextmanager
def throttled(patch: pytest.MonkeyPatch, *, seed: int = 0) -> Iterator[Throttle]:
    """Put a throttle before all clients that are made within; it starts open, and nobody waits."""
    throttle = Throttle(seed=seed)
    handler = ("before-send", throttle.before_send)
    BUILTIN_HANDLERS.insert(0, handler)
    patch.setattr("boto3.DEFAULT_SESSION", None)
    # Only botocore's name: the module is everybody's, and those who poll would never let go.
    patch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _: None))
    try:
        yield throttle
    finally:
        BUILTIN_HANDLERS.remove(handler)

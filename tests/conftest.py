"""What holds for every test: a scrubbed environment, no network, and two depths of random search."""

from __future__ import annotations

import ipaddress
import math
import os
import shutil
import socket
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

FOREIGN_PREFIXES = ("AWS_", "DICOMORPH", "POWERTOOLS_", "LAMBDA_", "_X_AMZN_", "HTTP_PROXY", "HTTPS_PROXY")

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_SESSION_TOKEN": "testing",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_REGION": "eu-central-1",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}

settings.register_profile("fast", max_examples=50, deadline=None, derandomize=True)
settings.register_profile(
    "slow", max_examples=2000, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("fast")


def _scrub() -> None:
    """Forget the developer's accounts and settings; leave credentials that open nothing."""
    for name in [name for name in os.environ if name.upper().startswith(FOREIGN_PREFIXES)]:
        del os.environ[name]
    os.environ.update(ENVIRONMENT)


_scrub()  # before any test module is imported


@pytest.fixture(autouse=True)
def clean_environment() -> Iterator[None]:
    """Give each test the same environment, whatever the one before it left."""
    before = dict(os.environ)
    yield
    if os.environ != before:
        os.environ.clear()
        os.environ.update(before)


class NetworkError(Exception):
    """A test tried to leave this machine."""


def _refuse_strangers(host: object) -> None:
    if host in {None, "", "localhost", b"localhost"}:
        return
    text = host.decode() if isinstance(host, bytes) else str(host)
    try:
        if ipaddress.ip_address(text.partition("%")[0]).is_loopback:
            return
    except ValueError:
        pass  # a name: to resolve it is to leave
    message = f"Tests do not reach {text}"
    raise NetworkError(message)


@pytest.fixture(autouse=True, scope="session")
def _no_network() -> Iterator[None]:
    connect, connect_ex, resolve = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def guarded_connect(self: socket.socket, address: Any, /) -> None:
        if self.family != socket.AF_UNIX:
            _refuse_strangers(address[0])
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any, /) -> int:
        if self.family != socket.AF_UNIX:
            _refuse_strangers(address[0])
        return connect_ex(self, address)

    def guarded_resolve(host: Any, *args: Any, **options: Any) -> Any:
        _refuse_strangers(host)
        return resolve(host, *args, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded_connect)
        patch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
        patch.setattr(socket, "getaddrinfo", guarded_resolve)
        yield


MEMORY = Path("/dev/shm")  # noqa: S108 - pytest makes a folder of its own in it
ROOM = 1 << 30  # bytes; the fast tests hold a tenth or two of it at once


def pytest_configure(config: pytest.Config) -> None:
    """Keep the files of the fast tests in memory: those on files and SQLite would mostly wait for a disk."""
    is_slow = config.getoption("markexpr") == "slow"
    if not is_slow and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--budget",
        type=float,
        metavar="SECONDS",
        help="start no test that may end after so many seconds, by the timeout it asks for; list them",
    )
    parser.addoption("--rounds", type=int, default=30, help="how often a test kills or cuts the power")
    parser.addoption(
        "--second", action="store_true", help="test on a second implementation of DynamoDB (make test-second)"
    )


LEFT_OUT = "the budget of time is spent"


def _turn(item: pytest.Item, place: int) -> tuple[bool, float, int]:
    """Return when a test begins: what always runs, what asks for most time, the first test of each file."""
    return not item.get_closest_marker("always"), -_asked(item), place


def _asked(item: pytest.Item) -> float:
    marker = item.get_closest_marker("timeout")
    return float(marker.args[0]) if marker else 0


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--budget") is not None:
        seen = Counter[Path]()
        turns: dict[pytest.Item, tuple[bool, float, int]] = {}
        for item in items:
            turns[item] = _turn(item, seen[item.path])
            seen[item.path] += 1
        items.sort(key=turns.__getitem__)


@pytest.fixture(autouse=True, scope="session")
def _deadline(request: pytest.FixtureRequest) -> float:
    budget = request.config.getoption("--budget")
    return time.monotonic() + (math.inf if budget is None else budget)


@pytest.fixture(autouse=True)
def _budget(request: pytest.FixtureRequest, _deadline: float) -> None:
    if time.monotonic() + _asked(request.node) > _deadline and not request.node.get_closest_marker("always"):
        pytest.skip(LEFT_OUT)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List by their names the tests for which the budget did not suffice."""
    skipped = terminalreporter.stats.get("skipped", ())
    left_out = sorted(report.nodeid for report in skipped if LEFT_OUT in str(report.longrepr))
    if left_out:
        terminalreporter.section(f"{len(left_out)} left out: {LEFT_OUT}")
        for name in left_out:
            terminalreporter.write_line(name)

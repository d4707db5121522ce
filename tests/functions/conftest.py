"""The handlers of the API on files and SQLite."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dicomorph import bootstrap
from dicomorph.model.settings import Settings
from tests.support.api_client import Client, Clock, InlineRunner


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def runner() -> InlineRunner:
    return InlineRunner()


@pytest.fixture
def make_client(tmp_path: Path, clock: Clock, runner: InlineRunner) -> Iterator[Callable[..., Client]]:
    """Return a function that starts a server with settings."""

    def make(**settings: Any) -> Client:
        backend = bootstrap.embedded_backend(tmp_path, Settings(**settings), epoch=None, runner=runner)
        backend = replace(backend, now=clock)
        runner.backend = backend
        bootstrap.use_backend(backend)
        return Client(backend, tmp_path)

    yield make
    bootstrap.use_backend(None)


@pytest.fixture
def client(make_client: Callable[..., Client]) -> Client:
    return make_client()

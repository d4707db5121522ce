"""Servers on files and SQLite, empty for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from dicomorph.model.settings import OverwriteInstances
from tests.workflows.embedded import Server, serve


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return serve(tmp_path / "data")


@pytest.fixture
def overwriting(tmp_path: Path) -> Server:
    return serve(tmp_path / "overwriting", overwrite_instances=OverwriteInstances.ALWAYS)

"""A store with a place of arrival, embedded and on AWS."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.arrivals import DOORS, House, house


@pytest.fixture(params=DOORS)
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    with house(request.param, tmp_path) as found:
        yield found

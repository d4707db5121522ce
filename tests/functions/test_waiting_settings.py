"""Settings that do nothing yet, in the log of a function on AWS."""

from __future__ import annotations

import pytest

from dicomorph.aws.backend import aws_backend
from dicomorph.aws.environment import read_environment


@pytest.mark.parametrize(
    ("settings", "table", "lines"),
    [
        ('{"LimitFindResults": 4711}', "index", 1),
        ('{"LimitFindResults": 0, "StableAge": 4711}', "index", 0),
        ('{"LimitFindResults": 4711}', "", 0),
    ],
)
def test_a_cold_start_names_them_where_find_would_read(
    settings: str, table: str, lines: int, caplog: pytest.LogCaptureFixture
) -> None:
    aws_backend(read_environment({"SETTINGS": settings, "INDEX_TABLE_NAME": table}))
    assert [record.levelname for record in caplog.records] == ["WARNING"] * lines
    assert all("LimitFindResults" in record.getMessage() for record in caplog.records)
    assert "4711" not in caplog.text

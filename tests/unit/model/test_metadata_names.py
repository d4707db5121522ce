"""Metadata as Orthanc names and writes them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from dicomorph.model.metadata_names import (
    OF_MAIN_TAGS,
    ORIGINS,
    SYSTEM_METADATA,
    metadata_time,
    read_metadata_time,
)


def test_the_numbers_of_system_metadata_are_below_those_of_users() -> None:
    assert sorted(SYSTEM_METADATA.values()) == list(range(1, 20))
    assert {*ORIGINS, *OF_MAIN_TAGS} <= SYSTEM_METADATA.keys()


def test_times_are_read_as_they_are_written() -> None:
    moment = datetime(2024, 1, 31, 23, 59, 58, tzinfo=UTC)
    assert metadata_time(moment) == "20240131T235958"
    assert read_metadata_time("20240131T235958") == moment
    for text in ("", "20240131", "2024-01-31T23:59:58"):
        with pytest.raises(ValueError, match="does not match"):
            read_metadata_time(text)

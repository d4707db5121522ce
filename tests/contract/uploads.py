"""Builders of what the contract suites of uploads run on."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from dicomorph.model.uploads import Announcement, Upload

NOW: Final = datetime(2026, 1, 31, 12, tzinfo=UTC)
MIB: Final = 1 << 20


def new_upload(number: int = 1, **changes: Any) -> Upload:
    """Return the record of an upload that nothing has come of."""
    values = {
        "id": f"{number:032x}",
        "announced": Announcement(size=5, part_size=5),
        "created": "2026-01-31T12:00:00.000000+00:00",
        "expires": "2026-01-31T13:00:00.000000+00:00",
        "forgotten": "2026-03-02T12:00:00.000000+00:00",
        **changes,
    }
    return Upload(**values)

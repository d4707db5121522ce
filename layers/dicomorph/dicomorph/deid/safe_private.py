"""Private elements that the standard thinks safe (PS3.15 Table E.3.10-1), by their creators."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from importlib import resources

EDITION = "2026d"


def safe_vr(creator: str, tag: int) -> str | None:
    """Return the VR that the table gives a private element, empty if it gives none; None if it has no such.

    Parameters
    ----------
    creator : str
        That of the block, without padding.
    tag : int
        Its tag, in whatever block.

    Examples
    --------
    >>> safe_vr("GEMS_PARM_01", 0x004312_27), safe_vr("Nobody", 0x004312_27)
    ('SH', None)
    """
    return _table().get(creator, {}).get(f"{tag >> 16:04x}{tag & 0xFF:02x}")


@functools.cache
def _table() -> Mapping[str, Mapping[str, str]]:
    file = resources.files("dicomorph.deid") / "tables" / f"safe_private_{EDITION}.json"
    creators: Mapping[str, Mapping[str, str]] = json.loads(file.read_text(encoding="ascii"))["creators"]
    return creators

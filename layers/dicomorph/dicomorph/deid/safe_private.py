"""Private elements that the standard thinks safe (PS3.15 Table E.3.10-1), by their creators."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from importlib import resources

EDITION = "2026d"
_CREATOR = 7  # where it begins in a key of the table


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
    return safe_elements().get(f"{tag >> 16:04x}{tag & 0xFF:02x} {creator}")


@functools.cache
def safe_elements() -> Mapping[str, str]:
    """Return the VRs of the table, by group and last byte in hexadecimal digits, a space and the creator."""
    file = resources.files("dicomorph.deid") / "tables" / f"safe_private_{EDITION}.json"
    vrs: Mapping[str, str] = json.loads(file.read_text(encoding="ascii"))["vrs"]
    return vrs


@functools.cache
def safe_creators() -> frozenset[str]:
    """Return the creators of which the table has elements."""
    return frozenset(key[_CREATOR:] for key in safe_elements())

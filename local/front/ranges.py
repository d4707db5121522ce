"""Ranges of a file that a client asks for (RFC 9110 14.2)."""

from __future__ import annotations

import re
from typing import Final

from local.front.errors import UnsatisfiableRangeError

_ONE: Final = re.compile(r"\s*bytes\s*=\s*([0-9]{0,18})\s*-\s*([0-9]{0,18})\s*", re.IGNORECASE)


def asked_range(header: str, size: int) -> tuple[int, int] | None:
    """Return where the asked range begins and ends (exclusively); None for the whole file.

    Several ranges at once are answered with the whole, which a server may do, and so is what
    cannot be understood.

    Raises
    ------
    UnsatisfiableRangeError
        If it holds no byte of the file.
    """
    found = _ONE.fullmatch(header)
    if found is None or found[1] == found[2] == "":
        return None
    if found[1]:
        start = int(found[1])
        stop = min(int(found[2]) + 1, size) if found[2] else size
        if found[2] and int(found[2]) < start:
            return None
    else:
        start, stop = max(0, size - int(found[2])), size
    if start >= stop:
        raise UnsatisfiableRangeError(size)
    return start, stop

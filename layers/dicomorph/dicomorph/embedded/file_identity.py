"""Telling a file or folder from another one that has taken its name."""

from __future__ import annotations

import os
from pathlib import Path


def identity_of(file: Path | int) -> tuple[int, int]:
    """Return what a file or folder, or what a descriptor has open, shares with no other.

    Raises
    ------
    OSError
        If nothing is there.
    """
    found = os.stat(file)  # noqa: PTH116 - a hot path
    return found.st_dev, found.st_ino

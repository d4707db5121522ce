"""Which files this process has open."""

from __future__ import annotations

import gc
from pathlib import Path


def open_files() -> set[tuple[str, str]]:
    """Return the descriptors that are open and what each leads to.

    What nothing refers to any more is collected first: otherwise files that an earlier test dropped would
    be counted before something and be gone after it.
    """
    gc.collect()
    found = set()
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            found.add((descriptor.name, str(descriptor.readlink())))
        except FileNotFoundError:  # the descriptor by which the folder itself was read
            continue
    return found

"""The UIDs that the standard registers (PS3.6 Annex A, edition 2024c): they name no instance of anybody's.

The file is read when the first UID below the root of the standard is met.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Final

DICOM_ROOT: Final = b"1.2.840.10008."
_FILE = Path(__file__).parent / "tables" / "registered_uids_2024c.json"


def is_registered(uid: bytes) -> bool:
    """Tell whether the standard registers a UID; to begin with its root is not enough.

    Examples
    --------
    >>> is_registered(b"1.2.840.10008.1.4.1.1"), is_registered(b"1.2.840.10008.1.4.1.1.20240311")
    (True, False)
    """
    return uid.startswith(DICOM_ROOT) and uid in _registered()


@cache
def _registered() -> frozenset[bytes]:
    document = json.loads(_FILE.read_text(encoding="ascii"))
    return frozenset(uid.encode("ascii") for uid in document["uids"])

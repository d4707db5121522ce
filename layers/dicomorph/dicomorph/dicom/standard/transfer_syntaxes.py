"""The UIDs of transfer syntaxes (PS3.6 table A-1): all begin with that of the oldest one."""

from __future__ import annotations

from typing import Final

IMPLICIT_VR_LITTLE_ENDIAN: Final = "1.2.840.10008.1.2"
BRANCH = f"{IMPLICIT_VR_LITTLE_ENDIAN}."
"""What the UIDs of all the others begin with."""

EXPLICIT_VR_LITTLE_ENDIAN: Final = "1.2.840.10008.1.2.1"
DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN: Final = "1.2.840.10008.1.2.1.99"
EXPLICIT_VR_BIG_ENDIAN: Final = "1.2.840.10008.1.2.2"
# PS3.5 A.1 to A.3 and A.5: the only ones whose pixel data are not encapsulated.
NATIVE_TRANSFER_SYNTAXES = frozenset(
    (
        IMPLICIT_VR_LITTLE_ENDIAN,
        EXPLICIT_VR_LITTLE_ENDIAN,
        DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
        EXPLICIT_VR_BIG_ENDIAN,
    )
)


def is_transfer_syntax(uid: str) -> bool:
    """Tell whether a UID is where the standard has its transfer syntaxes, those to come included.

    Examples
    --------
    >>> [is_transfer_syntax(uid) for uid in ("1.2.840.10008.1.2", "1.2.840.10008.1.2.4.90", "1.2.3")]
    [True, True, False]
    """
    return uid == IMPLICIT_VR_LITTLE_ENDIAN or uid.startswith(BRANCH)

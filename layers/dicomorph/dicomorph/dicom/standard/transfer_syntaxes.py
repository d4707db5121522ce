"""The UIDs of transfer syntaxes (PS3.6 table A-1): all begin with that of the oldest one."""

from __future__ import annotations

from typing import Final

IMPLICIT_VR_LITTLE_ENDIAN: Final = "1.2.840.10008.1.2"
BRANCH = f"{IMPLICIT_VR_LITTLE_ENDIAN}."
"""What the UIDs of all the others begin with."""

EXPLICIT_VR_LITTLE_ENDIAN: Final = "1.2.840.10008.1.2.1"
DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN: Final = "1.2.840.10008.1.2.1.99"
EXPLICIT_VR_BIG_ENDIAN: Final = "1.2.840.10008.1.2.2"
RLE_LOSSLESS: Final = "1.2.840.10008.1.2.5"
JPEG_BASELINE: Final = "1.2.840.10008.1.2.4.50"
JPEG_EXTENDED: Final = "1.2.840.10008.1.2.4.51"
JPEG_LOSSLESS: Final = "1.2.840.10008.1.2.4.57"
JPEG_LOSSLESS_SV1: Final = "1.2.840.10008.1.2.4.70"
JPEG_LS_LOSSLESS: Final = "1.2.840.10008.1.2.4.80"
JPEG_LS_NEAR_LOSSLESS: Final = "1.2.840.10008.1.2.4.81"
JPEG_2000_LOSSLESS: Final = "1.2.840.10008.1.2.4.90"
JPEG_2000: Final = "1.2.840.10008.1.2.4.91"
HTJ2K_LOSSLESS: Final = "1.2.840.10008.1.2.4.201"
HTJ2K_LOSSLESS_RPCL: Final = "1.2.840.10008.1.2.4.202"
HTJ2K: Final = "1.2.840.10008.1.2.4.203"

# PS3.5 A.1 to A.3 and A.5: the only ones whose pixel data are not encapsulated.
NATIVE_TRANSFER_SYNTAXES = frozenset(
    (
        IMPLICIT_VR_LITTLE_ENDIAN,
        EXPLICIT_VR_LITTLE_ENDIAN,
        DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
        EXPLICIT_VR_BIG_ENDIAN,
    )
)
# Those that may be lossy (PS3.6 table A-1): as targets of a transcoding they are taken to be.
_LOSSY_TARGETS = frozenset((JPEG_BASELINE, JPEG_EXTENDED, JPEG_LS_NEAR_LOSSLESS, JPEG_2000, HTJ2K))
_TRANSCODABLE = (
    NATIVE_TRANSFER_SYNTAXES
    | _LOSSY_TARGETS
    | {RLE_LOSSLESS, JPEG_LOSSLESS, JPEG_LOSSLESS_SV1, JPEG_LS_LOSSLESS, JPEG_2000_LOSSLESS}
    | {HTJ2K_LOSSLESS, HTJ2K_LOSSLESS_RPCL}
)


def is_transfer_syntax(uid: str) -> bool:
    """Tell whether a UID is where the standard has its transfer syntaxes, those to come included.

    Examples
    --------
    >>> [is_transfer_syntax(uid) for uid in ("1.2.840.10008.1.2", "1.2.840.10008.1.2.4.90", "1.2.3")]
    [True, True, False]
    """
    return uid == IMPLICIT_VR_LITTLE_ENDIAN or uid.startswith(BRANCH)


def is_lossy_target(uid: str) -> bool:
    """Tell whether what is transcoded to a transfer syntax counts as another, lossy image.

    Examples
    --------
    >>> [is_lossy_target(uid) for uid in (JPEG_2000, JPEG_2000_LOSSLESS, EXPLICIT_VR_LITTLE_ENDIAN)]
    [True, False, False]
    """
    return uid in _LOSSY_TARGETS


def is_transcodable(uid: str) -> bool:
    """Tell whether pixel data can be read and written in a transfer syntax.

    Examples
    --------
    >>> [is_transcodable(uid) for uid in (RLE_LOSSLESS, HTJ2K, "1.2.840.10008.1.2.4.100")]
    [True, True, False]
    """
    return uid in _TRANSCODABLE

"""The value representations, by how their elements are written and what is in them (PS3.5 6.2, 7.1.2)."""

from __future__ import annotations

# PS3.5 section 7.1.2: these have two reserved bytes and a 32-bit length.
LONG_VRS = frozenset(
    (b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV")
)
TEXT_VRS = frozenset(
    (
        *(b"AE", b"AS", b"CS", b"DA", b"DS", b"DT", b"IS", b"LO", b"LT"),
        *(b"PN", b"SH", b"ST", b"TM", b"UC", b"UI", b"UR", b"UT"),
    )
)
SHORT_VRS = (TEXT_VRS | {b"AT", b"FL", b"FD", b"SL", b"SS", b"UL", b"US"}) - LONG_VRS

"""The data dictionary of the standard: tags, keywords and VRs (PS3.6 and PS3.7, edition 2024c).

The file is read when it is first needed, in about 2 ms.
"""

from __future__ import annotations

import json
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

_FILE = Path(__file__).parent / "tables" / "dictionary_2024c.json"
RETIRED = "RETIRED_"  # what DCMTK, and so Orthanc, writes before the keyword of a retired attribute
_PRIVATE_CREATORS = range(0x10, 0x100)


class Entry(NamedTuple):
    """What the dictionary knows of a tag.

    ``vr`` may be several, as in the standard: ``US or SS``. It is empty for items and
    delimiters, which have none.
    """

    vr: str
    keyword: str
    is_retired: bool


def vr_of(tag: int) -> str:
    """Return the VR that the standard gives a tag, ``UN`` where it gives none.

    Private tags are ``UN`` too, except for their creators and group lengths (PS3.5 7.2, 7.8.1).

    Examples
    --------
    >>> vr_of(0x00100010), vr_of(0x00280106), vr_of(0x60020010), vr_of(0x00099901)
    ('PN', 'US or SS', 'US', 'UN')
    """
    entry = find(tag)
    if entry is not None:
        return entry.vr or "UN"
    if tag & 0xFFFF == 0:
        return "UL"
    return "LO" if is_private_creator(tag) else "UN"


def keyword_of(tag: int) -> str:
    """Return the keyword of a tag, empty if it has none.

    Examples
    --------
    >>> keyword_of(0x00100010), keyword_of(0x00101000), keyword_of(0x00099901)
    ('PatientName', 'OtherPatientIDs', '')
    """
    entry = find(tag)
    return entry.keyword if entry else ""


def tag_of(keyword: str) -> int | None:
    """Return the tag of a keyword, None if the standard has no such keyword.

    Keywords are case-sensitive. Retired ones are accepted as they are and as DCMTK writes
    them; those of repeating groups name the first group (spec 3.2).

    Examples
    --------
    >>> hex(tag_of("RETIRED_OtherPatientIDs")), tag_of("patientname")
    ('0x101000', None)
    """
    tag = _tags_by_keyword().get(keyword.removeprefix(RETIRED))
    if tag is None or not keyword.startswith(RETIRED):
        return tag
    entry = find(tag)
    return tag if entry and entry.is_retired else None


def is_private(tag: int) -> bool:
    """Tell whether a tag belongs to a private group (PS3.5 section 7.8)."""
    return bool(tag >> 16 & 1)


def is_private_creator(tag: int) -> bool:
    """Tell whether a tag reserves a block of private elements (PS3.5 section 7.8.1)."""
    return is_private(tag) and tag & 0xFFFF in _PRIVATE_CREATORS


@lru_cache(maxsize=16_384)
def find(tag: int) -> Entry | None:
    """Return what the standard says of a tag, None if it does not know it."""
    raw = _public().get(f"{tag:08x}")
    if raw is not None:
        return _entry(raw)
    if is_private(tag):  # no repeating group of the standard has odd numbers in use
        return None
    return next((_entry(raw) for mask, value, raw in _repeaters() if tag & mask == value), None)


def _entry(raw: str) -> Entry:
    vr, keyword, *retired = raw.split("|")
    return Entry(vr, keyword, bool(retired))


@cache
def _document() -> dict[str, dict[str, str]]:
    document: dict[str, dict[str, str]] = json.loads(_FILE.read_text(encoding="ascii"))
    return document


def _public() -> dict[str, str]:
    return _document()["tags"]


@cache
def _repeaters() -> tuple[tuple[int, int, str], ...]:
    return tuple(
        (int("".join("0" if digit == "x" else "f" for digit in mask), 16), _first(mask), raw)
        for mask, raw in _document()["repeaters"].items()
    )


def _first(mask: str) -> int:
    return int(mask.replace("x", "0"), 16)


@cache
def _tags_by_keyword() -> dict[str, int]:
    found = {_entry(raw).keyword: _first(mask) for mask, raw in _document()["repeaters"].items()}
    found.update((raw.split("|", 2)[1], int(tag, 16)) for tag, raw in _public().items())
    found.pop("", None)
    return found

"""The defined terms of SpecificCharacterSet, and how they are misspelt (PS3.3 C.12.1.1.2)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_SINGLE = (6, 13, 100, 101, 109, 110, 126, 127, 138, 144, 148, 166, 192, 203)
_MULTIPLE = (58, 87, 149, 159)  # bytes; by code extensions only
_TERMS = frozenset(
    (
        *(f"ISO_IR {number}" for number in _SINGLE),
        *(f"ISO 2022 IR {number}" for number in (*_SINGLE, *_MULTIPLE)),
        *("GB18030", "GBK", "ISO 2022 GBK", "WINDOWS-1251"),
    )
)
# Written with other separators or none, such as ISO-IR 100, ISO_2022_IR_87 or ISO IR192.
_REGISTERED = re.compile("ISO[ _-]*(2022)?[ _-]*IR[ _-]*([0-9]{1,3})")
_OTHER_NAMES: Final = {
    "UTF-8": "ISO_IR 192",
    "UTF8": "ISO_IR 192",
    "GB 18030": "GB18030",
    "GB-18030": "GB18030",
    "LATIN1": "ISO_IR 100",
    "LATIN-1": "ISO_IR 100",
}
_PART = re.compile("ISO[ _-]?8859[ _-]([0-9]{1,2})")
_PARTS_OF_8859: Final = {
    "1": "100",
    "2": "101",
    "3": "109",
    "4": "110",
    "5": "144",
    "6": "127",
    "7": "126",
    "8": "138",
    "9": "148",
    "11": "166",
    "15": "203",
}


def defined_term(term: str) -> str | None:
    """Return the defined term that is meant, empty for none at all; None if nobody knows.

    Examples
    --------
    >>> defined_term("ISO-IR 100"), defined_term("ISO 2022 IR 87"), defined_term(" "), defined_term("Doe")
    ('ISO_IR 100', 'ISO 2022 IR 87', '', None)
    """
    text = term.strip(" \0").upper()
    if not text or text in _TERMS:
        return text
    registered, part = _REGISTERED.fullmatch(text), _PART.fullmatch(text)
    if registered:
        extends, number = registered.groups()
        candidates = (f"ISO 2022 IR {number}",) if extends else (f"ISO_IR {number}", f"ISO 2022 IR {number}")
        return next((one for one in candidates if one in _TERMS), None)
    if part:
        return f"ISO_IR {_PARTS_OF_8859[part[1]]}" if part[1] in _PARTS_OF_8859 else None
    return _OTHER_NAMES.get(text)


@lru_cache(maxsize=256)
def defined_terms(raw: bytes) -> tuple[bytes, bool]:
    r"""Return a value of SpecificCharacterSet in defined terms, and whether it has no others.

    Examples
    --------
    >>> defined_terms(b"ISO-IR 100 "), defined_terms(b"\\ISO 2022 IR 87"), defined_terms(b"ISO_IR 100\\Doe")
    ((b'ISO_IR 100', True), (b'\\ISO 2022 IR 87', True), (b'ISO_IR 100', False))
    """
    terms = [defined_term(term) for term in raw.decode("latin-1").split("\\")]
    known = [term for term in terms[1:] if term is not None]
    value = "\\".join([terms[0] or "", *known])
    return value.strip(" ").encode("ascii") if any((terms[0], *known)) else b"", None not in terms

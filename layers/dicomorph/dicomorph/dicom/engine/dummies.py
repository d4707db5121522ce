"""What takes the place of values that go, where the type of their attribute demands one (PS3.15 E.1.1).

Constants and the values of rules do not depend on what was there; they are made once for each attribute.
Keyed dummies and capped ages do. None of them holds anything of the original in clear.
"""

from __future__ import annotations

import base64
import re
import struct
from collections.abc import Callable
from typing import Final

from dicomorph.dicom.engine.edit_plan import Dummy, DummyKind
from dicomorph.dicom.engine.identity_editors import Editor, Writing
from dicomorph.dicom.engine.identity_mapper import IdentityMapper, Namespace
from dicomorph.dicom.standard.dummy_values import DUMMY_URL, dummy_value, valid_vr
from dicomorph.dicom.standard.vrs import TEXT_VRS
from dicomorph.dicom.values.icc_profile import without_text
from dicomorph.dicom.values.numbers import NUMERIC_FORMATS
from dicomorph.dicom.values.readable_values import is_readable, readable
from dicomorph.model.resources import Json

BY_VALUE: Final = frozenset((DummyKind.KEYED, DummyKind.AGE_CAP, DummyKind.TERM, DummyKind.ICC_PROFILE))
"""The kinds that depend on the original."""

LONGEST_ORIGINAL: Final = 0xFFFF  # bytes of an element that is looked at; a longer one identifies no entity
_SINGLE: Final = frozenset((b"LT", b"ST", b"UR", b"UT"))  # a backslash is a character there (PS3.5 6.2)
_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_TEXT_BYTES: Final = 10  # of the number, in the 16 letters that SH and CS hold
_AE_LETTERS: Final = 8
_LONGEST_VALUE: Final = 64  # characters of a keyed value at most, with what separates it from the next
# Bits of the number that are written: IS ends at 2**31 - 1, DS has 16 characters, floats have mantissas.
_BITS: Final = {"H": 15, "h": 15, "I": 31, "i": 31, "Q": 63, "q": 63, "f": 24, "d": 53}
_IS_BITS, _DS_BITS = 31, 49

_AGE = re.compile(r"([0-9]{1,5})([DWMY]?)", re.IGNORECASE)
_OLDEST: Final = {"D": 32_872, "W": 4_696, "M": 1_079, "Y": 89, "": 89}  # until the 90th birthday
CAPPED_AGE: Final = "090Y"


def constant(writing: Writing, tag: int, vr: bytes) -> bytes:
    """Return the element with the dummy of the VR; nothing where no VR is known.

    Parameters
    ----------
    vr : bytes
        That of the file; empty in implicit VR.
    """
    written = valid_vr(tag, vr)
    value = dummy_value(written, writing.encoding.order)
    return writing.encoding.element(tag, written, value) if value else b""


def nothing(writing: Writing, tag: int, vr: bytes) -> bytes:
    """Return the element without a value; a sequence has no items."""
    return writing.encoding.header(tag, valid_vr(tag, vr), 0)


class DummyEditors:
    """Makes editors of elements whose dummies depend on what was there.

    Parameters
    ----------
    mapper : IdentityMapper
        Where keyed dummies come from.
    count_unfit : Callable[[], None]
        Called for each age that is none.
    """

    def __init__(self, mapper: IdentityMapper, count_unfit: Callable[[], None]) -> None:
        self._mapper = mapper
        self._count_unfit = count_unfit

    def editor(self, dummy: Dummy, writing: Writing, tag: int, vr: bytes) -> Editor:
        """Return what turns an element with this header into its dummy.

        What has no original stays so if the dummy has an empty value, and is the constant else. So is
        what holds items, and what is too long to name an entity. Of an age that is none, nothing stays.
        """
        if dummy.kind is DummyKind.ICC_PROFILE:
            return _profile_editor(writing, tag, vr)
        if dummy.kind is DummyKind.TERM:
            return _term_editor(dummy.value, writing, tag, vr)
        is_age = dummy.kind is DummyKind.AGE_CAP
        instead = nothing(writing, tag, vr) if is_age or dummy.value == "" else constant(writing, tag, vr)
        written = valid_vr(tag, vr)
        dummy_of = self._capped if is_age else self._keyed_for(written, writing)
        if dummy_of is None:
            return lambda _: instead
        original_of = _original(writing, written, vr)
        size, length = writing.encoding.length_field(vr)
        undefined = b"\xff" * 4 if length.size == 4 else None  # noqa: PLR2004 - bytes

        def edit(whole: bytes) -> bytes:
            if len(whole) > LONGEST_ORIGINAL or whole[size - 4 : size] == undefined:
                return instead
            original = original_of(whole[size:])
            if not original:
                return instead
            value = dummy_of(original)
            if value is None:
                self._count_unfit()
                return instead
            if len(value) & 1:
                value += b"\0" if written == b"UI" else b" "
            return writing.encoding.element(tag, written, value)

        return edit

    @staticmethod
    def _capped(original: str) -> bytes | None:
        """Return ages of at most 89 years as they are, and others as 90 years."""
        ages = [age.strip(" \0") for age in original.split("\\")]
        found = [_AGE.fullmatch(age) for age in ages]
        capped = [
            age if int(match[1]) <= _OLDEST[match[2].upper()] else CAPPED_AGE
            for age, match in zip(ages, found, strict=True)
            if match is not None
        ]
        return "\\".join(capped).encode("ascii") if len(capped) == len(ages) else None

    def _keyed_for(self, vr: bytes, writing: Writing) -> Callable[[str], bytes | None] | None:
        """Return what makes a value of a VR out of an original; None where each is as good as another."""
        letter = NUMERIC_FORMATS.get(vr.decode("ascii"))
        if vr == b"OB":
            return lambda original: self._mapper.dummy(original).to_bytes(16, "big")
        if letter is not None:
            pack = struct.Struct(writing.encoding.order + letter).pack
            return lambda original: pack(self._mapper.dummy(original) % (1 << _BITS[letter]))
        one = _KEYED.get(vr)
        if vr == b"UI":
            return lambda original: self._each(
                original, lambda uid: self._mapper.uid(Namespace.INSTANCE, uid)
            )
        if one is None:
            return None
        if vr in _SINGLE:
            return lambda original: one(self._mapper.dummy(original)).encode("ascii")
        return lambda original: self._each(original, lambda value: one(self._mapper.dummy(value)))

    @staticmethod
    def _each(original: str, dummy_of: Callable[[str], str]) -> bytes:
        """Return the dummies of several values; of one if they are too many."""
        values = [value.strip(" \0") for value in original.split("\\")]
        if len(values) * _LONGEST_VALUE > LONGEST_ORIGINAL:
            values = [original]
        return "\\".join(dummy_of(value) if value else "" for value in values).encode("ascii")


def _term_editor(terms: Json, writing: Writing, tag: int, vr: bytes) -> Editor:
    known = [str(term).encode("ascii") for term in terms] if isinstance(terms, list) else []
    allowed = {term.lower() for term in known}
    size, _ = writing.encoding.length_field(vr)
    written = valid_vr(tag, vr)

    def edit(whole: bytes) -> bytes:
        values = [value.strip(b" \0") for value in whole[size:].split(b"\\")]
        value = b"\\".join([value for value in values if value.lower() in allowed] or known[:1])
        return writing.encoding.element(tag, written, value + b" " * (len(value) & 1))

    return edit


def _profile_editor(writing: Writing, tag: int, vr: bytes) -> Editor:
    size, length = writing.encoding.length_field(vr)
    undefined = b"\xff" * 4 if length.size == 4 else None  # noqa: PLR2004 - bytes

    def edit(whole: bytes) -> bytes:
        original = b"" if whole[size - 4 : size] == undefined else whole[size:]
        profile = without_text(original) if len(whole) > size else b""
        return writing.encoding.element(tag, b"OB", profile + bytes(len(profile) & 1))

    return edit


def _original(writing: Writing, written: bytes, vr: bytes) -> Callable[[bytes], str]:
    """Return what reads values as a text that is the same in every encoding and character set."""
    encoding, decoding, _, _ = writing
    read_as = written if vr in (b"", b"UN") else vr
    name = read_as.decode("ascii")
    if read_as in TEXT_VRS:
        return lambda raw: decoding.decode(raw, is_name=read_as == b"PN").strip(" \0")
    if is_readable(name):
        return lambda raw: readable(raw, name, encoding.order, decoding) or ""
    return lambda raw: raw.hex()


def _text(number: int) -> str:
    return base64.b32encode(number.to_bytes(16, "big")[:_TEXT_BYTES]).decode("ascii")


def _title(number: int) -> str:
    letters = ""
    for _ in range(_AE_LETTERS):
        number, digit = divmod(number, len(_LETTERS))
        letters += _LETTERS[digit]
    return "AE" + letters


# By VR, what is made of the number of an original; the same for all that hold identifiers as text.
_KEYED: Final[dict[bytes, Callable[[int], str]]] = {
    **dict.fromkeys((b"CS", b"LO", b"LT", b"PN", b"SH", b"ST", b"UC", b"UT"), _text),
    b"AE": _title,
    b"UR": lambda number: DUMMY_URL + _text(number),
    b"IS": lambda number: str(number % (1 << _IS_BITS)),
    b"DS": lambda number: str(number % (1 << _DS_BITS)),
}

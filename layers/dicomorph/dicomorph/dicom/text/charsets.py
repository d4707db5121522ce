"""Specific Character Set: text to bytes and back (PS3.5 section 6.1, PS3.3 C.12.1.1.2; spec 1.2, 3.5)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from dicomorph.dicom.standard.tags import format_tag
from dicomorph.dicom.text.iso2022 import CodeExtensions
from dicomorph.dicom.text.terms import defined_term
from dicomorph.model.errors import BadFileFormatError, ParameterOutOfRangeError
from dicomorph.model.settings import UnencodableText

# Orthanc's names for the encoding of files that declare none, as SpecificCharacterSet would name them.
ORTHANC_ENCODINGS: Final = MappingProxyType(
    {
        "Ascii": "ISO_IR 6",
        "Utf8": "ISO_IR 192",
        "Latin1": "ISO_IR 100",
        "Latin2": "ISO_IR 101",
        "Latin3": "ISO_IR 109",
        "Latin4": "ISO_IR 110",
        "Latin5": "ISO_IR 148",
        "Cyrillic": "ISO_IR 144",
        "Windows1251": "Windows-1251",  # no defined term of DICOM
        "Arabic": "ISO_IR 127",
        "Greek": "ISO_IR 126",
        "Hebrew": "ISO_IR 138",
        "Thai": "ISO_IR 166",
        "Japanese": "ISO_IR 13",
        "JapaneseKanji": "ISO 2022 IR 87",
        "Chinese": "GB18030",
        "SimplifiedChinese": "ISO 2022 IR 58",
        "Korean": "ISO 2022 IR 149",
    }
)

DECLARABLE: Final = MappingProxyType(
    {
        **{name: term for name, term in ORTHANC_ENCODINGS.items() if name != "Windows1251"},
        # Sets of two bytes only extend a first one (PS3.3 C.12.1.1.2).
        **{name: f"\\{ORTHANC_ENCODINGS[name]}" for name in ("JapaneseKanji", "SimplifiedChinese", "Korean")},
    }
)
"""The same as values of SpecificCharacterSet, where there is one."""

_CODECS: Final = {
    "ISO_IR 6": "ascii",
    # By the standard half-width katakana alone; in practice, and in Orthanc, Shift JIS.
    "ISO_IR 13": "shift_jis",
    "ISO_IR 100": "latin_1",
    "ISO_IR 101": "iso8859_2",
    "ISO_IR 109": "iso8859_3",
    "ISO_IR 110": "iso8859_4",
    "ISO_IR 126": "iso8859_7",
    "ISO_IR 127": "iso8859_6",
    "ISO_IR 138": "iso8859_8",
    "ISO_IR 144": "iso8859_5",
    "ISO_IR 148": "iso8859_9",
    "ISO_IR 166": "iso8859_11",
    "ISO_IR 203": "iso8859_15",
    "ISO_IR 192": "utf_8",
    "ISO 2022 IR 192": "utf_8",
    "GB18030": "gb18030",
    "GBK": "gbk",
    "ISO 2022 GBK": "gbk",
    "WINDOWS-1251": "cp1251",
}
_EXTENDING = "ISO 2022 IR "
_STANDING_ALONE = frozenset(("utf_8", "gb18030", "gbk"))  # PS3.5 6.1.2.5.4, item d: no code extensions
# Python writes these as the ASCII characters whose place they take, one of which separates values.
_FALSE_FRIENDS: Final = {"shift_jis": dict.fromkeys((0xA5, 0x203E))}

_CONTROLS: Final = re.compile("[\x80-\x9f]")  # no text has them (PS3.5 6.1.3): it is in another encoding


class UnencodableTextError(BadFileFormatError):
    """A character set lacks a character of a value that must not lose it."""


@dataclass(frozen=True, slots=True)
class CharacterSet:
    """How the text of a data set is encoded. Hashable; equal where the declarations are.

    Parameters
    ----------
    declared : str
        The value of SpecificCharacterSet, normalised, or what stands in for it.
    """

    declared: str
    _codec: str = field(repr=False, compare=False)
    _extensions: CodeExtensions | None = field(repr=False, compare=False)

    @classmethod
    def of(cls, raw: bytes | str, *, default_encoding: str) -> CharacterSet:
        """Return the character set that a value of SpecificCharacterSet declares.

        Parameters
        ----------
        raw : bytes or str
            The value of (0008,0005), padding and all; empty if the element is absent or empty.
        default_encoding : str
            Orthanc's name of what applies then, such as ``Latin1``.

        Raises
        ------
        ParameterOutOfRangeError
            If `default_encoding` is none of `ORTHANC_ENCODINGS`.
        """
        return _character_set(raw, default_encoding)

    def decode(self, raw: bytes, *, is_name: bool = False) -> str:
        """Return the text of a value, padding included. What cannot be decoded is dropped.

        Parameters
        ----------
        raw : bytes
            The value.
        is_name : bool
            Whether the VR is PN, whose component delimiters end a code extension.
        """
        if self._extensions is not None and (b"\x1b" in raw or not raw.isascii()):
            return self._extensions.decode(raw, is_name=is_name)
        return raw.decode(self._codec, "ignore")

    def is_text(self, raw: bytes, *, is_name: bool) -> bool:
        """Tell whether a value is text in this character set, to the last byte."""
        try:
            if self._extensions is not None:
                text = self._extensions.decode(raw, is_name=is_name, errors="strict")
            else:
                text = raw.decode(self._codec)
        except UnicodeDecodeError:
            return False
        return _CONTROLS.search(text) is None

    def encode(self, text: str, *, unencodable: UnencodableText, tag: int) -> bytes:
        """Return the bytes of a text, without padding.

        Parameters
        ----------
        text : str
            The text.
        unencodable : UnencodableText
            What happens to characters that the character set lacks.
        tag : int
            The element, for the error.

        Raises
        ------
        UnencodableTextError
            If a character cannot be encoded and must not be dropped.
        """
        raw, is_lossy = self._encode(text)
        if is_lossy and unencodable is UnencodableText.ERROR:
            raise UnencodableTextError(
                f"The value for {format_tag(tag)} has characters that the character set {self.declared} lacks"
            )
        return raw

    def _encode(self, text: str) -> tuple[bytes, bool]:
        if self._extensions is not None:
            return self._extensions.encode(text)
        kept = text.translate(_FALSE_FRIENDS.get(self._codec, {}))
        try:
            return kept.encode(self._codec), kept != text
        except UnicodeEncodeError:
            return kept.encode(self._codec, "ignore"), True


@lru_cache(maxsize=256)
def _character_set(raw: bytes | str, default_encoding: str) -> CharacterSet:
    text = raw.decode("ascii", "ignore") if isinstance(raw, bytes) else raw
    written = [term.strip(" \0").upper() for term in text.split("\\")]
    terms = [term if (meant := defined_term(term)) is None else meant for term in written]
    if not any(terms):
        if default_encoding not in ORTHANC_ENCODINGS:
            raise ParameterOutOfRangeError("The default encoding is unknown")
        terms = [ORTHANC_ENCODINGS[default_encoding].upper()]
    declared = "\\".join(terms)
    codec = _CODECS.get(terms[0] or "ISO_IR 6", "ascii")  # an unknown one counts as ASCII (spec 3.5)
    if codec in _STANDING_ALONE or not (len(terms) > 1 or terms[0].startswith(_EXTENDING)):
        return CharacterSet(declared, codec, None)
    return CharacterSet(declared, codec, CodeExtensions(tuple(_number(term) for term in terms)))


def _number(term: str) -> str:
    """Return the registration number in a term such as ``ISO 2022 IR 87``; ASCII if there is none."""
    return term.removeprefix(_EXTENDING).removeprefix("ISO_IR ") or "6"

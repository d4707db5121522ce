"""Text with code extensions: character sets that change in mid-value (PS3.5 section 6.1.2.5).

A value starts in the character set of the first value of SpecificCharacterSet. Escape
sequences designate others, as G0 (bytes below 0x80) or G1 (those above), until the next
delimiter brings the first one back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_ESCAPE = re.compile(rb"(\x1b\$[()][A-Z]|\x1b\$[@AB]|\x1b[()\-.][A-Za-z])")
_DELIMITER = re.compile(rb"([\x00-\x1f\x7f\\])")
_NAME_DELIMITER = re.compile(rb"([\x00-\x1f\x7f\\^=])")
_CONTROL = re.compile(rb"[\x00-\x20\x7f]")
_RESETTING = frozenset("\\^=") | {chr(code) for code in range(0x20)}
_HIGH = 0x80
_FIRST_OF_94 = 0xA1


@dataclass(frozen=True, slots=True)
class CodeSet:
    """One set of graphic characters that an escape sequence designates.

    Parameters
    ----------
    escape : bytes
        The escape sequence.
    codec : str
        A Python codec that has the characters at the bytes of `prefix` and of the set with
        their high bits set.
    width : int
        Bytes of a character.
    is_g0 : bool
        Whether the bytes of the set lie below 0x80.
    prefix : bytes
        What `codec` wants to see before a character.
    """

    escape: bytes
    codec: str
    width: int = 1
    is_g0: bool = False
    prefix: bytes = b""

    def encode(self, character: str) -> bytes | None:
        """Return the bytes of a character beyond ASCII, None if the set lacks it."""
        try:
            raw = character.encode(self.codec)
        except UnicodeEncodeError:
            return None
        # Some write what they cannot read: the filler U+3164 in EUC-KR.
        if not raw.startswith(self.prefix) or raw.decode(self.codec, "ignore") != character:
            return None
        raw = raw[len(self.prefix) :]
        if len(raw) != self.width or min(raw) < (_HIGH if self.width == 1 else _FIRST_OF_94):
            return None  # the codec knows it from elsewhere
        return bytes(byte & 0x7F for byte in raw) if self.is_g0 else raw


ASCII: Final = CodeSet(b"\x1b(B", "ascii", is_g0=True)
_ROMAN: Final = CodeSet(b"\x1b(J", "ascii", is_g0=True)
_KATAKANA: Final = CodeSet(b"\x1b)I", "shift_jis")
_SETS: Final = {
    "6": ASCII,
    "13": _KATAKANA,
    "100": CodeSet(b"\x1b-A", "latin_1"),
    "101": CodeSet(b"\x1b-B", "iso8859_2"),
    "109": CodeSet(b"\x1b-C", "iso8859_3"),
    "110": CodeSet(b"\x1b-D", "iso8859_4"),
    "126": CodeSet(b"\x1b-F", "iso8859_7"),
    "127": CodeSet(b"\x1b-G", "iso8859_6"),
    "138": CodeSet(b"\x1b-H", "iso8859_8"),
    "144": CodeSet(b"\x1b-L", "iso8859_5"),
    "148": CodeSet(b"\x1b-M", "iso8859_9"),
    "166": CodeSet(b"\x1b-T", "iso8859_11"),
    "203": CodeSet(b"\x1b-b", "iso8859_15"),
    "58": CodeSet(b"\x1b$)A", "gb2312", 2),
    "87": CodeSet(b"\x1b$B", "euc_jp", 2, is_g0=True),
    "149": CodeSet(b"\x1b$)C", "euc_kr", 2),
    "159": CodeSet(b"\x1b$(D", "euc_jp", 2, is_g0=True, prefix=b"\x8f"),
}
_BY_ESCAPE: Final = {found.escape: found for found in (*_SETS.values(), _ROMAN)}


class CodeExtensions:
    """Decodes and encodes under a SpecificCharacterSet with code extensions.

    Parameters
    ----------
    numbers : tuple[str, ...]
        The registration numbers of its values, such as ``("6", "87")``; unknown ones are left out.
    """

    def __init__(self, numbers: tuple[str, ...]) -> None:
        first = _SETS.get(numbers[0], ASCII)
        self._g0 = _ROMAN if first is _KATAKANA else ASCII
        self._g1 = None if first.is_g0 else first
        self._sets = tuple(_SETS[number] for number in numbers if number in _SETS and number != "6")

    def decode(self, raw: bytes, *, is_name: bool, errors: str = "ignore") -> str:
        """Return the text of a value. What cannot be decoded is dropped, unless `errors` is ``strict``.

        Raises
        ------
        UnicodeDecodeError
            If it is, and something cannot be decoded.
        """
        delimiter = _NAME_DELIMITER if is_name else _DELIMITER
        g0, g1 = self._g0, self._g1
        text: list[str] = []
        for piece in _ESCAPE.split(raw):
            if piece in _BY_ESCAPE:
                designated = _BY_ESCAPE[piece]
                g0, g1 = (designated, g1) if designated.is_g0 else (g0, designated)
                continue
            if errors == "strict" and b"\x1b" in piece:
                raise UnicodeDecodeError("iso2022", piece, 0, 1, "unknown escape sequence")
            single = b"" if _ESCAPE.fullmatch(piece) else piece.replace(b"\x1b", b"")
            if g0.width > 1 and single:
                stop = _CONTROL.search(single)
                ends_at = stop.start() if stop else len(single)
                text.append(_two_bytes(single[:ends_at], g0, errors))
                single, g0 = single[ends_at:], self._g0 if stop else g0
            text.append(self._single(single, delimiter, g1, errors))
            if delimiter.search(single):
                g0, g1 = self._g0, self._g1
        return "".join(text)

    def _single(self, piece: bytes, delimiter: re.Pattern[bytes], g1: CodeSet | None, errors: str) -> str:
        """Decode bytes whose lower half is ASCII, up to the first delimiter with `g1`."""
        head, *rest = delimiter.split(piece, maxsplit=1)
        codec = g1.codec if g1 else "ascii"
        first = self._g1.codec if self._g1 else "ascii"
        return head.decode(codec, errors) + b"".join(rest).decode(first, errors)

    def encode(self, text: str) -> tuple[bytes, bool]:
        """Return the bytes of a text, and whether characters had to be dropped."""
        encoded = list(self._encode(text))
        return b"".join(raw for raw in encoded if raw is not None), None in encoded

    def _encode(self, text: str) -> Iterator[bytes | None]:
        """Yield bytes, and None for a character that no set has.

        Whether ``^`` and ``=`` reset depends on the VR of who reads: after them a set is
        designated again in any case. So it is after G0 changed, for readers that know one
        set at a time.
        """
        g0, g1, is_known = self._g0, self._g1, True
        for character in text:
            if character == "\x1b":
                yield None
            elif character < "\x80":
                if g0 is not self._g0:
                    g0, is_known = self._g0, False
                    yield g0.escape
                yield character.encode("ascii")
                if character in _RESETTING:
                    is_known = is_known and g1 is self._g1
            else:
                used, raw = self._find(character, (g0, g1))
                if used is None:
                    yield None
                    continue
                if not used.is_g0 and g0 is not self._g0:
                    g0, is_known = self._g0, False
                    yield g0.escape
                if used is not g0 and (used is not g1 or not is_known):
                    yield used.escape
                g0, g1, is_known = (used, g1, False) if used.is_g0 else (g0, used, True)
                yield raw
        if g0 is not self._g0:
            yield self._g0.escape

    def _find(self, character: str, current: tuple[CodeSet | None, ...]) -> tuple[CodeSet | None, bytes]:
        """Return the set that a character is written in, the current ones first, and its bytes."""
        for candidate in (*current, *self._sets):
            raw = candidate.encode(character) if candidate else None
            if raw is not None:
                return candidate, raw
        return None, b""


def _two_bytes(piece: bytes, code: CodeSet, errors: str) -> str:
    """Decode characters of two bytes below 0x80, through the codec that has them above."""
    pairs = (piece[at : at + code.width] for at in range(0, len(piece), code.width))
    raw = (code.prefix + bytes(byte | _HIGH for byte in pair) for pair in pairs)
    return "".join(character.decode(code.codec, errors) for character in raw)

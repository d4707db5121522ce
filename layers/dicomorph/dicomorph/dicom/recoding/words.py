"""The words that values consist of, and their bytes in the other order (PS3.5 6.2 and 7.3)."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import Final

from dicomorph.dicom.stream.masked_range import Read

WORDS: Final = {
    **dict.fromkeys((b"AT", b"OW", b"SS", b"US"), 2),
    **dict.fromkeys((b"FL", b"OF", b"OL", b"SL", b"UL"), 4),
    **dict.fromkeys((b"FD", b"OD", b"OV", b"SV", b"UV"), 8),
}
"""Bytes of the words of each VR that has some; all others are the same in both byte orders, UN among
them: its values are in little endian whatever surrounds them (PS3.5 6.2.2)."""

_LETTERS: Final = {2: "H", 4: "I", 8: "Q"}  # of `array`
_PIECE = 1 << 20  # bytes; a whole number of words of any size


def swapped(value: bytes, word: int) -> bytes:
    r"""Return a value in the other byte order; bytes behind the last whole word stay as they are.

    Parameters
    ----------
    word : int
        Bytes of a word: 2, 4 or 8.

    Examples
    --------
    >>> swapped(bytes([1, 2, 3, 4]), 2), swapped(bytes([1, 2, 3, 4, 5]), 4)
    (b'\\x02\\x01\\x04\\x03', b'\\x04\\x03\\x02\\x01\\x05')
    """
    if len(value) == word:
        return value[::-1]
    whole = len(value) - len(value) % word
    words = array(_LETTERS[word], value[:whole])
    words.byteswap()
    return words.tobytes() + value[whole:]


def swapped_pieces(read: Read, start: int, stop: int, word: int) -> Iterator[bytes]:
    """Yield a range of a source in the other byte order, a mebibyte at a time."""
    for pos in range(start, stop, _PIECE):
        yield swapped(read(pos, min(pos + _PIECE, stop)), word)

"""What the elements of a data set tell about those behind them (PS3.5 sections 6.2, 7.5.3 and 7.8.1)."""

from __future__ import annotations

from dataclasses import dataclass, field

from dicomorph.dicom.standard.dictionary import is_private, is_private_creator, vr_of
from dicomorph.dicom.standard.private_dictionary import PrivateDictionary
from dicomorph.dicom.standard.tags import PIXEL_REPRESENTATION, SPECIFIC_CHARACTER_SET
from dicomorph.dicom.stream.elements import Encoding
from dicomorph.dicom.text.charsets import CharacterSet


@dataclass(slots=True)
class DataSetContext:
    """A data set while it is read from front to back: the file's own, or an item.

    Parameters
    ----------
    encoding : Encoding
        How its elements are written.
    charset : CharacterSet
        How its text is encoded.
    default_encoding : str
        Orthanc's name of the encoding where a declared character set is empty.
    is_signed : bool
        Whether pixel values are, which decides on the VR ``US or SS``.
    depth : int
        How many sequences surround it.
    """

    encoding: Encoding
    charset: CharacterSet
    default_encoding: str
    is_signed: bool = False
    depth: int = 0
    _creators: dict[int, str] = field(default_factory=dict)

    def item(self, encoding: Encoding) -> DataSetContext:
        """Return the context of an item: all but the private creators is inherited."""
        return DataSetContext(
            encoding, self.charset, self.default_encoding, is_signed=self.is_signed, depth=self.depth + 1
        )

    def creator_of(self, tag: int) -> str:
        """Return the private creator of the block that a tag lies in, empty if there is none."""
        return self._creators.get(tag >> 8, "") if is_private(tag) else ""

    def vr_of(self, tag: int, written: bytes, private: PrivateDictionary) -> str:
        """Return the VR of an element, from the dictionaries where the file does not tell."""
        if written not in (b"", b"UN"):
            return written.decode("ascii")
        known = private.find(tag, self.creator_of(tag))
        vr = known.vr if known else vr_of(tag)
        if vr == "US or SS":
            return "SS" if self.is_signed else "US"
        return vr

    def read(self, tag: int, raw: bytes) -> None:
        """Take note of an element that was read."""
        if tag == SPECIFIC_CHARACTER_SET:
            self.charset = CharacterSet.of(raw, default_encoding=self.default_encoding)
        elif tag == PIXEL_REPRESENTATION:
            self.is_signed = any(raw)
        elif is_private_creator(tag):
            block = tag >> 16 << 8 | tag & 0xFF
            self._creators[block] = self.charset.decode(raw).strip(" \0")

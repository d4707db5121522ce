r"""Replacement values: from the JSON of a request to whole elements (spec 3.4, 3.6)."""

from __future__ import annotations

import copy
from collections.abc import Collection
from dataclasses import dataclass, replace

from dicomorph.dicom.standard.dictionary import is_private, vr_of
from dicomorph.dicom.standard.private_blocks import block_of, creator_of
from dicomorph.dicom.standard.private_dictionary import PrivateDictionary
from dicomorph.dicom.standard.tag_path import TagNames
from dicomorph.dicom.standard.tags import (
    PATIENT_ID,
    PIXEL_DATA,
    PIXEL_REPRESENTATION,
    SOP_CLASS_UID,
    SOP_INSTANCE_UID,
    SPECIFIC_CHARACTER_SET,
    format_tag,
)
from dicomorph.dicom.standard.vrs import LONG_VRS
from dicomorph.dicom.stream.elements import EXPLICIT_LITTLE, IMPLICIT_LITTLE, ITEM, MAXIMUM_DEPTH, Encoding
from dicomorph.dicom.text.charsets import CharacterSet
from dicomorph.dicom.values.leaves import LeafValues
from dicomorph.dicom.values.pixel_values import US_OR_SS, is_signed
from dicomorph.model.errors import BadFileFormatError, BadParameterTypeError
from dicomorph.model.resources import Json
from dicomorph.model.settings import PrivateTag, UnencodableText

# Where the standard leaves a choice that depends on other elements: what DCMTK chooses.
_CHOICES = {"US or SS or OW": "OW", "US or OW": "OW", "OB or OW": "OB"}
_NUL_PADDED = frozenset(("UI", "OB", "UN", "OW"))
_LONGEST_SHORT = 0xFFFE
PRIVATE_CREATOR_VR = "LO"  # PS3.5 7.8.1
_FIRST_GROUP = 0x0008
_UTF8 = CharacterSet.of("ISO_IR 192", default_encoding="Utf8")


def is_writable(tag: int) -> bool:
    """Tell whether a replacement may write a tag into a data set.

    Group lengths, file meta information, command elements and delimiters are ignored
    wherever a request names them (spec 3.4, gotcha G42).
    """
    return tag & 0xFFFF != 0 and tag >> 16 >= _FIRST_GROUP and tag >> 16 not in (ITEM >> 16, 0xFFFF)


@dataclass(frozen=True, slots=True)
class _Context:
    """Where an element is written to."""

    encoding: Encoding
    charset: CharacterSet
    unencodable: UnencodableText
    depth: int = 0
    signed: bool | None = None  # whether pixel values are; None where no file is at hand
    cuts_patient_ids: bool = False

    def encode(self, text: str, tag: int) -> bytes:
        # A PatientID is never cut short: the file would be another patient's.
        is_spared = tag == PATIENT_ID and not self.cuts_patient_ids
        unencodable = UnencodableText.ERROR if is_spared else self.unencodable
        return self.charset.encode(text, unencodable=unencodable, tag=tag)

    def in_item(self, item: dict[int, Json]) -> _Context:
        """Return the context in an item, which may declare a character set of its own."""
        declared = item.get(SPECIFIC_CHARACTER_SET)
        charset = self.charset
        if isinstance(declared, str) and declared.strip(" \0\\"):
            charset = CharacterSet.of(declared, default_encoding="Ascii")
        signed = is_signed(item.get(PIXEL_REPRESENTATION))
        signed = self.signed if signed is None else signed
        return replace(self, charset=charset, depth=self.depth + 1, signed=signed)


class ValueEncoder:
    r"""Writes the replacement values of a request.

    Parameters
    ----------
    declared : tuple[PrivateTag, ...]
        The entries of the setting ``Dictionary``.
    private_creator : str
        The ``PrivateCreator`` of the request, or the default one: it alone decides on the VR
        of private tags, whatever creators the file has (spec 3.6).
    unencodable : UnencodableText
        What happens to characters that the character set of a file lacks.
    takes_data_uris : bool
        Whether a data URI is decoded; else it is text.

    Examples
    --------
    >>> from dicomorph.dicom.stream.elements import EXPLICIT_LITTLE
    >>> latin = CharacterSet.of("ISO_IR 100", default_encoding="Latin1")
    >>> ValueEncoder().element(0x00100010, "Doe", EXPLICIT_LITTLE, latin)
    b'\x10\x00\x10\x00PN\x04\x00Doe '
    """

    def __init__(
        self,
        declared: tuple[PrivateTag, ...] = (),
        *,
        private_creator: str = "",
        unencodable: UnencodableText = UnencodableText.ERROR,
        takes_data_uris: bool = True,
    ) -> None:
        self._names = TagNames(declared)
        self._leaves = LeafValues(self._names, takes_data_uris=takes_data_uris)
        self._private = PrivateDictionary(declared)
        self._creator = private_creator
        self.unencodable = unencodable
        self.cuts_patient_ids = False

    @property
    def drops(self) -> bool:
        """Whether what a character set lacks is left out, as the settings say."""
        return self.unencodable is UnencodableText.DROP

    def dropping(self) -> ValueEncoder:
        """Return one that leaves out what a character set lacks, of a PatientID too: to look at the rest."""
        twin = copy.copy(self)
        twin.unencodable, twin.cuts_patient_ids = UnencodableText.DROP, True
        return twin

    def refusing(self) -> ValueEncoder:
        """Return one that refuses text which a character set lacks, whatever the settings say."""
        twin = copy.copy(self)
        twin.unencodable = UnencodableText.ERROR
        return twin

    def check(self, tag: int, value: Json, *, depth: int = 0) -> None:
        """Find what is wrong with a value before any file is at hand.

        Parameters
        ----------
        depth : int
            How many sequences will surround the element.

        Raises
        ------
        BadParameterTypeError
            If the JSON type does not suit the tag.
        BadFileFormatError
            If the value cannot be cast to the VR, or is nested too deeply.
        ParameterOutOfRangeError
            If pixel data has an odd number of bytes.
        UnknownDicomTagError
            If a name in an item, or in a value of VR AT, is unknown.
        NotImplementedYetError
            If a data URI has a MIME type that this server does not take for the tag.
        """
        if value is None and tag in (SOP_CLASS_UID, SOP_INSTANCE_UID):
            raise BadParameterTypeError(f"The value for {format_tag(tag)} must be a string")
        context = _Context(IMPLICIT_LITTLE, _UTF8, UnencodableText.DROP, depth)
        self._value(tag, self.vr_of(tag), value, context)

    def vr_of(self, tag: int) -> str:
        """Return the VR that a replacement gives a tag; ``US or SS`` is left open."""
        found = self._private.find(tag, self._creator)
        vr = "UN" if is_private(tag) else vr_of(tag)
        if found is not None:
            vr = found.vr
        return "OW" if tag == PIXEL_DATA else _CHOICES.get(vr, vr)

    def element(
        self,
        tag: int,
        value: Json,
        encoding: Encoding,
        charset: CharacterSet,
        *,
        vr: str = "",
        signed: bool = False,
    ) -> bytes:
        """Return a whole element: header and padded value, sequences and items of defined length.

        Empty for tags that are not `is_writable`. A value that is too long for the 16-bit
        length of its VR is written as UN, in little endian (PS3.5 section 6.2.2).

        Parameters
        ----------
        vr : str
            That of `vr_of` unless another one is given.
        signed : bool
            Whether pixel values are, which decides on ``US or SS``.

        Raises
        ------
        DicomorphError
            As `check`, and `BadFileFormatError` for text that `charset` lacks.
        """
        context = _Context(
            encoding,
            charset,
            self.unencodable,
            signed=signed,
            cuts_patient_ids=self.cuts_patient_ids,
        )
        return self._element(tag, vr or self.vr_of(tag), value, context)

    def _element(self, tag: int, vr: str, value: Json, context: _Context) -> bytes:
        if not is_writable(tag):
            return b""
        encoding = context.encoding
        raw = self._value(tag, vr, value, context)
        written = b"SS" if vr == US_OR_SS and context.signed else vr[:2].encode("ascii")
        if encoding.explicit and len(raw) > _LONGEST_SHORT and written not in LONG_VRS:
            if encoding.order == ">":
                raw = self._value(tag, vr, value, replace(context, encoding=EXPLICIT_LITTLE))
            written = b"UN"
        if len(raw) & 1:
            raw += b"\0" if vr in _NUL_PADDED else b" "
        return encoding.element(tag, written, raw)

    def _value(self, tag: int, vr: str, value: Json, context: _Context) -> bytes:
        if value is None or value == "":
            return b""
        if vr == "SQ":
            return self._items(tag, value, context)
        if not isinstance(value, str):
            raise BadParameterTypeError(f"The value for {format_tag(tag)} must be a string")
        order = context.encoding.order
        return self._leaves.cast(
            tag, vr, value, order, lambda text: context.encode(text, tag), signed=context.signed
        )

    def _items(self, tag: int, value: Json, context: _Context) -> bytes:
        if isinstance(value, str):
            raise BadFileFormatError(f"The sequence {format_tag(tag)} cannot be a string")
        if not isinstance(value, list):
            raise BadParameterTypeError(f"The value for {format_tag(tag)} must be an array of items")
        if context.depth >= MAXIMUM_DEPTH:
            raise BadFileFormatError("Sequences are nested too deeply")
        return b"".join(self._item(tag, item, context) for item in value)

    def _item(self, tag: int, item: Json, context: _Context) -> bytes:
        if item == []:  # an empty item, as in Orthanc
            item = {}
        if not isinstance(item, dict):
            raise BadParameterTypeError(f"The items of {format_tag(tag)} must be objects")
        values = {self._names.tag(name): value for name, value in item.items()}
        nested = context.in_item(values)
        creators = dict.fromkeys(self._lacking_creators(values), self._creator)
        content = b"".join(
            self._element(inner, PRIVATE_CREATOR_VR, creators[inner], nested)
            if inner in creators
            else self._element(inner, self.vr_of(inner), values[inner], nested)
            for inner in sorted({*values, *creators})
        )
        return Encoding(explicit=False, order=context.encoding.order).element(ITEM, b"", content)

    def _lacking_creators(self, tags: Collection[int]) -> set[int]:
        """Return the private creators that an item of a request lacks, where a creator is named at all."""
        if not self._creator:
            return set()
        blocks = {block for tag in tags if is_writable(tag) and (block := block_of(tag)) is not None}
        return {creator_of(block) for block in blocks} - set(tags)

"""The container of a DICOM file: preamble, file meta information, transfer syntax (PS3.10 section 7)."""

from __future__ import annotations

import functools
import re
import struct
import uuid
from dataclasses import dataclass

from dicomorph import __version__
from dicomorph.dicom.standard.transfer_syntaxes import (
    DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
    EXPLICIT_VR_BIG_ENDIAN,
    EXPLICIT_VR_LITTLE_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
    is_transfer_syntax,
)
from dicomorph.dicom.standard.vrs import LONG_VRS, SHORT_VRS
from dicomorph.dicom.stream.absent_vrs import is_absent
from dicomorph.dicom.stream.deflation import inflated
from dicomorph.dicom.stream.elements import (
    EXPLICIT_BIG,
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    Encoding,
    TruncatedError,
    read_element,
    read_header,
)
from dicomorph.dicom.stream.recognition import encoding_of
from dicomorph.dicom.stream.source import Buffer, Source
from dicomorph.dicom.stream.stray_meta import behind_stray_meta
from dicomorph.model.errors import BadFileFormatError

MEDIA_STORAGE_SOP_CLASS_UID = 0x00020002
MEDIA_STORAGE_SOP_INSTANCE_UID = 0x00020003
TRANSFER_SYNTAX_UID = 0x00020010
# What DCMTK writes for a data set without SOPClassUID: the element is of type 1 (PS3.10 7.1).
GENERIC_SOP_CLASS_UID = b"1.2.276.0.7230010.3.1.0.1"
IMPLEMENTATION_CLASS_UID = "2.25." + str(uuid.uuid5(uuid.NAMESPACE_DNS, "dicomorph").int)
IMPLEMENTATION_VERSION_NAME = f"DICOMORPH_{__version__}"

_MAXIMUM_META_SIZE = 1 << 20
_PREAMBLE_SIZE = 128
# A preamble of zeros, the prefix, and the header of FileMetaInformationGroupLength.
_BEGINNING = bytes(_PREAMBLE_SIZE) + b"DICM" + EXPLICIT_LITTLE.header(0x00020000, b"UL", 4)
_TAG_VR_LENGTH = struct.Struct("<HH2sH").unpack_from
_UID = re.compile(rb"[0-9.]{1,64}")  # PS3.5 9.1, as far as readers care
_META, _TRANSFER_SYNTAX = TRANSFER_SYNTAX_UID >> 16, TRANSFER_SYNTAX_UID & 0xFFFF
_SHORT_LENGTH = bytes(3)  # at the end of one with 32 bits
_META_GROUP = (b"\x02\0", b"\0\x02")
_FIRST_GROUPS = range(0x0004, 0x0011)  # a data set begins with one of these


@dataclass(frozen=True, slots=True)
class DataSetBytes:
    """Where the data set of a file lies and how it is written.

    Parameters
    ----------
    source : Source
        The file itself, or the inflated data set of a deflated one.
    start : int
        Position of the first element behind the file meta information.
    encoding : Encoding
        How its elements are written, whatever the transfer syntax says (`recognition`).
    transfer_syntax : str
        As declared, or what was recognised where the file has no meta information.
    """

    source: Source
    start: int
    encoding: Encoding
    transfer_syntax: str

    @property
    def declared(self) -> Encoding:
        """What the transfer syntax says of the encoding."""
        return encoding_under(self.transfer_syntax)

    @property
    def is_deflated(self) -> bool:
        """Tell whether the data set must be deflated when it is written."""
        return self.transfer_syntax == DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN


def open_dataset(source: Source) -> DataSetBytes:
    """Find the data set of a DICOM file.

    A file without preamble and meta information is accepted, as Orthanc does (spec 2.2).

    Raises
    ------
    BadFileFormatError
        If this is not a DICOM file, or its container is broken.
    """
    head = source.read(0, _PREAMBLE_SIZE + 4)
    has_prefix = head[_PREAMBLE_SIZE:] == b"DICM"
    start = _PREAMBLE_SIZE + 4 if has_prefix else 0
    buffer, base = source.window(start, min(source.size, _MAXIMUM_META_SIZE))
    raw_syntax, stop = _read_meta(buffer, start - base)
    has_meta = stop > start - base
    syntax, declared = _syntax_of(raw_syntax)
    if syntax != DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN and buffer[stop : stop + 2] in _META_GROUP:
        stop = behind_stray_meta(buffer, stop, orders="<>" if syntax == EXPLICIT_VR_BIG_ENDIAN else "<")
    start = stop + base
    if not syntax:
        if not has_prefix and not has_meta and not _looks_like_a_data_set(buffer, start - base):
            message = "This is not a DICOM file"
            raise BadFileFormatError(message)
        syntax = _recognise(buffer, start - base)
        declared = encoding_under(syntax)
    if syntax == DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN:
        inside = inflated(source, start)
        buffer, _ = inside.window(0, inside.size)
        start = behind_stray_meta(buffer, 0, orders="<")
        encoding = encoding_of(buffer, start, inside.size, EXPLICIT_LITTLE)
        return DataSetBytes(inside, start, encoding, syntax)
    if declared is None:
        declared = encoding_under(_recognise(buffer, start - base))
    vr_or_length = buffer[stop + 4 : stop + 8]
    is_usual = vr_or_length[:2] in SHORT_VRS if declared.explicit else vr_or_length[1:] == _SHORT_LENGTH
    if not is_usual:
        declared = encoding_of(buffer, start - base, source.size - base, declared)
    return DataSetBytes(source, start, declared, syntax)


def write_meta(sop_class_uid: bytes, sop_instance_uid: bytes, transfer_syntax: str) -> bytes:
    """Return a preamble of zeros and fresh file meta information (PS3.15 E.1.1: nothing is carried over).

    Raises
    ------
    BadFileFormatError
        If the SOP class or the transfer syntax is none: what stands there instead may say anything.
    """
    before, after = _meta_around(sop_class_uid, transfer_syntax)
    body = (
        before
        + EXPLICIT_LITTLE.element(MEDIA_STORAGE_SOP_INSTANCE_UID, b"UI", _even(sop_instance_uid, b"\0"))
        + after
    )
    return _BEGINNING + struct.pack("<I", len(body)) + body


@functools.lru_cache(maxsize=64)
def _meta_around(sop_class_uid: bytes, transfer_syntax: str) -> tuple[bytes, bytes]:
    """Return what stands before and behind the UID of an instance: the same for a whole series."""
    sop_class_uid, transfer_syntax = sop_class_uid.strip(b" "), transfer_syntax.strip(" ")
    for name, uid in (("SOP class", sop_class_uid), ("transfer syntax", transfer_syntax.encode("ascii"))):
        if uid and not _UID.fullmatch(uid):
            raise BadFileFormatError(f"The {name} is not a UID")
    element = EXPLICIT_LITTLE.element
    before = element(0x00020001, b"OB", b"\0\1") + element(
        MEDIA_STORAGE_SOP_CLASS_UID, b"UI", _even(sop_class_uid or GENERIC_SOP_CLASS_UID, b"\0")
    )
    after = (
        element(TRANSFER_SYNTAX_UID, b"UI", _even(transfer_syntax.encode("ascii"), b"\0"))
        + element(0x00020012, b"UI", _even(IMPLEMENTATION_CLASS_UID.encode("ascii"), b"\0"))
        + element(0x00020013, b"SH", _even(IMPLEMENTATION_VERSION_NAME[:16].encode("ascii"), b" "))
    )
    return before, after


def _even(value: bytes, pad: bytes) -> bytes:
    return value + pad if len(value) & 1 else value


def _read_meta(buffer: Buffer, pos: int) -> tuple[bytes, int]:
    """Read group 0002, always explicit little endian; return TransferSyntaxUID and where it ends.

    The group length is not trusted: files exist where it is wrong, or where elements of the group
    stand again behind it. The first value counts, as for other readers.
    """
    syntax = b""
    end = len(buffer)
    try:
        while pos + 8 <= end:
            group, number, vr, length = _TAG_VR_LENGTH(buffer, pos)
            if group != _META:
                break
            value, stop = pos + 8, pos + 8 + length
            if vr not in SHORT_VRS or stop > end:  # the rarer ones, and what cannot be read
                is_short = vr in SHORT_VRS or (is_absent(vr) and _leads_on(buffer, number, stop))
                if not is_short and vr not in LONG_VRS:
                    break  # in implicit VR: no meta information, or no more
                if not is_short or stop > end:
                    _, _, _, value, stop, _ = read_element(buffer, pos, end, EXPLICIT_LITTLE)
            if number == _TRANSFER_SYNTAX and not syntax:
                syntax = buffer[value:stop]
            pos = stop
    except TruncatedError as error:
        message = "The file meta information is cut off"
        raise BadFileFormatError(message) from error
    return syntax, pos


def _leads_on(buffer: Buffer, number: int, pos: int) -> bool:
    """Tell whether what stands at a position may follow an element of group 0002."""
    group, following = struct.unpack_from("<HH", buffer, pos) if pos + 4 <= len(buffer) else (0, 0)
    return group in _FIRST_GROUPS or (group == MEDIA_STORAGE_SOP_CLASS_UID >> 16 and following > number)


@functools.lru_cache(maxsize=64)
def _syntax_of(raw: bytes) -> tuple[str, Encoding | None]:
    """Return a transfer syntax, and how it has data sets written: None if it is none of the standard's."""
    try:
        syntax = raw.rstrip(b"\0 ").decode("ascii")
    except UnicodeDecodeError as error:
        message = "The transfer syntax is not a UID"
        raise BadFileFormatError(message) from error
    return syntax, encoding_under(syntax) if is_transfer_syntax(syntax) else None


def _looks_like_a_data_set(buffer: Buffer, pos: int) -> bool:
    try:
        tag, vr, _, length = read_header(buffer, pos, len(buffer), encoding_under(_recognise(buffer, pos)))
    except BadFileFormatError:
        return False
    return tag >> 16 in _FIRST_GROUPS and (bool(vr) or length < len(buffer))


def _recognise(buffer: Buffer, pos: int) -> str:
    """Tell explicit from implicit VR by whether a VR stands where one would, big endian by the group."""
    vr, group = buffer[pos + 4 : pos + 6], buffer[pos : pos + 2]
    if vr not in SHORT_VRS and vr not in LONG_VRS:
        return IMPLICIT_VR_LITTLE_ENDIAN
    little, big = int.from_bytes(group, "little"), int.from_bytes(group, "big")
    if big in _FIRST_GROUPS and little not in _FIRST_GROUPS:
        return EXPLICIT_VR_BIG_ENDIAN
    return EXPLICIT_VR_LITTLE_ENDIAN


def encoding_under(transfer_syntax: str) -> Encoding:
    """Return how data sets are written under a transfer syntax."""
    if transfer_syntax == IMPLICIT_VR_LITTLE_ENDIAN:
        return IMPLICIT_LITTLE
    if transfer_syntax == EXPLICIT_VR_BIG_ENDIAN:
        return EXPLICIT_BIG
    return EXPLICIT_LITTLE  # PS3.5 A.4: every encapsulated syntax

"""What the index keeps of a file: identifiers, main tags and the metadata that derive from it."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from dicomorph.dicom.standard.dictionary import vr_of
from dicomorph.dicom.standard.tags import (
    PATIENT_ID,
    PIXEL_DATA,
    SERIES_INSTANCE_UID,
    SOP_CLASS_UID,
    SOP_INSTANCE_UID,
    SPECIFIC_CHARACTER_SET,
    STUDY_INSTANCE_UID,
    format_tag,
)
from dicomorph.dicom.standard.vrs import TEXT_VRS
from dicomorph.dicom.stream.elements import Element, Encoding, IrregularError
from dicomorph.dicom.stream.ordering import in_order
from dicomorph.dicom.stream.part10 import DataSetBytes, open_dataset
from dicomorph.dicom.stream.scan import LAST_TAG, scan
from dicomorph.dicom.stream.second_reading import check_file_is_read_alike
from dicomorph.dicom.stream.source import Source
from dicomorph.dicom.stream.windows import Window
from dicomorph.dicom.text.charsets import CharacterSet
from dicomorph.dicom.views.dataset_json import sequence_json
from dicomorph.model import metadata_names
from dicomorph.model.errors import BadFileFormatError, InexistentTagError
from dicomorph.model.identifiers import DicomIdentifiers
from dicomorph.model.main_dicom_tags import MAIN_DICOM_TAGS, signature
from dicomorph.model.resources import LEVELS, Json, Level, LevelFacts

INSTANCE_NUMBER = 0x00200013
IMAGE_INDEX = 0x00541330
REQUEST_ATTRIBUTES_SEQUENCE = 0x00400275  # the one sequence among the main tags (spec 1.3)

_WANTED = frozenset((SPECIFIC_CHARACTER_SET, SOP_CLASS_UID, PIXEL_DATA)).union(*MAIN_DICOM_TAGS.values())
_MAIN_TAGS = {level: [(tag, format_tag(tag)) for tag in tags] for level, tags in MAIN_DICOM_TAGS.items()}
_MAXIMUM_VALUE = 1 << 16  # main tags are short; a hostile one must not swell the index
_NUMBERS = {"US": "H", "SS": "h", "UL": "I", "SL": "i"}


@dataclass(frozen=True, slots=True)
class Description:
    """What a file says about itself and its parents.

    ``facts`` hold the main tags of each level, and the metadata IndexInSeries,
    TransferSyntax, SopClassUid, PixelDataOffset, MainDicomTagsSignature,
    MainDicomSequences and ExpectedNumberOfInstances (spec 1.4). ``fragments`` are where the value of
    encapsulated pixel data begins and ends, if it was looked for or is known.
    """

    identifiers: DicomIdentifiers
    facts: Mapping[Level, LevelFacts]
    fragments: tuple[int, int] | None = field(default=None, compare=False)


def describe(
    source: Source,
    *,
    default_encoding: str,
    whole: bool = False,
    in_turn: AbstractContextManager[object] | None = None,
) -> Description:
    """Read the header of a file.

    Parameters
    ----------
    source : Source
        The file.
    default_encoding : str
        Orthanc's name of the encoding of files without SpecificCharacterSet.
    whole : bool
        Whether to check what is behind the header, too: fragments, other elements, the end of the file.
    in_turn : AbstractContextManager, optional
        Held while a file is put in order, which takes memory for each of its elements.

    Raises
    ------
    BadFileFormatError
        If this is not DICOM, is broken as far as it is read, or has an empty UID.
    InexistentTagError
        If one of the three UIDs is absent.
    """
    try:
        data = open_dataset(source)
        if whole:
            check_file_is_read_alike(data)
        header = _header(data, default_encoding, whole=whole, in_turn=in_turn or nullcontext())
    except (struct.error, IndexError) as error:
        message = "The file is cut off"
        raise BadFileFormatError(message) from error
    identifiers = _identifiers(header.values)
    tags = {tag: value.rstrip(" \0") for tag, value in header.values.items()}
    sop_class_uid = tags.get(SOP_CLASS_UID, "")
    facts = {
        level: LevelFacts(
            _main_tags(tags, level), {metadata_names.MAIN_DICOM_TAGS_SIGNATURE: signature(level)}
        )
        for level in LEVELS
    }
    facts[Level.STUDY] = replace(facts[Level.STUDY], patient_main_tags=facts[Level.PATIENT].main_tags)
    facts[Level.SERIES] = _with_metadata(
        facts[Level.SERIES],
        {
            metadata_names.EXPECTED_NUMBER_OF_INSTANCES: _expected(tags),
            metadata_names.MAIN_DICOM_SEQUENCES: _sequences_text(header.sequences),
        },
    )
    facts[Level.INSTANCE] = _with_metadata(
        facts[Level.INSTANCE],
        {
            metadata_names.INDEX_IN_SERIES: tags.get(INSTANCE_NUMBER, tags.get(IMAGE_INDEX, "")).strip(" "),
            metadata_names.TRANSFER_SYNTAX: data.transfer_syntax,
            metadata_names.SOP_CLASS_UID: sop_class_uid,
            # A position in inflated bytes would mislead: deflated files have no offset.
            metadata_names.PIXEL_DATA_OFFSET: ""
            if header.pixel_data is None or data.is_deflated
            else str(header.pixel_data),
        },
    )
    return Description(identifiers, facts, None if data.is_deflated else header.fragments)


class _Header(NamedTuple):
    """The wanted elements: text with its padding, sequences as JSON, and where the pixel data are."""

    values: dict[int, str]
    sequences: dict[int, Json]
    pixel_data: int | None = None
    fragments: tuple[int, int] | None = field(default=None, compare=False)


def _header(
    data: DataSetBytes, default_encoding: str, *, whole: bool, in_turn: AbstractContextManager[object]
) -> _Header:
    """Return the wanted elements, of a file that is out of order as if it were not."""
    with suppress(IrregularError):
        return _read(data, default_encoding, whole=whole)
    with in_turn:
        return _header_in_order(data, default_encoding)


def _header_in_order(data: DataSetBytes, default_encoding: str) -> _Header:
    ordered, origin = in_order(data)
    header = _read(ordered, default_encoding, is_ordered=True)
    pixel_data = header.pixel_data
    if pixel_data is not None:
        [place] = origin.parts_of(pixel_data, pixel_data + 1)
        pixel_data = None if isinstance(place, bytes) else place[0]
    return header._replace(pixel_data=pixel_data, fragments=None)


def _read(
    data: DataSetBytes, default_encoding: str, *, whole: bool = False, is_ordered: bool = False
) -> _Header:
    character_set = CharacterSet.of(b"", default_encoding=default_encoding)
    values: dict[int, str] = {}
    sequences: dict[int, Json] = {}
    elements = scan(data, last=LAST_TAG if whole else PIXEL_DATA, wanted=_WANTED)
    for found in elements:
        if found.tag == PIXEL_DATA:
            fragments = data.source.fragments
            if whole:
                fragments = _check_behind(data, found, elements)
            return _Header(values, sequences, found.start, fragments)
        if found.tag == SPECIFIC_CHARACTER_SET:
            raw = data.source.read(found.value, found.stop)
            character_set = CharacterSet.of(raw, default_encoding=default_encoding)
        elif found.tag == REQUEST_ATTRIBUTES_SEQUENCE:
            if found.stop - found.value <= _MAXIMUM_VALUE:
                sequences[found.tag] = sequence_json(
                    data, found, character_set, default_encoding=default_encoding, is_ordered=is_ordered
                )
        else:
            text = _text(data, found, character_set)
            if text is not None:
                values[found.tag] = text
    return _Header(values, sequences)


def _check_behind(data: DataSetBytes, pixels: Element, others: Iterator[Element]) -> tuple[int, int] | None:
    """Return where fragments begin and end, None if there are none.

    Raise `BadFileFormatError` if pixel data and the elements behind them do not add up to the file.
    """
    fragments = None
    if pixels.undefined:
        window = Window(data.source, pixels.value)
        stop = window.end_of_fragments(pixels.value, data.encoding.order)
        fragments = pixels.value, stop
        behind = DataSetBytes(data.source, stop, data.encoding, data.transfer_syntax)
        others = scan(behind, last=LAST_TAG, wanted=frozenset(), behind=PIXEL_DATA)
    for _ in others:
        pass
    return fragments


def _sequences_text(sequences: Mapping[int, Json]) -> str:
    """Return the metadata MainDicomSequences (spec 1.4), empty if there are none."""
    if not sequences:
        return ""
    shown: Json = {format_tag(tag): items for tag, items in sequences.items()}
    return json.dumps({"Sequences": shown, "Version": 1}, ensure_ascii=False)


def _text(data: DataSetBytes, found: Element, character_set: CharacterSet) -> str | None:
    """Return a value as text, None where it has no text (sequences, binary values)."""
    vr = found.vr.decode() if found.vr not in (b"", b"UN") else vr_of(found.tag)
    if found.stop - found.value > _MAXIMUM_VALUE:
        return None
    if vr in _NUMBERS:
        return _numbers(data.source.read(found.value, found.stop), vr, data.encoding)
    if vr.encode() in TEXT_VRS:
        return character_set.decode(data.source.read(found.value, found.stop), is_name=vr == "PN")
    return None


def _numbers(raw: bytes, vr: str, encoding: Encoding) -> str:
    code = _NUMBERS[vr]
    count = len(raw) // struct.calcsize(code)
    values = struct.unpack_from(f"{encoding.order}{count}{code}", raw)
    return "\\".join(map(str, values))


def _identifiers(values: Mapping[int, str]) -> DicomIdentifiers:
    uids = []
    for tag in (STUDY_INSTANCE_UID, SERIES_INSTANCE_UID, SOP_INSTANCE_UID):
        if tag not in values:
            message = f"{format_tag(tag)} is absent"
            raise InexistentTagError(message)
        uid = values[tag].rstrip(" \0")
        if not uid:
            message = f"{format_tag(tag)} is empty"
            raise BadFileFormatError(message)
        uids.append(uid)
    # Leading spaces count, trailing padding does not (spec 1.2).
    return DicomIdentifiers(values.get(PATIENT_ID, "").rstrip(" \0"), *uids)


def _main_tags(tags: Mapping[int, str], level: Level) -> dict[str, str]:
    return {name: tags[tag] for tag, name in _MAIN_TAGS[level] if tag in tags}


def _with_metadata(facts: LevelFacts, metadata: Mapping[str, str]) -> LevelFacts:
    present = {name: value for name, value in metadata.items() if value}
    return replace(facts, metadata={**facts.metadata, **present})


def _expected(tags: Mapping[int, str]) -> str:
    """Return how many instances the series announces (spec 1.4), empty if it does not say."""
    for factors in ((0x00201002, 0x00200105), (0x00540081, 0x00540101), (0x00181090,)):
        try:
            count = 1
            for tag in factors:
                count *= int(tags[tag])
        except (KeyError, ValueError):
            continue
        if count > 0:
            return str(count)
    return ""

"""Data sets as plain trees, read and written by pydicom: what the oracle edits and the tests compare."""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, TypeAlias

import pydicom
from pydicom.charset import convert_encodings
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element, write_dataset, write_file_meta_info
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag
from pydicom.valuerep import VR
from pydicom.values import convert_SQ

IMPLICIT, DEFLATED, BIG = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"
EXPLICIT = "1.2.840.10008.1.2.1"
_UNDEFINED = 0xFFFFFFFF
_ITEM, _BIG_ITEM = b"\xfe\xff\x00\xe0", b"\xff\xfe\xe0\x00"
_VRS = {vr.value.encode() for vr in VR}
_VR_OF_FIRST = slice(12, 14)  # behind the header of the first item, and a tag

Tree: TypeAlias = "dict[int, Node]"
Row: TypeAlias = tuple[str, str, bytes]


@dataclass
class Node:
    """An element: a value, or the items of a sequence."""

    vr: str
    value: bytes = b""
    items: list[Tree] | None = None
    undefined: bool = False  # the length; a value is made of fragments then
    unnamed: bool = False  # in explicit VR, which pydicom leaves for such an element


@dataclass
class File:
    """A DICOM file: the file meta information by tag, and the data set."""

    tree: Tree
    syntax: str
    meta: dict[int, bytes] = field(default_factory=dict)
    preamble: bytes = b""
    reads_implicit: bool = False  # how the data set was read, whatever the transfer syntax says

    @property
    def is_implicit(self) -> bool:
        return self.syntax == IMPLICIT

    @property
    def is_little(self) -> bool:
        return self.syntax != BIG


def dictionary_vr(tag: int) -> str:
    """Return the VR of the standard, the first one where there is a choice; UN where there is none."""
    if tag >> 16 & 1:
        return "LO" if 0x10 <= tag & 0xFFFF <= 0xFF else "UN"
    try:
        return dictionary_VR(tag)[:2]
    except KeyError:
        return "UN"


def read_file(data: bytes) -> File:
    """Read a file with pydicom, however odd; raise what pydicom raises if it cannot."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = pydicom.dcmread(BytesIO(data), force=True)
        implicit, little = found.original_encoding
        meta = {int(e.tag): _raw(found.file_meta, int(e.tag)) for e in found.file_meta}
        syntax = str(found.file_meta.get("TransferSyntaxUID", ""))
        if not syntax:
            syntax = IMPLICIT if implicit else EXPLICIT if little else BIG
        tree = _tree(found, little=bool(little))
        elements: list[Any] = [found.get_item(tag) for tag in list(found.keys())]
        reads_implicit = any(element.is_raw and element.is_implicit_VR for element in elements)
        return File(tree, syntax, meta, found.preamble or b"", reads_implicit)


def _raw(meta: Dataset, tag: int) -> bytes:
    element = meta[tag]
    value = element.value
    if isinstance(value, bytes):
        return value
    if isinstance(value, int):
        return struct.pack("<I", value)
    return str(value).encode()


def _tree(dataset: Dataset, *, little: bool) -> Tree:
    elements = [dataset.get_item(tag) for tag in list(dataset.keys())]  # before pydicom decodes any
    charset = dataset.original_character_set
    return {int(e.tag): _node(e, charset, little=little) for e in elements}


def _node(element: Any, charset: Any, *, little: bool) -> Node:
    if not element.is_raw:
        if element.VR != "SQ":
            return _decoded(element, little=little)
        items = [_tree(item, little=little) for item in element.value]
        return Node("SQ", items=items, undefined=element.is_undefined_length)
    tag, raw = int(element.tag), element.value or b""
    vr = element.VR or dictionary_vr(tag)
    known = dictionary_vr(tag)
    is_big = not little and raw.startswith(_BIG_ITEM)  # else UN is in little endian (PS3.5 6.2.2)
    is_hidden = vr == "UN" and (known == "SQ" or (known == "UN" and (raw.startswith(_ITEM) or is_big)))
    is_sequence = vr == "SQ" or is_hidden
    unnamed = element.VR is None and not element.is_implicit_VR
    if not is_sequence:
        return Node(vr, raw, undefined=element.length == _UNDEFINED, unnamed=unnamed)
    implicit = element.is_implicit_VR or (vr == "UN" and raw[_VR_OF_FIRST] not in _VRS)
    order = little if vr == "SQ" else not is_big
    sequence = convert_SQ(raw, implicit, order, charset)
    return Node("SQ", items=[_tree(item, little=order) for item in sequence], unnamed=unnamed)


def _decoded(element: Any, *, little: bool) -> Node:
    """Return a short element that pydicom decodes when it reads a file, such as SpecificCharacterSet."""
    buffer = DicomBytesIO()
    buffer.is_implicit_VR, buffer.is_little_endian = True, little
    write_data_element(buffer, element, ["latin_1"])
    return Node(element.VR, buffer.getvalue()[8:])


def write_file(file: File) -> bytes:
    """Write a file with pydicom, the meta information as it is, whatever pydicom thinks of the values."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _written(file)


def _written(file: File) -> bytes:
    buffer = DicomBytesIO()
    buffer.is_implicit_VR, buffer.is_little_endian = file.is_implicit, file.is_little
    write_dataset(buffer, _dataset(file.tree, file))
    body = buffer.getvalue()
    if file.syntax == DEFLATED:
        compressor = zlib.compressobj(wbits=-15)
        body = compressor.compress(body) + compressor.flush()
        body += b"\0" * (len(body) % 2)
    meta = FileMetaDataset()
    meta.FileMetaInformationGroupLength = 0
    for tag, value in file.meta.items():
        meta[tag] = RawDataElement(
            BaseTag(tag),
            dictionary_VR(tag),
            len(value),
            value,
            0,
            is_implicit_VR=False,
            is_little_endian=True,
        )
    head = DicomBytesIO()
    write_file_meta_info(head, meta, enforce_standard=False)
    return file.preamble + b"DICM" + head.getvalue() + body


def _dataset(tree: Tree, file: File) -> Dataset:
    elements: dict[BaseTag, Any] = {}
    for tag, node in tree.items():
        base = BaseTag(tag)
        if node.items is not None:
            sequence = Sequence([_dataset(item, file) for item in node.items])
            # In implicit VR nothing else tells a private sequence.
            elements[base] = DataElement(base, "SQ", sequence, is_undefined_length=node.undefined)
            continue
        vr = None if file.is_implicit else node.vr
        length = _UNDEFINED if node.undefined else len(node.value)
        elements[base] = RawDataElement(base, vr, length, node.value, 0, file.is_implicit, file.is_little)
    dataset = Dataset(elements)
    dataset.set_original_encoding(file.is_implicit, file.is_little, dataset._character_set)
    return dataset


def rows(tree: Tree, at: str = "") -> Iterator[Row]:
    """Yield path, VR and value of every element; group lengths are left out."""
    for tag in sorted(tree):
        node, path = tree[tag], f"{at}{tag:08x}"
        if not tag & 0xFFFF:
            continue
        if node.items is None:
            # Written as UN where the request knows no creator; in implicit VR that cannot be seen.
            is_creator = tag >> 16 & 1 and 0x10 <= tag & 0xFFFF <= 0xFF
            yield path, "LO" if is_creator else node.vr, node.value
            continue
        yield path, "SQ", str(len(node.items)).encode()
        for index, item in enumerate(node.items):
            yield from rows(item, f"{path}[{index}].")


def comparable(data: bytes) -> list[Row]:
    """Return everything of a file that two writers of it must agree on."""
    file = read_file(data)
    facts = [("preamble", "", file.preamble), ("syntax", "", file.syntax.encode())]
    meta = [
        (f"{tag:08x}", "", file.meta[tag].rstrip(b"\0 ")) for tag in sorted(file.meta) if tag != 0x00020000
    ]
    return [*facts, *meta, *rows(file.tree)]


def character_set_of(tree: Tree, inherited: list[str]) -> list[str]:
    """Return the Python encodings that the SpecificCharacterSet of a data set stands for."""
    node = tree.get(0x00080005)
    if node is None:
        return inherited
    terms = [term.strip(" \0") for term in node.value.decode("ascii", "ignore").split("\\")]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return convert_encodings(terms) if any(terms) else ["latin_1"]

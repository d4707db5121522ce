"""The values that the oracle writes: replacements (spec 3.4), and what stands for an identifier."""

from __future__ import annotations

import base64
import re
import struct
import warnings
from collections.abc import Callable
from typing import Any

from pydicom.charset import decode_bytes, encode_string
from pydicom.datadict import dictionary_VR, private_dictionary_VR

from tests.compat.data_sets import Node, Tree, dictionary_vr
from tests.compat.oracle_request import PATIENT_ID, tag_of

PIXEL_REPRESENTATION, PIXEL_DATA = 0x00280103, 0x7FE00010
ENCODED = frozenset(("LO", "LT", "PN", "SH", "ST", "UC", "UN", "UT"))
TEXT = ENCODED - {"UN"} | frozenset(("AE", "AS", "CS", "DA", "DS", "DT", "IS", "TM", "UI", "UR"))
LETTERS = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "FL": "f", "FD": "d", "UV": "Q", "SV": "q"} | {
    "OW": "H",
    "OF": "f",
    "OD": "d",
    "OL": "I",
    "OV": "Q",
}
FLOATS = frozenset(("FL", "FD", "OF", "OD"))
ZERO_PADDED = frozenset(("UI", "OB", "UN", "OW"))
OCTETS = re.compile("data:application/(?:octet-stream|pdf);base64,(.*)", re.DOTALL)


class UnencodableError(Exception):
    """The character set lacks a character."""


class Values:
    """Writes replacements; private tags are looked up by the creator that the request names."""

    def __init__(self, private_creator: str) -> None:
        self._creator = private_creator

    def node(self, tag: int, value: Any, *, little: bool, charset: list[str], pixel_vr: str = "US") -> Node:
        """Return the element that a replacement writes."""
        vr = self._vr(tag, pixel_vr)
        if vr == "SQ":
            return Node(
                "SQ",
                items=[
                    self._item(item, little=little, charset=charset, pixel_vr=pixel_vr)
                    for item in value or []
                ],
            )
        if not value:
            return Node(vr)
        raw = self._leaf(tag, vr, value, "<" if little else ">", charset)
        return Node(vr, even(raw, vr))

    def _vr(self, tag: int, pixel_vr: str) -> str:
        if tag == PIXEL_DATA:
            return "OW"
        try:
            if tag >> 16 & 1:
                return private_dictionary_VR(tag, self._creator)
            vr = dictionary_VR(tag)
        except KeyError:
            return "UN"
        choices = {"US or SS": pixel_vr, "US or SS or OW": "OW", "US or OW": "OW", "OB or OW": "OB"}
        return choices.get(vr, vr)

    def _item(self, item: Any, *, little: bool, charset: list[str], pixel_vr: str) -> dict[int, Node]:
        values = {tag_of(name): value for name, value in (item or {}).items()}
        return {
            tag: self.node(tag, value, little=little, charset=charset, pixel_vr=pixel_vr)
            for tag, value in sorted(values.items())
        }

    def _leaf(self, tag: int, vr: str, value: str, order: str, charset: list[str]) -> bytes:
        octets = OCTETS.fullmatch(value)
        if octets:
            return base64.b64decode(octets[1])
        if tag == PIXEL_DATA:
            return value.encode()
        parts = value.split("\\")
        if vr == "AT":
            tags = [tag_of(part) for part in parts]
            return b"".join(struct.pack(order + "HH", tag >> 16, tag & 0xFFFF) for tag in tags)
        if vr in LETTERS:
            convert: Callable[[str], Any] = float if vr in FLOATS else int
            return struct.pack(f"{order}{len(parts)}{LETTERS[vr]}", *map(convert, parts))
        return text(value, vr, charset)


def text(value: str, vr: str, charset: list[str]) -> bytes:
    """Return text in a character set; each component begins in its first part (PS3.5 6.1.2.5.3)."""
    if vr not in ENCODED:
        charset = ["ascii"]
    if charset == ["shift_jis"]:  # ISO_IR 13 in practice, as in Orthanc
        return value.encode("shift_jis")
    # pydicom writes Latin-1 where nothing but ASCII is declared.
    codecs = ["ascii" if codec == "iso8859" else codec for codec in charset]
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # pydicom warns, and writes question marks
        try:
            pieces = re.split(r"([\\^=])" if vr == "PN" else r"(\\)", value)
            return b"".join(_ended(bytes(encode_string(piece, codecs))) for piece in pieces)
        except (UserWarning, UnicodeError) as error:
            raise UnencodableError(value) from error


def _ended(raw: bytes) -> bytes:
    """Return a piece that ends in ASCII, as two-byte sets of G0 must (PS3.5 6.1.2.5.3)."""
    is_open = raw.rfind(b"\x1b$B") > raw.rfind(b"\x1b(")
    return raw + b"\x1b(B" if is_open else raw


def pixel_vr(trees: list[Tree], tag: int) -> str:
    """Return what is meant by ``US or SS`` in the last of these data sets, each in the one before."""
    for tree in reversed(trees):
        sign = tree.get(PIXEL_REPRESENTATION)
        if sign and sign.value:
            return "SS" if any(sign.value) else "US"
    return "SS" if tag in trees[-1] and trees[-1][tag].vr == "SS" else "US"


def identifier(raw: bytes, tag: int, charset: list[str]) -> str:
    """Return the identifier that a value stands for, whatever its padding and character set."""
    if tag != PATIENT_ID:
        return raw.decode("latin-1").strip(" \0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return decode_bytes(raw, charset, set()).strip(" \0")


def known_vr(node: Node, tag: int) -> str:
    """Return the VR of an element, by the dictionary if it came as UN."""
    return dictionary_vr(tag) if node.vr == "UN" else node.vr


def emptied(node: Node, tag: int, *, nested: bool) -> Node:
    """Return an element without its value: at the top level with the VR of the dictionary."""
    vr = known_vr(node, tag) if nested else dictionary_vr(tag)
    return Node("SQ", items=[]) if vr == "SQ" else Node(vr)


def even(value: bytes, vr: str) -> bytes:
    """Return a value padded to an even length."""
    return value + (b"\0" if vr in ZERO_PADDED else b" ") if len(value) & 1 else value

"""The private elements of one data set, as far as it takes to judge them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from dicomorph.dicom.engine.block_characteristics import BlockCharacteristics
from dicomorph.dicom.engine.holding_items import holds_items
from dicomorph.dicom.engine.sound_items import are_sound
from dicomorph.dicom.stream.elements import Element, Encoding

UNREADABLE = "unreadable"
"""In place of a VR: what begins like a sequence, and is none."""

# What reads as a UID: version numbers have fewer components.
_UIDS = re.compile(rb"(?:[0-2]\.[0-9]{1,2}(?:\.[0-9]+){3,}|2\.25\.[0-9]{8,})[ \0]*(?:\\|$)")
_LONGEST_UID = 80  # bytes, with padding and what separates it from the next


class PrivateContents(NamedTuple):
    """The private elements of one data set.

    Parameters
    ----------
    creators : Mapping[int, str]
        Of each block that is reserved, its creator without padding.
    elements : Mapping[int, Element]
        Those that stand behind the creator of their block.
    declared : AbstractSet[BlockCharacteristics]
        What the data set says of its blocks.
    encoding : Encoding
        How the data set is written.
    read : Callable[[int, int], bytes]
        Returns what stands between two positions.
    """

    creators: Mapping[int, str]
    elements: Mapping[int, Element]
    declared: AbstractSet[BlockCharacteristics]
    encoding: Encoding
    read: Callable[[int, int], bytes]

    def value(self, tag: int) -> bytes:
        """Return the value of an element."""
        element = self.elements[tag]
        return self.read(element.value, element.stop)

    def vr(self, tag: int) -> str:
        """Return the VR of an element.

        Where the file does not tell: ``SQ`` or ``UI`` by what the element holds, nothing if it is
        empty, else ``UN``. `UNREADABLE` if it only begins like a sequence.
        """
        element = self.elements[tag]
        if element.vr not in (b"", b"UN"):
            return element.vr.decode("ascii")
        if element.undefined:
            return "SQ"
        if element.value == element.stop:
            return ""
        beginning = self.read(element.value, min(element.stop, element.value + _LONGEST_UID))
        if holds_items(tag, element.vr, beginning[:4], self.encoding.order):
            return "SQ" if are_sound(self.value(tag), element.vr, self.encoding) else UNREADABLE
        return "UI" if _UIDS.match(beginning) else "UN"

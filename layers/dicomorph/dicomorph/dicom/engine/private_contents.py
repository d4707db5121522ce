"""The private elements of one data set, as far as it takes to judge them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from dicomorph.dicom.engine.block_characteristics import BlockCharacteristics
from dicomorph.dicom.engine.holding_items import holds_items
from dicomorph.dicom.stream.elements import Element

# UIDs under the roots that organizations get theirs from: version numbers are shorter.
_UIDS = re.compile(rb"(?:1\.[23]|2\.(?:16|25))\.[0-9.]{8,60}[ \0]*(?:\\|$)")
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
    order : str
        The byte order of the data set, as in `Encoding`.
    read : Callable[[int, int], bytes]
        Returns what stands between two positions.
    """

    creators: Mapping[int, str]
    elements: Mapping[int, Element]
    declared: AbstractSet[BlockCharacteristics]
    order: str
    read: Callable[[int, int], bytes]

    def value(self, tag: int, longest: int) -> bytes:
        """Return the value of an element, up to a number of bytes."""
        element = self.elements[tag]
        return self.read(element.value, min(element.stop, element.value + longest))

    def vr(self, tag: int) -> str:
        """Return the VR of an element.

        Where the file does not tell: ``SQ`` or ``UI`` by what the element holds, nothing if it is
        empty, else ``UN``.
        """
        element = self.elements[tag]
        if element.vr not in (b"", b"UN"):
            return element.vr.decode("ascii")
        if element.undefined:
            return "SQ"
        if element.value == element.stop:
            return ""
        beginning = self.value(tag, _LONGEST_UID)
        if holds_items(tag, element.vr, beginning[:4], self.order):
            return "SQ"
        return "UI" if _UIDS.match(beginning) else "UN"

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
    elements : Mapping[int, bytes]
        The VRs of the elements that stand behind the creator of their block. Where the file does
        not tell: ``SQ`` or ``UI`` by what they hold, else ``UN``, and nothing if they are empty.
    declared : AbstractSet[BlockCharacteristics]
        What the data set says of its blocks.
    """

    creators: Mapping[int, str]
    elements: Mapping[int, bytes]
    declared: AbstractSet[BlockCharacteristics]


def apparent_vr(element: Element, order: str, read: Callable[[int, int], bytes]) -> bytes:
    """Return the VR of a private element, by what it holds where the file does not tell.

    Parameters
    ----------
    element : Element
        The element.
    order : str
        The byte order of the data set, as in `Encoding`.
    read : Callable[[int, int], bytes]
        Returns what stands between two positions.
    """
    tag, vr, _, value, stop, undefined = element
    if vr not in (b"", b"UN"):
        return vr
    if undefined:
        return b"SQ"
    if value == stop:
        return b""
    beginning = read(value, min(stop, value + _LONGEST_UID))
    if holds_items(tag, vr, beginning[:4], order):
        return b"SQ"
    return b"UI" if _UIDS.match(beginning) else b"UN"

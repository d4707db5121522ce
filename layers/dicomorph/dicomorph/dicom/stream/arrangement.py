"""The members of one data set in the order of the standard, each once (PS3.5 7.1 and 7.8.1)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from dicomorph.dicom.standard.dictionary import is_private, is_private_creator
from dicomorph.dicom.stream.edit_script import Part
from dicomorph.dicom.stream.elements import Encoding
from dicomorph.model.errors import BadFileFormatError

_BLOCKS = range(0x10, 0x100)  # PS3.5 7.8.1

_Members: TypeAlias = "dict[int, Member]"  # by tag


class Member(NamedTuple):
    """An element of a data set, as it is to be written.

    Parameters
    ----------
    tag : int
        Its Data Element Tag.
    start, stop : int
        Where it stands in the source.
    parts : list[bytes | tuple[int, int]] or None
        What it is made of, None if it stays as it stands; the first begins with the tag.
    creator : bytes
        The value of a private creator, without padding.
    """

    tag: int
    start: int
    stop: int
    parts: list[Part] | None
    creator: bytes


def arranged(members: Sequence[Member], encoding: Encoding, *, drops_displaced: bool) -> list[Part] | None:
    """Return the parts of a data set in ascending order, None if it stays as it stands.

    Of elements with one tag the first counts. Private elements behind a repeated creator with
    another value are its own, whatever block they claim.

    Parameters
    ----------
    members : Sequence[Member]
        The elements, as they stand in the file.
    encoding : Encoding
        How they are written.
    drops_displaced : bool
        Whether the elements of such a creator go; else they move to a free block of their group.

    Raises
    ------
    BadFileFormatError
        If no block of the group is free.
    """
    if any(one.tag >= other.tag for one, other in pairwise(members)):
        members = _sorted(members, encoding, drops_displaced=drops_displaced)
    elif all(member.parts is None for member in members):
        return None
    return joined(part for member in members for part in member.parts or [(member.start, member.stop)])


def joined(parts: Iterable[Part]) -> list[Part]:
    """Return the parts, neighbouring ranges as one."""
    found: list[Part] = []
    for part in parts:
        last = found[-1] if found else b""
        if isinstance(part, tuple) and isinstance(last, tuple) and last[1] == part[0]:
            found[-1] = last[0], part[1]
        else:
            found.append(part)
    return found


def _sorted(members: Iterable[Member], encoding: Encoding, *, drops_displaced: bool) -> list[Member]:
    places, displaced = _told_apart(members)
    if not drops_displaced:
        for (block, _), moved in displaced.items():
            if len(moved) > 1:  # a creator that owns nothing is nothing but a repeated element
                _move(places, moved, _free_block(places, block), encoding)
    return [places[tag] for tag in sorted(places)]


def _told_apart(members: Iterable[Member]) -> tuple[_Members, dict[tuple[int, bytes], _Members]]:
    """Return the elements that stay at their tag, and those of other creators by block and creator."""
    places: _Members = {}
    displaced: dict[tuple[int, bytes], _Members] = {}
    creators: dict[int, bytes] = {}  # by block
    others: dict[int, bytes] = {}  # whose the elements of a block are, where it is not the first
    for member in members:
        tag = member.tag
        if is_private_creator(tag):
            block = tag >> 16 << 8 | tag & 0xFF
            others.pop(block, None)
            if creators.setdefault(block, member.creator) != member.creator:
                others[block] = member.creator
                displaced.setdefault((block, member.creator), {}).setdefault(tag, member)
        elif is_private(tag) and tag >> 8 in others:
            displaced[tag >> 8, others[tag >> 8]].setdefault(tag, member)
            continue
        places.setdefault(tag, member)
    return places, displaced


def _free_block(places: _Members, block: int) -> int:
    """Return the number of a block that the group of another one neither reserves nor uses."""
    group = block >> 8
    used = {
        tag & 0xFF if is_private_creator(tag) else tag >> 8 & 0xFF for tag in places if tag >> 16 == group
    }
    free = next((number for number in _BLOCKS if number not in used), None)
    if free is None:
        raise BadFileFormatError(f"No block of the private group {group:04x} is free")
    return free


def _move(places: _Members, moved: _Members, block: int, encoding: Encoding) -> None:
    """Give a creator and its elements another block."""
    for tag, member in moved.items():
        to = tag & 0xFFFF0000 | block if is_private_creator(tag) else tag & 0xFFFF00FF | block << 8
        first, *rest = member.parts or [(member.start, member.stop)]
        behind: Part = first[4:] if isinstance(first, bytes) else (first[0] + 4, first[1])
        places[to] = member._replace(tag=to, parts=[encoding.tag(to), behind, *rest])

"""The numbers of private tags: which block one lies in, and which element reserves that (PS3.5 7.8.1).

A block is named by its group and its number: ``0x000910`` holds 0009,1000 to 0009,10FF, and
0009,0010 says whose they are.
"""

from __future__ import annotations

from dicomorph.dicom.standard.dictionary import is_private, is_private_creator

FIRST, LAST = 0x10, 0xFF


def block_of(tag: int) -> int | None:
    """Return the block of a private tag, or the one it reserves; None if it has to do with no block.

    Examples
    --------
    >>> hex(block_of(0x00091001)), hex(block_of(0x00090010)), block_of(0x00090001), block_of(0x00101001)
    ('0x910', '0x910', None, None)
    """
    if is_private_creator(tag):
        return tag >> 8 & 0xFFFF00 | tag & 0xFF
    return tag >> 8 if is_private(tag) and tag >> 8 & 0xFF >= FIRST else None


def creator_of(block: int) -> int:
    """Return the tag of the private creator that reserves a block.

    Examples
    --------
    >>> hex(creator_of(0x000911))
    '0x90011'
    """
    return (block & 0xFFFF00) << 8 | block & 0xFF


def in_block(tag: int, block: int) -> int:
    """Return the tag that stands in a block for one of another block of the same group.

    Examples
    --------
    >>> hex(in_block(0x00091001, 0x000911)), hex(in_block(0x00090010, 0x000911))
    ('0x91101', '0x90011')
    """
    return creator_of(block) if is_private_creator(tag) else block << 8 | tag & 0xFF

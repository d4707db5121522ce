"""Which private tags a request means in a data set: those of its creator, wherever their block is.

A private number says nothing without its creator (PS3.5 7.8.1): 0009,1001 of one vendor is
another's 0009,1101 in the next file, or item.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from dicomorph.dicom.standard.dictionary import is_private_creator
from dicomorph.dicom.standard.private_blocks import FIRST, LAST, block_of, creator_of, in_block
from dicomorph.model.errors import BadFileFormatError


class PrivateClaims(NamedTuple):
    """The private tags that a request names in data sets at one place; each lies in a block.

    Parameters
    ----------
    creators : Mapping[int, str]
        Of each block that is named, its creator, without padding.
    named : frozenset[int]
        All of them, sequences that paths go through included.
    written, kept : frozenset[int]
        Those of them that are replaced, and those that are kept.
    moves : bool
        Whether they are meant by their creator, not by their number. If not, a new block gets
        the creator all the same.
    """

    creators: Mapping[int, str]
    named: frozenset[int]
    written: frozenset[int]
    kept: frozenset[int]
    moves: bool


class Relocation(NamedTuple):
    """What the private tags of a request are called in one data set. Hashable.

    Parameters
    ----------
    names : tuple[tuple[int, int], ...]
        Tags in the data set, each with the name that the request has for it: another one where
        the block is another. What the request names and does not mean is paired with `stranger`.
    reserved : tuple[tuple[int, str], ...]
        Creators to be written, with their values.
    kept : frozenset[int]
        Creators that stay.
    again : tuple[tuple[int, int], ...]
        The same as `names`, in further blocks that one of the creators has: what is removed, or
        walked through, is so wherever it stands.
    replaced : frozenset[int]
        What stands there of elements that are written elsewhere, and goes.
    """

    names: tuple[tuple[int, int], ...]
    reserved: tuple[tuple[int, str], ...]
    kept: frozenset[int]
    again: tuple[tuple[int, int], ...] = ()
    replaced: frozenset[int] = frozenset()


UNMOVED = Relocation((), (), frozenset())


def stranger(tag: int) -> int:
    """Return a private tag of the same group that no request means by a creator: it lies in no block."""
    return tag & 0xFFFF0000 | 1


def relocation(
    claims: PrivateClaims,
    creators: Mapping[int, str],
    present: AbstractSet[int],
    is_removed: Callable[[int], bool],
) -> Relocation:
    """Find the tags of a request in a data set, and room for those that are new.

    Parameters
    ----------
    creators : Mapping[int, str]
        Of each block that the data set reserves, in the groups of the request.
    present : AbstractSet[int]
        Its private tags in those groups, creators included.
    is_removed : Callable[[int], bool]
        Tells whether the rules of the data set remove a tag, by the name that the request has for it.

    Raises
    ------
    BadFileFormatError
        If a new block finds no room.
    """
    if not claims.moves:
        return Relocation((), tuple(_reserved_in_place(claims, creators, present, is_removed)), frozenset())
    places = _found(claims, creators)
    _reserve(claims, places, {tag for tag in present if not is_removed(stranger(tag))})
    names = {in_block(tag, places[block]): tag for tag, block in _blocks(claims.named) if block in places}
    again = _again(claims, claims.named - claims.written - claims.kept, creators, places)
    written = {tag for tag in claims.written if not is_private_creator(tag)}
    names |= {tag: stranger(tag) for tag in claims.named - names.keys() - again.keys()}
    used = {block for _, block in _blocks(claims.written)} | {
        block
        for tag, block in _blocks(claims.kept)
        if block in places and in_block(tag, places[block]) in present
    }
    own = {block for block in used if creator_of(block) not in claims.written | claims.kept}
    kept = frozenset(
        creator_of(places[block]) for block in own if creators.get(places[block]) == claims.creators[block]
    )
    reserved = {creator_of(places[block]): claims.creators[block] for block in own}
    return Relocation(
        tuple(sorted(names.items())),
        tuple(sorted((tag, text) for tag, text in reserved.items() if tag not in kept)),
        kept,
        tuple(sorted(again.items())),
        frozenset(_again(claims, written, creators, places)),
    )


def _again(
    claims: PrivateClaims,
    tags: AbstractSet[int],
    creators: Mapping[int, str],
    places: Mapping[int, int],
) -> dict[int, int]:
    """Return tags of a request in the further blocks that a creator has."""
    again: dict[int, int] = {}
    others = creators.keys() - set(places.values())
    for tag, block in _blocks(tags) if others else ():
        for other in others:
            if other >> 8 == block >> 8 and creators[other] == claims.creators[block]:
                again.setdefault(in_block(tag, other), tag)
    return again


def _blocks(tags: Iterable[int]) -> Iterable[tuple[int, int]]:
    return [(tag, block) for tag in sorted(tags) if (block := block_of(tag)) is not None]


def _reserved_in_place(
    claims: PrivateClaims,
    creators: Mapping[int, str],
    present: AbstractSet[int],
    is_removed: Callable[[int], bool],
) -> Iterable[tuple[int, str]]:
    """Return the creators of blocks that nobody has reserved, and where nothing else stays."""
    others = {block for tag, block in _blocks(present - claims.written) if not is_removed(tag)}
    wanted = {block for _, block in _blocks(claims.written) if creator_of(block) not in claims.written}
    return [
        (creator_of(block), claims.creators[block]) for block in sorted(wanted - creators.keys() - others)
    ]


def _found(claims: PrivateClaims, creators: Mapping[int, str]) -> dict[int, int]:
    """Return the block in the data set for each block of the request that the creator has there."""
    places = {block: block for block, creator in claims.creators.items() if creators.get(block) == creator}
    for block in sorted(claims.creators.keys() - places.keys()):
        for other in sorted(creators.keys() - set(places.values())):
            if other >> 8 == block >> 8 and creators[other] == claims.creators[block]:
                places[block] = other
                break
    return places


def _reserve(claims: PrivateClaims, places: dict[int, int], staying: AbstractSet[int]) -> None:
    """Find room for blocks that are new: at their own number, else at the first that is free."""
    taken = {block for _, block in _blocks(staying)} | set(places.values())
    for block in sorted({block for _, block in _blocks(claims.written)} - places.keys()):
        group = block & 0xFFFF00
        free = (one for one in (block, *range(group + FIRST, group + LAST + 1)) if one not in taken)
        place = next(free, None)
        if place is None:
            raise BadFileFormatError(f"The private group {group >> 8:04x} has no block left")
        places[block] = place
        taken.add(place)

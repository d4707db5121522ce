"""What the elements of a data set tell before they are walked: a value may depend on later ones.

Only requests whose plan or scope `looks_ahead` pay for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from dicomorph.dicom.engine.edit_plan import Action, Scope
from dicomorph.dicom.engine.private_blocks import PrivateClaims, Relocation, relocation
from dicomorph.dicom.standard.dictionary import is_private_creator
from dicomorph.dicom.standard.private_blocks import block_of
from dicomorph.dicom.standard.tags import PIXEL_REPRESENTATION, SPECIFIC_CHARACTER_SET
from dicomorph.dicom.stream.elements import (
    ITEM_DELIMITATION,
    Element,
    Encoding,
    read_element,
    read_header,
)
from dicomorph.dicom.stream.source import Buffer
from dicomorph.dicom.text.charsets import CharacterSet
from dicomorph.dicom.values.pixel_values import is_signed
from dicomorph.model.resources import Json

_US = 2  # bytes of a value
_LONGEST = 4096  # bytes of a value that is looked at: a creator has 64 characters (PS3.5 6.2, LO)


class Preview(NamedTuple):
    """A data set at a first glance.

    Parameters
    ----------
    pixel_representation, character_set : bytes
        The values of these attributes, empty if they are absent.
    creators : Mapping[int, bytes]
        The values of private creators, by their tags.
    private : frozenset[int]
        The private tags, creators included; both in the groups that the request speaks of.
    """

    pixel_representation: bytes
    character_set: bytes
    creators: Mapping[int, bytes]
    private: AbstractSet[int]

    def signed(self, scope: Scope, replacements: Mapping[int, Json]) -> bool | None:
        """Return whether its pixel values are signed once it is edited; None if it does not say.

        Parameters
        ----------
        scope : Scope
            Its rules.
        replacements : Mapping[int, Json]
            The values of `Action.REPLACE`.
        """
        action = scope.rule(PIXEL_REPRESENTATION).action
        if action is Action.REPLACE:
            return is_signed(replacements[PIXEL_REPRESENTATION])
        return is_signed(self.pixel_representation) if action is Action.KEEP else None

    def relocation(self, scope: Scope, claims: PrivateClaims, decoding: CharacterSet) -> Relocation:
        """Return where the private tags of a request are.

        Parameters
        ----------
        scope : Scope
            The rules, by the tags of the request.
        claims : PrivateClaims
            Those of `scope`.
        decoding : CharacterSet
            Of the data set.
        """
        creators = {
            block: decoding.decode(raw).strip(" \0")
            for tag, raw in self.creators.items()
            if (block := block_of(tag)) is not None
        }
        return relocation(claims, creators, self.private, lambda tag: scope.rule(tag).action is Action.REMOVE)


def preview(
    elements: Iterable[Element], read: Callable[[int, int], bytes], *, claims: PrivateClaims | None
) -> Preview:
    """Look at the elements of a data set.

    Parameters
    ----------
    elements : Iterable[Element]
        All of them, or those up to the last one that matters.
    read : Callable[[int, int], bytes]
        Returns what stands between two positions.
    claims : PrivateClaims or None
        The private tags of the request, whose groups are looked at.
    """
    groups = {tag >> 16 for tag in claims.named} if claims else set()
    values = {PIXEL_REPRESENTATION: b"", SPECIFIC_CHARACTER_SET: b""}
    creators: dict[int, bytes] = {}
    private: set[int] = set()
    for tag, _, _, start, stop, _ in elements:
        if tag in values:
            values[tag] = values[tag] or read(start, min(stop, start + _LONGEST))
        elif tag >> 16 in groups:
            if is_private_creator(tag) and tag not in private:
                creators[tag] = read(start, min(stop, start + _LONGEST))
            private.add(tag)
    return Preview(values[PIXEL_REPRESENTATION][:_US], values[SPECIFIC_CHARACTER_SET], creators, private)


def elements_of_item(buffer: Buffer, pos: int, end: int, encoding: Encoding) -> Iterator[Element]:
    """Yield the elements of an item, up to its delimiter or the end."""
    while pos < end and read_header(buffer, pos, end, encoding)[0] != ITEM_DELIMITATION:
        element = read_element(buffer, pos, end, encoding)
        yield element
        pos = element.stop

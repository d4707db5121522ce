"""What the elements of a data set tell before they are walked: a value may depend on later ones.

Only requests whose plan or scope `looks_ahead` pay for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from dicomorph.dicom.engine.edit_plan import Action, Scope
from dicomorph.dicom.standard.tags import PIXEL_REPRESENTATION
from dicomorph.dicom.stream.elements import (
    ITEM_DELIMITATION,
    Element,
    Encoding,
    read_element,
    read_header,
)
from dicomorph.dicom.stream.source import Buffer
from dicomorph.dicom.values.pixel_values import is_signed
from dicomorph.model.resources import Json

_US = 2  # bytes of a value


class Preview(NamedTuple):
    """A data set at a first glance.

    Parameters
    ----------
    pixel_representation : bytes
        Its value, empty if it is absent.
    """

    pixel_representation: bytes

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


def preview(elements: Iterable[Element], read: Callable[[int, int], bytes]) -> Preview:
    """Look at the elements of a data set.

    Parameters
    ----------
    elements : Iterable[Element]
        All of them, or those up to the last one that matters.
    read : Callable[[int, int], bytes]
        Returns what stands between two positions.
    """
    pixel_representation = b""
    for element in elements:
        if element.tag == PIXEL_REPRESENTATION and not pixel_representation:
            pixel_representation = read(element.value, min(element.stop, element.value + _US))
    return Preview(pixel_representation)


def elements_of_item(buffer: Buffer, pos: int, end: int, encoding: Encoding) -> Iterator[Element]:
    """Yield the elements of an item, up to its delimiter or the end."""
    while pos < end and read_header(buffer, pos, end, encoding)[0] != ITEM_DELIMITATION:
        element = read_element(buffer, pos, end, encoding)
        yield element
        pos = element.stop

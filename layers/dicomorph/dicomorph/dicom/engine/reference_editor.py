"""References that follow what they lead to, where only a part of what exists gets new identifiers.

Some references are single UIDs. Others are hierarchical (PS3.3 10.8, C.17.2.1, C.12.2): an item that
names a study, or a series, and below it the instances meant. What becomes of the study and the series
follows from the instances; where these part, so do the items that hold them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from typing import TypeAlias

from dicomorph.dicom.engine.destinations import Destinations
from dicomorph.dicom.engine.identity_editors import Editor
from dicomorph.dicom.engine.moved_instances import Place
from dicomorph.dicom.engine.reference_tree import (
    REFERENCED_SOP_INSTANCE_UID,
    Child,
    GroupLength,
    Item,
    Items,
    ReferenceParser,
    Uids,
    may_refer,
)
from dicomorph.dicom.standard.tags import SERIES_INSTANCE_UID, SOP_INSTANCE_UID, STUDY_INSTANCE_UID
from dicomorph.dicom.standard.vrs import TEXT_VRS
from dicomorph.dicom.stream.elements import Encoding
from dicomorph.dicom.stream.source import Buffer
from dicomorph.model.errors import BadFileFormatError

REFERENCED_STUDY_SEQUENCE = 0x00081110
REFERENCED_PERFORMED_PROCEDURE_STEP_SEQUENCE = 0x00081111
REFERENCED_PATIENT_SEQUENCE = 0x00081120
REFERENCED_VISIT_SEQUENCE = 0x00081125
RT_REFERENCED_STUDY_SEQUENCE = 0x30060012

# Their items name a study by ReferencedSOPInstanceUID (PS3.3 C.8.8.5, C.7.2.1).
OF_STUDIES = frozenset((REFERENCED_STUDY_SEQUENCE, RT_REFERENCED_STUDY_SEQUENCE))
# Their items are no members of the series or study around them.
_OF_OTHERS = frozenset(
    (
        REFERENCED_STUDY_SEQUENCE,
        REFERENCED_PERFORMED_PROCEDURE_STEP_SEQUENCE,
        REFERENCED_PATIENT_SEQUENCE,
        REFERENCED_VISIT_SEQUENCE,
    )
)
_INSTANCES = frozenset((REFERENCED_SOP_INSTANCE_UID, SOP_INSTANCE_UID))
_PADDED_WITH_SPACES = TEXT_VRS - {b"UI"}
_NOWHERE = Place("", "")
_MOST_COPIED = 64 << 20  # bytes of one item that becomes several, times their number

_Wanted: TypeAlias = AbstractSet[Place] | None
"""The places of those instances that an item keeps; None for all."""


class ReferenceEditor:
    """Rewrites references.

    Parameters
    ----------
    destinations : Destinations
        Where they lead then.
    """

    def __init__(self, destinations: Destinations) -> None:
        self._destinations = destinations

    def items(self, tag: int, buffer: Buffer, start: int, stop: int, encoding: Encoding) -> bytes | None:
        """Return the new items of a top-level sequence, None if all stay as they are.

        Parameters
        ----------
        tag : int
            Of the sequence.
        start, stop : int
            Where its items begin and end, a delimiter at the end aside.

        Raises
        ------
        BadFileFormatError
            If there are too many of them.
        """
        if not may_refer(buffer, start, stop, encoding):
            return None
        tree = ReferenceParser(buffer, start, stop, encoding).items(tag)
        return None if tree is None else _Walk(self._destinations, buffer).items(tree, _NOWHERE, None)

    def element(self, encoding: Encoding, tag: int, vr: bytes) -> Editor:
        """Return what edits a single reference at the top level."""
        size, _ = encoding.length_field(vr)

        def edit(whole: bytes) -> bytes:
            uids = Uids(tag, vr, 0, size, len(whole))
            return _Walk(self._destinations, whole).single(uids, encoding, _NOWHERE) or whole

        return edit


class _Walk:
    """The references in one buffer."""

    def __init__(self, destinations: Destinations, buffer: Buffer) -> None:
        self._destinations = destinations
        self._buffer = buffer
        self._places: dict[int, list[Place]] = {}
        self._new: dict[tuple[str, Place], str] = {}

    def items(self, sequence: Items, around: Place, wanted: _Wanted) -> bytes | None:
        """Return what stands between the header of a sequence and its delimiter.

        Parameters
        ----------
        around : Place
            The study and series that surround it, as far as they are named.
        """
        out: list[bytes] = []
        run = sequence.value
        for item in sequence.items:
            new = self._item(item, sequence, around, wanted)
            if new is None:
                continue
            out += (self._buffer[run : item.start], *new)
            run = item.stop
        if run == sequence.value:
            return None
        out.append(self._buffer[run : sequence.last])
        return b"".join(out)

    def _item(self, item: Item, sequence: Items, around: Place, wanted: _Wanted) -> list[bytes] | None:
        """Return the items that take the place of one, None if it stays as it is."""
        here = self._stated(item, sequence, around)
        if here is None:
            leaf = None if wanted is None else self._leaf(item, sequence, around)
            if wanted is not None and leaf is not None and leaf not in wanted:
                return []
            new = self._edited(item, sequence, around, around, wanted)
            return None if new is None else [new]
        places = self._places_of(item, sequence, around)
        kept = places if wanted is None else [place for place in places if place in wanted]
        groups = _groups(kept, here)
        if len(groups) == 1 and len(kept) == len(places):
            new = self._edited(item, sequence, here, kept[0], None)
            return None if new is None else [new]
        if (item.stop - item.start) * len(groups) > _MOST_COPIED:
            raise BadFileFormatError("A reference would become too many")
        copies = (self._edited(item, sequence, here, group[0], frozenset(group)) for group in groups)
        return [self._buffer[item.start : item.stop] if new is None else new for new in copies]

    def _stated(self, item: Item, sequence: Items, around: Place) -> Place | None:
        """Return what study and series an item is of, if it names one of them; None if not."""
        study = series = ""
        for child in item.children:
            if isinstance(child, Uids):
                if child.tag == SERIES_INSTANCE_UID:
                    series = self._uid(child)
                elif _names_study(child.tag, sequence):
                    study = self._uid(child)
        if not study and not series:
            return None
        return Place(study or around.study, series or around.series)

    def _leaf(self, item: Item, sequence: Items, around: Place) -> Place | None:
        """Return where the instance belongs that an item names; None if it names none."""
        if sequence.tag in _OF_OTHERS:
            return None
        for child in item.children:
            if isinstance(child, Uids) and child.tag in _INSTANCES and not _names_study(child.tag, sequence):
                found = self._destinations.of_instance(self._uid(child), around)
                return around if found is None else found.place
        return None

    def _places_of(self, item: Item, sequence: Items, around: Place) -> list[Place]:
        """Return where the instances belong of an item that names a study or series, each place once.

        If it names an instance beside them, that one decides; else those below it do.
        """
        found = self._places.get(item.start)
        if found is None:
            here = self._stated(item, sequence, around) or around
            own = self._leaf(item, sequence, here)
            below = [own] if own is not None else list(dict.fromkeys(self._leaves(item, here)))
            found = self._places[item.start] = below or [self._whole(here)]
        return found

    def _leaves(self, item: Item, here: Place) -> Iterator[Place]:
        for child in item.children:
            if not isinstance(child, Items) or child.tag in _OF_OTHERS:
                continue
            for below in child.items:
                if self._stated(below, child, here) is not None:
                    yield from self._places_of(below, child, here)
                else:
                    leaf = self._leaf(below, child, here)
                    if leaf is not None:
                        yield leaf

    def _whole(self, here: Place) -> Place:
        """Return what becomes of a series or study to which an item refers as a whole."""
        if here.series:
            return self._destinations.of_series(here.series, here.study) or here
        return Place(self._destinations.of_study(here.study) or here.study, "")

    def _edited(
        self, item: Item, sequence: Items, here: Place, there: Place, wanted: _Wanted
    ) -> bytes | None:
        """Return an item whose references are those to some instances; None if it stays as it is.

        Parameters
        ----------
        here, there : Place
            The study and series of these instances, before and afterwards.
        """
        new = [self._child(child, sequence, here, there, wanted) for child in item.children]
        if all(one is None for one in new):
            return None
        out: list[bytes] = []
        run = item.first
        for child, one in zip(item.children, new, strict=True):
            if one is not None or isinstance(child, GroupLength):
                out += (self._buffer[run : child.start], one or b"")
                run = child.stop
        out.append(self._buffer[run : item.last])
        body = b"".join(out)
        if item.undefined:
            return self._buffer[item.start : item.first] + body + self._buffer[item.last : item.stop]
        return _resized(self._buffer[item.start : item.first], len(body), sequence.encoding) + body

    def _child(
        self, child: Child, sequence: Items, here: Place, there: Place, wanted: _Wanted
    ) -> bytes | None:
        """Return the element that takes the place of one, empty if none does; None if it stays as it is."""
        if isinstance(child, Uids):
            return self._named(child, sequence, here, there)
        if isinstance(child, GroupLength):
            return None
        items = self.items(child, here, wanted)
        if not items:
            return items
        header = self._buffer[child.start : child.value]
        if child.undefined:
            return header + items + self._buffer[child.last : child.stop]
        return _resized(header, len(items), sequence.encoding) + items

    def _named(self, uids: Uids, sequence: Items, here: Place, there: Place) -> bytes | None:
        if uids.tag == SERIES_INSTANCE_UID:
            new = there.series
        elif _names_study(uids.tag, sequence):
            new = there.study
        else:
            return self.single(uids, sequence.encoding, here)
        return None if new in {"", self._uid(uids)} else _element(sequence.encoding, uids, new)

    def single(self, uids: Uids, encoding: Encoding, around: Place) -> bytes | None:
        """Return an element whose values are references; None if it stays as it is."""
        values = [value.strip(" \0") for value in self._text(uids).split("\\")]
        for value in values:
            if (value, around) not in self._new:
                self._new[value, around] = self._followed(value, around)
        new = [self._new[value, around] for value in values]
        return None if new == values else _element(encoding, uids, "\\".join(new))

    def _followed(self, uid: str, around: Place) -> str:
        """Return what becomes of a UID, whatever it names."""
        instance = self._destinations.of_instance(uid, around)
        if instance is not None:
            return instance.instance
        series = self._destinations.of_series(uid, around.study)
        return self._destinations.of_study(uid) or (series.series if series else uid)

    def _text(self, uids: Uids) -> str:
        return self._buffer[uids.value : uids.stop].decode("latin-1")

    def _uid(self, uids: Uids) -> str:
        return self._text(uids).strip(" \0")


def _names_study(tag: int, sequence: Items) -> bool:
    is_instance = tag == REFERENCED_SOP_INSTANCE_UID and sequence.tag in OF_STUDIES
    return tag == STUDY_INSTANCE_UID or is_instance


def _groups(places: Iterable[Place], here: Place) -> list[list[Place]]:
    """Part places by what an item names of them: it has room for one study, or one series, of them."""
    groups: dict[tuple[str, str], list[Place]] = {}
    for place in places:
        named = place.study if here.study else "", place.series if here.series else ""
        groups.setdefault(named, []).append(place)
    return list(groups.values())


def _resized(header: bytes, length: int, encoding: Encoding) -> bytes:
    """Return a header, the last four bytes of which are a length, with another one."""
    return header[:-4] + struct.pack(encoding.order + "I", length)


def _element(encoding: Encoding, uids: Uids, text: str) -> bytes:
    value = text.encode("latin-1", "replace")
    pad = b" " if uids.vr in _PADDED_WITH_SPACES else b"\0"
    return encoding.element(uids.tag, uids.vr, value + pad * (len(value) % 2))

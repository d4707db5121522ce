"""What a request means for one element, judged by its whole path from the top level."""

from __future__ import annotations

import enum
from typing import TypeAlias

from dicomorph.dicom.engine.identity_mapper import Namespace
from tests.compat.oracle_request import INSTANCE, NAME, PATIENT_ID, SERIES, STUDY, Pattern, Request

Path: TypeAlias = tuple[tuple[int, int], ...]  # the sequences around an element, and which item of each

NAMESPACES = {
    PATIENT_ID: Namespace.PATIENT,
    STUDY: Namespace.STUDY,
    SERIES: Namespace.SERIES,
    INSTANCE: Namespace.INSTANCE,
}
# Signatures, earlier values of attributes, padding: PS3.15 E.1.1.
REMOVED_IN_EVERY_EDITION = {0x04000402, 0x04000403, 0x04000404, 0x04000550, 0x04000561} | {
    0x4FFE0001,
    0xFFFAFFFA,
    0xFFFCFFFC,
}
FIRST_DATA_SET_TAG = 0x00080000
RT_STUDY = (0x30060010, 0x30060012)
REFERENCED_SOP_INSTANCE_UID = 0x00081155


class Fate(enum.Enum):
    """What becomes of an element."""

    KEPT = enum.auto()
    GONE = enum.auto()
    EMPTY = enum.auto()
    MAPPED = enum.auto()


def is_private(tag: int) -> bool:
    return bool(tag >> 16 & 1)


def is_graphic(tag: int) -> bool:
    """Tell the even groups 50xx and 60xx."""
    return tag >> 24 in {0x50, 0x60} and not is_private(tag)


class Rules:
    """The rules of one request; paths are compared anew for each element."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._anonymize = request.anonymize
        profile = request.profile
        removed = profile.remove | REMOVED_IN_EVERY_EDITION if request.anonymize else set()
        mapped = profile.map | NAMESPACES.keys() if request.anonymize else set()
        kept_below = request.keep - {STUDY, SERIES, INSTANCE}  # spec 3.7, rule 5
        self._gone = removed | request.remove
        self._empty = profile.clear
        self._mapped = mapped
        self._below_gone = (removed - request.keep) | (request.remove if request.anonymize else set())
        self._below_empty = (profile.clear | {NAME}) - request.keep
        self._below_mapped = mapped - kept_below

    def fate(self, path: Path, tag: int) -> Fate:
        """Return what the request's Keep and Remove, private tags and the profile make of an element."""
        if not path:
            return self._fate_at_top(tag)
        if self._inside_kept(path):
            hidden = tag == NAME and self._anonymize and NAME not in self._request.keep
            return Fate.EMPTY if hidden and not self._is_named(path, tag) else Fate.KEPT
        if self._is_covered(path, tag):
            return Fate.KEPT
        if is_private(tag) and self._request.removes_private:
            return Fate.GONE
        if not self._anonymize:
            return Fate.KEPT
        return self._fate_below(tag)

    def namespace(self, path: Path, tag: int) -> Namespace:
        """Return among what an identifier is mapped: RT structure sets refer to a study by 0008,1155."""
        if tag == REFERENCED_SOP_INSTANCE_UID and tuple(sequence for sequence, _ in path) == RT_STUDY:
            return Namespace.STUDY
        return NAMESPACES.get(tag, Namespace.INSTANCE)

    def _fate_at_top(self, tag: int) -> Fate:
        asked = self._request.keep | self._request.replace.keys()
        if tag in asked:
            return Fate.KEPT
        if tag in self._gone or (is_graphic(tag) and self._anonymize):
            return Fate.GONE
        if is_private(tag) and self._request.removes_private:
            return Fate.GONE
        if tag in self._empty:
            return Fate.EMPTY
        return Fate.MAPPED if tag in self._mapped | self._request.new_uids else Fate.KEPT

    def _fate_below(self, tag: int) -> Fate:
        misplaced = tag < FIRST_DATA_SET_TAG or is_graphic(tag)
        if tag in self._below_gone or (misplaced and tag not in self._request.keep):
            return Fate.GONE
        if tag in self._below_empty:
            return Fate.EMPTY
        return Fate.MAPPED if tag in self._below_mapped else Fate.KEPT

    def _inside_kept(self, path: Path) -> bool:
        return any(self._is_covered(path[:depth], sequence) for depth, (sequence, _) in enumerate(path))

    def _is_covered(self, path: Path, tag: int) -> bool:
        """Tell whether a Keep names this very element; `_inside_kept` asks for those around it."""
        return (not path and tag in self._request.keep) or self._is_named(path, tag)

    def _is_named(self, path: Path, tag: int) -> bool:
        return any(matches(pattern, path, tag) for pattern in self._request.keep_paths)


def matches(pattern: Pattern, path: Path, tag: int) -> bool:
    """Tell whether a path of a request leads to this element."""
    parents, last = pattern
    return (
        last == tag
        and len(parents) == len(path)
        and all(
            sequence == there and index in {None, at}
            for (sequence, index), (there, at) in zip(parents, path, strict=True)
        )
    )

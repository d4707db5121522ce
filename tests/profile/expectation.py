"""What must become of an attribute under the newest profile: an implementation of the rules of its own.

An expectation is a set of outcomes, more than one where PS3.15 leaves the choice: it says Z may be
empty or a dummy, and that D may stay away with the module that asks for it.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from tests.profile.facts import BEYOND, ROWS, UIDS_OF_INSTANCES, Path, Row, types, vr_of


class Outcome(enum.Enum):
    """What is seen of an attribute afterwards."""

    GONE = "gone"
    EMPTY = "empty"  # zero length, whatever the VR
    OTHER = "other"  # something, and nothing of the original
    KEPT = "kept"  # the same; a sequence: the same items, judged one by one


GONE, EMPTY, OTHER, KEPT = (frozenset({outcome}) for outcome in Outcome)
ANY = frozenset(Outcome)

NEST = 0x00081250
"""A sequence that is kept, and defined in every IOD that has series: it holds UIDs and a code."""

_FIRST_DATA_SET_TAG = 0x00080000
_PATIENT_ID = 0x00100020
_REPLACED = {0x00100010, _PATIENT_ID}  # the new name and id of the patient
_MARKS = {0x00120062, 0x00120063, 0x00120064, 0x00280303}
# Kept where required: its references lead to studies, which are mapped.
_REFERENCED_STUDY_SEQUENCE = 0x00081110
# What a signature was made of, and what only the holder of a key can read, does not outlive the change.
_SIGNED_OR_ENCRYPTED = {0x04000402, 0x04000403, 0x04000404, 0x04000500, 0x04000550, 0x04000561}
_SIGNED_OR_ENCRYPTED |= {0x4FFE0001, 0xFFFAFFFA, 0xFFFCFFFC}
# Required only by a module that goes with it.
_GRAPHIC_ANNOTATION_SEQUENCE = 0x00700001
# The second goes with the first, which the table removes: it says who has approved under that number.
ETHICS_COMMITTEE_NAME = 0x00120081
# They say something of what goes: of dates in another calendar, of a responsible person.
_SAYS_OF_WHAT_GOES = {0x00100035, 0x00102298}
# Which private blocks are safe is written anew of those that stay; without the option nobody reads it.
_OF_PRIVATE_BLOCKS = 0x00080300
# An address is no place for pixels.
SETTLED = _SIGNED_OR_ENCRYPTED | _SAYS_OF_WHAT_GOES | {0x00287FE0}
"""What goes under every option, whatever a row says."""
# What is said of a document is said of the one that takes its place.
_OF_A_DOCUMENT = {0x00420012: KEPT | OTHER, 0x00420014: KEPT | OTHER, 0x00420015: GONE | OTHER}
# Optional in the standard, and required by validators.
_ADDRESS_OF_A_DOCUMENT = (0x0040A390, 0x0040E010)
_ICC_PROFILE = 0x00282000  # the text in it goes, the colours stay


@dataclass(frozen=True, slots=True)
class Expectations:
    """What a table makes of attributes.

    Parameters
    ----------
    options : Collection[str]
        Those that are active.
    rows : Mapping[int, Row]
        The table.
    """

    options: Collection[str] = ()
    rows: Mapping[int, Row] = field(default_factory=lambda: ROWS)

    def of(self, sop_class: str, path: Path, tag: int) -> frozenset[Outcome]:
        """Return what may be seen of an attribute whose sequences are kept."""
        special = _special(path, tag) or self._dependent(tag)
        if special is not None:
            return special
        kind = types().type_of(sop_class, path, tag)
        known = sop_class in types()
        row = self.rows.get(tag)
        if row is None:
            return self._beyond(tag, kind, known=known)
        says = {row.options[name] for name in self.options if name in row.options}
        if "C" in says and row.vr == "AE" and "RetainDeviceIdentity" in self.options:
            return OTHER
        if says == {"K"} or row.basic == "K":
            return KEPT
        return resolved(row.basic, kind, tag, known=known)

    def _dependent(self, tag: int) -> frozenset[Outcome] | None:
        if tag == _OF_PRIVATE_BLOCKS and "RetainSafePrivate" in self.options:
            return GONE | OTHER
        if tag == ETHICS_COMMITTEE_NAME and "RetainInstitutionIdentity" not in self.options:
            return GONE
        return None

    def differs(self, other: Expectations, sop_class: str, tag: int) -> bool:
        """Tell whether two tables have no outcome in common, at the top level or in a kept sequence."""
        return any(
            not self.of(sop_class, path, tag) & other.of(sop_class, path, tag) for path in ((), (NEST,))
        )

    def _beyond(self, tag: int, kind: str | None, *, known: bool) -> frozenset[Outcome]:
        if tag in UIDS_OF_INSTANCES:
            return KEPT if "RetainUIDs" in self.options else OTHER
        if tag in BEYOND:
            return resolved(BEYOND[tag], kind, tag, known=known)
        return KEPT if vr_of(tag) else GONE


def _special(path: Path, tag: int) -> frozenset[Outcome] | None:
    if tag < _FIRST_DATA_SET_TAG or (tag >> 16) % 2 or tag >> 24 in {0x50, 0x60}:
        return GONE
    if not path and tag in _REPLACED:
        return OTHER
    if (not path and tag in _MARKS) or tag == _ICC_PROFILE:
        return ANY
    if tag in SETTLED:
        return GONE
    if (*path[-1:], tag) == _ADDRESS_OF_A_DOCUMENT:
        return GONE | OTHER
    return _OF_A_DOCUMENT.get(tag)


def resolved(action: str, kind: str | None, tag: int, *, known: bool) -> frozenset[Outcome]:
    """Return what an action means for a type of attribute.

    Parameters
    ----------
    action : str
        As the table spells it.
    kind : str, optional
        The type, None where the IOD does not define the attribute there.
    tag : int
        The attribute.
    known : bool
        Whether it is known what the SOP class defines at all.
    """
    parts = set(action.rstrip("*").split("/"))
    if "U" in parts:
        return KEPT if vr_of(tag) == "SQ" else OTHER
    if known and kind is None:
        return GONE
    if known and kind in {"1", "1C"}:
        return _required(tag)
    if known and kind in {"2", "2C"}:
        return _may_be_empty(tag, parts)
    # Of an optional attribute the least remains, of one nobody knows what any type allows.
    order = "XZD" if known else "DZX"
    return {"X": GONE, "Z": EMPTY, "D": OTHER}[next(code for code in order if code in parts)]


def _may_be_empty(tag: int, parts: set[str]) -> frozenset[Outcome]:
    if tag == _PATIENT_ID or parts == {"X", "D"}:
        return EMPTY | OTHER  # an id may follow that of the instance
    return OTHER if parts == {"D"} else EMPTY


def _required(tag: int) -> frozenset[Outcome]:
    if tag == _REFERENCED_STUDY_SEQUENCE:
        return KEPT
    if tag == _GRAPHIC_ANNOTATION_SEQUENCE:
        return OTHER | GONE
    return OTHER

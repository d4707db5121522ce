"""The conformant editions: Table E.1-1 of PS3.15 read by the type of an attribute where it stands.

An action says how little may remain; the definition of the object says how much must. Of the
actions that a code leaves open, and where one would make a valid object invalid, the most
protective is taken that leaves it valid (PS3.15 E.1.1).
"""

from __future__ import annotations

import functools

from dicomorph.deid.editions.dummies import belongs_to, dummy_of, mapped, without
from dicomorph.deid.editions.iod_types import IodTypes, Requirement, iod_types
from dicomorph.deid.editions.options import Choice, Option
from dicomorph.deid.editions.profile_table import Row, beyond_the_table, profile_rows, uid_roles
from dicomorph.deid.editions.profiles import is_graphic
from dicomorph.deid.editions.resolution import ANYWHERE, RT_PATHS, Path
from dicomorph.dicom.engine.edit_plan import (
    ICC_PROFILE,
    KEEP,
    NO_VALUE,
    REMOVE,
    Action,
    Dummy,
    DummyKind,
    Rule,
)
from dicomorph.dicom.standard.dictionary import find, is_private, vr_of
from dicomorph.dicom.standard.tags import PATIENT_ID

# What an action comes to where a value is required, may be empty, is optional, is not defined,
# and where nobody knows (PS3.15 E.1.1, Table E.1-1a). A dummy is valid whatever is required.
DECIDED = {
    "X": "DZXXX",
    "Z": "DZZXZ",
    "D": "DDDXD",
    "U": "UUUUU",
    "Z/D": "DZZXD",
    "X/Z": "DZXXZ",
    "X/D": "DDXXD",
    "X/Z/D": "DZXXD",
    "X/Z/U*": "UUUUU",
    "K": "KKKKK",
    "AE": "EEEEE",
}
_KEEP = "K"
_REMEMBERED = 8_192  # tags, and places with a tag
_CLEANED_TITLE = "AE"
_FIRST_DATA_SET_TAG = 0x00080000  # what lies below belongs to file meta, commands or a DICOMDIR
_FORBIDDEN = 0xFFFF0000  # the last group, which nobody may use (PS3.5 7.8)
_ICC_PROFILE = 0x00282000
_REFERENCED_STUDY_SEQUENCE = 0x00081110
# RetrieveURI in HL7StructuredDocumentReferenceSequence is of Type 3 (PS3.3 C.12.1). dciodvfy takes it
# for Type 1, and a dummy is valid under both.
_ADDRESS_OF_A_DOCUMENT = (0x0040A390, 0x0040E010)
# What cleaning a title comes to: another one, the same for the same; where there was none, none.
_KEYED_TITLE = Rule(Action.DUMMY, dummy=Dummy(DummyKind.KEYED, ""))

# They go whatever requires them. Signatures do not outlive a change, and name who signed; what
# was encrypted or was there before holds the originals; padding may hold anything (E.1.1). No
# address stands for pixels.
ALWAYS_REMOVED = frozenset(
    (
        *(0x04000402, 0x04000403, 0x04000404, 0x04000500, 0x04000550, 0x04000561),
        *(0x4FFE0001, 0xFFFAFFFA, 0xFFFCFFFC),
        0x00287FE0,
    )
)


class ConfidentialityProfile:
    """An edition with what a request chose of it (a `resolution.Resolver`).

    Parameters
    ----------
    edition : str
        One of `profile_table.CONFORMANT_EDITIONS`.
    choice : Choice
        Its allow list is none of this class's business (`allow_listed`), nor are ages (`scopes`).
    types : IodTypes
        What objects require.
    """

    depends_on_sop_class = True

    def __init__(self, edition: str, choice: Choice, types: IodTypes) -> None:
        self.edition = edition
        self.types = types
        self._rows = {tag: action_of(tag, row, choice.options) for tag, row in profile_rows(edition).items()}
        self._keeps_uids = Option.RETAIN_UIDS in choice.options
        self.unfit = functools.lru_cache(maxsize=_REMEMBERED)(self._unfit)
        self.place = functools.lru_cache(maxsize=_REMEMBERED)(self._place)
        self.action = functools.lru_cache(maxsize=_REMEMBERED)(self._action)

    @property
    def method(self) -> str:
        """What DeidentificationMethod says of it, behind the name of the software."""
        return f"PS 3.15-{self.edition} Table E.1-1 Basic Profile"

    def _action(self, tag: int) -> str:
        """Return the code of an attribute: of the table with the options, or of what is beyond it.

        Returns
        -------
        str
            A code of Table E.1-1a; ``AE`` for a title that is cleaned. For a private attribute
            `_KEEP`: whether those stay is said elsewhere.
        """
        if is_private(tag) and tag >= _FIRST_DATA_SET_TAG:
            return _KEEP
        found = self._rows.get(tag)
        if found is not None:
            return found
        beyond = beyond_the_table().get(tag)
        if beyond is not None:
            return _KEEP if beyond.action == "U" and self._keeps_uids else beyond.action
        if tag < _FIRST_DATA_SET_TAG or is_graphic(tag) or find(tag) is None:
            return "X"
        if vr_of(tag) == "UI" and uid_roles().get(tag) != "well_known":
            return _KEEP if self._keeps_uids else "U"  # newer than the table of roles
        return _KEEP

    def resolve(self, tag: int, path: Path, sop_class: str, staying: frozenset[int] = frozenset()) -> Rule:
        """Return what happens to an attribute that no request speaks of."""
        is_retained = self._rows.get(tag) == _KEEP  # by an option
        belongings = frozenset[int]() if is_retained else belongs_to(tag)
        if not belongings.isdisjoint(staying):
            return self.alone(tag, path, sop_class)
        others = {other: self.alone(other, path, sop_class) for other in belongings}
        return without(tag, others, path, sop_class) or self.alone(tag, path, sop_class)

    def alone(self, tag: int, path: Path, sop_class: str) -> Rule:
        """Return what happens to an attribute if what it belongs to stays."""
        if tag in ALWAYS_REMOVED or not _FIRST_DATA_SET_TAG <= tag < _FORBIDDEN:
            return REMOVE
        if tag == PATIENT_ID and not path:
            return mapped(tag, path)  # instances of a patient stay those of one
        requirement = self.requirement(tag, path, sop_class)
        if tag == _REFERENCED_STUDY_SEQUENCE and requirement is Requirement.VALUE:
            return KEEP  # its references are mapped
        return self._rule(DECIDED[self.action(tag)][requirement], tag, path, sop_class)

    def requirement(self, tag: int, path: Path, sop_class: str) -> Requirement:
        """Return what objects of a SOP class demand of an attribute, or are taken to demand."""
        found = self.types.requirement(tag, path, sop_class)
        is_address = found is Requirement.NOTHING and (*path[-1:], tag) == _ADDRESS_OF_A_DOCUMENT
        return Requirement.VALUE if is_address else found

    def _rule(self, decided: str, tag: int, path: Path, sop_class: str) -> Rule:
        """Return the rule for one of the letters that actions come to."""
        if decided == "X":
            return REMOVE
        if decided == "K":
            return self.kept(tag)
        if decided == "E":
            return _KEYED_TITLE
        if decided == "U":
            return mapped(tag, path) if vr_of(tag) == "UI" else KEEP
        if decided == "Z":
            return mapped(tag, path) if tag == PATIENT_ID else NO_VALUE
        return dummy_of(tag, path, sop_class)

    def kept(self, tag: int) -> Rule:
        """Return the rule for an attribute that stays."""
        return ICC_PROFILE if tag == _ICC_PROFILE else KEEP

    def _unfit(self, tag: int, path: Path, sop_class: str) -> Rule:
        """Return what happens to a value that its VR cannot hold, and which may therefore be anything."""
        requirement = self.types.requirement(tag, path, sop_class)
        return self._rule(DECIDED["X/Z/D"][requirement], tag, path, sop_class)

    def _place(self, path: Path, sop_class: str) -> Path:
        """Return the path itself where the SOP class says what stands there: there are not too many."""
        if path in RT_PATHS or (path[:1] != ANYWHERE and self.types.defines_items(path, sop_class)):
            return path
        return ANYWHERE


def action_of(tag: int, row: Row, options: frozenset[Option]) -> str:
    """Return the code of a row under options; what one keeps and another cleans is cleaned.

    There is no cleaner of text: what would be cleaned gets the action of the Basic Profile.
    """
    said = {row.options[option] for option in options if option in row.options}
    if "C" in said:
        return _CLEANED_TITLE if vr_of(tag) == "AE" else row.basic
    return _KEEP if said else row.basic


@functools.lru_cache(maxsize=64)
def confidentiality_profile(edition: str, choice: Choice) -> ConfidentialityProfile:
    """Return an edition with what a request chose of it."""
    return ConfidentialityProfile(edition, choice, iod_types())

"""An edition that keeps only what a list names: PS3.15 E.1.1 calls its table a minimum."""

from __future__ import annotations

from dicomorph.deid.editions.allow_list import AllowList
from dicomorph.deid.editions.confidentiality import ALWAYS_REMOVED, ConfidentialityProfile
from dicomorph.deid.editions.dummies import dummy_of
from dicomorph.deid.editions.iod_types import Requirement
from dicomorph.deid.editions.replaced_content import dependent_attributes
from dicomorph.deid.editions.resolution import Path
from dicomorph.dicom.engine.edit_plan import KEEP, NO_VALUE, REMOVE, Rule
from dicomorph.dicom.standard.dictionary import is_private, vr_of
from dicomorph.dicom.standard.tags import PATIENT_ID

# Numbers, codes and bulk data that an object cannot be without are not dummied: an image of no
# rows is none. What the table names of them is.
_PLAIN_TEXT = frozenset(("AE", "AS", "DA", "DT", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UR", "UT"))
_GONE = (REMOVE, NO_VALUE)


class AllowListed:
    """An edition behind a list (a `resolution.Resolver`).

    What is listed is kept wherever it stands; UIDs of instances are mapped all the same.
    All else goes, as far as the object stays valid without it.

    Parameters
    ----------
    profile : ConfidentialityProfile
        The edition.
    allow_list : AllowList
        What alone is kept.
    """

    depends_on_sop_class = True

    def __init__(self, profile: ConfidentialityProfile, allow_list: AllowList) -> None:
        self._profile = profile
        self._listed = allow_list.tags
        self.unfit = profile.unfit
        self.place = profile.place

    def resolve(self, tag: int, path: Path, sop_class: str, staying: frozenset[int] = frozenset()) -> Rule:
        """Return what happens to an attribute that no request speaks of."""
        profile = self._profile
        usual = profile.resolve(tag, path, sop_class, staying)
        if tag in ALWAYS_REMOVED or is_private(tag) or tag == PATIENT_ID:
            return usual
        if tag in self._listed:
            return usual if vr_of(tag) == "UI" else profile.kept(tag)
        if self._lost_its_meaning(tag, path, sop_class, staying):
            return REMOVE
        requirement = profile.requirement(tag, path, sop_class)
        if requirement in {Requirement.VALUE, Requirement.UNKNOWN}:
            return dummy_of(tag, path, sop_class) if usual == KEEP and vr_of(tag) in _PLAIN_TEXT else usual
        return NO_VALUE if requirement is Requirement.PRESENCE else REMOVE

    def _lost_its_meaning(self, tag: int, path: Path, sop_class: str, staying: frozenset[int]) -> bool:
        """Tell whether an attribute belongs to others, none of which gets a value here."""
        required = self._profile.requirement
        belongings = dependent_attributes().get(tag, frozenset())
        if not belongings.isdisjoint(staying):
            return False
        others = [
            other for other in belongings if required(other, path, sop_class) is not Requirement.UNDEFINED
        ]
        return bool(others) and all(self.resolve(other, path, sop_class) in _GONE for other in others)

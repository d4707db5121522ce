"""All editions of the profile: Orthanc's reading of four, and the conformant reading of the newer ones."""

from __future__ import annotations

from dicomorph.deid.editions.allow_listed import AllowListed
from dicomorph.deid.editions.confidentiality import confidentiality_profile
from dicomorph.deid.editions.options import Choice
from dicomorph.deid.editions.profile_table import CONFORMANT_EDITIONS
from dicomorph.deid.editions.profiles import EDITIONS, profile
from dicomorph.deid.editions.resolution import Resolver
from dicomorph.model.errors import ParameterOutOfRangeError

ALL_EDITIONS = (*EDITIONS, *CONFORMANT_EDITIONS)
NEWEST_EDITION = ALL_EDITIONS[-1]


def is_conformant(edition: str) -> bool:
    """Tell whether an edition is read as the standard means it, and not as Orthanc does."""
    return edition in CONFORMANT_EDITIONS


def resolver_of(edition: str, choice: Choice | None = None) -> Resolver:
    """Return what answers for an edition.

    Parameters
    ----------
    edition : str
        One of `ALL_EDITIONS`.
    choice : Choice, optional
        What a request chose of it. Orthanc's editions offer no choice of what is kept.

    Raises
    ------
    ParameterOutOfRangeError
        If there is no such edition, or not with this choice.
    """
    choice = choice or Choice()
    if is_conformant(edition):
        found = confidentiality_profile(edition, choice)
        return AllowListed(found, choice.allow_list) if choice.allow_list else found
    if choice.options or choice.age_cap or choice.allow_list:
        message = f"The profile of DicomVersion {edition} has no options"
        raise ParameterOutOfRangeError(message)
    if edition not in EDITIONS:
        message = f"Unknown DicomVersion; known are {', '.join(ALL_EDITIONS)}"
        raise ParameterOutOfRangeError(message)
    return profile(edition)


def method_of(edition: str) -> str:
    """Return what DeidentificationMethod says of an edition, behind the name of the software."""
    if is_conformant(edition):
        return confidentiality_profile(edition, Choice()).method
    return profile(edition).method
